"""The calls that freeze and thaw a guest. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

import time

from core.errors import DeadlineError, HypervisorError
from core.hypervisor.calls.agent import guest_with_agent
from core.hypervisor.calls.agent_words import ask_agent
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.model import ObjectKey
from core.verbs.agent.freezing import (
    EndGuardCall,
    FreezeCall,
    FreezeStatus,
    FreezeStatusCall,
    FrozenCount,
    Guard,
    GuardCall,
    ThawCall,
)

_GUARD = r"""
for program in sleep fsfreeze printf; do
    command -v $program > /dev/null || exit 127
done
sleep {seconds}
while read -r device place rest; do
    case $device in
        /*) fsfreeze --unfreeze "$(printf '%b' "$place")" ;;
    esac
done < /proc/mounts
"""
"""What thaws each mounted file system of a device; /proc/mounts has blanks as `\040`, which printf
takes. Nothing of it writes, so it runs although everything is frozen."""
_STOPPED = (86, 112)
"""VIR_ERR_AGENT_UNRESPONSIVE and VIR_ERR_AGENT_COMMAND_TIMEOUT, which libvirt 11.2 has."""
_BEGINS = 0.3
"""Seconds after which one that cannot do it has ended."""


def set_guard(conn: Connection, subject: ObjectKey, call: GuardCall) -> Guard:
    """Begin what thaws the guest; 0 where the guest cannot: Windows thaws itself after 10 s."""
    domain = guest_with_agent(conn, subject)
    words = ["-c", _GUARD.format(seconds=call.seconds)]
    try:
        pid = ask_agent(domain, "guest-exec", lambda told: int(told["pid"]), path="sh", arg=words)
        time.sleep(_BEGINS)
        ended = ask_agent(domain, "guest-exec-status", lambda told: bool(told["exited"]), pid=pid)
    except HypervisorError:
        return Guard(0)
    return Guard(0 if ended else pid)


def end_guard(conn: Connection, subject: ObjectKey, call: EndGuardCall) -> None:
    """End it, where the number is still its own; the sleep that it waits for does nothing more."""
    domain = guest_with_agent(conn, subject)
    pid = call.pid
    words = ["-c", f"grep -q 'fsfreeze --unfreeze' /proc/{pid}/cmdline && kill {pid}"]
    ask_agent(domain, "guest-exec", lambda told: told, path="sh", arg=words)


def freeze(conn: Connection, subject: ObjectKey, _: FreezeCall) -> FrozenCount:
    """Freeze all that can be (virDomainFSFreeze).

    Raises DeadlineError where the agent has stopped meanwhile: it may have frozen them before.
    """
    domain = guest_with_agent(conn, subject)
    try:
        return FrozenCount(domain.fsFreeze(None, 0))
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _STOPPED:
            raise
        why = tidy(error.get_error_message() or str(error))
        raise DeadlineError(f"Its agent stopped meanwhile: {why}.") from error


def thaw(conn: Connection, subject: ObjectKey, _: ThawCall) -> FrozenCount:
    """Thaw all (virDomainFSThaw)."""
    return FrozenCount(guest_with_agent(conn, subject).fsThaw(None, 0))


def freeze_status(conn: Connection, subject: ObjectKey, _: FreezeStatusCall) -> FreezeStatus:
    """Ask the agent whether it has frozen the guest (guest-fsfreeze-status)."""
    domain = guest_with_agent(conn, subject)
    return ask_agent(domain, "guest-fsfreeze-status", lambda told: FreezeStatus(told != "thawed"))


CALL_FUNCTIONS: CallFunctions = {
    GuardCall: set_guard,
    EndGuardCall: end_guard,
    FreezeCall: freeze,
    FreezeStatusCall: freeze_status,
    ThawCall: thaw,
}
