"""What a backup will be: its disks and files, since which checkpoint, based on what. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.model import Instance, ObjectKey
from core.model.checkpoint import Checkpoint
from core.model.dates import stamp
from core.verbs.backup.calls import BackupDisk, BackupPlanCall
from core.verbs.backup.chain import against_base, newest_good
from core.verbs.backup.folder import file_of, folder_of
from core.verbs.backup.pull_calls import PullPlanCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import End, Situation, failed
from core.verbs.snapshot.files import written_disks

if TYPE_CHECKING:
    from core.verbs.backup.pull_request import BackupPull
    from core.verbs.backup.request import Backup


class WhatIsWanted(Protocol):
    """What both kinds of backups are asked for with."""

    @property
    def subject(self) -> ObjectKey:
        """The instance."""
        ...

    @property
    def kind(self) -> str:
        """full, incremental."""
        ...

    @property
    def since(self) -> str | None:
        """The checkpoint of an incremental one; None: the newest good one."""
        ...

    @property
    def name(self) -> str | None:
        """None: by the time."""
        ...

    @property
    def exclude(self) -> tuple[str, ...]:
        """The disks that are left out."""
        ...

    @property
    def checkpoint(self) -> bool:
        """Whether a checkpoint is made with it."""
        ...

    @property
    def quiesce(self) -> bool:
        """Whether the guest is frozen as it begins."""
        ...


def planned(now: Situation, request: Backup) -> BackupPlanCall | End:
    """Return what is to be made, decided once: what follows goes by it."""
    folder = folder_of(now.around.pools, request.subject.host, request.to)
    if not folder:
        return failed(f"{request.to} is no pool that is known", "See `virtdeck pools`.")
    what = _what(now, request, folder, request.format)
    if isinstance(what, End):
        return what
    return BackupPlanCall(
        *(what.name, folder, what.disks, what.without, what.since),
        *(request.format, request.checkpoint),
    )


def pull_planned(now: Situation, request: BackupPull) -> PullPlanCall | End:
    """Return what is to be read, decided once: what follows goes by it."""
    folder = request.to.rstrip("/") or "/"
    what = _what(now, request, folder, "qcow2")
    if isinstance(what, End):
        return what
    return PullPlanCall(
        *(what.name, folder, what.disks, what.without, what.since, request.checkpoint),
        *(request.listen or "", request.scratch or ""),
    )


@dataclass(frozen=True, slots=True)
class _What:
    """Of which disks a backup is, and where each goes."""

    name: str
    disks: tuple[BackupDisk, ...]
    without: tuple[str, ...]
    since: str


def _what(now: Situation, request: WhatIsWanted, folder: str, format_: str) -> _What | End:
    instance = now.instance
    if instance is None:
        return failed(f"{now.name} is gone")
    targets = chosen(instance, request.exclude)
    base = base_of(now.checkpoints or (), request, targets, now.name)
    if isinstance(base, Refusal):
        return failed(base.text, f"{base.cure[:1].upper()}{base.cure[1:]}.")
    name = request.name or f"backup-{stamp(now.now)}"
    parents = {} if base is None else {disk.target: disk.file for disk in base.disks}
    disks = tuple(
        BackupDisk(
            target,
            file_of(folder, instance.name, target, name, format_),
            parents.get(target, ""),
        )
        for target in targets
    )
    without = tuple(disk.target for disk in instance.disks if disk.target not in targets)
    return _What(name, disks, without, "" if base is None else base.name)


def chosen(instance: Instance, exclude: tuple[str, ...]) -> list[str]:
    """Return the targets of the disks that are backed up: all that are written, but for some."""
    return [disk.target for disk in written_disks(instance) if disk.target not in exclude]


def base_of(
    checkpoints: tuple[Checkpoint, ...], request: WhatIsWanted, targets: list[str], name: str
) -> Checkpoint | Refusal | None:
    """Return the checkpoint since which it is, or why there is none; None: it is a full backup."""
    if request.kind == "full":
        return None
    if request.since is None:
        return newest_good(checkpoints, targets, name)
    named = next((one for one in checkpoints if one.name == request.since), None)
    if named is None:
        text = f"{name} has no checkpoint {request.since}"
        return Refusal(RefusalCode.PARAMETER, text, f"see `virtdeck checkpoints {name}`", "since")
    return against_base(named, targets) or named
