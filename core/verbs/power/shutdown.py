"""Shutting a guest down: asked, asked again, and forced or given up at the end. Pure."""

from __future__ import annotations

from dataclasses import replace

from core.model import InstanceState, OperationStatus
from core.verbs.call import Call
from core.verbs.power.asking import (
    AGENT_SHUTDOWN,
    ASK_DEADLINE,
    agent_unasked,
    asks_again,
    by_acpi,
    means,
    stuck,
)
from core.verbs.power.calls import DestroyCall, ShutdownCall
from core.verbs.power.cutting import after_cut, cut, powered_off
from core.verbs.power.immediate import refusal, unanswered
from core.verbs.power.reboot import fresh_reboots
from core.verbs.power.requests import Shutdown
from core.verbs.power.waiting import Waiting, gave_up_at_once
from core.verbs.situation import Action, End, Send, Situation, Wait, failed

ALWAYS_RESTARTS = 2
"""Restarts after which a guest is not asked any more: each request would be another one."""


def shutdown(situation: Situation) -> Action:
    """Ask the guest to power off, again and again, until it does, is forced, or time is up."""
    request, sent, name = situation.request, situation.sent, situation.name
    assert isinstance(request, Shutdown)
    if not sent:
        call = ShutdownCall(means(situation))
        return Send(call, f"asking the guest of {name} to power off", ASK_DEADLINE)
    waiting = _waiting(situation, request)
    if isinstance(situation.last.call, DestroyCall):
        return _told(after_cut(situation), waiting)
    if off := powered_off(situation):
        return off
    if waiting.forced and situation.link_up:
        return cut(f"cutting its power, as {waiting.forced.by} said")
    if situation.cancelled:
        return waiting.left()
    if gave_up_at_once(situation) and not request.then_stop:
        return refusal(situation)
    if waiting.over:
        return _out_of_time(situation, request, waiting)
    return _ask_again_or_wait(situation, request, waiting)


def _waiting(situation: Situation, request: Shutdown) -> Waiting:
    loss = f"Cuts the power of {situation.name}: what its guest has not written to disk is lost."
    return Waiting(situation, request.timeout, "cut its power", loss)


def _told(action: Action, waiting: Waiting) -> Action:
    """Add to the end that the guest has not powered off by itself: it may want a look at it."""
    if not isinstance(action, End) or action.status is not OperationStatus.DONE:
        return action
    if not waiting.situation.last.accepted:
        return action
    why = "for its guest had not obeyed"
    if waiting.forced:
        why = f"as {waiting.forced.by} said"
    return replace(action, outcome=f"{action.outcome}; its power was cut, {why}")


def _ask_again_or_wait(situation: Situation, request: Shutdown, waiting: Waiting) -> Action:
    restarts = fresh_reboots(situation)
    if restarts >= ALWAYS_RESTARTS and not request.then_stop and waiting.until is not None:
        return _restarts(situation, restarts)
    then = "its power is cut" if request.then_stop else "it is given up"
    until = situation.now + _UNTIL_NEWS if waiting.until is None else waiting.until
    request_again = None if restarts >= ALWAYS_RESTARTS else _next_request(situation)
    text = _text(situation, request, restarts)
    if request_again is None:
        return Wait(until, text, waiting.countdown(then), waiting.question())
    again = asks_again(waiting.began, situation.last.at)
    if situation.now < again:
        shown = waiting.countdown(then, again)
        return Wait(min(until, again), text, shown, waiting.question())
    how = " through its agent" if request_again == AGENT_SHUTDOWN else ""
    asking = f"asking again{how} (request {len(situation.sent) + 1})"
    left = ASK_DEADLINE if waiting.until is None else waiting.until - situation.now
    return Send(request_again, asking, min(ASK_DEADLINE, left))


_UNTIL_NEWS = 3600.0
"""Seconds: whatever happens wakes the operation."""


def _text(situation: Situation, request: Shutdown, restarts: int) -> str:
    if situation.last.error and situation.last.certain:
        return f"libvirt refused to ask the guest: {situation.last.error}"
    if restarts:
        times = "" if restarts == 1 else f" {restarts} times"
        return f"the guest has restarted{times} instead of powering off"
    return f"waiting for the guest, up to {request.timeout:.0f} s"


def _restarts(situation: Situation, restarts: int) -> End:
    name = situation.name
    return failed(
        f"{name} runs: it was asked to power off and has restarted, {restarts} times",
        f"Its XML may say so (on_poweroff), or its guest; `stop` cuts the power of {name}.",
    )


def _next_request(situation: Situation) -> Call | None:
    """Return how to ask the guest again; None while asking would not help."""
    instance = situation.instance
    obeying = instance is not None and instance.state is InstanceState.SHUTTING_DOWN
    if obeying or not situation.link_up or stuck(situation):
        return None
    if not by_acpi(situation):
        return ShutdownCall()
    agent = agent_unasked(situation, AGENT_SHUTDOWN)
    return AGENT_SHUTDOWN if agent else ShutdownCall("acpi")


def _out_of_time(situation: Situation, request: Shutdown, waiting: Waiting) -> Action:
    name, count = situation.name, len(situation.sent)
    if not situation.link_up:
        return unanswered(situation)
    times = "once" if count == 1 else f"{count} times"
    asked = f"its guest was asked {times}"
    if all(sent.ended is None for sent in situation.sent):  # their console ended before they did
        asked = "whether its guest was asked is not known"
    restarted = ", and has restarted instead" if fresh_reboots(situation) else ""
    ignored = f"{name} did not power off in {request.timeout:.0f} s; {asked}{restarted}"
    if request.then_stop and not waiting.unwatched:
        return cut(f"{ignored}: cutting its power")
    if request.then_stop:
        ignored += "; nobody watched when its time was up, so its power was not cut"
    return failed(ignored, f"`stop` cuts the power of {name}; or ask again with more time.")
