"""The calls of block jobs. Images are named by their paths: libvirt's numbers are read as they are
used. Speeds are bytes a second, 0: as fast as it goes.
"""

from __future__ import annotations

from typing import ClassVar

from core.verbs.call import Call

ALREADY_FROZEN = "The guest is frozen already, by somebody else"
"""How the error of a `CopyFinishCall` begins that froze nothing itself."""


def _limit(bandwidth: int) -> tuple[str, ...]:
    return ("--bandwidth", str(bandwidth), "--bytes") if bandwidth else ()


class BlockPullCall(Call, frozen=True):
    """virDomainBlockRebase: what lies in the images below goes into the one in use."""

    disk: str
    base: str = ""
    """The image that stays below; empty: none does."""
    bandwidth: int = 0

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockpull`."""
        base = ("--base", self.base) if self.base else ()
        return ("blockpull", name, self.disk, *base, *_limit(self.bandwidth))


class BlockCommitCall(Call, frozen=True):
    """virDomainBlockCommit: what lies in an image goes into one below it."""

    disk: str
    base: str
    top: str = ""
    """Empty: the image in use, whose job then waits for a pivot."""
    bandwidth: int = 0

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockcommit`."""
        top = ("--top", self.top) if self.top else ("--active",)
        return ("blockcommit", name, self.disk, "--base", self.base, *top, *_limit(self.bandwidth))


class BlockCopyCall(Call, frozen=True):
    """virDomainBlockCopy to a new file: once they are equal, every write goes to both.

    As a transient job: else libvirt has none on an instance that is defined.
    """

    disk: str
    to: str
    """The file, by its whole path."""
    format: str
    shallow: bool = False
    """Only what lies in the image in use: the copy is based on what that is based on."""
    synchronous: bool = False
    """The guest's writes wait until they are in the copy, too."""
    bandwidth: int = 0
    device: bool = False
    """It goes to a device, which is there already."""
    source: str = ""
    """What the disk wrote to when it began, where that is looked after at the end."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockcopy`."""
        shallow = ("--shallow",) if self.shallow else ()
        device = ("--blockdev",) if self.device else ()
        together = ("--synchronous-writes",) if self.synchronous else ()
        how = ("--format", self.format, "--transient-job", *device, *shallow, *together)
        return ("blockcopy", name, self.disk, self.to, *how, *_limit(self.bandwidth))


class BlockSpeedCall(Call, frozen=True):
    """virDomainBlockJobSetSpeed."""

    repeatable: ClassVar[bool] = True
    disk: str
    bandwidth: int

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockjob --bandwidth`."""
        return ("blockjob", name, self.disk, "--bandwidth", str(self.bandwidth), "--bytes")


class BlockPivotCall(Call, frozen=True):
    """virDomainBlockJobAbort with a pivot: the disk goes on on what it is mirrored to."""

    repeatable: ClassVar[bool] = True
    disk: str
    secrets: bool = False
    """What the disk leaves may have secrets of libvirt's of its own, which go next."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockjob --pivot`."""
        return ("blockjob", name, self.disk, "--pivot")


class BlockAbortCall(Call, frozen=True):
    """virDomainBlockJobAbort of a job that is given up."""

    repeatable: ClassVar[bool] = True
    urgent: ClassVar[bool] = True
    disk: str

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockjob --abort`."""
        return ("blockjob", name, self.disk, "--abort")


class CopyFinishCall(Call, frozen=True):
    """virDomainBlockJobAbort of a copy that is equal: the file stays as the disk is now."""

    repeatable: ClassVar[bool] = True
    disk: str
    quiesce: bool = False
    """The guest's agent freezes its file systems around it, and thaws them whatever comes."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blockjob --abort`."""
        return ("blockjob", name, self.disk, "--abort")


class SlowDownCall(Call, frozen=True):
    """virDomainSetBlockIoTune of a disk without limits: the guest writes to it no faster."""

    repeatable: ClassVar[bool] = True
    disk: str
    write: int
    """Bytes a second."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blkdeviotune`."""
        return ("blkdeviotune", name, self.disk, "--write-bytes-sec", str(self.write), "--live")


class ReleaseCall(Call, frozen=True):
    """virDomainSetBlockIoTune of a disk that was slowed down: it has no limit again."""

    repeatable: ClassVar[bool] = True
    disk: str

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh blkdeviotune`."""
        return ("blkdeviotune", name, self.disk, "--write-bytes-sec", "0", "--live")


class RoomCall(Call, frozen=True):
    """virStoragePoolGetInfo of where a file is: fails, and says so, where less is free than needed.

    QEMU and libvirt give no reason for a copy that failed.
    """

    repeatable: ClassVar[bool] = True
    path: str
    needed: int
    """Bytes."""


class CopyRemoveCall(Call, frozen=True):
    """virStorageVolDelete of a file that an operation made; none there is as good as removed."""

    repeatable: ClassVar[bool] = True
    path: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-delete`, where a pool has it."""
        return ("vol-delete", self.path)


class PoolLookCall(Call, frozen=True):
    """virStoragePoolRefresh of the pool in whose directory QEMU made a file."""

    repeatable: ClassVar[bool] = True
    pool: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh pool-refresh`."""
        return ("pool-refresh", self.pool)
