"""A mirror of a disk, from its beginning until it is equal, has ended, or never will be. Pure.

A copy and an image of a running guest are both one. What becomes of it once it is equal differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from core.model import BlockJobState
from core.model.operation import AnswerChoice, OperationQuestion
from core.model.sizes import size
from core.model.text import clean
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    BlockPivotCall,
    CopyFinishCall,
    CopyRemoveCall,
    SlowDownCall,
)
from core.verbs.block.following import Followed, disk_of, refused, writes_to
from core.verbs.block.outcome import cleared, failure, unanswered
from core.verbs.situation import (
    Action,
    Answered,
    Ask,
    End,
    Send,
    Situation,
    cancelled,
    failed,
    unknown,
)

STALLED = 30.0
"""Seconds in which what is left does not fall, after which the operator is asked. Four times as
long each time the answer is to go on."""
LEAST_RATE = 256 << 10
"""Bytes a second a guest may write at least, where it is slowed down."""

KEEP = AnswerChoice("keep", "keep the file, which may not be whole", harmless=True)
REMOVE = AnswerChoice("remove", "remove the file")
SLOWER = AnswerChoice("slower", "let the guest write to the disk at a quarter of the copy's speed")
TOGETHER = AnswerChoice(
    "together", "begin again, with each write of the guest waiting until the copy has it, too"
)
GO_ON = AnswerChoice("go-on", "go on for longer as it is", harmless=True)
GIVE_UP = AnswerChoice("give-up", "end it, and remove what was written")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The newest mirror of an operation, and what its verb makes of it."""

    job: Followed
    call: BlockCopyCall
    what: str
    """`the copy of vda of web`."""
    ready: Callable[[], Action | None]
    """What is done once it is equal; None: wait."""
    whole: Callable[[str], Action]
    """What is done once it has ended and is whole; told what is to be said of that."""
    pivoted: Callable[[], Action]
    """What is done where the instance writes to it now."""

    @property
    def path(self) -> str:
        """The file that is written."""
        return self.call.to


def newest(now: Situation) -> Followed:
    """Return the newest mirror that an operation began: it may have begun a second."""
    begun = next(one for one in reversed(now.sent) if isinstance(one.call, BlockCopyCall))
    call = begun.call
    assert isinstance(call, BlockCopyCall)
    return Followed(now, begun, call.disk, "copy", lambda seen: writes_to(seen, call.disk, call.to))


def judged(mirror: Mirror) -> Action | None:
    """Decide about a mirror that libvirt did not refuse; None: it is waited for."""
    job, now = mirror.job, mirror.job.now
    match job.state:
        case BlockJobState.COMPLETED:
            return mirror.pivoted()
        case BlockJobState.READY | BlockJobState.RUNNING if now.cancelled:
            return job.abort(now.cancelled)
        case BlockJobState.READY:
            return mirror.ready()
        case BlockJobState.RUNNING:
            return _stalled(mirror)
        case BlockJobState.CANCELED:
            return _ended(mirror)
        case BlockJobState.FAILED:
            kept = "The instance runs on on the disk it has."
            end = failure(job, mirror.what, mirror.path, kept)
            return cleared(job, mirror.path, end) if isinstance(end, End) else end
        case BlockJobState.VANISHED if (doubt := _pivoted_unseen(mirror)) is not None:
            return doubt
        case BlockJobState.VANISHED if job.begun.accepted or job.sent(CopyRemoveCall):
            return _vanished(mirror)
        case BlockJobState.VANISHED:
            return unanswered(job, mirror.what)
    return None


def _ended(mirror: Mirror) -> Action:
    """Judge a mirror that somebody has ended: one that was equal by then is whole."""
    job = mirror.job
    if job.sent(BlockAbortCall) is not None:
        return _given_up(mirror)
    if job.sent(CopyFinishCall) is not None:
        return mirror.whole("")
    if job.was_ready or _asked_what_then(job):
        return mirror.whole(", as somebody else ended it")
    end = failed(f"{mirror.what} was ended by somebody else before it was whole")
    return cleared(job, mirror.path, end)


def _asked_what_then(job: Followed) -> bool:
    return job.now.answer(f"copied-{job.begun.at}") is not None


def _vanished(mirror: Mirror) -> Action:
    """Judge a mirror whose end nobody told: the chain shows that there was no pivot."""
    job = mirror.job
    finishing = job.sent(CopyFinishCall)
    if finishing is not None and not job.ended_with_it:
        return mirror.whole("") if finishing.accepted else _doubtful(mirror)
    if job.sent(BlockAbortCall) is not None:
        return _given_up(mirror)
    gone = f"{mirror.what} is not there any more, and nobody saw its end{job.ended_with_it}"
    return cleared(job, mirror.path, failed(gone))


