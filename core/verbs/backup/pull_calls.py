"""The calls of a backup that this machine reads (pull mode): QEMU serves its disks, as they are at
one moment, over NBD, and qemu-img of this machine writes what it reads to files.
"""

from __future__ import annotations

from typing import ClassVar

from core.model.base import Value
from core.verbs.answer import CallAnswer
from core.verbs.backup.calls import BackupDisk, BackupSizes
from core.verbs.call import Call


class Served(Value, frozen=True):
    """A disk as it is served."""

    target: str
    scratch: str
    """The file on the host that keeps what the guest overwrites meanwhile."""


class PullPlace(CallAnswer, frozen=True):
    """Where QEMU serves the disks of a backup."""

    disks: tuple[Served, ...]
    server: str
    """`unix:PATH` on the host, or `tcp:ADDRESS:PORT`."""


class PullPlanCall(Call, frozen=True):
    """virDomainGetXMLDesc, and a look at this machine: whether a backup can be read as it is asked
    for.

    It fails where a file is there already: what has the name of a file of this backup later, this
    operation has made.
    """

    repeatable: ClassVar[bool] = True
    probe: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = PullPlace
    name: str
    folder: str
    """Of this machine."""
    disks: tuple[BackupDisk, ...]
    without: tuple[str, ...] = ()
    since: str = ""
    checkpoint: bool = True
    listen: str = ""
    """`ADDRESS:PORT`; empty: a socket on the host."""
    scratch: str = ""
    """A folder of the host; empty: that of each disk."""

    @property
    def format(self) -> str:
        """The format of its files."""
        return "qcow2"


class PullBeginCall(Call, frozen=True):
    """virDomainBackupBegin: returns when the disks are served, as they are at that moment."""

    undisturbed: ClassVar[bool] = True
    changes_checkpoints: ClassVar[bool] = True
    name: str
    disks: tuple[Served, ...]
    server: str
    without: tuple[str, ...] = ()
    since: str = ""
    checkpoint: bool = True
    quiesce: bool = False

    @property
    def text(self) -> str:
        """What libvirt is told."""
        from core.xml.checkpoint import pull_xml

        served = [(disk.target, disk.scratch) for disk in self.disks]
        return pull_xml(served, self.without, self.server, self.since)

    @property
    def checkpoint_xml(self) -> str:
        """The checkpoint that is made with it: not of use before the backup is known to be."""
        from core.xml.checkpoint import UNFINISHED, checkpoint_xml

        targets = [disk.target for disk in self.disks]
        return checkpoint_xml(self.name, targets, self.without, UNFINISHED)


class PullReadCall(Call, frozen=True):
    """qemu-img, on this machine: a disk is read, and its file has its name once it is whole.

    What an earlier one of the same call left is thrown away, and what it made is kept: only where
    nobody heard of that one (`again`), and the file holds what is served. Else it is another's.
    """

    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = BackupSizes
    target: str
    path: str
    server: str
    parent: str = ""
    since: bool = False
    """Only what was written since the checkpoint."""
    compressed: bool = False
    again: bool = False
    """A console that ended has made the call before."""
    part: str = ""
    """What tells its file from another's until it is whole (`core.verbs.part`)."""


class PullStopCall(Call, frozen=True):
    """SIGTERM to the qemu-img of this console that reads."""

    urgent: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True


class PullDiscardCall(Call, frozen=True):
    """unlink of files of no use on this machine, virDomainCheckpointDelete of what was made with
    them.

    What is not there is as good as removed.
    """

    repeatable: ClassVar[bool] = True
    changes_checkpoints: ClassVar[bool] = True
    files: tuple[str, ...]
    checkpoint: str = ""
    unheard: tuple[str, ...] = ()
    """Files of reads that gave no answer: another may have made what has that name by now."""
    part: str = ""
    """As `PullReadCall.part`."""
