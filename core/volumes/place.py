"""Where a connected volume is, and how its disk is best read and written. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import UsageError
from core.model.new_device import NetworkImage
from core.model.secret_value import Secret
from core.volumes.connection_info import ConnectionInfo

DeviceInfo = Mapping[str, Any]
"""What os-brick said when it connected a volume: `path`, `type`, `multipath_id`..."""


@dataclass(frozen=True, slots=True)
class VolumePlace:
    """An image that an instance can be given."""

    source: str
    type: str
    """file, block, network."""
    format: str = "raw"
    io: str = ""
    cache: str = "none"
    """Of Nova's rules: the host's page cache would come between two hosts of one volume."""
    network: NetworkImage | None = None
    secret: Secret | None = None
    """With which QEMU proves who it is to the servers of `network`."""


@dataclass(frozen=True, slots=True)
class ConnectorFamily:
    """The protocols of one kind."""

    check: Callable[[ConnectionInfo], None]
    """Raises ConnectionInfoError for the first key that is missing or malformed."""
    place: Callable[[ConnectionInfo, DeviceInfo], VolumePlace]
    """Returns the image of what is connected."""
    brick: bool = True
    """os-brick connects it on the host first; else QEMU does, or there is nothing to connect."""
    extends: bool = True
    """What is connected can be made to show its new size."""
    mounts: bool = False
    """It is a file of a share that is mounted."""
    everywhere: bool = False
    """Its connection_info is the same on every host, as far as Cinder's drivers go: it names what
    the storage serves, and nothing of the host."""


def block_device(io: str = "native") -> Callable[[ConnectionInfo, DeviceInfo], VolumePlace]:
    """Return what makes a disk of the device that os-brick told of."""

    def place(info: ConnectionInfo, device: DeviceInfo) -> VolumePlace:
        return VolumePlace(path_in(info, device), "block", io=io)

    return place


def path_in(info: ConnectionInfo, device: DeviceInfo) -> str:
    """Return the path that os-brick told of; raises UsageError where it told of none."""
    path = device.get("path")
    if isinstance(path, bytes):
        path = path.decode(errors="surrogateescape")
    if not isinstance(path, str) or not path.startswith("/"):
        text = f"os-brick connected the {info.protocol} volume and named no device of it."
        raise UsageError(text, "Look at the host: what is there under /dev/disk/by-path?")
    return path
