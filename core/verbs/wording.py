"""Names and summaries of what operators ask for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import OperationRecord, OperationStatus, Request, State
from core.state.subject import subject_of

NAMED = 5
"""How many names a sentence about many lists before it counts the rest."""


def name_of(state: State, request: Request) -> str:
    """Return the subject's name, or its id where the state does not have it."""
    found = subject_of(state, request.subject)
    return request.subject.id if found is None else found.name


def noun(kind: str, count: int) -> str:
    """Return how many of a kind, in words: `1 instance`, `3,000 volumes`."""
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def summary(records: Sequence[OperationRecord]) -> str:
    """Sum up operations: `13 done, 2 failed: db (cannot acquire lock), mail (...)`."""
    parts = []
    for status in OperationStatus:
        these = [record for record in records if record.status is status]
        if these:
            parts.append(f"{len(these)} {status.value}{_names(these, status)}")
    return ", ".join(parts) or "nothing to do"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`, `a, b, c, d, e and 7 more`."""
    shown = list(words[:NAMED])
    if len(words) > NAMED:
        shown.append(f"{len(words) - NAMED:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def shortened(sentences: Sequence[str]) -> list[str]:
    """Return the first sentences of many that say the same of each, and how many more there are."""
    more = len(sentences) - NAMED
    return [*sentences[:NAMED], *([f"And the same of {more:,} more."] if more > 0 else [])]


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
