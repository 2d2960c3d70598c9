"""Making one call of an operation, and noting what came of it."""

from __future__ import annotations

from collections.abc import Callable

from core.engine import disk_users, vanished
from core.engine.case import Case
from core.engine.port import Hosts
from core.errors import DeadlineError, DiskInUseError, NotSentError, UnreachableError, VirtdeckError
from core.model import ObjectKey, State
from core.model.secret_value import without_secrets_of
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.preview import virsh_line
from core.verbs.situation import Send


def subject_at(case: Case, call: Call) -> ObjectKey:
    """Return the subject of an operation, at the host where a call of it is made."""
    subject = case.record.subject
    return ObjectKey(subject.kind, call.host, subject.id) if call.host else subject


def line_of(case: Case, call: Call, state: State) -> str:
    """Return how virsh would make a call; empty where it could not."""
    host = state.hosts.get(call.host or case.record.host)
    address = "" if host is None else host.uri
    return virsh_line(address, case.record.name, case.record.subject, call)


async def call(
    hosts: Hosts, case: Case, index: int, send: Send, state: Callable[[], State]
) -> None:
    """Make a call, the `index`th of a case, and note its answer, or its error. Never raises."""
    error: VirtdeckError | None = None
    answer: CallAnswer | None = None
    try:
        answer = await hosts.call(subject_at(case, send.call), send.call, send.deadline)
    except DiskInUseError as caught:
        error = await disk_users.told(hosts, state, caught, case.record.subject)
    except VirtdeckError as caught:
        error = vanished.named(case, caught, state())
    case.answered(
        index,
        "" if error is None else without_secrets_of(send.call, error.message),
        "" if error is None else without_secrets_of(send.call, error.hint),
        certain=isinstance(error, NotSentError)
        or not isinstance(error, UnreachableError | DeadlineError),
        answer=answer,
    )