def _pivoted_unseen(mirror: Mirror) -> End | None:
    """Say that a pivot was sent, and that no instance is there to tell what it writes to.

    It may write to the copy, here or on another host: nothing is removed. None: that is not so.
    """
    job, now, pivot = mirror.job, mirror.job.now, mirror.job.sent(BlockPivotCall)
    if pivot is None or refused(pivot) or job.sent(CopyRemoveCall) is not None:
        return None
    without = "" if disk_of(now, job.disk) else f": {now.name} has no disk {job.disk} any more"
    if not (why := job.ended_with_it or without):
        return None
    return unknown(
        f"whether {now.name} went on on {clean(mirror.path)} is not known{why}",
        "Nothing is removed: see which of both it writes to, wherever it is now.",
    )


def _given_up(mirror: Mirror) -> Action:
    """Remove what was written; begin again where that is why it was ended."""
    job, now = mirror.job, mirror.job.now
    finish = job.sent(CopyFinishCall)
    end = cancelled(f"{mirror.what} was ended")
    if finish is not None and finish.error:
        end = failed(f"{mirror.what} was ended: {finish.error.rstrip('.')}", finish.hint)
    action = cleared(job, mirror.path, end)
    again = _answer(job, TOGETHER.word)
    if isinstance(action, End) and again is not None and not now.cancelled:
        call = replace(mirror.call, synchronous=True)
        return Send(call, "beginning again: each write waits for both, as " + again.by + " said")
    return action


def _doubtful(mirror: Mirror) -> Action:
    """Ask about a mirror that was equal, and was ended while nobody heard how."""
    job = mirror.job
    question = OperationQuestion(
        f"ended-{job.begun.at}",
        f"{mirror.what} was equal to it and has ended, and nobody saw how: keep "
        f"{clean(mirror.path)}?",
        (KEEP, REMOVE),
    )
    answer = job.now.answer(question.key)
    if answer is None:
        return Ask(question)
    if answer.word == KEEP.word:
        return mirror.whole(f", kept as {answer.by} said; nobody saw it end")
    end = failed(f"{mirror.what} is given up, as {answer.by} said")
    return cleared(job, mirror.path, end)


def _stalled(mirror: Mirror) -> Action | None:
    """Ask what to do about a guest that writes faster than it is copied; None: it catches up."""
    job, now = mirror.job, mirror.job.now
    given_up, together = _answer(job, GIVE_UP.word), _answer(job, TOGETHER.word)
    if given_up is not None or together is not None:
        return job.abort(f"{(given_up or together).by} said so")  # type: ignore[union-attr]
    slower = _answer(job, SLOWER.word)
    if slower is not None and job.sent(SlowDownCall) is None:
        return Send(SlowDownCall(job.disk, _quarter(job)), f"slowing {now.name} down")
    answered = [one for one in now.progress.answers if one.key.startswith(_key(job))]
    if not is_stalled(job, STALLED * 4 ** len(answered)):
        return None
    told = job.job
    left = None if told is None else told.left
    question = OperationQuestion(
        f"{_key(job)}{len(answered)}",
        f"{mirror.what} does not catch up: {size(left)} are left, no less than "
        f"{now.now - _least_at(job):.0f} s ago, for the guest writes as fast as it is copied",
        _choices(mirror, slowed=slower is not None),
    )
    return Ask(question)


def is_stalled(job: Followed, seconds: float) -> bool:
    """Whether what is left of a job has not fallen for so long."""
    told = job.job
    if told is None or told.left is None or told.least_at is None:
        return False
    return job.now.now - told.least_at >= seconds


def _choices(mirror: Mirror, *, slowed: bool) -> tuple[AnswerChoice, ...]:
    disk = disk_of(mirror.job.now, mirror.job.disk)
    limited = disk is None or disk.throttled or slowed
    return (
        *(() if limited else (SLOWER,)),
        *(() if mirror.call.synchronous else (TOGETHER,)),
        *(GO_ON, GIVE_UP),
    )


def _quarter(job: Followed) -> int:
    told = job.job
    done = 0 if told is None or told.current is None else told.current
    return max(LEAST_RATE, int(done / max(1.0, job.now.now - job.begun.at)) // 4)


def _least_at(job: Followed) -> float:
    told = job.job
    return job.now.now if told is None or told.least_at is None else told.least_at


def _answer(job: Followed, word: str) -> Answered | None:
    answers = job.now.progress.answers
    mine = (one for one in answers if one.key.startswith(_key(job)) and one.word == word)
    return next(mine, None)


def _key(job: Followed) -> str:
    return f"stalled-{job.begun.at}-"
