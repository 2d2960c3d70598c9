"""The verbs that need the guest's help, or its reaction: shutdown, reboot, reset. All pure."""

from __future__ import annotations

from core.model import InstanceState, Reboot, Reset, Shutdown
from core.model.event import Rebooted
from core.operations.immediate import judge, powered_off, refusal, unanswered
from core.operations.port import PowerCall
from core.operations.verb import (
    VERIFY,
    Action,
    End,
    Send,
    Situation,
    Verb,
    Wait,
    cancelled,
    done,
    failed,
    unknown,
)

RESEND = 10.0
"""Seconds between two requests to power off: guests lose the first while they boot (Nova's
`shutdown_retry_interval`)."""

ASK_DEADLINE = 35.0
"""Seconds for a request to the guest."""

BURST = 1.0
"""Seconds of quiet that tell two reboots apart: QEMU sends several REBOOT events for one."""


def shutdown(situation: Situation) -> Action:
    """Ask the guest to power off, again every 10 s, until it does, or time is up."""
    request, sent = situation.request, situation.sent
    assert isinstance(request, Shutdown)
    name = situation.name
    if not sent:
        return Send(PowerCall.SHUTDOWN, f"asking the guest of {name} to power off", ASK_DEADLINE)
    if off := powered_off(situation):
        return off
    if situation.last.call is PowerCall.DESTROY:
        return judge(situation, None, f"the power of {name} was cut, and it is still on")
    if situation.cancelled:
        return _left_alone(situation)
    if sent[0].error and sent[0].certain and not request.then_stop:
        return refusal(situation)
    over = sent[0].at + request.timeout
    if situation.now >= over:
        return _out_of_time(situation, request, over)
    again = sent[-1].at + RESEND
    if not _may_ask_again(situation):
        return Wait(over, look=True)
    if situation.now >= again:
        return Send(
            PowerCall.SHUTDOWN, f"asking again (request {len(sent) + 1})", over - situation.now
        )
    return Wait(min(over, again), f"waiting for the guest, up to {request.timeout:.0f} s")


def _may_ask_again(situation: Situation) -> bool:
    # A call that never returned still holds a worker of the daemon: do not stack more on it.
    stuck = situation.last.ended is None or not situation.last.certain
    instance = situation.instance
    obeying = instance is not None and instance.state is InstanceState.SHUTTING_DOWN
    return situation.link_up and not (stuck or obeying)


def _out_of_time(situation: Situation, request: Shutdown, over: float) -> Action:
    name, count = situation.name, len(situation.sent)
    if not situation.link_up:
        return unanswered(situation)
    times = "once" if count == 1 else f"{count} times"
    ignored = f"{name} did not power off in {request.timeout:.0f} s; its guest was asked {times}"
    unwatched = (situation.progress.adopted or 0.0) >= over
    if request.then_stop and not unwatched:
        return Send(PowerCall.DESTROY, f"{ignored}: cutting its power")
    if request.then_stop:
        ignored += "; nobody watched when its time was up, so its power was not cut"
    return failed(ignored, f"`stop` cuts the power of {name}; or ask again with more time.")


def _left_alone(situation: Situation) -> End:
    verb = situation.request.verb
    return cancelled(
        f"no longer waiting for {situation.name} ({situation.cancelled}); "
        f"its guest was asked to {verb} and may still obey"
    )


def reboot(situation: Situation) -> Action:
    """Ask the guest to reboot; done when a REBOOT event or a new process shows that it did."""
    request, name = situation.request, situation.name
    assert isinstance(request, Reboot)
    if not situation.sent:
        return Send(PowerCall.REBOOT, f"asking the guest of {name} to reboot", ASK_DEADLINE)
    if end := _rebooted(situation, f"{name} has rebooted"):
        return end
    if situation.last.error and situation.last.certain:
        return refusal(situation)
    if situation.cancelled:
        return _left_alone(situation)
    over = situation.sent[0].at + request.timeout
    if situation.now < over:
        return Wait(over, f"waiting for the guest, up to {request.timeout:.0f} s", look=True)
    if situation.blind or not situation.last.accepted:
        return unanswered(situation)
    return failed(
        f"{name} did not reboot in {request.timeout:.0f} s; its guest ignores the request",
        f"`reset` restarts {name} without asking its guest.",
    )


def reset(situation: Situation) -> Action:
    """Press the reset button; done when the hypervisor says that the guest restarted."""
    name = situation.name
    if not situation.sent:
        return Send(PowerCall.RESET, f"resetting {name}")
    if end := _rebooted(situation, f"{name} was reset"):
        return end
    last = situation.last
    if last.accepted and situation.now >= (last.ended or last.at) + VERIFY:
        return unknown(
            f"reset of {name} was accepted, and no event confirmed it",
            f"See the console of {name}.",
        )
    return judge(situation, None, f"{name} was not reset")


def _rebooted(situation: Situation, outcome: str) -> End | None:
    name, instance = situation.name, situation.instance
    if instance is None or instance.state is InstanceState.SHUTOFF:
        return failed(f"{name} powered off instead of restarting", f"`start` starts {name}.")
    if situation.restarted:
        return done(f"{outcome}, as a new process")
    if fresh_reboots(situation):
        return done(outcome)
    if situation.last.accepted and instance.type == "test":
        verb = situation.request.verb
        return done(f"{verb} of {name} was sent; the test driver confirms nothing")
    return None


def fresh_reboots(situation: Situation) -> int:
    """Count the reboots since the call; the tail of an earlier reboot's burst is not one."""
    began = situation.sent[0].at
    count, previous = 0, float("-inf")
    for event in situation.events:
        if isinstance(event, Rebooted):
            if event.at >= began and event.at - previous > BURST:
                count += 1
            previous = event.at
    return count


SHUTDOWN = Verb(Shutdown, shutdown, waits=True)
REBOOT = Verb(Reboot, reboot, waits=True)
RESET = Verb(Reset, reset)
