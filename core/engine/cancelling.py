"""Cancelling an operation: here, or by the console that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from core.engine.case import Case
from core.engine.messages import Messages
from core.engine.workflow import WorkflowRunner
from core.errors import VirtdeckError
from core.journal.journal import Journal
from core.model import OperationStatus, State
from core.verbs import checks


async def cancel(case: Case, workflow: WorkflowRunner | None, reason: str) -> None:
    """Stop waiting for an operation of this console, or take it from the queue.

    Raises RefusedError for one that cannot be stopped any more.
    """
    if workflow is not None and case.progress.begun:
        await workflow.cancel(case)
        return
    if case.record.status is not OperationStatus.QUEUED and not case.verb.waits:
        raise checks.sent_already(case.record)
    case.cancel_asked = True
    case.stop_waiting(reason)


async def ask_who_runs_it(state: State, messages: Messages, operation_id: str) -> None:
    """Have the console that runs an operation cancel it, or the next one that takes it over.

    Raises NotFoundError, RefusedError for one that cannot be stopped any more, JournalError.
    """
    record = state.operations.get(operation_id)
    if record is None or record.status.final or record.not_open:
        raise checks.against_cancel(state, operation_id)
    if (against := checks.against_taking_back(record)) is not None:
        raise against
    await messages.send(operation_id, "cancel")


async def heed(
    journal: Journal, cases: Iterable[Case], cancel_it: Callable[[str, str], Awaitable[None]]
) -> None:
    """Cancel what other consoles want cancelled, each once. Raises JournalError."""
    unheard = {case.record.id: case for case in cases if not case.cancel_heard}
    for message in await journal.cancels(unheard):
        case = unheard[message.operation]
        if not case.cancel_heard:
            case.cancel_heard = True
            with suppress(VirtdeckError):
                await cancel_it(case.record.id, f"cancelled by {message.author} from elsewhere")
