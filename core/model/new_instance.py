"""What an instance that is made is to have. Pure values."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value


class NewDisk(Value, frozen=True):
    """A disk, or a medium in a drive."""

    source: str
    """Where it is on the host."""
    type: Literal["file", "block"] = "file"
    format: str = "qcow2"
    device: Literal["disk", "cdrom"] = "disk"
    optional: bool = False
    """It starts without it, should it be gone."""


class NewInstance(Value, frozen=True):
    """What an instance is to have."""

    name: str
    uuid: str
    memory: int
    """MiB."""
    vcpus: int
    firmware: Literal["bios", "uefi"] = "bios"
    disks: tuple[NewDisk, ...] = ()
    network: str = "none"
    """A network's name, `bridge:NAME`, `user` or `none`."""
    first: Literal["disk", "cdrom", "network"] = "disk"
    """What it is booted from, where that can be; the others follow."""
    graphics: Literal["vnc", "spice", "none"] = "vnc"
    tpm: bool = False
    kernel: str = ""
    """Booted at once, past firmware and disks; a path on the host, as is the initrd."""
    initrd: str = ""
    cmdline: str = ""


def target_of(disks: tuple[NewDisk, ...], place: int) -> str:
    """Return the target that the disk at a place has: `vda`; `sda` for a medium."""
    kind = disks[place].device
    number = sum(disk.device == kind for disk in disks[:place])
    return f"{'vd' if kind == 'disk' else 'sd'}{chr(ord('a') + number)}"
