"""Restarting a guest: asked to reboot, by the reset button, by a power cut and a start. Pure."""

from __future__ import annotations

from core.model import InstanceState
from core.model.driver import driver_of_type
from core.model.event import AgentChanged, Rebooted
from core.verbs.power.asking import AGENT_REBOOT, ASK_DEADLINE, agent_unasked, by_acpi, means
from core.verbs.power.calls import CreateCall, DestroyCall, RebootCall, ResetCall
from core.verbs.power.cutting import cut, held_by_kernel
from core.verbs.power.immediate import judge, refusal, started, unanswered
from core.verbs.power.requests import Reboot
from core.verbs.power.waiting import Waiting, gave_up_at_once
from core.verbs.sequence import Step
from core.verbs.situation import (
    VERIFY,
    Action,
    End,
    Send,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
    unknown,
)

AGENT_AFTER = 20.0
"""Seconds without a reboot after which the agent is asked, once."""

BURST = 1.0
"""Seconds of quiet that tell two reboots apart: QEMU sends several REBOOT events for one."""

UNTIL_NEWS = 3600.0
"""Seconds: whatever happens wakes the operation."""


def reboot(situation: Situation) -> Action:
    """Ask the guest to reboot; done when something shows that it did, else forced or given up."""
    request, name = situation.request, situation.name
    assert isinstance(request, Reboot)
    if not situation.sent:
        call = RebootCall(means(situation))
        return Send(call, f"asking the guest of {name} to reboot", ASK_DEADLINE)
    if any(isinstance(sent.call, DestroyCall) for sent in situation.sent):
        return _power_cycled(situation)
    if end := _rebooted(situation, f"{name} has rebooted"):
        return end
    waiting = _waiting(situation, request)
    if waiting.forced and situation.link_up:
        return cut(f"cutting its power, as {waiting.forced.by} said")
    if situation.cancelled:
        return waiting.left()
    if gave_up_at_once(situation) and not request.then_hard:
        return refusal(situation)
    if waiting.over or gave_up_at_once(situation):
        return _out_of_time(situation, request)
    return _wait(situation, request, waiting)


def _waiting(situation: Situation, request: Reboot) -> Waiting:
    loss = f"Cuts the power of {situation.name} and starts it: what its guest has not written to "\
           "disk is lost."  # fmt: skip
    return Waiting(situation, request.timeout, "cut its power and start it", loss)


def _wait(situation: Situation, request: Reboot, waiting: Waiting) -> Action:
    until = situation.now + UNTIL_NEWS if waiting.until is None else waiting.until
    agent = None
    if _agent_may_help(situation):
        agent = waiting.began + AGENT_AFTER
        if situation.now >= agent:
            return Send(AGENT_REBOOT, "asking again through its agent", ASK_DEADLINE)
    then = "its power is cut, and it is started" if request.then_hard else "it is given up"
    text = f"waiting for the guest, up to {request.timeout:.0f} s"
    shown = waiting.countdown(then, agent)
    return Wait(min(until, agent or until), text, shown, waiting.question())


def _out_of_time(situation: Situation, request: Reboot) -> Action:
    name, began = situation.name, situation.sent[0]
    ignored = f"{name} did not reboot in {request.timeout:.0f} s; its guest ignores the request"
    if gave_up_at_once(situation):
        ignored = f"the guest of {name} cannot be asked: {began.error.rstrip('.')}"
    if request.then_hard and not situation.blind:  # else it may have rebooted while nobody watched
        return cut(f"{ignored}: cutting its power, then starting it")
    if situation.blind or not began.accepted:
        return unanswered(situation)
    return failed(ignored, _restart(situation))


def _restart(situation: Situation) -> str:
    """How to restart an instance whose guest does not."""
    instance = situation.instance
    if instance is None or driver_of_type(instance.type).can("reset"):
        return f"`reset` or `hard-reboot` restarts {situation.name} without asking its guest."
    return f"`hard-reboot` restarts {situation.name} without asking its guest."


def _agent_may_help(situation: Situation) -> bool:
    # Never for an operation taken over: the guest may have rebooted while nobody watched.
    return (
        situation.link_up
        and not situation.progress.gap
        and situation.sent[0].accepted
        and by_acpi(situation)
        and agent_unasked(situation, AGENT_REBOOT)
    )


def reset(situation: Situation) -> Action:
    """Press the reset button; done when the hypervisor says that the guest restarted."""
    name = situation.name
    if not situation.sent:
        return Send(ResetCall(), f"resetting {name}")
    if end := _rebooted(situation, f"{name} was reset"):
        return end
    last = situation.last
    if last.accepted and situation.now >= (last.ended or last.at) + VERIFY:
        return unknown(
            f"reset of {name} was accepted, and no event confirmed it",
            f"See the console of {name}.",
        )
    return judge(situation, None, f"{name} was not reset")


def hard_reboot(situation: Situation) -> Action:
    """Cut the power and start it, as it is defined then; done when it runs as a new process."""
    if not situation.sent:
        return cut(_cutting(situation.name))
    return _power_cycled(situation)


def hard_steps(situation: Situation) -> list[Step]:
    """Return what a hard reboot sends, one after the other."""
    name = situation.name
    return [Step(DestroyCall(), _cutting(name)), Step(CreateCall(), _starting(name))]


def _cutting(name: str) -> str:
    return f"cutting the power of {name}"


def _starting(name: str) -> str:
    return f"starting {name} as it is defined now"


def _power_cycled(situation: Situation) -> Action:
    """Decide from the power cut on: the start is sent once it is seen to be off."""
    name, instance, last = situation.name, situation.instance, situation.last
    if isinstance(last.call, CreateCall):
        return started(situation)
    if (held := held_by_kernel(situation)) is not None:
        return held
    if instance is None:
        gone = f"the power of {name} was cut, and it is gone: it was transient"
        return failed(gone, "Define it again, then `start` starts it.")
    if instance.state is InstanceState.SHUTOFF and situation.link_up:
        if situation.cancelled:
            return cancelled(f"the power of {name} was cut, and it was not started: "
                             f"{situation.cancelled}")  # fmt: skip
        return Send(CreateCall(), _starting(name))
    if situation.restarted:
        return done(f"{name} was off and runs again: something else has started it")
    return judge(situation, None, f"the power of {name} was cut, and it is still on")


def _rebooted(situation: Situation, outcome: str) -> End | None:
    name, instance = situation.name, situation.instance
    if instance is None or instance.state is InstanceState.SHUTOFF:
        return failed(f"{name} powered off instead of restarting", f"`start` starts {name}.")
    if situation.restarted:
        return done(f"{outcome}, as a new process")
    if fresh_reboots(situation):
        return done(outcome)
    if _agent_went_and_came(situation):
        return done(f"{outcome}: no event told of it, its agent went and came back")
    if situation.last.accepted and instance.type == "test":
        verb = situation.request.verb
        return done(f"{verb} of {name} was sent; the test driver confirms nothing")
    return None


def _agent_went_and_came(situation: Situation) -> bool:
    """Whether the guest is seen to have booted: one that restarts by kexec sends no event.

    Its agent must have been there and gone first: a guest that boots as it is asked has one, too.
    """
    told = [event.state for event in situation.fresh if isinstance(event, AgentChanged)]
    return "connected" in told[told.index("disconnected") :] if "disconnected" in told else False


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
