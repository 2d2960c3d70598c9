"""What an operator is told before and after: consequences, confirmations, summaries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from core.model import (
    OperationRecord,
    OperationStatus,
    Reboot,
    Request,
    Reset,
    Shutdown,
    State,
    Stop,
)

NAMED = 5
"""How many names a sentence about many lists before it counts the rest."""

LOST = "what its guest has not written to disk is lost"


class Caution(IntEnum):
    """What a request asks of the operator before it is submitted."""

    NONE = 0
    CONFIRM = 1
    """A yes."""
    TYPE = 2
    """The typed word: something goes away for good."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question to ask before requests are submitted."""

    caution: Caution
    text: str
    """What goes away, a line for each request that costs something."""
    word: str
    """What to type for Caution.TYPE: the name of the one instance, or how many there are."""


def consequences(state: State, request: Request) -> str:
    """Say what a request takes away, naming it; empty when it takes nothing away."""
    name, host = name_of(state, request), request.subject.host
    where = f"{name} on {host}"
    if isinstance(request, Stop):
        text = f"cuts the power of {where}: {LOST}"
    elif isinstance(request, Reset):
        text = f"resets {where} without asking its guest: {LOST}"
    elif isinstance(request, Reboot):
        text = f"reboots the guest of {where}: what it serves is interrupted"
    elif isinstance(request, Shutdown):
        text = f"powers off the guest of {where}: what it serves ends"
        if request.then_stop:
            text += f"; cuts its power after {request.timeout:.0f} s: then {LOST}"
    else:
        return ""
    return text + _its_job(state, request) + _its_definition(state, request)


def _its_job(state: State, request: Request) -> str:
    job = state.jobs.get(request.subject)
    return f"; its {job.kind} fails" if job is not None and isinstance(request, Stop) else ""


def _its_definition(state: State, request: Request) -> str:
    if not vanishes(state, request):
        return ""
    return f"; {name_of(state, request)} is transient: once off, it cannot be started again"


def vanishes(state: State, request: Request) -> bool:
    """Whether the instance itself is gone afterwards."""
    instance = state.instances.get(request.subject)
    ends = isinstance(request, Stop | Shutdown)
    return ends and instance is not None and not instance.persistent


def caution(state: State, request: Request) -> Caution:
    """Return how much a request asks of the operator: nothing, a yes, or the typed name."""
    if vanishes(state, request):
        return Caution.TYPE
    return Caution.CONFIRM if consequences(state, request) else Caution.NONE


def confirmation(state: State, requests: Sequence[Request]) -> Confirmation:
    """Return the one question for one request or for many."""
    level = max((caution(state, request) for request in requests), default=Caution.NONE)
    lines = [text for request in requests if (text := consequences(state, request))]
    word = name_of(state, requests[0]) if len(requests) == 1 else str(len(requests))
    return Confirmation(level, "\n".join(line[0].upper() + line[1:] + "." for line in lines), word)


def name_of(state: State, request: Request) -> str:
    """Return the subject's name, or its id where the state does not have it."""
    instance = state.instances.get(request.subject)
    return request.subject.id if instance is None else instance.name


def summary(records: Sequence[OperationRecord]) -> str:
    """Sum up operations: `13 done, 2 failed: db (cannot acquire lock), mail (...)`."""
    parts = []
    for status in OperationStatus:
        these = [record for record in records if record.status is status]
        if these:
            parts.append(f"{len(these)} {status.value}{_names(these, status)}")
    return ", ".join(parts) or "nothing to do"


def _names(records: Sequence[OperationRecord], status: OperationStatus) -> str:
    if not status.final or status is OperationStatus.DONE:
        return ""
    named = [_with_cause(record) for record in records[:NAMED]]
    if len(records) > NAMED:
        named.append(f"{len(records) - NAMED} more")
    return ": " + ", ".join(named)


def _with_cause(record: OperationRecord) -> str:
    cause = record.outcome.rstrip(".")
    return f"{record.name} ({cause})" if cause else record.name
