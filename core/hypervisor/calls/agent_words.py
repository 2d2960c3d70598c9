"""The protocol of a guest's agent, for what libvirt has no call of its own. On a lane's thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from core.errors import HypervisorError, UnsupportedError
from core.hypervisor.connection.binding import agent_command, libvirt
from core.hypervisor.connection.faults import tidy
from core.verbs.agent.asking import AGENT_SECONDS

T = TypeVar("T")


def ask_agent(domain: Any, command: str, read: Callable[[Any], T], **arguments: Any) -> T:
    """Have the agent carry out a command, and return what `read` makes of its answer.

    Raises libvirtError; HypervisorError where the guest is frozen, or the answer, which is
    untrusted, makes no sense; UnsupportedError where the agent was told not to carry it out.
    """
    words = {"execute": command, **({"arguments": arguments} if arguments else {})}
    try:
        answer = agent_command(domain, json.dumps(words), AGENT_SECONDS)
    except libvirt.libvirtError as error:
        if (explained := _explained(command, error)) is None:
            raise
        raise explained from error
    try:
        return read(json.loads(answer)["return"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise HypervisorError(f"The guest's agent answers nonsense to {command}.") from None


def _explained(command: str, error: Any) -> HypervisorError | None:
    text = error.get_error_message() or str(error)
    if "is in frozen state" in text:
        return HypervisorError(
            "The file systems of the guest are frozen: its agent does nothing else meanwhile.",
            "Thaw it first.",
        )
    if "has been disabled" in text or "CommandNotFound" in text or "has not been found" in text:
        return UnsupportedError(
            f"The guest's agent may not carry out {command}: {tidy(text)}.",
            "Allow it in the guest, in qemu-ga.conf or /etc/sysconfig/qemu-ga.",
        )
    return None
