"""Checkpoints: the moments since which QEMU remembers what is written to the disks of an instance.

Each is a bitmap in the image of each of its disks. An incremental backup since one of them is of
use as long as that bitmap is whole and the backup that was made with it is there.
"""

from __future__ import annotations

from core.model.base import Value


class CheckpointDisk(Value, frozen=True):
    """A disk of a checkpoint."""

    target: str
    """vda, sdb..."""
    bitmap: str = ""
    changed: int | None = None
    """Bytes written since; None: not asked, or there is no telling."""
    file: str = ""
    """Where the backup that was made with it lies, by what virtdeck wrote down; empty: nowhere
    that is known."""
    broken: bool = False
    """Its bitmap is missing, or not whole: QEMU was killed, or the image was replaced."""


class Checkpoint(Value, frozen=True):
    """A checkpoint of an instance."""

    name: str
    parent: str = ""
    created: float | None = None
    """Seconds since the epoch."""
    description: str = ""
    """What whoever made it wrote; empty where that is for programs."""
    disks: tuple[CheckpointDisk, ...] = ()
    """Those that it is of."""
    unfinished: bool = False
    """A backup of virtdeck's was begun with it, and was not seen to be whole."""
    judged: bool = False
    """QEMU was asked how its bitmaps are: it cannot be asked while the instance is off."""

    def disk(self, target: str) -> CheckpointDisk | None:
        """Return one of its disks; None: it is not of that one."""
        return next((disk for disk in self.disks if disk.target == target), None)

    @property
    def changed(self) -> int | None:
        """Bytes written to its disks since; None where there is no telling of one."""
        if any(disk.changed is None for disk in self.disks):
            return None
        return sum(disk.changed or 0 for disk in self.disks)

    @property
    def broken(self) -> tuple[str, ...]:
        """The disks whose bitmap is known to be missing or not whole."""
        return tuple(disk.target for disk in self.disks if disk.broken)

    @property
    def backed_up(self) -> bool:
        """Whether it is known where the backup of each of its disks lies."""
        return bool(self.disks) and all(disk.file for disk in self.disks)
