"""The calls of a backup that QEMU itself writes (push mode), and of what it leaves behind.

The target of an increment is made before, based on the backup it adds to: QEMU then writes only
what has changed. Were it left to libvirt, the file would be based on the disk in use, and read as
what that holds by then.
"""

from __future__ import annotations

from typing import ClassVar

from core.model.base import Value
from core.verbs.answer import CallAnswer
from core.verbs.call import Call


class BackupDisk(Value, frozen=True):
    """A disk of a backup, and its file."""

    target: str
    path: str
    parent: str = ""
    """The file of the backup that this one adds to; empty: none, or none that is known."""


class DiskFigures(Value, frozen=True):
    """What a host tells of a disk before its backup."""

    target: str
    capacity: int
    """Bytes."""
    changed: int | None = None
    """Bytes written since the checkpoint; None: it is a full backup."""


class BackupFigures(CallAnswer, frozen=True):
    """What a host tells before a backup."""

    disks: tuple[DiskFigures, ...]


class BackupPlanCall(Call, frozen=True):
    """virDomainGetBlockInfo and the folder's pool: whether a backup can be made as it is asked for.

    It fails where a file is there already: what has the name of a file of this backup later, this
    operation has made.
    """

    repeatable: ClassVar[bool] = True
    probe: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = BackupFigures
    name: str
    folder: str
    disks: tuple[BackupDisk, ...]
    without: tuple[str, ...] = ()
    """The disks that are left out."""
    since: str = ""
    """The checkpoint; empty: a full backup."""
    format: str = "qcow2"
    checkpoint: bool = True


class BackupFilesCall(Call, frozen=True):
    """virStorageVolCreateXML of each file, based on its parent: all of them or none."""

    files: tuple[tuple[str, int, str], ...]
    """Path, capacity in bytes, and the path of what it is based on."""
    format: str = "qcow2"


class BackupBeginCall(Call, frozen=True):
    """virDomainBackupBegin: returns when QEMU has begun to write."""

    undisturbed: ClassVar[bool] = True
    changes_checkpoints: ClassVar[bool] = True
    name: str
    files: tuple[tuple[str, str], ...]
    """Target and path of each disk."""
    without: tuple[str, ...] = ()
    since: str = ""
    format: str = "qcow2"
    checkpoint: bool = True
    quiesce: bool = False
    """The guest's agent freezes its file systems around it, and thaws them whatever comes."""
    bandwidth: int = 0
    """Bytes a second for each disk; 0: no limit."""

    @property
    def text(self) -> str:
        """What libvirt is told."""
        from core.xml.checkpoint import push_xml

        return push_xml(self.files, self.without, self.format, self.since)

    @property
    def checkpoint_xml(self) -> str:
        """The checkpoint that is made with it: not of use before the backup is known to be."""
        from core.xml.checkpoint import UNFINISHED, checkpoint_xml

        targets = [target for target, _ in self.files]
        return checkpoint_xml(self.name, targets, self.without, UNFINISHED)


class BackupStatus(CallAnswer, frozen=True):
    """How the backup under way, or the last that ended, stands."""

    runs: bool
    """One that writes the files asked about is under way."""
    total: int = 0
    processed: int = 0
    """Bytes."""
    result: str = ""
    """completed, failed, cancelled: of the last that ended; empty: none is known of."""
    error: str = ""
    checkpoint: bool = False
    """The checkpoint that was to be made with it is there."""


class BackupStatusCall(Call, frozen=True):
    """virDomainGetJobStats: how a backup stands, and how the last one ended."""

    repeatable: ClassVar[bool] = True
    looks: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = BackupStatus
    name: str
    files: tuple[str, ...]

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domjobinfo`."""
        return ("domjobinfo", name)


class BackupAbortCall(Call, frozen=True):
    """virDomainAbortJob: QEMU writes no further."""

    command: ClassVar[str] = "domjobabort"
    urgent: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True


class FileSize(Value, frozen=True):
    """A file of a backup that is whole."""

    path: str
    size: int
    """Bytes that it takes."""


class BackupSizes(CallAnswer, frozen=True):
    """The files of a backup, as they were found."""

    files: tuple[FileSize, ...]


class BackupVerifyCall(Call, frozen=True):
    """virStorageVolGetXMLDesc, and qemu-img check where this machine is the host: whether each file
    is what it was to be.
    """

    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = BackupSizes
    files: tuple[tuple[str, int, str], ...]
    """As `BackupFilesCall` has them."""
    format: str = "qcow2"


class BackupConfirmCall(Call, frozen=True):
    """virDomainCheckpointCreateXML, redefining: the checkpoint says where its backup lies."""

    repeatable: ClassVar[bool] = True
    changes_checkpoints: ClassVar[bool] = True
    name: str
    files: tuple[tuple[str, str], ...]


class BackupDiscardCall(Call, frozen=True):
    """virStorageVolDelete of files of no use, virDomainCheckpointDelete of what was made with them.

    What is not there is as good as removed.
    """

    repeatable: ClassVar[bool] = True
    changes_checkpoints: ClassVar[bool] = True
    files: tuple[str, ...]
    checkpoint: str = ""
    """Empty: none was made."""
