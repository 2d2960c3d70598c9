"""The verbs that need the guest's help, or its reaction: shutdown, reboot, reset. All pure."""

from __future__ import annotations

from core.model import AgentState, InstanceState
from core.model.driver import driver_of_type
from core.model.event import Rebooted
from core.verbs.call import Call
from core.verbs.power.calls import DestroyCall, Means, RebootCall, ResetCall, ShutdownCall
from core.verbs.power.immediate import judge, powered_off, refusal, unanswered
from core.verbs.power.requests import Reboot, Shutdown
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

RESEND = 10.0
"""Seconds between two requests to power off: guests lose the first while they boot (Nova's
`shutdown_retry_interval`)."""

ASK_DEADLINE = 10.0
"""Seconds for a request to the guest. One that does not return by then may still be heard."""

BY_ACPI = frozenset({"qemu", "kvm"})
"""Types of instances asked by the power button first. Their driver's own choice is the agent, and
then virDomainShutdown and virDomainReboot return only when the guest has obeyed, or after 60 s,
each keeping one of the daemon's few workers busy: shutting many down would stop the whole host."""

AGENT_SHUTDOWN = ShutdownCall("agent")
AGENT_REBOOT = RebootCall("agent")

AGENT_AFTER = 20.0
"""Seconds without a reboot after which the agent is asked, once."""

BURST = 1.0
"""Seconds of quiet that tell two reboots apart: QEMU sends several REBOOT events for one."""


def shutdown(situation: Situation) -> Action:
    """Ask the guest to power off, again every 10 s, until it does, or time is up."""
    request, sent = situation.request, situation.sent
    assert isinstance(request, Shutdown)
    name = situation.name
    if not sent:
        call = ShutdownCall(_means(situation))
        return Send(call, f"asking the guest of {name} to power off", ASK_DEADLINE)
    if off := powered_off(situation):
        return off
    if isinstance(situation.last.call, DestroyCall):
        return judge(situation, None, f"the power of {name} was cut, and it is still on")
    if situation.cancelled:
        return _left_alone(situation)
    if sent[0].error and sent[0].certain and not request.then_stop:
        return refusal(situation)
    over = sent[0].at + request.timeout
    if situation.now >= over:
        return _out_of_time(situation, request, over)
    request_again = _next_request(situation)
    if request_again is None:
        return Wait(over)
    again = sent[-1].at + RESEND
    if situation.now < again:
        text = f"waiting for the guest, up to {request.timeout:.0f} s"
        return Wait(min(over, again), text)
    how = " through its agent" if request_again == AGENT_SHUTDOWN else ""
    text = f"asking again{how} (request {len(sent) + 1})"
    return Send(request_again, text, min(ASK_DEADLINE, over - situation.now))


def _next_request(situation: Situation) -> Call | None:
    """Return how to ask the guest again; None while asking would not help."""
    instance = situation.instance
    obeying = instance is not None and instance.state is InstanceState.SHUTTING_DOWN
    if obeying or not situation.link_up or _stuck(situation):
        return None
    if not _by_acpi(situation):
        return ShutdownCall()
    agent = _agent_unasked(situation, AGENT_SHUTDOWN)
    return AGENT_SHUTDOWN if agent else ShutdownCall("acpi")


def _means(situation: Situation) -> Means:
    return "acpi" if _by_acpi(situation) else "any"


def _by_acpi(situation: Situation) -> bool:
    return situation.instance is not None and situation.instance.type in BY_ACPI


def _agent_unasked(situation: Situation, call: Call) -> bool:
    instance = situation.instance
    answers = instance is not None and instance.agent is AgentState.CONNECTED
    return answers and all(sent.call != call for sent in situation.sent)


def _stuck(situation: Situation) -> bool:
    # A call that never returned still holds a worker of the daemon: do not stack more on it. The
    # agent's is expected to hang, and to let others through.
    return any(
        (sent.ended is None or not sent.certain) and sent.call != AGENT_SHUTDOWN
        for sent in situation.sent
    )


def _out_of_time(situation: Situation, request: Shutdown, over: float) -> Action:
    name, count = situation.name, len(situation.sent)
    if not situation.link_up:
        return unanswered(situation)
    times = "once" if count == 1 else f"{count} times"
    asked = f"its guest was asked {times}"
    if all(sent.ended is None for sent in situation.sent):  # their console ended before they did
        asked = "whether its guest was asked is not known"
    ignored = f"{name} did not power off in {request.timeout:.0f} s; {asked}"
    unwatched = (situation.progress.adopted or 0.0) >= over
    if request.then_stop and not unwatched:
        return Send(DestroyCall(), f"{ignored}: cutting its power")
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
        call = RebootCall(_means(situation))
        return Send(call, f"asking the guest of {name} to reboot", ASK_DEADLINE)
    if end := _rebooted(situation, f"{name} has rebooted"):
        return end
    began = situation.sent[0]
    if began.error and began.certain:
        return refusal(situation)
    if situation.cancelled:
        return _left_alone(situation)
    over, agent = began.at + request.timeout, began.at + AGENT_AFTER
    if situation.now < over:
        if not _agent_may_help(situation):
            return Wait(over)
        if situation.now >= agent:
            return Send(AGENT_REBOOT, "asking again through its agent", ASK_DEADLINE)
        text = f"waiting for the guest, up to {request.timeout:.0f} s"
        return Wait(min(over, agent), text)
    if situation.blind or not began.accepted:
        return unanswered(situation)
    return failed(
        f"{name} did not reboot in {request.timeout:.0f} s; its guest ignores the request",
        _restart(situation),
    )


def _restart(situation: Situation) -> str:
    """How to restart an instance whose guest does not."""
    instance = situation.instance
    if instance is None or driver_of_type(instance.type).can("reset"):
        return f"`reset` restarts {situation.name} without asking its guest."
    return f"`stop` and `start` restart {situation.name} without asking its guest."


def _agent_may_help(situation: Situation) -> bool:
    # Never for an operation taken over: the guest may have rebooted while nobody watched.
    return (
        situation.link_up
        and not situation.progress.gap
        and situation.sent[0].accepted
        and _by_acpi(situation)
        and _agent_unasked(situation, AGENT_REBOOT)
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
