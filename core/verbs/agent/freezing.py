"""A guest's file systems held still, and let go again, whatever becomes of this console.

What is frozen is thawed three times over. The operation does it when its time is over, or when the
operator says so; a console that takes it over does it as well; and a process in the guest, begun
before, does it by itself (`fsfreeze --unfreeze`) where no console is left. That one must come
first: a frozen agent starts nothing. The agent does not notice it, and says that it is frozen until
it is told to thaw, which it always does: measured with qemu-ga 7.2 on ext4.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from core.verbs.agent.asking import agent_verb
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import (
    Action,
    End,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
    unknown,
)
from core.verbs.verb import Risk, Subjects

GRACE = 5.0
"""Seconds after its time in which the console thaws before the guest itself does."""
LOOK_EVERY = 5.0
"""Seconds between two looks whether somebody else has thawed it."""
AGAIN = 5.0
"""Seconds between two attempts to thaw one whose agent does not answer."""
PATIENCE = 60.0
"""Seconds in which its agent may come back; after that its own guard has thawed it, or nobody."""


class Freeze(Request, frozen=True):
    """Hold the guest's file systems still for a while (virDomainFSFreeze)."""

    verb: ClassVar[str] = "freeze"
    seconds: Annotated[
        float,
        parameter(
            "When they are thawed at the latest: by this console, the next one, or the guest.",
            least=1,
            most=3600,
            unit="s",
            label="at most",
        ),
    ] = 60.0


class Thaw(Request, frozen=True):
    """Let a guest's file systems go on (virDomainFSThaw)."""

    verb: ClassVar[str] = "thaw"


class Guard(CallAnswer, frozen=True):
    """The process in the guest that thaws it."""

    pid: int
    """0: there is none, for the guest has no sh, sleep or fsfreeze."""


class FrozenCount(CallAnswer, frozen=True):
    """How many file systems a call has frozen or thawed."""

    count: int


class FreezeStatus(CallAnswer, frozen=True):
    """What the agent says of itself."""

    frozen: bool


class GuardCall(Call, frozen=True):
    """guest-exec of what thaws the guest after so many seconds, unless it is ended before."""

    answers: ClassVar[type[CallAnswer] | None] = Guard
    seconds: int


class EndGuardCall(Call, frozen=True):
    """guest-exec of a kill: else it would thaw what is frozen later. It kills nothing else."""

    pid: int
    repeatable: ClassVar[bool] = True


class FreezeCall(Call, frozen=True):
    """virDomainFSFreeze of all."""

    command: ClassVar[str] = "domfsfreeze"
    answers: ClassVar[type[CallAnswer] | None] = FrozenCount


class ThawCall(Call, frozen=True):
    """virDomainFSThaw of all; of what is not frozen it thaws none."""

    command: ClassVar[str] = "domfsthaw"
    answers: ClassVar[type[CallAnswer] | None] = FrozenCount
    repeatable: ClassVar[bool] = True
    urgent: ClassVar[bool] = True


class FreezeStatusCall(Call, frozen=True):
    """guest-fsfreeze-status: a frozen agent answers that, and little else."""

    answers: ClassVar[type[CallAnswer] | None] = FreezeStatus
    repeatable: ClassVar[bool] = True
    looks: ClassVar[bool] = True


NOW = AnswerChoice("thaw", "thaw them now", harmless=True)


def freeze(situation: Situation) -> Action:
    """Set the guard, freeze, wait, thaw, end the guard."""
    request, name = situation.request, situation.name
    assert isinstance(request, Freeze)
    if not situation.sent:
        call = GuardCall(round(request.seconds + GRACE))
        return Send(call, f"having {name} thaw itself after {call.seconds} s")
    if isinstance(situation.last.call, EndGuardCall):
        return _end(situation)
    if (thawed := _sent(situation, ThawCall)) is not None:
        return _after_thaw(situation, request, thawed)
    if (frozen := _sent(situation, FreezeCall)) is None:
        return _freeze(situation)
    if frozen.error and frozen.certain:
        return _end_guard(situation) or _end(situation)
    if _told_thawed(situation):
        return _end_guard(situation) or _end(situation)
    return _hold(situation, request, frozen)


def _freeze(situation: Situation) -> Action:
    guard = situation.last
    if situation.progress.adopted is not None or situation.cancelled:
        why = situation.cancelled or "its console ended"
        return cancelled(f"{situation.name} was not frozen: {why}")
    if guard.error:
        return failed(f"{situation.name} was not frozen: {guard.error}", guard.hint)
    alone = "" if _guard(situation) else ", which cannot thaw itself"
    return Send(FreezeCall(), f"freezing the file systems of {situation.name}{alone}")


