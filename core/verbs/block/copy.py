"""A disk is copied while its guest runs; then the instance goes on on the copy, or it is let go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Request, State
from core.model.operation import AnswerChoice, OperationQuestion
from core.model.text import clean
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    BlockPivotCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    RoomCall,
    SlowDownCall,
)
from core.verbs.block.destination import To, against_destination, path_of
from core.verbs.block.family import (
    STAYS_ENCRYPTED,
    Speed,
    TheDisk,
    against_encryption,
    against_start,
    in_bytes,
    named,
)
from core.verbs.block.following import Followed, disk_of, refused
from core.verbs.block.left_secrets import without_secrets
from core.verbs.block.mirror import Mirror, judged, newest
from core.verbs.block.outcome import shown
from core.verbs.block.slowed import released
from core.verbs.device.calls import DropSecretsCall
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal
from core.verbs.situation import Action, Ask, Send, Situation, done, failed
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Verb

Then = Literal["ask", "pivot", "abort"]
Format = Literal["qcow2", "raw"]


class BlockCopy(Request, frozen=True):
    """Copy a disk of an instance that runs to a new file (virDomainBlockCopy)."""

    verb: ClassVar[str] = "block-copy"
    disk: TheDisk
    to: To
    format: Annotated[Format, parameter("The format of the file.")] = "qcow2"
    then: Annotated[
        Then,
        parameter(
            "Once both are equal. pivot: the instance goes on on the copy. abort: it stays where it"
            " is, and the copy is left as the disk is then. ask: you are asked; until then every"
            " write goes to both."
        ),
    ] = "ask"
    shallow: Annotated[
        bool,
        parameter(
            "Only what lies in the image in use: the copy is based on the same images.",
            advanced=True,
        ),
    ] = False
    synchronous: Annotated[
        bool,
        parameter(
            "The guest's writes wait until the copy has them, too: it catches up with any guest.",
            advanced=True,
        ),
    ] = False
    speed: Speed = 0.0


PIVOT = AnswerChoice("pivot", "go on on the copy")
ABORT = AnswerChoice(
    "abort", "stay on the disk it has, and leave the copy as that is now", harmless=True
)


def _copy(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockCopy)
    if not now.sent:
        path = path_of(now.around.pools, request.subject.host, request.to)
        disk = disk_of(now, request.disk)
        call = BlockCopyCall(
            *(request.disk, path, request.format, request.shallow, request.synchronous),
            in_bytes(request.speed),
            source="" if disk is None or disk.source is None else disk.source.path,
        )
        return Send(call, f"copying {request.disk} of {now.name} to {clean(path)}")
    job = newest(now)
    begun = job.begun.call
    assert isinstance(begun, BlockCopyCall)
    if refused(job.begun):
        return released(now, failed(job.begun.error, job.begun.hint))
    path = begun.to
    mirror = Mirror(
        *(job, begun, f"the copy of {job.disk} of {now.name}"),
        ready=lambda: _ready(job, path),
        whole=lambda how: shown(job, path, done(_as_it_was(job, path, how))),
        pivoted=lambda: without_secrets(job, begun, _pivoted(job, path)),
    )
    return released(now, judged(mirror) or job.wait())


def _pivoted(job: Followed, path: str) -> Action:
    return shown(job, path, done(f"{job.disk} of {job.now.name} is {clean(path)} now"))


def _as_it_was(job: Followed, path: str, how: str) -> str:
    return f"{clean(path)} is {job.disk} of {job.now.name} as it was then{how}"


def _ready(job: Followed, path: str) -> Action | None:
    """Decide what becomes of a copy that is equal to its disk."""
    now, request = job.now, job.now.request
    assert isinstance(request, BlockCopy)
    then: str = request.then
    if then == "ask":
        question = OperationQuestion(
            f"copied-{job.begun.at}",
            f"{job.disk} of {now.name} and {clean(path)} are equal, and every write goes to both. "
            "Go on on the copy?",
            (PIVOT, ABORT),
        )
        answer = now.answer(question.key)
        if answer is None:
            return Ask(question)
        then = answer.word
    if then == ABORT.word:
        return job.once(CopyFinishCall(job.disk), f"ending it: {clean(path)} is whole")
    return pivot(job, path)


def pivot(job: Followed, path: str) -> Action | None:
    """Have the instance go on on a copy that is equal to its disk; None: it is waited for."""
    now, sent = job.now, job.sent(BlockPivotCall)
    if sent is not None and refused(sent):
        return failed(
            f"{now.name} could not go on on {clean(path)}: {sent.error.rstrip('.')}; it is still "
            "copied to",
            "End that by block-job-pivot or block-job-abort.",
        )
    return job.once(BlockPivotCall(job.disk), f"having {now.name} go on on {clean(path)}")


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, BlockCopy)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_start(state, request, instance, request.disk)
    yield from against_encryption(instance, named(instance, request.disk), STAYS_ENCRYPTED)
    yield from against_destination(state, instance, request.to)


COPY = Verb(
    BlockCopy,
    title="Copy a disk",
    help="Copy a disk to a new file while the guest runs, and go on on the copy or let it go.",
    doing="having a disk copied",
    group="disks",
    key="c",
    decide=_copy,
    calls=(
        *(BlockCopyCall, BlockPivotCall, BlockAbortCall, CopyFinishCall),
        *(SlowDownCall, ReleaseCall, RoomCall, CopyRemoveCall, PoolLookCall, DropSecretsCall),
    ),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"block-jobs"}),
    during_backups=False,
    storage_for=("to",),
    states=TO_BE_ON,
    refusals=_against,
    cancelled="The copy is ended, and what was written of it is removed.",
)
