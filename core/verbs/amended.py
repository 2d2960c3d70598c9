"""Ends that are told otherwise than their verb told them. Pure."""

from __future__ import annotations

from dataclasses import replace

from core.model import OperationStatus
from core.verbs.situation import Action, End


def came_too_late(end: End) -> End:
    """Return the end of an operation that an operator wanted ended before: what it did, it did."""
    if end.status is not OperationStatus.DONE:
        return end
    return replace(end, outcome=f"the cancel came too late: {end.outcome}")


def seen_later(end: End) -> End:
    """Return the end as it amends one that was written down before."""
    return End(end.status, f"{end.outcome} (seen later)", end.hint)


def is_done(action: Action) -> bool:
    """Whether a decision is that it has ended well."""
    return isinstance(action, End) and action.status is OperationStatus.DONE
