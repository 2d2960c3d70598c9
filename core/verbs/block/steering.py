"""A block job that runs is made faster or slower, ended, or taken to its end, whoever began it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from core.model import BlockJob, BlockJobState, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.block.calls import BlockAbortCall, BlockPivotCall, BlockSpeedCall
from core.verbs.block.commit import BlockCommit
from core.verbs.block.copy import BlockCopy
from core.verbs.block.family import MIB, JobDisk, against_driver, in_bytes
from core.verbs.block.following import Followed, writes_to
from core.verbs.block.image import ImageMake
from core.verbs.block.left_secrets import secrets_dropped
from core.verbs.block.pull import BlockPull
from core.verbs.block.swap import VolumeSwap
from core.verbs.caution import Caution
from core.verbs.device.calls import DropSecretsCall
from core.verbs.device.devices import find
from core.verbs.parameter import parameter
from core.verbs.situation import Action, End, Send, Situation, Wait, done, failed
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Risk, Subjects, Verb

STEERED: frozenset[type[Request]] = frozenset(
    {BlockCopy, BlockPull, BlockCommit, ImageMake, VolumeSwap}
)
"""What follows a job that these steer."""


class BlockJobSpeed(Request, frozen=True):
    """Limit how fast a block job goes (virDomainBlockJobSetSpeed)."""

    verb: ClassVar[str] = "block-job-speed"
    disk: JobDisk
    speed: Annotated[
        float,
        parameter("The most it may copy a second; 0: as fast as it goes.", least=0, most=1e6,
                  unit="MiB/s"),
    ]  # fmt: skip


class BlockJobPivot(Request, frozen=True):
    """Have the instance go on on what its disk is mirrored to (virDomainBlockJobAbort)."""

    verb: ClassVar[str] = "block-job-pivot"
    disk: JobDisk


class BlockJobAbort(Request, frozen=True):
    """End a block job (virDomainBlockJobAbort)."""

    verb: ClassVar[str] = "block-job-abort"
    disk: JobDisk


def _running(now: Situation, disk: str) -> BlockJob | None:
    job = now.run.block_job(disk)
    return None if job is None or job.state.over else job


def _none(now: Situation, disk: str) -> End:
    """Say which disks there are, or which have a job."""
    there = [] if now.instance is None else [one.target for one in now.instance.disks]
    if there and disk not in there:
        return failed(f"{now.name} has no disk {clean(disk)}", f"It has {listed(there)}.")
    jobs = [one.disk for one in now.run.running_block_jobs]
    under_way = f"One is under way on {listed(jobs)}: name that disk." if jobs else ""
    hint = under_way or f"No disk of {now.name} has one: it is over, or was not begun."
    return failed(f"{disk} of {now.name} has no block job now", hint)


def _speed(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockJobSpeed)
    if not now.sent:
        if now.looked is not None and _running(now, request.disk) is None:
            return _none(now, request.disk)
        limit = f"{request.speed:g} MiB/s" if request.speed else "no limit"
        call = BlockSpeedCall(request.disk, in_bytes(request.speed))
        return Send(call, f"giving the job of {request.disk} of {now.name} {limit}")
    if now.last.accepted:
        limit = f"{request.speed:g} MiB/s at most" if request.speed else "as fast as it can"
        return done(f"the job of {request.disk} of {now.name} goes {limit}")
    return _unheard(now, BlockSpeedCall)


def _unheard(
    now: Situation, kind: type[BlockSpeedCall | BlockPivotCall | BlockAbortCall]
) -> Action:
    """Decide about a call that was refused, or gave no answer: it may be made again."""
    last = now.last
    if last.error and last.certain:
        return failed(last.error, last.hint)
    adopted = now.progress.adopted or 0.0
    running = _running(now, getattr(now.request, "disk", "")) is not None
    if running and (last.ended is not None or last.at < adopted) and now.link_up:
        assert isinstance(last.call, kind)
        return Send(last.call, "once more: no answer was heard")
    if now.looked is not None and not running:
        return _none(now, getattr(now.request, "disk", ""))
    return Wait(now.now + 2.0)


def _was_before(now: Situation) -> Request | None:
    request = now.request
    assert isinstance(request, BlockJobSpeed)
    job = _running(now, request.disk)
    if job is None or job.bandwidth is None or job.bandwidth == in_bytes(request.speed):
        return None
    return BlockJobSpeed(request.subject, request.disk, job.bandwidth / MIB)


def _pivot(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockJobPivot)
    job = _running(now, request.disk)
    if not now.sent:
        if job is None and now.looked is not None:
            return _none(now, request.disk)
        if job is not None and job.state is not BlockJobState.READY:
            return failed(
                f"the {job.type} of {request.disk} of {now.name} is not ready for it",
                "Wait until it is; pull and backup have no pivot.",
            )
        to = f" on {clean(job.target)}" if job is not None and job.target else ""
        leaves = find(now.instance, "disk", request.disk)
        secrets = leaves is not None and leaves.secrets
        call = BlockPivotCall(request.disk, secrets)
        return Send(call, f"having {now.name} go on{to}")
    followed = _followed(now, request.disk)
    pivoted = next(one for one in reversed(now.sent) if isinstance(one.call, BlockPivotCall))
    dropping = followed.sent(DropSecretsCall) is not None
    if dropping or pivoted.accepted or followed.state is BlockJobState.COMPLETED:
        end = done(f"{request.disk} of {now.name} is what it was mirrored to")
        assert isinstance(pivoted.call, BlockPivotCall)
        return secrets_dropped(followed, end) if pivoted.call.secrets else end
    return _unheard(now, BlockPivotCall)


def _abort(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockJobAbort)
    if not now.sent:
        job = _running(now, request.disk)
        if job is None and now.looked is not None:
            return _none(now, request.disk)
        kind = "job" if job is None else job.type
        return Send(BlockAbortCall(request.disk), f"ending the {kind} of {request.disk}")
    ended = _followed(now, request.disk).state
    if now.last.accepted or ended is BlockJobState.CANCELED:
        return done(f"the job of {request.disk} of {now.name} is ended")
    return _unheard(now, BlockAbortCall)


def _followed(now: Situation, disk: str) -> Followed:
    """Return the job that was steered, as it stands since."""
    job = now.run.block_job(disk)
    target = "" if job is None else job.target
    type_ = "" if job is None else job.type
    return Followed(
        now, now.sent[0], disk, type_, lambda seen: bool(target) and writes_to(seen, disk, target)
    )


def _ends(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, BlockJobAbort)
    return (
        f"Ends the block job of {request.disk} of {subjects.whom}: a copy that is not equal yet is "
        "of no use."
    )


def _goes_on(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, BlockJobPivot)
    return f"{subjects.whom} goes on on what {request.disk} is mirrored to, and leaves its image."


def _whose(state: State, requests: Sequence[Request]) -> list[str]:
    """Name what is mirrored to, where that was read."""
    found = []
    for request in requests:
        run = state.runs.get(request.subject)
        job = None if run is None else run.block_job(getattr(request, "disk", ""))
        if job is not None and not job.state.over and job.target:
            found.append(f"It is the {job.type} to {clean(job.target)}.")
    return found


def _verb(request: type[Request], **fields: object) -> Verb:
    made: dict[str, object] = {
        "group": "disks",
        "waits": True,
        "single": True,
        "needs_description": True,
        "looks_at": frozenset({"block-jobs"}),
        "states": TO_BE_ON,
        "during_jobs": True,
        "refusals": against_driver,
        "beside": STEERED,
        **fields,
    }
    return Verb(request, **made)  # type: ignore[arg-type]


SPEED = _verb(
    BlockJobSpeed,
    title="Set a block job's speed",
    help="Limit how fast a block job of a disk goes, whoever began it.",
    doing="having a block job's speed set",
    decide=_speed,
    calls=(BlockSpeedCall,),
    undo=_was_before,
)
PIVOT = _verb(
    BlockJobPivot,
    title="Pivot to a block job's copy",
    part="disk",
    help="Have the instance go on on what a disk is mirrored to, whoever began that.",
    doing="pivoting",
    decide=_pivot,
    calls=(BlockPivotCall, DropSecretsCall),
    risk=Risk(Caution.CONFIRM, _goes_on, after=_whose),
)
ABORT = _verb(
    BlockJobAbort,
    title="End a block job",
    part="disk",
    help="End a block job of a disk, whoever began it.",
    doing="ending a block job",
    decide=_abort,
    calls=(BlockAbortCall,),
    risk=Risk(Caution.CONFIRM, _ends, after=_whose),
)
