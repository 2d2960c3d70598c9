"""What the operator is to be told: how what this console started has ended, and what is amiss.

Pure, any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from console import format as fmt
from core.model import OperationRecord, OperationStatus

NOTICE_SECONDS = 60.0
"""How long a notice of the source stays: it is long, and comes while the screen is still new."""


class Toast(NamedTuple):
    """What to tell the operator."""

    title: str
    text: str
    severity: Literal["information", "warning", "error"]
    seconds: float = 8.0
    """How long it stays."""


class OperationsWatch:
    """Remembers ids and notices; says each, once."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._noticed: set[str] = set()

    def add(self, operation_id: str) -> None:
        """An operation was submitted from here."""
        self._open.add(operation_id)

    def toasts(
        self, operations: Mapping[str, OperationRecord], notices: Iterable[str]
    ) -> list[Toast]:
        """Everything that is new since the last call: notices of the source, and what ended."""
        fresh = [notice for notice in notices if notice not in self._noticed]
        self._noticed.update(fresh)
        told = [Toast("Notice", notice, "warning", NOTICE_SECONDS) for notice in fresh]
        ended = self.ended(operations)
        return told if ended is None else [*told, ended]

    def ended(self, operations: Mapping[str, OperationRecord]) -> Toast | None:
        """One toast for all that ended since the last call."""
        over = [
            record
            for operation_id in sorted(self._open)
            if (record := operations.get(operation_id)) is not None and record.status.final
        ]
        self._open.difference_update(record.id for record in over)
        if not over:
            return None
        return toast_of_one(over[0]) if len(over) == 1 else toast_of_many(over)


def toast_of_one(record: OperationRecord) -> Toast:
    """How one operation ended."""
    good = record.status is OperationStatus.DONE
    text = "\n".join(filter(None, (record.outcome, record.hint))) or record.status.value
    title = f"{record.verb} {record.name}: {record.status.value}"
    return Toast(title, text, "information" if good else _severity(record))


def toast_of_many(records: list[OperationRecord]) -> Toast:
    """How several ended: `13 ok, 2 failed` and the first reasons."""
    bad = [record for record in records if record.status is not OperationStatus.DONE]
    reasons = [f"{record.name}: {record.outcome or record.status.value}" for record in bad]
    text = fmt.tally(len(records) - len(bad), reasons)
    verbs = sorted({record.verb for record in records})
    return Toast(f"{fmt.names(verbs)}", text, "error" if bad else "information")


def _severity(record: OperationRecord) -> Literal["warning", "error"]:
    return "error" if record.status is OperationStatus.FAILED else "warning"
