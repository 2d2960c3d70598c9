"""What a device that is attached to an instance is to be. Pure values."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value

DeviceKind = Literal["disk", "interface"]
"""What of an instance can be attached and detached. A disk is named by its target, an interface by
its MAC address in small letters."""


class AttachedDisk(Value, frozen=True):
    """A disk, or a medium in a drive of its own."""

    source: str
    """Where it is on the host."""
    type: str
    """file, block."""
    format: str
    """raw, qcow2..."""
    target: str
    """vdb, sda..."""
    bus: str
    device: str = "disk"
    """disk, cdrom."""
    read_only: bool = False
    shareable: bool = False
    serial: str = ""
    cache: str = ""
    """Empty, as are the two below: what libvirt or QEMU takes."""
    io: str = ""
    discard: str = ""


class AttachedInterface(Value, frozen=True):
    """A network device."""

    mac: str
    type: str
    """network, bridge, direct, user."""
    source: str
    """The network, bridge or device of the host; empty: it has none."""
    model: str
    mtu: int = 0
    """Bytes; 0: what the network has. So of the two below."""
    queues: int = 0
    vlan: int = 0
    """The tag of its frames."""
    nwfilter: str = ""
    """The filter of its traffic, by its name; empty: none."""
    link_up: bool = True
