"""Shares that the host mounts, with a volume as a file: NFS, SMB, Quobyte, Virtuozzo. Pure."""

from __future__ import annotations

from collections.abc import Callable

from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import ConnectorFamily, DeviceInfo, VolumePlace, path_in

FORMATS = ("raw", "qcow2")


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a file of a share."""
    info.require("export")
    info.require("name")
    info.text("export")
    if "/" in info.text("name").strip("/") or ".." in info.text("name"):
        raise info.malformed("name", "is no name of a file")
    if info.text("format") not in ("", *FORMATS):
        raise info.malformed("format", "is neither raw nor qcow2")


def file_of(io: str, cache: str) -> Callable[[ConnectionInfo, DeviceInfo], VolumePlace]:
    """Return what makes a disk of the file of a share that is mounted."""

    def place(info: ConnectionInfo, device: DeviceInfo) -> VolumePlace:
        path, name = path_in(info, device), info.text("name")
        if not path.endswith(f"/{name}"):
            path = f"{path.rstrip('/')}/{name}"  # os-brick tells of the mount point
        return VolumePlace(path, "file", info.text("format") or "raw", io, cache)

    return place


_SHARE = {"extends": False, "mounts": True}
NFS = ConnectorFamily(check, file_of("native", "none"), **_SHARE, everywhere=True)
QUOBYTE = ConnectorFamily(check, file_of("native", "none"), **_SHARE, everywhere=True)
SMB = ConnectorFamily(check, file_of("", "writeback"), **_SHARE)
VZSTORAGE = ConnectorFamily(check, file_of("native", "writeback"), **_SHARE, everywhere=True)
