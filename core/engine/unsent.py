"""The ends of operations of which a call was not sent. Pure."""

from __future__ import annotations

from core.engine.case import Case
from core.errors import JournalError
from core.verbs.situation import End, Send, cancelled, failed


def left_undone(case: Case, send: Send, error: JournalError, *, first: bool) -> End:
    """End an operation whose next call may not be made, for the journal does not take its entry."""
    what = f"{case.record.verb} of {case.record.name} was not sent"
    return failed(f"{what if first else f'{send.text}: not done'}: {error.message}", error.hint)


def not_sent(case: Case) -> End:
    """End an operation that was cancelled in time."""
    return cancelled(f"{case.record.verb} of {case.record.name} was not sent: {case.cancelled}")
