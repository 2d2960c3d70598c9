"""How a guest is asked to power off or to reboot, and when again. Pure."""

from __future__ import annotations

from core.model import AgentState
from core.verbs.call import Call
from core.verbs.power.calls import Means, RebootCall, ShutdownCall
from core.verbs.situation import Situation

REQUESTS = (10.0, 21.0, 32.0, 43.0, 54.0)
"""Seconds after the first request at which a guest is asked to power off again: one that boots
loses those before (the requests of Nova's `_clean_shutdown`, whose tenth second is counted twice).
"""

LATER = 60.0
"""Seconds between two requests after those."""

ASK_DEADLINE = 10.0
"""Seconds for a request to the guest. One that does not return by then may still be heard."""

BY_ACPI = frozenset({"qemu", "kvm"})
"""Types of instances asked by the power button first. Their driver's own choice is the agent, and
then virDomainShutdown and virDomainReboot return only when the guest has obeyed, or after 60 s,
each keeping one of the daemon's few workers busy: shutting many down would stop the whole host."""

AGENT_SHUTDOWN = ShutdownCall("agent")
AGENT_REBOOT = RebootCall("agent")


def asks_again(first: float, last: float) -> float:
    """Return when a guest is asked again that was asked first, and last, at these times."""
    for after in REQUESTS:
        if first + after > last:
            return first + after
    late = last - first - REQUESTS[-1]
    return first + REQUESTS[-1] + LATER * (late // LATER + 1)


def means(situation: Situation) -> Means:
    """How it is asked first."""
    return "acpi" if by_acpi(situation) else "any"


def by_acpi(situation: Situation) -> bool:
    """Whether the power button is how it is asked."""
    return situation.instance is not None and situation.instance.type in BY_ACPI


def agent_unasked(situation: Situation, call: Call) -> bool:
    """Whether the agent is there and was not asked yet."""
    instance = situation.instance
    answers = instance is not None and instance.agent is AgentState.CONNECTED
    return answers and all(sent.call != call for sent in situation.sent)


def stuck(situation: Situation) -> bool:
    """Whether a request may still be under way.

    A call that never returned holds a worker of the daemon: no more are stacked on it. The agent's
    is expected to hang, and to let others through.
    """
    return any(
        (sent.ended is None or not sent.certain) and sent.call != AGENT_SHUTDOWN
        for sent in situation.sent
    )
