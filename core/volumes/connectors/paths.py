"""What is on the host already: a device, or a file of a cluster's file system (GPFS). Pure."""

from __future__ import annotations

from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import ConnectorFamily, DeviceInfo, VolumePlace


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where there is no path."""
    info.require("device_path")
    if not info.text("device_path").startswith("/"):
        raise info.malformed("device_path", "is no whole path")


def place(info: ConnectionInfo, _: DeviceInfo) -> VolumePlace:
    """Return what is at the path: under /dev it is a device."""
    path = info.text("device_path")
    block = path.startswith("/dev/") and info.protocol != "gpfs"
    return VolumePlace(path, "block" if block else "file")


LOCAL = ConnectorFamily(check, place, brick=False)
GPFS = ConnectorFamily(check, place, brick=False, extends=False, everywhere=True)
