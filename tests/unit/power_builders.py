"""Situations of the power verbs, for tests of what they decide."""

from __future__ import annotations

from typing import Any

from core.engine.recovery import next_action
from core.model import Event, Instance, InstanceState, ObjectKey, OperationStatus, Request
from core.model.event import InstanceLifecycle, Rebooted
from core.verbs.call import Call
from core.verbs.registry import verb_of
from core.verbs.situation import Action, Answered, End, Progress, Sent, Situation

WEB = ObjectKey("instance", "alpha", "u")
S = InstanceState
T = 1000.0


def web(where: S = S.RUNNING, **more: Any) -> Instance:
    number = 7 if where.active else None
    return Instance("alpha", "u", "web", where, **{"id": number, "type": "qemu", **more})


def sent(call: Call, at: float = T, **more: Any) -> Sent:
    return Sent(call, at, **{"ended": at + 0.1, **more})


def step(
    request: Request,
    *calls: Sent,
    now: float = T + 0.2,
    instance: Instance | None = None,
    events: tuple[Event, ...] = (),
    gap: bool = False,
    adopted: float | None = None,
    before: int | None = 7,
    answers: tuple[Answered, ...] = (),
    **more: Any,
) -> Action:
    """Return what a verb decides with these calls sent; `now` seconds since the epoch."""
    progress = Progress(calls, before, gap, adopted, answers=answers)
    situation = Situation(request, "web", now, progress, instance, events, **more)
    verb = verb_of(request)
    if adopted is None:  # as the engine asks: what it puts before a verb changes nothing then
        return next_action(verb, situation)
    assert verb.decide is not None
    return verb.decide(situation)


def ended(action: Action, status: OperationStatus) -> End:
    assert isinstance(action, End), action
    assert action.status is status, action
    return action


def life(change: str, detail: str, at: float = T + 0.05) -> InstanceLifecycle:
    return InstanceLifecycle("alpha", at, "u", "web", change, detail)


def boot(at: float) -> Rebooted:
    return Rebooted("alpha", at, "u", "web")
