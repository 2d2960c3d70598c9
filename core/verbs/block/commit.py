"""What lies in an image of a disk's chain is merged into one below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import BlockJobState, Disk, Request, State
from core.model.lists import listed
from core.model.operation import AnswerChoice, OperationQuestion
from core.model.text import clean
from core.verbs.block.calls import BlockAbortCall, BlockCommitCall, BlockPivotCall, RoomCall
from core.verbs.block.family import (
    Speed,
    TheDisk,
    against_start,
    image_parameter,
    in_bytes,
    named,
)
from core.verbs.block.following import Followed, chain_of, disk_of, refused, writes_to
from core.verbs.block.merge_users import against_users, untold_users
from core.verbs.block.outcome import failure, undone
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, Ask, Send, Situation, done, failed
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Risk, Subjects, Verb

Then = Literal["pivot", "ask"]


class BlockCommit(Request, frozen=True):
    """Merge an image of a disk's chain into one below it (virDomainBlockCommit)."""

    verb: ClassVar[str] = "block-commit"
    disk: TheDisk
    base: Annotated[
        str | None,
        image_parameter("The image that is merged into; the one right below, unless given."),
    ] = None
    top: Annotated[
        str | None, image_parameter("The image that is merged; the one in use, unless given.")
    ] = None
    then: Annotated[
        Then,
        parameter(
            "Once the image in use is merged. pivot: the instance goes on on the lower one. ask:"
            " you are asked; until then every write goes to both."
        ),
    ] = "pivot"
    speed: Speed = 0.0


PIVOT = AnswerChoice("pivot", "go on on the lower image")
ABORT = AnswerChoice(
    "abort", "stay on the image it has; the lower one keeps what was merged", harmless=True
)


def _commit(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockCommit)
    if not now.sent:
        disk = disk_of(now, request.disk)
        span = None if disk is None else _span(disk, request)
        if disk is None or disk.source is None or span is None:
            return failed(f"the chain of {request.disk} of {now.name} has changed", "Look at it.")
        top, base = span
        active = top == disk.source.path
        call = BlockCommitCall(request.disk, base, "" if active else top, in_bytes(request.speed))
        return Send(call, f"merging {clean(top)} of {now.name} into {clean(base)}")
    begun = now.sent[0]
    if refused(begun):
        return failed(begun.error, begun.hint)
    call_ = begun.call
    assert isinstance(call_, BlockCommitCall)

    def shows(seen: Situation) -> bool:
        if not call_.top:
            return writes_to(seen, call_.disk, call_.base)
        disk = chain_of(seen, call_.disk)
        return disk is not None and all(one.path != call_.top for one in disk.layers)

    type_ = "commit" if call_.top else "active-commit"
    job = Followed(now, begun, call_.disk, type_, shows)
    return _judged(job, call_) or job.wait()


def _judged(job: Followed, call: BlockCommitCall) -> Action | None:
    now, what = job.now, f"the merge of {job.disk} of {job.now.name}"
    match job.state:
        case BlockJobState.COMPLETED if call.top:
            text = f"{clean(call.top)} is merged into {clean(call.base)}; its file stays"
            return done(text, "Remove it where nothing else needs it.")
        case BlockJobState.COMPLETED:
            text = f"{call.disk} of {now.name} is {clean(call.base)} now; the merged files stay"
            return done(text, "Remove them where nothing else needs them.")
        case BlockJobState.READY:
            return _ready(job, call)
        case BlockJobState.RUNNING if now.cancelled:
            return job.abort(now.cancelled)
        case BlockJobState.CANCELED | BlockJobState.VANISHED:
            return undone(job, what)
        case BlockJobState.FAILED:
            return failure(job, what, call.base, "Its chain is as it was.")
    return None