def _hold(situation: Situation, request: Freeze, frozen: Sent) -> Action:
    """Wait until it is to be thawed; one of which nothing was heard may be frozen: thaw it."""
    since = frozen.ended or frozen.at
    until = since + request.seconds
    key = f"thaw-{frozen.at}"
    early = situation.cancelled or situation.answer(key) is not None
    if early or situation.now >= until or not frozen.accepted:
        return Send(ThawCall(), f"thawing the file systems of {situation.name}")
    look = max(since, situation.last.at) + LOOK_EVERY
    if situation.now >= look and situation.link_up:
        return Send(FreezeStatusCall(), "asking whether it is frozen")
    question = OperationQuestion(key, f"{situation.name} is frozen. Thaw it now?", (NOW,))
    count = frozen.answer.count if isinstance(frozen.answer, FrozenCount) else 0
    return Wait(
        min(until, max(look, situation.now + 1.0)),
        f"{_systems(count)} of {situation.name} {'is' if count == 1 else 'are'} frozen",
        Countdown(since, until, "they are thawed", asked=0),
        question,
        reads=False,
    )


def _after_thaw(situation: Situation, request: Freeze, thawed: Sent) -> Action:
    if thawed.accepted:
        return _end_guard(situation) or _end(situation)
    tried = thawed.ended or thawed.at
    first = next(one for one in situation.sent if isinstance(one.call, ThawCall))
    if situation.now - first.at > PATIENCE:
        return _stays_frozen(situation, request, thawed)
    if situation.now < tried + AGAIN and thawed.ended is not None:
        return Wait(tried + AGAIN, f"it could not be thawed yet: {thawed.error}", reads=False)
    return Send(ThawCall(), f"thawing the file systems of {situation.name}, once more")


def _stays_frozen(situation: Situation, request: Freeze, thawed: Sent) -> End:
    why = thawed.error.rstrip(".") or "no answer was heard"
    hint = f"`thaw {situation.name}` again once its agent answers; until then it writes nothing."
    if _guard(situation):
        after = f"{request.seconds + GRACE:.0f} s after it was frozen"
        hint = f"It thaws itself {after}; its agent says frozen until `thaw {situation.name}`."
    return unknown(f"{situation.name} may still be frozen: {why}", hint)


def _end_guard(situation: Situation) -> Send | None:
    pid = _guard(situation)
    if not pid:
        return None
    return Send(EndGuardCall(pid), f"having {situation.name} thaw itself no more")


def _end(situation: Situation) -> End:
    """Say what came of it; whether the guard could be ended changes nothing of that."""
    name = situation.name
    frozen, thawed = _sent(situation, FreezeCall), _sent(situation, ThawCall)
    assert frozen is not None, "the guard is ended after that"
    if frozen.error and frozen.certain:
        return failed(f"{name} was not frozen: {frozen.error}", frozen.hint)
    count = frozen.answer.count if isinstance(frozen.answer, FrozenCount) else 0
    if thawed is None:
        return done(f"{name} was thawed by somebody else")
    if not frozen.accepted:
        why = frozen.error.rstrip(".") or "its console ended"
        return failed(f"{name} is thawed: whether it was frozen is not known ({why})")
    if count == 0:
        return done(
            f"{name} has no file system that can be frozen", "It is on no disk, or is full."
        )
    took = (thawed.ended or thawed.at) - (frozen.ended or frozen.at)
    text = f"{_systems(count)} of {name} stood still for {took:.1f} s"
    return cancelled(text) if situation.cancelled else done(text, result=frozen.answer)


def _told_thawed(situation: Situation) -> bool:
    answer = situation.last.answer
    return isinstance(answer, FreezeStatus) and not answer.frozen


def _guard(situation: Situation) -> int:
    answer = situation.sent[0].answer
    return answer.pid if isinstance(answer, Guard) else 0


def _sent(situation: Situation, kind: type[Call]) -> Sent | None:
    """Return the newest call of a kind."""
    return next((one for one in reversed(situation.sent) if isinstance(one.call, kind)), None)


def _systems(count: int) -> str:
    return "1 file system" if count == 1 else f"{count} file systems"


def _stands_still(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, Freeze)
    whose = subjects.of_guest
    return f"Whatever writes in {whose} stands still until it is thawed: {request.seconds:.0f} s."


FREEZE = agent_verb(
    Freeze,
    title="Freeze file systems",
    help="Hold its file systems still, for a snapshot that something else makes of its disks.",
    doing="frozen",
    key="z",
    decide=freeze,
    calls=(GuardCall, FreezeCall, FreezeStatusCall, ThawCall, EndGuardCall),
    waits=True,
    risk=Risk(Caution.CONFIRM, _stands_still),
    cancelled="They are thawed at once.",
)


def _thaw(situation: Situation) -> list[Step]:
    return [Step(ThawCall(), f"thawing the file systems of {situation.name}")]


def _thawed(situation: Situation) -> str:
    answer = situation.last.answer
    count = answer.count if isinstance(answer, FrozenCount) else None
    if count == 0:
        return f"{situation.name} is thawed: it was not frozen, as far as its agent knows"
    return f"{situation.name} is thawed"


THAW = agent_verb(
    Thaw,
    title="Thaw file systems",
    help="Let its file systems go on, whoever has frozen them.",
    doing="thawing",
    key="Z",
    decide=sequence(_thaw, _thawed),
    steps=_thaw,
    calls=(ThawCall,),
    overrides=frozenset({Freeze}),
)
