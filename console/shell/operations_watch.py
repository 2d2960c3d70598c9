"""What the operator is to be told: how what this console started has ended, what an operation asks,
and what is amiss.

Pure, any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from console import format as fmt
from core.model import OperationRecord, OperationStatus

Severity = Literal["information", "warning", "error"]

NOTICE_SECONDS = 60.0
"""How long a notice of the source stays: it is long, and comes while the screen is still new."""

QUESTION_SECONDS = 20.0
"""How long a question stays: it waits on the operations screen."""


class Toast(NamedTuple):
    """What to tell the operator."""

    title: str
    text: str
    severity: Severity
    seconds: float = 8.0
    """How long it stays."""


class OperationsWatch:
    """Remembers ids and notices; says each, once."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._ended: dict[str, OperationStatus] = {}
        """How those ended that were not done: that may be amended."""
        self._noticed: set[str] = set()
        self._asked: set[tuple[str, str]] = set()
        """Ids of operations, and the keys of what they asked."""

    def add(self, operation_id: str) -> None:
        """An operation was submitted from here, or somebody wants to be told of its end."""
        self._open.add(operation_id)

    def watches(self, operation_id: str) -> bool:
        """Whether the end of an operation will be told."""
        return operation_id in self._open

    def toasts(
        self, operations: Mapping[str, OperationRecord], notices: Iterable[str]
    ) -> list[Toast]:
        """Everything that is new since the last call: notices of the source, what is asked, and
        what ended.
        """
        fresh = [notice for notice in notices if notice not in self._noticed]
        self._noticed.update(fresh)
        told = [Toast("Notice", notice, "warning", NOTICE_SECONDS) for notice in fresh]
        return [*told, *filter(None, (self.asks(operations), self.ended(operations)))]

    def asks(self, operations: Mapping[str, OperationRecord]) -> Toast | None:
        """One toast for all that ask something they did not ask before, whoever asked for them."""
        asking = [
            (record, key)
            for record in operations.values()
            if record.question is not None and not (record.status.final or record.not_open)
            if not _may_obey(record)
            if (key := (record.id, record.question.key)) not in self._asked
        ]
        self._asked.update(key for _, key in asking)
        return question_toast([record for record, _ in asking])

    def ended(self, operations: Mapping[str, OperationRecord]) -> Toast | None:
        """One toast for all that ended since the last call."""
        asked = sorted(self._open | self._ended.keys())
        known = [record for id_ in asked if (record := operations.get(id_)) is not None]
        over = [
            record
            for record in known
            if record.status.final and record.status is not self._ended.get(record.id)
        ]
        self._open.difference_update(record.id for record in over)
        for record in over:
            self._ended[record.id] = record.status
            if record.status is OperationStatus.DONE:
                del self._ended[record.id]
        if not over:
            return None
        return toast_of_one(over[0]) if len(over) == 1 else toast_of_many(over)


def question_toast(records: Sequence[OperationRecord]) -> Toast | None:
    """What operations ask, and where that is answered; None: they ask nothing."""
    asked = [(record, record.question) for record in records if record.question is not None]
    if not asked:
        return None
    record, question = asked[0]
    title = f"{record.verb} {record.name} asks"
    if len(asked) > 1:
        title = f"{fmt.plural(len(asked), 'operation')} ask, the first of them"
    where = "Answer it on the operations screen, in its menu."
    text = "\n".join(filter(None, (question.text, _else(record), where)))
    return Toast(title, text, "warning", QUESTION_SECONDS)


def _may_obey(record: OperationRecord) -> bool:
    """Whether a guest was asked but once and will be again: most obey, nothing need be said."""
    wait = record.countdown
    if wait is None or wait.until is None or wait.again is None or wait.asked > 1:
        return False
    return wait.again < wait.until


def _else(record: OperationRecord) -> str:
    """What comes where nobody answers, a sentence; empty: it waits for the answer."""
    wait = record.countdown
    if wait is None or wait.until is None or not wait.then:
        return ""
    return f"Without an answer, {wait.then} after {wait.until - wait.since:.0f} s."


def toast_of_one(record: OperationRecord) -> Toast:
    """How one operation ended."""
    good = record.status is OperationStatus.DONE and not record.unjournalled
    kept = f"Not journalled: {record.unjournalled}" if record.unjournalled else ""
    text = "\n".join(filter(None, (record.outcome, record.hint, kept))) or record.status.value
    title = f"{record.verb} {record.name}: {record.status.value}"
    return Toast(title, text, "information" if good else _severity(record))


def toast_of_many(records: list[OperationRecord]) -> Toast:
    """How several ended: `13 ok, 2 failed` and the first reasons."""
    bad = [record for record in records if record.status is not OperationStatus.DONE]
    reasons = [f"{record.name}: {record.outcome or record.status.value}" for record in bad]
    text = fmt.tally(len(records) - len(bad), reasons)
    lost = [record for record in records if record.unjournalled]
    if lost:
        text += f"\n{fmt.plural(len(lost), 'operation')} not journalled: {lost[0].unjournalled}"
    verbs = sorted({record.verb for record in records})
    severity: Severity = "error" if bad else "warning" if lost else "information"
    return Toast(f"{fmt.listed(verbs, 3)}", text, severity)


def _severity(record: OperationRecord) -> Literal["warning", "error"]:
    return "error" if record.status is OperationStatus.FAILED else "warning"