def _ready(job: Followed, call: BlockCommitCall) -> Action | None:
    now, request = job.now, job.now.request
    assert isinstance(request, BlockCommit)
    if now.cancelled:
        return job.abort(now.cancelled)
    if request.then == "ask":
        text = (
            f"{job.disk} of {now.name} is merged into {clean(call.base)}, and every write goes to"
        )
        question = OperationQuestion(
            f"merged-{job.begun.at}", f"{text} both. Go on on that?", (PIVOT, ABORT)
        )
        answer = now.answer(question.key)
        if answer is None:
            return Ask(question)
        if answer.word == ABORT.word:
            return job.abort(f"{answer.by} said so")
    pivot = job.sent(BlockPivotCall)
    if pivot is not None and refused(pivot):
        return failed(
            f"{now.name} could not go on on {clean(call.base)}: {pivot.error.rstrip('.')}",
            "The job is still there: end it by block-job-pivot or block-job-abort.",
        )
    return job.once(BlockPivotCall(job.disk), f"having {now.name} go on on {clean(call.base)}")


def _span(disk: Disk, request: BlockCommit) -> tuple[str, str] | None:
    """Return the image that is merged and the one it is merged into; None: it has none such."""
    chain = [] if disk.source is None else [disk.source.path, *(one.path for one in disk.backing)]
    top = request.top or (chain[0] if chain else "")
    if top not in chain:
        return None
    below = chain[chain.index(top) + 1 :]
    base = request.base or (below[0] if below else "")
    return (top, base) if base in below else None


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, BlockCommit)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_start(state, request, instance, request.disk)
    disk = named(instance, request.disk)
    if disk is None or not instance.state.active:
        return
    if not disk.backing:
        text = f"{disk.target} of {instance.name} is based on nothing"
        yield Refusal(RefusalCode.STATE, text, "there is nothing to merge it into", "disk")
    elif (span := _span(disk, request)) is None:
        wrong = clean(request.base or request.top or "")
        text = f"{wrong} is not where it would have to be in the chain"
        cure = f"from the image in use down it has {listed([clean(x.path) for x in disk.layers])}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "base" if request.base else "top")
    else:
        yield from against_users(state, instance, disk, _changed(disk, span))


def _changed(disk: Disk, span: tuple[str, str]) -> list[str]:
    """Return the images that change: all below the one that is merged, down to the base."""
    chain = [one.path for one in disk.layers]
    top, base = (chain.index(path) for path in span)
    return chain[top + 1 : base + 1]


def _merges(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, BlockCommit)
    base = f" ({clean(request.base)})" if request.base else ""
    return (
        f"Writes into a lower image of {request.disk} of {subjects.whom}{base}: what that held "
        "before is lost, and whatever else is based on it reads what is not its own."
    )


def _snapshots(state: State, requests: Sequence[Request]) -> list[str]:
    found = []
    for request in requests:
        known = state.snapshots.get(request.subject, ())
        external = [clean(one.name) for one in known if one.external]
        if external:
            found.append(
                f"libvirt still lists {listed(external)}: a snapshot whose image is merged cannot "
                "be reverted to, or deleted by it."
            )
    return found


def _untold(state: State, requests: Sequence[Request]) -> list[str]:
    found: list[str] = []
    for request in requests:
        assert isinstance(request, BlockCommit)
        instance = state.instances.get(request.subject)
        disk = named(instance, request.disk)
        span = None if disk is None else _span(disk, request)
        if instance is not None and disk is not None and span is not None:
            found += untold_users(state, instance, disk, _changed(disk, span))
    return found


def _after(state: State, requests: Sequence[Request]) -> list[str]:
    return [*_snapshots(state, requests), *_untold(state, requests)]


COMMIT = Verb(
    BlockCommit,
    title="Merge downwards",
    part="disk",
    help="Merge an image of a disk's chain into one below it; the guest runs on.",
    doing="having a disk merged",
    group="disks",
    key="m",
    decide=_commit,
    calls=(BlockCommitCall, BlockPivotCall, BlockAbortCall, RoomCall),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"block-jobs"}),
    during_backups=False,
    storage_for=("disk",),
    states=TO_BE_ON,
    refusals=_against,
    risk=Risk(Caution.CONFIRM, _merges, after=_after),
    cancelled="It is ended, and its chain is as it was.",
)
