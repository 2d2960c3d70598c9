"""Block jobs: what is refused, what is sent, how each end is judged, and what is removed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    BlockJob,
    BlockJobState,
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceRun,
    InstanceState,
    Link,
    LinkStatus,
    OperationStatus,
    Pool,
    PoolState,
    Request,
    State,
    Volume,
)
from core.model.event import BlockJobChanged
from core.verbs import checks
from core.verbs.around import Around
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCommitCall,
    BlockCopyCall,
    BlockPivotCall,
    BlockPullCall,
    BlockSpeedCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    RoomCall,
    SlowDownCall,
)
from core.verbs.block.commit import COMMIT, BlockCommit
from core.verbs.block.copy import COPY, BlockCopy
from core.verbs.block.pull import PULL, BlockPull
from core.verbs.block.steering import (
    ABORT,
    PIVOT,
    SPEED,
    BlockJobAbort,
    BlockJobPivot,
    BlockJobSpeed,
)
from core.verbs.call import Call
from core.verbs.danger import danger
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.situation import Action, Answered, Ask, End, Progress, Send, Sent, Situation, Wait
from core.verbs.verb import Verb

S = BlockJobState
TOP, MIDDLE, BASE = (
    DiskSource("file", path, format="qcow2") for path in ("/pool/top", "/pool/middle", "/pool/base")
)
COPIED = DiskSource("file", "/pool/copy", format="qcow2")
POOL = Pool("alpha", "u-pool", "default", type="dir", state=PoolState.ACTIVE, path="/pool")
BEGAN, NOW = 100.0, 110.0
DONE = OperationStatus.DONE


def web(*chain: DiskSource, **changes: Any) -> Instance:
    source, *backing = chain or (TOP, MIDDLE, BASE)
    disk = Disk("vda", source=source, backing=tuple(backing))
    known = {"state": InstanceState.RUNNING, "disks": (disk,), "id": 7, **changes}
    return Instance("alpha", "u-web", "web", **known)


def job(type_: str, state: S, **fields: Any) -> BlockJob:
    return BlockJob("vda", type_, state, BEGAN + 1, fields.pop("at", NOW - 5), **fields)


def copy(**options: Any) -> BlockCopy:
    return BlockCopy(web().key, **{"disk": "vda", "to": "default/copy", **options})


COPYING = BlockCopyCall("vda", "/pool/copy", "qcow2")


def sent(call: Call, at: float = BEGAN, **fields: Any) -> Sent:
    return Sent(call, at, **{"ended": at + 0.1, **fields})


def now(request: Request, *calls: Sent, told: BlockJob | None = None, **fields: Any) -> Situation:
    jobs = () if told is None else (told,)
    answers = fields.pop("answers", ())
    instance = fields.pop("instance", web())
    adopted = fields.pop("adopted", None)
    return Situation(
        **{
            "request": request,
            "name": "web",
            "now": NOW,
            "progress": Progress(calls, before_id=7, answers=answers, adopted=adopted),
            "subject": instance,
            "around": Around(
                instance=instance, run=InstanceRun(block_jobs=jobs), pools={POOL.key: POOL}
            ),
            "looked": NOW - 1,
            **fields,
        }
    )


def decide(verb: Verb, situation: Situation) -> Action:
    assert verb.decide is not None
    return verb.decide(situation)


def ended(action: Action, status: OperationStatus, *words: str) -> End:
    assert isinstance(action, End), action
    assert action.status is status, action
    assert all(word in action.outcome for word in words), action
    return action


def called(action: Action) -> Call:
    assert isinstance(action, Send), action
    return action.call


def test_a_copy_goes_to_the_file_of_a_volume_as_fast_as_is_said() -> None:
    call = called(decide(COPY, now(copy(speed=0.5, format="raw"))))
    top = {"source": "/pool/top"}
    assert call == BlockCopyCall("vda", "/pool/copy", "raw", bandwidth=512 << 10, **top)
    action = decide(COPY, now(copy(to="/a/b")))
    assert called(action) == BlockCopyCall("vda", "/a/b", "qcow2", **top)


def test_a_running_one_is_waited_for_and_looked_at_and_told_how_far_it_is() -> None:
    running = job("copy", S.RUNNING, current=1, end=4)
    wait = decide(COPY, now(copy(), sent(COPYING), told=running))
    assert isinstance(wait, Wait)
    assert (wait.until, wait.share) == (NOW - 1 + 2, 0.25)
    late = decide(COPY, now(copy(), sent(COPYING), told=running, now=300.0, looked=299.0))
    assert isinstance(late, Wait)
    assert late.until == 304.0


@pytest.mark.parametrize(("options", "answer", "call"), [
    ({"then": "pivot"}, "", BlockPivotCall("vda")), ({"then": "abort"}, "", CopyFinishCall("vda")),
    ({}, "pivot", BlockPivotCall("vda")), ({}, "abort", CopyFinishCall("vda")),
])  # fmt: skip
def test_what_becomes_of_a_copy_that_is_equal_is_said_or_asked(
    options: dict[str, Any], answer: str, call: Call
) -> None:
    ready = job("copy", S.READY)
    answers = (Answered(f"copied-{BEGAN}", answer, "me@here"),) if answer else ()
    action = decide(COPY, now(copy(**options), sent(COPYING), told=ready, answers=answers))
    assert called(action) == call
    asked = decide(COPY, now(copy(), sent(COPYING), told=ready))
    assert isinstance(asked, Ask)
    assert [one.word for one in asked.question.choices] == ["pivot", "abort"]


def test_a_pivot_is_done_by_event_or_by_the_chain_and_the_pool_looks_at_the_file() -> None:
    calls = sent(COPYING), sent(BlockPivotCall("vda"), NOW - 2)
    by_event = now(copy(), *calls, told=job("copy", S.COMPLETED), instance=web(COPIED))
    by_chain = now(copy(), *calls, instance=web(COPIED), looked=None)
    for seen in (by_event, by_chain):
        assert called(decide(COPY, seen)) == PoolLookCall("default")
        looked = replace(seen.progress, sent=(*calls, sent(PoolLookCall("default"), NOW)))
        end = decide(COPY, Situation(**{**_fields(seen), "progress": looked}))
        ended(end, OperationStatus.DONE, "vda of web is /pool/copy now")


def _fields(situation: Situation) -> dict[str, Any]:
    return {name: getattr(situation, name) for name in Situation.__dataclass_fields__}


def test_a_copy_that_is_not_there_any_more_is_a_failure_once_an_event_would_have_come() -> None:
    gone = job("copy", S.VANISHED, at=NOW - 1)
    early = decide(COPY, now(copy(), sent(COPYING), told=gone))
    assert isinstance(early, Wait)
    late = {"now": NOW + 5, "looked": NOW + 4}
    assert called(decide(COPY, now(copy(), sent(COPYING), told=gone, **late))) == CopyRemoveCall(
        "/pool/copy"
    )
    removed = sent(CopyRemoveCall("/pool/copy"), NOW + 5)
    end = decide(COPY, now(copy(), sent(COPYING), removed, told=gone, now=NOW + 6, looked=NOW + 6))
    ended(end, OperationStatus.FAILED, "nobody saw its end", "/pool/copy is removed")


def test_what_nobody_looked_at_since_has_not_vanished() -> None:
    for fields in ({"looked": None}, {"link_up": False}, {"looked": BEGAN - 1}):
        assert isinstance(decide(COPY, now(copy(), sent(COPYING), **fields)), Wait)


def test_whether_a_copy_began_is_unknown_where_no_answer_came_and_nothing_shows_it() -> None:
    unheard = sent(COPYING, ended=None)
    end = ended(decide(COPY, now(copy(), unheard, adopted=BEGAN + 1)), OperationStatus.UNKNOWN)
    assert "whether the copy of vda of web began is not known" in end.outcome
    running = now(copy(), unheard, adopted=BEGAN + 1, told=job("copy", S.RUNNING))
    assert isinstance(decide(COPY, running), Wait)


def test_no_reason_is_told_of_a_failure_so_the_room_is_looked_at_and_the_half_removed() -> None:
    failed = job("copy", S.FAILED, current=10, end=110)
    assert called(decide(COPY, now(copy(), sent(COPYING), told=failed))) == RoomCall(
        "/pool/copy", 100
    )
    full = sent(RoomCall("/pool/copy", 100), NOW - 3, error="no space left: 0 bytes are free.")
    remove = decide(COPY, now(copy(), sent(COPYING), full, told=failed))
    assert called(remove) == CopyRemoveCall("/pool/copy")
    stays = sent(CopyRemoveCall("/pool/copy"), NOW - 2, error="no.")
    end = decide(COPY, now(copy(), sent(COPYING), full, stays, told=failed))
    ended(end, OperationStatus.FAILED, "no space left: 0 bytes are free; /pool/copy could not be")
    told = job("copy", S.FAILED, error="no space left")
    assert called(decide(COPY, now(copy(), sent(COPYING), told=told))) == CopyRemoveCall(
        "/pool/copy"
    )


def test_one_that_is_cancelled_is_ended_and_removed() -> None:
    running = now(copy(), sent(COPYING), told=job("copy", S.RUNNING), cancelled="no more")
    assert called(decide(COPY, running)) == BlockAbortCall("vda")
    calls = sent(COPYING), sent(BlockAbortCall("vda"), NOW - 2)
    over = {"told": job("copy", S.CANCELED), "cancelled": "no more"}
    assert called(decide(COPY, now(copy(), *calls, **over))) == CopyRemoveCall("/pool/copy")
    done = now(copy(), *calls, sent(CopyRemoveCall("/pool/copy"), NOW - 1), **over)
    ended(decide(COPY, done), OperationStatus.CANCELLED, "was ended", "is removed")


def test_one_that_somebody_else_ends_is_whole_only_where_it_was_equal() -> None:
    over = job("copy", S.CANCELED)
    assert called(decide(COPY, now(copy(), sent(COPYING), told=over))) == CopyRemoveCall(
        "/pool/copy"
    )
    ready = BlockJobChanged("alpha", NOW - 6, "u-web", "web", "vda", "copy", "ready")
    whole = decide(COPY, now(copy(), sent(COPYING), told=over, events=(ready,)))
    assert called(whole) == PoolLookCall("default")


def test_a_copy_that_ended_while_nobody_heard_is_asked_about() -> None:
    calls = sent(COPYING), sent(CopyFinishCall("vda"), NOW - 8, ended=None)
    seen = now(copy(then="abort"), *calls, adopted=NOW - 4)
    asked = decide(COPY, seen)
    assert isinstance(asked, Ask)
    assert "keep /pool/copy?" in asked.question.text
    remove = (Answered(asked.question.key, "remove", "me@here"),)
    again = now(copy(then="abort"), *calls, adopted=NOW - 4, answers=remove)
    assert called(decide(COPY, again)) == CopyRemoveCall("/pool/copy")


def test_what_ended_with_its_qemu_says_so() -> None:
    off = web(state=InstanceState.SHUTOFF, id=None)
    calls = sent(COPYING), sent(CopyRemoveCall("/pool/copy"), NOW - 4)
    gone = job("copy", S.VANISHED, at=NOW - 6)
    end = decide(COPY, now(copy(), *calls, told=gone, instance=off))
    ended(end, OperationStatus.FAILED, ": web was turned off meanwhile; what was written")
    anew = decide(COPY, now(copy(), *calls, told=gone, instance=web(id=8)))
    ended(anew, OperationStatus.FAILED, ": web was started anew meanwhile")


def test_a_pivot_that_is_refused_leaves_a_job_that_is_named() -> None:
    calls = sent(COPYING), sent(BlockPivotCall("vda"), NOW - 2, error="not now.")
    end = decide(COPY, now(copy(then="pivot"), *calls, told=job("copy", S.READY)))
    assert "block-job-pivot" in ended(end, OperationStatus.FAILED, "not now; it is still").hint


PULLING = BlockPullCall("vda")


def test_a_pull_is_done_where_the_chain_says_so_and_failed_where_it_does_not() -> None:
    pull = BlockPull(web().key, disk="vda")
    assert called(decide(PULL, now(pull))) == PULLING
    done = now(pull, sent(PULLING), instance=web(TOP), looked=None)
    ended(decide(PULL, done), OperationStatus.DONE, "vda of web needs no other image")
    gone = now(pull, sent(PULLING))
    ended(decide(PULL, gone), OperationStatus.FAILED, "its chain is as it was")
    onto = BlockPull(web().key, disk="vda", base="/pool/base")
    part = now(onto, sent(BlockPullCall("vda", "/pool/base")), instance=web(TOP, BASE))
    ended(decide(PULL, part), OperationStatus.DONE, "stands on /pool/base")


def test_a_merge_of_the_image_in_use_ends_with_a_pivot() -> None:
    commit = BlockCommit(web().key, disk="vda", base="/pool/base")
    call = called(decide(COMMIT, now(commit)))
    assert call == BlockCommitCall("vda", "/pool/base")
    ready = now(commit, sent(call), told=job("active-commit", S.READY))
    assert called(decide(COMMIT, ready)) == BlockPivotCall("vda")
    done = now(commit, sent(call), sent(BlockPivotCall("vda"), NOW - 2), instance=web(BASE))
    ended(decide(COMMIT, done), OperationStatus.DONE, "vda of web is /pool/base now")


def test_a_merge_of_a_middle_image_goes_into_the_next_below_unless_another_is_named() -> None:
    commit = BlockCommit(web().key, disk="vda", top="/pool/middle")
    call = called(decide(COMMIT, now(commit)))
    assert call == BlockCommitCall("vda", "/pool/base", "/pool/middle")
    done = now(commit, sent(call), told=job("commit", S.COMPLETED))
    ended(decide(COMMIT, done), OperationStatus.DONE, "/pool/middle is merged into /pool/base")
    assert called(decide(COMMIT, now(BlockCommit(web().key, disk="vda")))) == BlockCommitCall(
        "vda", "/pool/middle"
    )


def test_an_old_job_of_the_disk_says_nothing_of_a_new_one() -> None:
    old = job("pull", S.COMPLETED, at=BEGAN - 1)
    pull = BlockPull(web().key, disk="vda")
    ended(decide(PULL, now(pull, sent(PULLING), told=old)), OperationStatus.FAILED)


def test_a_job_of_anybody_is_steered_and_one_that_is_not_there_is_said_to_be_none() -> None:
    key = web().key
    running = job("copy", S.RUNNING, target="/theirs", bandwidth=1 << 20)
    ready = replace(running, state=S.READY)
    speed = BlockJobSpeed(key, disk="vda", speed=2)
    assert called(decide(SPEED, now(speed, told=running))) == BlockSpeedCall("vda", 2 << 20)
    assert SPEED.undo is not None
    assert SPEED.undo(now(speed, told=running)) == BlockJobSpeed(key, disk="vda", speed=1.0)
    pivot, abort = BlockJobPivot(key, disk="vda"), BlockJobAbort(key, disk="vda")
    ended(decide(PIVOT, now(pivot, told=running)), OperationStatus.FAILED, "is not ready for it")
    assert called(decide(PIVOT, now(pivot, told=ready))) == BlockPivotCall("vda")
    assert called(decide(ABORT, now(abort, told=running))) == BlockAbortCall("vda")
    for verb, request in ((SPEED, speed), (PIVOT, pivot), (ABORT, abort)):
        ended(decide(verb, now(request)), OperationStatus.FAILED, "has no block job now")


def test_a_pivot_by_itself_removes_the_secrets_of_the_image_of_the_network_that_is_left() -> None:
    """As after a swap that was interrupted: no detach would, for the disk names them no more."""
    remote = DiskSource("network", "rbd:pool/image", protocol="rbd")
    ready = job("copy", S.READY, target="/pool/copy")
    pivot = BlockJobPivot(web().key, disk="vda")
    call = called(decide(PIVOT, now(pivot, told=ready, instance=web(remote))))
    assert call == BlockPivotCall("vda", secrets=True)
    over: dict[str, Any] = {"told": replace(ready, state=S.COMPLETED), "instance": web(COPIED)}
    accepted = sent(call, BEGAN + 1)
    drop = drop_secrets(web().key, "vda")
    assert called(decide(PIVOT, now(pivot, accepted, **over))) == drop
    for heard in (accepted, replace(accepted, error="the link was lost", certain=False)):
        end = ended(decide(PIVOT, now(pivot, heard, sent(drop, BEGAN + 2), **over)), DONE)
        assert end.outcome == "vda of web is what it was mirrored to"
    failing = sent(drop, BEGAN + 2, error="no answer.")
    ended(decide(PIVOT, now(pivot, accepted, failing, **over)), DONE, "secrets are gone is not")
    ended(decide(PIVOT, now(pivot, sent(BlockPivotCall("vda"), BEGAN + 1), **over)), DONE)


OFF = web(TOP, state=InstanceState.SHUTOFF, id=None)
UNHEARD = sent(BlockPivotCall("vda"), NOW - 6, error="the link was lost", certain=False)


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        (None, ": web is gone"),
        (OFF, ": web was turned off meanwhile"),
        (web(id=8), ": web was started anew meanwhile"),
        (web(disks=()), ": web has no disk vda any more"),
    ],
)
def test_after_a_pivot_that_nobody_saw_nothing_is_removed(
    instance: Instance | None, words: str
) -> None:
    for calls, adopted in (((UNHEARD,), None), ((replace(UNHEARD, ended=None),), NOW - 5)):
        seen = now(copy(), sent(COPYING), *calls, instance=instance, adopted=adopted)
        end = ended(decide(COPY, seen), OperationStatus.UNKNOWN, "went on on /pool/copy", words)
        assert "Nothing is removed" in end.hint
    lost = sent(BlockPivotCall("vda"), NOW - 6, error="no")
    refused = now(copy(), sent(COPYING), lost, instance=instance, looked=NOW)
    assert called(decide(COPY, refused)) == CopyRemoveCall("/pool/copy")


def test_a_copy_is_not_removed_where_its_instance_may_write_to_it_on_another_host() -> None:
    there = replace(web(COPIED), host="beta")
    for instance, twin in (
        (web(), there),
        (None, replace(web(), host="beta")),
        (web(), replace(there, disks=(), described=False)),
    ):
        seen = now(copy(), sent(COPYING), instance=instance)
        around = dataclasses.replace(seen.around, twins={"beta": twin})
        end = decide(COPY, dataclasses.replace(seen, around=around))
        ended(end, OperationStatus.FAILED, "/pool/copy is not removed: web is on beta")


def test_a_copy_that_is_in_use_after_all_is_named_with_who_uses_it() -> None:
    used = sent(CopyRemoveCall("/pool/copy"), NOW - 4, error="It is used by db.", hint="See db.")
    end = decide(COPY, now(copy(), sent(COPYING), used))
    assert ended(end, OperationStatus.FAILED, "could not be removed: It is used").hint == "See db."


@pytest.mark.parametrize("told", [None, S.VANISHED, S.RUNNING])
@pytest.mark.parametrize("instance", [OFF, None, web(TOP, id=None)])
def test_of_an_instance_that_is_off_the_chain_proves_neither_a_pull_nor_a_merge(
    instance: Instance | None, told: S | None
) -> None:
    for verb, request, call in (
        (PULL, BlockPull(web().key, "vda"), PULLING),
        (
            COMMIT,
            BlockCommit(web().key, "vda", top="/pool/middle"),
            BlockCommitCall("vda", "/pool/base", "/pool/middle"),
        ),
    ):
        kind = "pull" if verb is PULL else "commit"
        jobs = None if told is None else job(kind, told)
        action = decide(verb, now(request, sent(call), told=jobs, instance=instance))
        if told is S.RUNNING or (instance is not None and instance.state.active):
            assert isinstance(action, Wait)
        else:
            ended(action, OperationStatus.UNKNOWN, "was done is not known: web ")


def test_a_merge_of_the_image_in_use_is_in_doubt_after_a_pivot_that_nobody_saw_alone() -> None:
    commit, call = BlockCommit(web().key, "vda"), sent(BlockCommitCall("vda", "/pool/middle"))
    stayed = decide(COMMIT, now(commit, call, instance=OFF))
    ended(stayed, OperationStatus.FAILED, "its chain is as it was: web was turned off")
    doubt = decide(COMMIT, now(commit, call, UNHEARD, instance=OFF))
    ended(doubt, OperationStatus.UNKNOWN, "was done is not known: web was turned off")


def against(request: Request, *others: Instance, **fields: Any) -> list[str]:
    host = Host("alpha", "qemu:///alpha", Link(LinkStatus.UP, 0.0))
    instances = {one.key: one for one in (fields.pop("instance", web()), *others)}
    volumes = {one.key: one for one in fields.pop("volumes", ())}
    known = State(
        hosts={"alpha": host},
        instances=instances,
        pools={POOL.key: fields.pop("pool", POOL)},
        volumes=volumes,
        **fields,
    )
    return [str(one) for one in checks.check(known, request)]


def test_where_a_copy_cannot_go_is_said_before() -> None:
    assert against(copy()) == []
    assert "give its whole path, or POOL/VOLUME" in against(copy(to="copy"))[0]
    assert "alpha has no pool other" in against(copy(to="other/copy"))[0]
    assert (
        "is not active: start it first"
        in against(copy(), pool=replace(POOL, state=PoolState.INACTIVE))[0]
    )
    assert "QEMU makes no volume in it" in against(copy(), pool=replace(POOL, type="logical"))[0]
    there = Volume("alpha", "u-pool", "default", "copy", "/pool/copy")
    assert "/pool/copy is there already" in against(copy(), volumes=(there,))[0]
    assert "/pool/base is there already" in against(copy(to="/pool/base"))[0]
    running = {web().key: InstanceRun(block_jobs=(job("pull", S.RUNNING),))}
    assert "has a block job: pull, running" in against(copy(), runs=running)[0]
    assert (
        "is shut off: start it first"
        in against(copy(), instance=web(state=InstanceState.SHUTOFF))[0]
    )


def test_only_qemu_has_block_jobs() -> None:
    for type_, words in (("test", "the test driver has no block jobs: only QEMU"), ("lxc", "LXC")):
        for request in (copy(), BlockJobAbort(web().key, disk="vda")):
            assert words in against(request, instance=web(type=type_))[0]
    for type_ in ("kvm", "qemu", "new-one", ""):
        assert against(copy(), instance=web(type=type_)) == []


def test_what_is_not_in_the_chain_is_neither_pulled_nor_merged() -> None:
    key = web().key
    assert against(BlockPull(key, disk="vda", base="/pool/base")) == []
    assert "choose /pool/base" in against(BlockPull(key, disk="vda", base="/pool/middle"))[0]
    assert "based on nothing" in against(BlockPull(key, disk="vda"), instance=web(TOP))[0]
    assert "based on nothing" in against(BlockCommit(key, disk="vda"), instance=web(TOP))[0]
    assert "has no disk vdb: it has vda" in against(BlockPull(key, disk="vdb"))[0]
    wrong = BlockCommit(key, disk="vda", top="/pool/base", base="/pool/middle")
    assert "is not where it would have to be" in against(wrong)[0]


def test_what_others_are_based_on_is_not_merged_into() -> None:
    other = Instance(
        *("alpha", "u-db", "db"), disks=(Disk("vda", source=COPIED, backing=(MIDDLE, BASE)),)
    )
    commit = BlockCommit(web().key, disk="vda")
    assert "/pool/middle is also what db is based on" in against(commit, other)[0]
    overlay = Volume("alpha", "u-pool", "default", "x", "/pool/x", backing="/pool/middle")
    assert "what /pool/x is based on" in against(commit, volumes=(overlay,))[0]
    mine = Volume("alpha", "u-pool", "default", "top", "/pool/top", backing="/pool/middle")
    assert against(commit, volumes=(mine,)) == []


def test_who_has_it_as_a_volume_of_its_pool_is_not_merged_under() -> None:
    volume = Volume("alpha", "u-pool", "default", "middle", "/pool/middle", "file", "qcow2")
    source = DiskSource("volume", "default/middle", format="qcow2")
    template = Instance("alpha", "u-t", "template", disks=(Disk("vda", source=source),))
    found = against(BlockCommit(web().key, disk="vda"), template, volumes=(volume,))
    assert "/pool/middle is also what template is based on" in found[0]


def test_who_has_it_on_another_host_is_not_merged_under() -> None:
    beta = replace(POOL, host="beta")
    there = Disk("vda", source=DiskSource("file", "/local/db"), backing=(MIDDLE, BASE))
    db = Instance("beta", "u-db", "db", state=InstanceState.RUNNING, disks=(there,), id=3)
    commit = BlockCommit(web().key, disk="vda")
    for volumes in (
        (),
        tuple(Volume(h, "u-pool", "default", "middle", "/pool/middle") for h in ("alpha", "beta")),
    ):
        known = State(
            hosts={h: Host(h, f"qemu:///{h}", Link(LinkStatus.UP, 0.0)) for h in ("alpha", "beta")},
            instances={one.key: one for one in (web(), db)},
            pools={one.key: one for one in (POOL, beta)},
            volumes={one.key: one for one in volumes},
        )
        found = [str(one) for one in checks.check(known, commit)]
        assert "/pool/middle is also what db on beta is based on" in found[0]
        own = replace(web(), host="beta", state=InstanceState.SHUTOFF, id=None)
        left = dataclasses.replace(known, instances={one.key: one for one in (web(), own)})
        assert not checks.check(left, commit)


def test_whether_anything_else_needs_what_is_merged_into_is_said_where_it_is_not_known() -> None:
    host = Host("alpha", "qemu:///alpha", Link(LinkStatus.DOWN, 0.0))
    known = State(hosts={"alpha": host}, instances={web().key: web()})
    found = danger(known, BlockCommit(web().key, disk="vda"))
    assert "Whether anything else needs /pool/middle is not known" in str(found)


SLOWED = sent(SlowDownCall("vda", 1 << 20), BEGAN + 1)
PIVOTED = sent(BlockPivotCall("vda"), BEGAN + 2), sent(PoolLookCall("default"), BEGAN + 3)
NOT_NOW = "cannot acquire state change lock."


def over(*calls: Sent, **fields: Any) -> Action:
    done = job("copy", S.COMPLETED)
    known = {"instance": web(COPIED), "told": done, **fields}
    return decide(COPY, now(copy(then="pivot"), sent(COPYING), SLOWED, *PIVOTED, *calls, **known))


def release(at: float, **fields: Any) -> Sent:
    return sent(ReleaseCall("vda"), at, **fields)


def test_a_slowed_guest_is_let_go_until_that_is_heard() -> None:
    assert called(over()) == ReleaseCall("vda")
    assert isinstance(over(link_up=False), Wait)
    refusals = tuple(release(BEGAN + 4, error=NOT_NOW) for _ in range(4))
    assert isinstance(over(refusals[0], now=BEGAN + 6), Wait)
    assert called(over(refusals[0], now=BEGAN + 30)) == ReleaseCall("vda")
    assert isinstance(over(refusals[0], now=BEGAN + 30, link_up=False), Wait)
    unheard = release(BEGAN + 4, ended=None)
    assert isinstance(over(unheard), Wait), "its answer still comes"
    assert called(over(unheard, adopted=BEGAN + 5)) == ReleaseCall("vda")
    done = ended(over(release(BEGAN + 4)), OperationStatus.DONE)
    assert "may still be" not in done.outcome
    slow = ended(over(*refusals), OperationStatus.DONE, "written to at 1.0M/s at most: cannot")
    assert "set-disk-limits" in slow.hint


def test_a_guest_that_cannot_be_slow_any_more_is_let_be_and_one_that_left_is_told_of() -> None:
    for instance in (replace(web(COPIED), state=InstanceState.SHUTOFF, id=None), web(id=8), None):
        assert isinstance(over(instance=instance), End)
    seen = now(
        copy(), sent(COPYING), SLOWED, *PIVOTED, instance=None, told=job("copy", S.COMPLETED)
    )
    around = dataclasses.replace(seen.around, twins={"beta": replace(web(COPIED), host="beta")})
    end = decide(COPY, dataclasses.replace(seen, around=around))
    ended(end, OperationStatus.DONE, "at most: it went to beta")
    never = sent(SlowDownCall("vda", 9), BEGAN + 1, error="no.")
    calls = sent(COPYING), never, *PIVOTED
    kept = now(copy(), *calls, instance=web(COPIED), told=job("copy", S.COMPLETED))
    assert "may still be" not in ended(decide(COPY, kept), OperationStatus.DONE).outcome
