"""Names and summaries of what operators ask for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import OperationRecord, OperationStatus, Request, Snapshot, State
from core.model.lists import NAMED
from core.state.subject import owner_of, subject_of


def name_of(state: State, request: Request) -> str:
    """Return the subject's name, or its id where the state does not have it.

    A snapshot is called `INSTANCE/SNAPSHOT`: many instances have one of the same name.
    """
    found = subject_of(state, request.subject)
    if found is None:
        return request.makes or request.subject.id
    if isinstance(found, Snapshot):
        instance = state.instances.get(owner_of(request.subject))
        return found.name if instance is None else f"{instance.name}/{found.name}"
    return found.name


def summary(records: Sequence[OperationRecord]) -> str:
    """Sum up operations: `13 done, 2 failed: db (cannot acquire lock), mail (...)`."""
    parts = []
    for status in OperationStatus:
        these = [record for record in records if record.status is status]
        if these:
            parts.append(f"{len(these)} {status.value}{_names(these, status)}")
    return ", ".join(parts) or "nothing to do"


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


def cancel_command(record: OperationRecord) -> str:
    """Return the command that cancels an operation, whichever console runs it."""
    return f"`virtdeck operations cancel {record.id}`"
