"""The verbs of backups and of checkpoints."""

from __future__ import annotations

from core.model import InstanceState, Request
from core.verbs.agent.freezing import EndGuardCall, GuardCall, ThawCall
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupBeginCall,
    BackupConfirmCall,
    BackupDiscardCall,
    BackupFilesCall,
    BackupPlanCall,
    BackupStatusCall,
    BackupVerifyCall,
)
from core.verbs.backup.planning import planned
from core.verbs.backup.pull import pull
from core.verbs.backup.pull_calls import (
    PullBeginCall,
    PullDiscardCall,
    PullPlanCall,
    PullReadCall,
    PullStopCall,
)
from core.verbs.backup.pull_request import BackupPull
from core.verbs.backup.pull_request import against as against_pull
from core.verbs.backup.push import push
from core.verbs.backup.request import Backup, against
from core.verbs.block.family import in_bytes
from core.verbs.sequence import Step
from core.verbs.situation import Action, End, Situation
from core.verbs.states import NOT_KNOWN
from core.verbs.verb import Risk, Subjects, Verb

_OFF = "{name} is shut off: nothing tells what was written", "start it, or copy its disks by image"
TO_BACK_UP = {InstanceState.SHUTOFF: _OFF, InstanceState.UNKNOWN: NOT_KNOWN}


def _push(now: Situation) -> Action:
    assert isinstance(now.request, Backup)
    return push(now, now.request)


def _told_before(now: Situation) -> list[Step]:
    """Return the calls that a rehearsal tells: the sizes of the files are not known yet."""
    request = now.request
    assert isinstance(request, Backup)
    plan = planned(now, request)
    if isinstance(plan, End):
        return []
    pairs = tuple((disk.target, disk.path) for disk in plan.disks)
    begin = BackupBeginCall(
        *(plan.name, pairs, plan.without, plan.since, plan.format, plan.checkpoint),
        *(request.quiesce, in_bytes(request.speed)),
    )
    files = tuple((disk.path, 0, disk.parent) for disk in plan.disks)
    verify = BackupVerifyCall(files, plan.format)
    steps = [
        Step(plan, f"looking whether {now.name} can be backed up so"),
        Step(BackupFilesCall(files, plan.format), f"making the files in {plan.folder}"),
        Step(begin, f"writing what {now.name} has"),
        Step(verify, "looking at what was written"),
    ]
    if plan.checkpoint:
        confirm = BackupConfirmCall(plan.name, pairs)
        steps.append(Step(confirm, f"having the checkpoint {plan.name} say where its backup is"))
    return steps


BACKUP = Verb(
    Backup,
    title="Back up to files",
    help="Have QEMU write its disks as they are now, or what was written since, to new files; the "
    "guest runs on.",
    doing="being backed up",
    group="backups",
    key="b",
    decide=_push,
    steps=_told_before,
    calls=(
        *(BackupPlanCall, BackupFilesCall, GuardCall, BackupBeginCall, ThawCall, EndGuardCall),
        *(
            BackupStatusCall,
            BackupAbortCall,
            BackupVerifyCall,
            BackupConfirmCall,
            BackupDiscardCall,
        ),
    ),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"checkpoints", "backup"}),
    storage_for=("to",),
    states=TO_BACK_UP,
    during_backups=False,
    backs_up=True,
    refusals=against,
    cancelled="It is ended, and what was written of it is removed.",
)


def _pull(now: Situation) -> Action:
    assert isinstance(now.request, BackupPull)
    return pull(now, now.request)


def _waits_for(_: Request, subjects: Subjects) -> str:
    return f"Should {subjects.of_guest} power off meanwhile, libvirt waits 30 s before it is off."


PULL = Verb(
    BackupPull,
    title="Read a backup to this machine",
    help="Have QEMU serve its disks as they are now, and read them, or what was written since, to "
    "files of this machine.",
    doing="being backed up",
    group="backups",
    key="r",
    decide=_pull,
    calls=(
        *(PullPlanCall, GuardCall, PullBeginCall, ThawCall, EndGuardCall, BackupStatusCall),
        *(PullReadCall, PullStopCall, BackupAbortCall, BackupConfirmCall, PullDiscardCall),
    ),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"checkpoints", "backup"}),
    states=TO_BACK_UP,
    during_backups=False,
    backs_up=True,
    refusals=against_pull,
    risk=Risk(sentence=_waits_for),
    cancelled="It is ended, and what was read of it is removed.",
)
