"""What is frozen is thawed: what is sent in which order, and what is said where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from core.engine import recovery
from core.engine.progress import progress_json, progress_of
from core.model import Instance, InstanceState, OperationStatus
from core.verbs.agent.freezing import (
    AGAIN,
    FREEZE,
    GRACE,
    LOOK_EVERY,
    PATIENCE,
    EndGuardCall,
    Freeze,
    FreezeCall,
    FreezeStatus,
    FreezeStatusCall,
    FrozenCount,
    Guard,
    GuardCall,
    Thaw,
    ThawCall,
    freeze,
)
from core.verbs.call import Call
from core.verbs.registry import VERBS
from core.verbs.situation import Action, Answered, End, Progress, Send, Sent, Situation, Wait

T = 1000.0
WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, id=7)
REQUEST = Freeze(WEB.key, 30.0)
GUARD = Sent(GuardCall(35), T, T + 1, answer=Guard(42))
ALONE = Sent(GuardCall(35), T, T + 1, answer=Guard(0))
FROZEN = Sent(FreezeCall(), T + 1, T + 2, answer=FrozenCount(2))
UNHEARD = Sent(FreezeCall(), T + 1, T + 2, "its agent stopped", certain=False)
THAWED = Sent(ThawCall(), T + 32, T + 33, answer=FrozenCount(2))
FREED = Sent(EndGuardCall(42), T + 33, T + 34)


def look(frozen: bool) -> Sent:
    return Sent(FreezeStatusCall(), T + 8, T + 9, answer=FreezeStatus(frozen))


def decide(
    *sent: Sent, now: float = T + 3, answers: tuple[Answered, ...] = (),
    adopted: float | None = None, **more: Any,
) -> Action:  # fmt: skip
    progress = Progress(sent, answers=answers, adopted=adopted)
    return freeze(Situation(REQUEST, "web", now, progress, WEB, **more))


def sends(action: Action) -> Call:
    assert isinstance(action, Send), action
    return action.call


def ends(action: Action) -> tuple[OperationStatus, str, str]:
    assert isinstance(action, End), action
    return action.status, action.outcome, action.hint


def test_the_guest_is_made_to_thaw_itself_before_it_is_frozen() -> None:
    assert sends(decide()) == GuardCall(round(30 + GRACE))
    assert sends(decide(GUARD)) == FreezeCall()
    waits = decide(GUARD, FROZEN)
    assert isinstance(waits, Wait)
    assert waits.countdown is not None
    assert waits.countdown.until == T + 32
    assert waits.question is not None
    assert "2 file systems of web are frozen" in waits.text
    assert sends(decide(GUARD, FROZEN, now=T + 32)) == ThawCall()
    assert sends(decide(GUARD, FROZEN, THAWED, now=T + 33)) == EndGuardCall(42)
    status, text, _ = ends(decide(GUARD, FROZEN, THAWED, FREED, now=T + 34))
    assert (status, text) == (
        OperationStatus.DONE,
        "2 file systems of web stood still for 31.0 s",
    )


def test_it_is_thawed_earlier_where_the_operator_says_so() -> None:
    waits = decide(GUARD, FROZEN)
    assert isinstance(waits, Wait)
    assert waits.question is not None
    answer = Answered(waits.question.key, "thaw", "ann@desk")
    assert sends(decide(GUARD, FROZEN, answers=(answer,))) == ThawCall()
    assert sends(decide(GUARD, FROZEN, cancelled="enough")) == ThawCall()
    end = decide(GUARD, FROZEN, THAWED, FREED, cancelled="enough")
    assert ends(end)[0] is OperationStatus.CANCELLED


def test_it_is_noticed_when_somebody_else_thaws_it() -> None:
    assert sends(decide(GUARD, FROZEN, now=T + 2 + LOOK_EVERY)) == FreezeStatusCall()
    assert isinstance(decide(GUARD, FROZEN, look(frozen=True), now=T + 9), Wait)
    assert sends(decide(GUARD, FROZEN, look(frozen=False), now=T + 9)) == EndGuardCall(42)
    end = decide(GUARD, FROZEN, look(frozen=False), FREED, now=T + 10)
    assert ends(end)[:2] == (OperationStatus.DONE, "web was thawed by somebody else")


def test_what_may_be_frozen_is_thawed() -> None:
    assert sends(decide(GUARD, UNHEARD)) == ThawCall()
    end = decide(GUARD, UNHEARD, THAWED, FREED)
    assert ends(end)[:2] == (
        OperationStatus.FAILED,
        "web is thawed: whether it was frozen is not known (its agent stopped)",
    )


@pytest.mark.parametrize(("guard", "cure"), [
    (GUARD, "It thaws itself 35 s after it was frozen"),
    (ALONE, "`thaw web` again once its agent answers"),
])  # fmt: skip
def test_an_agent_that_does_not_answer_is_asked_again_and_what_stays_frozen_is_said(
    guard: Sent, cure: str
) -> None:
    failed = Sent(ThawCall(), T + 32, T + 33, "no answer")
    assert isinstance(decide(guard, FROZEN, failed, now=T + 33), Wait)
    assert sends(decide(guard, FROZEN, failed, now=T + 33 + AGAIN)) == ThawCall()
    status, text, hint = ends(decide(guard, FROZEN, failed, now=T + 33 + PATIENCE))
    assert (status, text) == (OperationStatus.UNKNOWN, "web may still be frozen: no answer")
    assert cure in hint


def test_one_that_somebody_else_has_frozen_is_left_frozen() -> None:
    refused = Sent(FreezeCall(), T + 1, T + 2, "the agent is in frozen state", "Thaw it first.")
    assert sends(decide(GUARD, refused)) == EndGuardCall(42)
    for sent in ((GUARD, refused, FREED), (ALONE, refused)):
        status, text, _ = ends(decide(*sent))
        assert status is OperationStatus.FAILED
        assert text == "web was not frozen: the agent is in frozen state"


def test_nothing_is_frozen_for_a_console_that_has_ended() -> None:
    assert ends(decide(GUARD, adopted=T + 3))[:2] == (
        OperationStatus.CANCELLED,
        "web was not frozen: its console ended",
    )
    unheard = Sent(GuardCall(35), T, T + 1, "silent")
    assert ends(decide(unheard))[0] is OperationStatus.FAILED


@pytest.mark.parametrize("sent", [
    (GUARD, Sent(FreezeCall(), T + 1)),
    (GUARD, FROZEN, Sent(ThawCall(), T + 32)),
])  # fmt: skip
def test_a_console_that_takes_over_thaws_without_asking(sent: tuple[Sent, ...]) -> None:
    progress = progress_of(FREEZE, progress_json(Progress(sent)))
    assert progress is not None
    adopted = recovery.adopted(progress, T + 50)
    action = recovery.next_action(FREEZE, Situation(REQUEST, "web", T + 50, adopted, WEB))
    assert sends(action) == ThawCall()


@pytest.mark.parametrize("sent", [
    (GUARD, FROZEN, THAWED),
    (GUARD, FROZEN, THAWED, Sent(EndGuardCall(42), T + 33)),
])  # fmt: skip
def test_a_console_that_takes_over_after_the_thaw_ends_the_guard_without_asking(
    sent: tuple[Sent, ...],
) -> None:
    adopted = recovery.adopted(Progress(sent), T + 50)
    action = recovery.next_action(FREEZE, Situation(REQUEST, "web", T + 50, adopted, WEB))
    if isinstance(action, Send):
        assert action.call == EndGuardCall(42)
    else:
        assert ends(action)[0] is OperationStatus.DONE


def test_a_guest_without_such_file_systems_says_so() -> None:
    none = Sent(FreezeCall(), T + 1, T + 2, answer=FrozenCount(0))
    assert "no file system that can be frozen" in ends(decide(ALONE, none, THAWED))[1]


def test_thawing_does_not_wait_for_the_freeze() -> None:
    assert Freeze in VERBS["thaw"].overrides
    decided = VERBS["thaw"].decide
    assert decided is not None
    thawed = Sent(ThawCall(), T, T + 1, answer=FrozenCount(0))
    for sent, words in (((), ""), ((thawed,), "it was not frozen, as far as its agent knows")):
        action = decided(Situation(Thaw(WEB.key), "web", T + 2, Progress(sent), WEB))
        assert sends(action) == ThawCall() if not sent else words in ends(action)[1]
