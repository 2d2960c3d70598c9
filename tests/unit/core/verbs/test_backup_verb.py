"""Backups: planned once, begun, followed, given up; since which checkpoint; what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Host,
    InstanceRun,
    InstanceState,
    Link,
    LinkStatus,
    Pool,
    State,
)
from core.model import OperationStatus as Status
from core.model.checkpoint import Checkpoint, CheckpointDisk
from core.model.job import Job
from core.model.run import JobOutcome
from core.verbs import checks
from core.verbs.agent.freezing import EndGuardCall, Guard, GuardCall, ThawCall
from core.verbs.around import Around
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupBeginCall,
    BackupConfirmCall,
    BackupDiscardCall,
    BackupFigures,
    BackupFilesCall,
    BackupPlanCall,
    BackupSizes,
    BackupStatus,
    BackupStatusCall,
    BackupVerifyCall,
    DiskFigures,
    FileSize,
)
from core.verbs.backup.chain import faults, newest_good
from core.verbs.backup.checkpoints import CheckpointDelete
from core.verbs.backup.family import BACKUP
from core.verbs.backup.made import BackupMade
from core.verbs.backup.request import Backup
from core.verbs.block.calls import ALREADY_FROZEN
from core.verbs.danger import danger
from core.verbs.power.requests import Pause
from core.verbs.preview import planned
from core.verbs.refusal import Refusal
from core.verbs.situation import Action, Sent, Situation, Wait
from core.verbs.snapshot.create import SnapshotCreate
from tests.unit.core.verbs.test_block_verbs import NOW, POOL, TOP, called, decide, ended, sent, web
from tests.unit.core.verbs.test_block_verbs import now as situation

DISKS = (
    Disk("vda", source=TOP),
    Disk("vdb", source=DiskSource("file", "/pool/data", format="qcow2")),
    Disk("sda", device="cdrom", read_only=True),
)
WEB = web(disks=DISKS)
CAPACITY = 1 << 30


def checkpoint(name: str, *targets: str, files: bool = True, **fields: Any) -> Checkpoint:
    disks = tuple(
        CheckpointDisk(one, name, 0, f"/old/web.{one}.{name}.qcow2" if files else "")
        for one in targets or ("vda", "vdb")
    )
    return Checkpoint(name, disks=disks, judged=True, **fields)


def backup(**options: Any) -> Backup:
    return Backup(WEB.key, **{"to": "default", "name": "b1", **options})


def now(request: Backup, *calls: Sent, run: InstanceRun | None = None, **fields: Any) -> Situation:
    instance = fields.pop("instance", WEB)
    found = Around(
        instance=instance,
        run=run or InstanceRun(),
        pools={POOL.key: POOL},
        checkpoints=fields.pop("checkpoints", ()),
    )
    return situation(request, *calls, instance=instance, around=found, **fields)


def told(request: Backup, *kinds: Sent, **fields: Any) -> Action:
    """What is decided; an event of an end was followed by a look, which says that nothing runs."""
    run = fields.get("run")
    if run is not None and kinds and run.last_job.at > 103.0:
        kinds = (*kinds, status(kinds[0], run.last_job.at + 0.1))
    return decide(BACKUP, now(request, *kinds, **fields))


def plan_of(request: Backup, **fields: Any) -> BackupPlanCall:
    call = called(told(request, **fields))
    assert isinstance(call, BackupPlanCall)
    return call


def looked(request: Backup, **fields: Any) -> Sent:
    plan = plan_of(request, **fields)
    disks = tuple(DiskFigures(disk.target, CAPACITY) for disk in plan.disks)
    return sent(plan, 100.0, answer=BackupFigures(disks))


def begun(request: Backup, *more: Sent, **fields: Any) -> tuple[Sent, ...]:
    """A plan, its files, and what began."""
    plan = looked(request)
    assert isinstance(plan.call, BackupPlanCall)
    files = sent(called(told(request, plan)), 101.0)
    begin = called(told(request, plan, files, *more))
    return (plan, files, *more, sent(begin, 103.0, **fields))


def status(call: Sent, at: float = 105.0, **fields: Any) -> Sent:
    assert isinstance(call.call, BackupPlanCall)
    paths = tuple(disk.path for disk in call.call.disks)
    answer = BackupStatus(**{"runs": False, **fields})
    return sent(BackupStatusCall(call.call.name, paths), at, answer=answer)


def ended_job(result: str = "completed", error: str = "", at: float = 106.0) -> InstanceRun:
    return InstanceRun(last_job=JobOutcome("backup", result, at, error))


def test_every_disk_that_is_written_has_a_file_of_its_own_and_no_other_is_in_it() -> None:
    plan = plan_of(backup())
    assert [(disk.target, disk.path) for disk in plan.disks] == [
        ("vda", "/pool/web.vda.b1.qcow2"),
        ("vdb", "/pool/web.vdb.b1.qcow2"),
    ]
    assert plan.without == ("sda",)
    some = plan_of(backup(exclude=("vdb",), to="/a/b/", format="raw", checkpoint=False))
    assert [disk.path for disk in some.disks] == ["/a/b/web.vda.b1.raw"]
    assert some.without == ("vdb", "sda")
    assert plan_of(backup(name=None)).name == "backup-19700101-000150"


def test_an_increment_is_since_the_newest_good_one_and_based_on_its_files() -> None:
    known = (checkpoint("one", created=1.0), checkpoint("two", created=2.0, parent="one"))
    plan = plan_of(backup(kind="incremental"), checkpoints=known)
    assert (plan.since, plan.disks[1].parent) == ("two", "/old/web.vdb.two.qcow2")
    assert plan_of(backup(kind="incremental", since="one"), checkpoints=known).since == "one"
    found = told(backup(kind="incremental"), checkpoints=())
    assert ended(found, Status.FAILED, "no checkpoint of which the backup is known").hint


@pytest.mark.parametrize(
    ("newest", "why"),
    [
        (checkpoint("two", created=2.0, unfinished=True, files=False), "No whole backup was made"),
        (checkpoint("two", "vda", created=2.0), "is not of vdb: exclude it"),
        (checkpoint("two", files=False, created=2.0), ""),
        (
            Checkpoint("two", created=2.0, disks=(
                CheckpointDisk("vda", broken=True), CheckpointDisk("vdb"))),
            "is broken: QEMU has no whole bitmap of vda: take a full backup; delete checkpoint two",
        ),
    ],
)  # fmt: skip
def test_what_is_no_base_is_passed_over_and_named_where_there_is_no_other(
    newest: Checkpoint, why: str
) -> None:
    good = checkpoint("one", created=1.0)
    assert newest_good((good, newest), ("vda", "vdb"), "web") == good
    alone = newest_good((newest,), ("vda", "vdb"), "web")
    assert isinstance(alone, Refusal)
    assert why in str(alone)
    assert alone.cure


def test_the_files_are_made_before_and_based_on_what_they_add_to() -> None:
    request = backup(kind="incremental", exclude=("vdb",))
    first = looked(request, checkpoints=(checkpoint("one"),))
    call = called(told(request, first))
    path = ("/pool/web.vda.b1.qcow2", CAPACITY, "/old/web.vda.one.qcow2")
    assert call == BackupFilesCall((path,), "qcow2")
    begin = called(told(request, first, sent(call)))
    assert isinstance(begin, BackupBeginCall)
    assert (begin.since, begin.without, begin.checkpoint) == ("one", ("vdb", "sda"), True)


def test_it_is_followed_by_looks_until_an_event_or_a_look_tells_its_end() -> None:
    calls = begun(backup())
    wait = told(backup(), *calls, now=103.2)
    assert isinstance(wait, Wait)
    assert isinstance(called(told(backup(), *calls, now=104.0)), BackupStatusCall)
    running = status(calls[0], runs=True, total=4, processed=1)
    wait = told(backup(), *calls, running, now=106.0)
    assert isinstance(wait, Wait)
    assert (wait.share, wait.until) == (0.25, 107.0)
    assert isinstance(called(told(backup(), *calls, running, now=107.0)), BackupStatusCall)
    verify = called(told(backup(), *calls, running, run=ended_job()))
    assert isinstance(verify, BackupVerifyCall)
    assert called(told(backup(), *calls, status(calls[0], result="completed"))) == verify
    earlier = ended_job(at=99.0)  # of another backup
    assert isinstance(told(backup(), *calls, running, run=earlier, now=106.0), Wait)


def test_an_event_that_comes_late_is_of_the_backup_before() -> None:
    calls = begun(backup())
    running = status(calls[0], runs=True, total=4, processed=1)
    late = {"run": ended_job("failed", "canceled", at=105.5), "now": 105.6}

    def then(*more: Sent) -> Action:
        return decide(BACKUP, now(backup(), *calls, running, *more, **late))

    assert isinstance(called(then()), BackupStatusCall), "it is looked at once"
    goes_on = status(calls[0], 105.7, runs=True, total=4, processed=2)
    assert isinstance(then(goes_on), Wait)
    assert isinstance(called(then(status(calls[0], 105.7))), BackupDiscardCall)
    mute = replace(goes_on, answer=None, error="no such domain")
    assert isinstance(called(then(mute)), BackupDiscardCall)


def test_it_is_done_when_its_files_were_looked_at_and_its_checkpoint_says_where_they_are() -> None:
    calls = begun(backup())
    verify = called(told(backup(), *calls, run=ended_job()))
    sizes = BackupSizes((FileSize("/pool/web.vda.b1.qcow2", 1 << 20),))
    verified = sent(verify, 107.0, answer=sizes)
    confirm = called(told(backup(), *calls, verified, run=ended_job()))
    pairs = (("vda", "/pool/web.vda.b1.qcow2"), ("vdb", "/pool/web.vdb.b1.qcow2"))
    assert confirm == BackupConfirmCall("b1", pairs)
    end = ended(
        told(backup(), *calls, verified, sent(confirm, 108.0), run=ended_job()),
        *(Status.DONE, "web is backed up in /pool/web.vda.b1.qcow2 (1.0M)"),
    )
    assert isinstance(end.result, BackupMade)
    assert end.result.files[0].restore.startswith("qemu-img convert -f qcow2 -O qcow2 /pool/web")
    unmarked = sent(confirm, 108.0, error="no.")
    end = ended(told(backup(), *calls, verified, unmarked, run=ended_job()), Status.DONE)
    assert "its checkpoint does not say so: no" in end.outcome
    wrong = sent(verify, 107.0, error="x is not whole: y.")
    discard = called(told(backup(), *calls, wrong, run=ended_job()))
    assert discard == BackupDiscardCall(tuple(path for _, path in pairs), "b1")


@pytest.mark.parametrize(
    ("run", "fields", "status_", "words"),
    [
        (ended_job("failed", "No space left on device"), {}, Status.FAILED, "No space left"),
        (ended_job("failed"), {}, Status.FAILED, "by somebody else"),
        (
            ended_job("failed"),
            {"instance": web(disks=DISKS, state=InstanceState.SHUTOFF)},
            *(Status.FAILED, "turned off meanwhile"),
        ),
    ],
)
def test_what_was_not_made_is_removed_with_its_checkpoint(
    run: InstanceRun, fields: dict[str, Any], status_: Status, words: str
) -> None:
    calls = begun(backup())
    discard = called(told(backup(), *calls, run=run, **fields))
    assert isinstance(discard, BackupDiscardCall)
    assert discard.checkpoint == "b1"
    end = told(backup(), *calls, sent(discard, 108.0), run=run, **fields)
    ended(end, status_, words, "what was written of it is removed")
    kept = sent(discard, 108.0, error="the checkpoint b1 could not be removed.")
    ended(told(backup(), *calls, kept, run=run, **fields), status_, words, "could not be removed")


def test_a_cancel_ends_the_job_and_removes_what_was_written() -> None:
    calls = begun(backup())
    abort = called(told(backup(), *calls, cancelled="enough"))
    assert isinstance(abort, BackupAbortCall)
    aborted = (*calls, sent(abort, 106.0))
    over = ended_job("failed", "canceled", at=106.5)
    discard = called(told(backup(), *aborted, cancelled="enough", run=over))
    end = told(backup(), *aborted, sent(discard, 107.0), cancelled="enough", run=over)
    ended(end, Status.CANCELLED, "the backup of web was ended")
    plan, files, _ = calls
    ended(told(backup(), plan, cancelled="enough"), Status.CANCELLED, "nothing was written")
    discard = called(told(backup(), plan, files, cancelled="enough"))
    assert discard == BackupDiscardCall(("/pool/web.vda.b1.qcow2", "/pool/web.vdb.b1.qcow2"))


def test_a_console_that_takes_over_begins_nothing_and_follows_what_was_begun() -> None:
    plan, files, begin = begun(backup())
    later: dict[str, Any] = {"adopted": NOW - 1}
    ended(told(backup(), plan, **later), Status.CANCELLED, "its console ended first")
    lost = replace(files, ended=None)
    assert isinstance(called(told(backup(), plan, lost, **later)), BackupDiscardCall)
    assert isinstance(called(told(backup(), plan, files, **later)), BackupDiscardCall)
    unheard = replace(begin, ended=None)
    calls = (plan, files, unheard)
    assert isinstance(called(told(backup(), *calls, **later)), BackupStatusCall)
    runs = status(plan, NOW - 0.5, runs=True)
    assert isinstance(told(backup(), *calls, runs, **later), Wait)
    # the last backup that ended may be an earlier one, unless the checkpoint of this one is there
    never = status(plan, NOW - 0.5, result="completed")
    assert isinstance(called(told(backup(), *calls, never, **later)), BackupDiscardCall)
    made = status(plan, NOW - 0.5, result="completed", checkpoint=True)
    assert isinstance(called(told(backup(), *calls, made, **later)), BackupVerifyCall)
    gone = told(backup(), plan, files, begin, status(plan), instance=None, **later)
    assert isinstance(called(gone), BackupDiscardCall)


def test_a_guest_is_thawed_whatever_becomes_of_the_call_that_froze_it() -> None:
    request = backup(quiesce=True)
    plan, files, _ = begun(backup())
    guard = called(told(request, plan, files))
    assert isinstance(guard, GuardCall)
    guarded = sent(guard, 102.0, answer=Guard(77))
    begin = called(told(request, plan, files, guarded))
    assert isinstance(begin, BackupBeginCall)
    assert begin.quiesce
    calls = (plan, files, guarded)
    heard = told(request, *calls, sent(begin, 103.0))
    assert called(heard) == EndGuardCall(77)
    lost = sent(begin, 103.0, ended=None)
    assert called(told(request, *calls, lost, adopted=NOW - 1)) == ThawCall()
    theirs = sent(begin, 103.0, error=f"{ALREADY_FROZEN}: nothing was ended.")
    assert called(told(request, *calls, theirs)) == EndGuardCall(77)
    mute = sent(guard, 102.0, error="its agent does not answer.")
    assert isinstance(called(told(request, plan, files, mute)), BackupDiscardCall)


def test_a_refused_begin_leaves_nothing_and_no_checkpoint_is_looked_for() -> None:
    calls = begun(backup(), error="no.")
    discard = called(told(backup(), *calls))
    assert isinstance(discard, BackupDiscardCall)
    assert discard.checkpoint == ""
    ended(told(backup(), *calls, sent(discard, 108.0)), Status.FAILED, "no; what was written")


def state(*known: Checkpoint, **changes: Any) -> State:
    instance = web(**{"disks": DISKS, "type": "kvm", **changes})
    host = Host("alpha", "qemu:///system", link=Link(LinkStatus.UP))
    other = Pool("alpha", "u-lvm", "lvm", type="logical", state=POOL.state)
    return State(
        hosts={"alpha": host},
        instances={instance.key: instance},
        pools={POOL.key: POOL, other.key: other},
        checkpoints={instance.key: known},
    )


@pytest.mark.parametrize(
    ("options", "changes", "why"),
    [
        ({"since": "one"}, {}, "A full backup is since nothing"),
        ({"kind": "incremental", "since": "x"}, {}, "has no checkpoint x: see `virtdeck checkpo"),
        ({"kind": "incremental", "format": "raw"}, {}, "raw could not tell"),
        ({"name": "one"}, {}, "has a checkpoint called one: choose another"),
        ({"name": "a b"}, {}, "A name of 'a b' makes no sense: give one of the letters a to z"),
        ({"name": ".b"}, {}, "with no . first"),
        ({"to": "lvm"}, {}, "is of the type logical: a backup is made of files"),
        ({"to": "a/b"}, {}, "is no folder"),
        ({"exclude": ("vdz",)}, {}, "has no disk vdz"),
        ({"exclude": ("vda", "vdb")}, {}, "there is nothing to back up"),
        ({}, {"state": InstanceState.SHUTOFF}, "is shut off: nothing tells what was written"),
        ({}, {"type": "xen"}, "Xen makes no backups"),
        ({}, {"disks": (Disk("vda", source=DiskSource("file", "/x", format="raw")),)}, "no bitmap"),
        ({"quiesce": True}, {"state": InstanceState.PAUSED}, "its guest freezes nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_cure(
    options: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    found = checks.check(state(checkpoint("one"), **changes), backup(**options))
    assert why in " ".join(map(str, found))
    assert all(one.cure or ": " in one.text for one in found)


def test_what_is_fine_is_accepted() -> None:
    known = state(checkpoint("one"))
    for options in ({}, {"kind": "incremental"}, {"kind": "incremental", "since": "one"}):
        assert checks.check(known, backup(**options)) == ()


def test_a_backup_holds_up_only_what_libvirt_would_hold_up() -> None:
    known = state()
    runs = replace_job(known, Job("alpha", "u-web", "backup", 1.0))
    refused = checks.check(runs, SnapshotCreate(WEB.key, "s"))
    assert "web is being backed up: wait for its end, or end it" in str(refused[0])
    assert checks.check(runs, Pause(WEB.key)) == ()
    assert checks.goes_beside(Pause(WEB.key), BACKUP)
    assert not checks.goes_beside(SnapshotCreate(WEB.key, "s"), BACKUP)


def replace_job(known: State, job: Job) -> State:
    return State(hosts=known.hosts, instances=known.instances, jobs={WEB.key: job})


def test_a_deletion_says_what_can_be_backed_up_since_no_more() -> None:
    asked = danger(state(checkpoint("one")), CheckpointDelete(WEB.key, "one"))
    assert (
        "Deletes the checkpoint one of web on alpha: no backup can be made since it" in asked.text
    )
    assert "It is the only one of which the backup is known: the next is a full one." in asked.text
    both = state(checkpoint("one"), checkpoint("two"))
    assert "only one" not in danger(both, CheckpointDelete(WEB.key, "one")).text


def test_what_is_wrong_with_a_chain_is_said_with_the_cure() -> None:
    broken = Checkpoint("two", disks=(CheckpointDisk("vda", broken=True),), judged=True)
    begun_ = checkpoint("three", unfinished=True, files=False)
    assert faults((checkpoint("one"),)) == []
    first, second = faults((broken, begun_))
    assert first.startswith("two is broken: QEMU was killed")
    assert second.startswith("The backup of three was not seen to be whole")


def test_a_leftover_is_no_checkpoint_and_goes_by_itself() -> None:
    request = CheckpointDelete(WEB.key, "old", leftover=True)
    known = state(checkpoint("one"))
    assert checks.check(known, request) == ()
    (call,) = (send.call for send in planned(known, request))
    assert (call.word, call.targets) == ("drop-leftover", ("vda", "vdb"))  # type: ignore[attr-defined]
    assert "libvirt knows no checkpoint of that name" in danger(known, request).text
    for wrong, why in (
        (CheckpointDelete(WEB.key, "one", leftover=True), "it is no leftover: leave --leftover"),
        (CheckpointDelete(WEB.key, "old", children=True, leftover=True), "give --leftover alone"),
        (CheckpointDelete(WEB.key, "old"), "has no checkpoint old"),
    ):
        assert why in " ".join(map(str, checks.check(known, wrong)))
