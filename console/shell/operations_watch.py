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


Question = tuple[str, str]
"""The id of an operation, and the key of what it asks."""


class Toast(NamedTuple):
    """What to tell the operator."""

    title: str
    text: str
    severity: Severity
    seconds: float = 8.0
    """How long it stays."""
    asked: frozenset[Question] = frozenset()
    """The questions it tells of: it goes once none of them is open."""


class OperationsWatch:
    """Remembers ids and notices; says each, once."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._ended: dict[str, OperationStatus] = {}
        """How those ended that were not done: that may be amended."""
        self._noticed: set[str] = set()
        self._asked: set[Question] = set()

    def add(self, operation_id: str) -> None:
        """An operation was submitted from here, or somebody wants to be told of its end."""
        self._open.add(operation_id)

    def watches(self, operation_id: str) -> bool:
        """Whether the end of an operation will be told."""
        return operation_id in self._open

    def toasts(
        self, operations: Mapping[str, OperationRecord], notices: Iterable[str], now: float
    ) -> list[Toast]:
        """Everything that is new since the last call: notices of the source, what is asked, and
        what ended.
        """
        fresh = [notice for notice in notices if notice not in self._noticed]
        self._noticed.update(fresh)
        told = [Toast("Notice", notice, "warning", NOTICE_SECONDS) for notice in fresh]
        return [*told, *filter(None, (self.asks(operations, now), self.ended(operations)))]

    def asks(self, operations: Mapping[str, OperationRecord], now: float) -> Toast | None:
        """One toast for all that ask something they did not ask before, whoever asked for them."""
        asking = [
            record
            for record in operations.values()
            if (key := open_question(record)) is not None and key not in self._asked
            if not (_may_obey(record) or _waited_for(record))
        ]
        self._asked.update(filter(None, map(open_question, asking)))
        return question_toast(asking, now)

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


def open_question(record: OperationRecord) -> Question | None:
    """What may be answered here to an operation; None: nothing."""
    if record.question is None or record.status.final or record.not_open:
        return None
    return record.id, record.question.key


def still_open(toast: Toast, operations: Mapping[str, OperationRecord]) -> bool:
    """Whether what a toast tells of is still to be answered, or it tells of something else."""
    known = [operations.get(id_) for id_, _ in toast.asked]
    now_open = {open_question(record) for record in known if record is not None}
    return not toast.asked or not toast.asked.isdisjoint(now_open)


def question_toast(records: Sequence[OperationRecord], now: float) -> Toast | None:
    """What operations ask, and where that is answered; None: they ask nothing."""
    asked = [(record, record.question) for record in records if record.question is not None]
    if not asked:
        return None
    record, question = asked[0]
    title = f"{record.verb} {record.name} asks"
    if len(asked) > 1:
        title = f"{fmt.plural(len(asked), 'operation')} ask, the first of them"
    where = "Answer it on the operations screen, in its menu."
    text = "\n".join(filter(None, (question.text, _else(record, now), where)))
    about = frozenset(filter(None, map(open_question, records)))
    return Toast(title, text, "warning", QUESTION_SECONDS, about)


def _may_obey(record: OperationRecord) -> bool:
    """Whether a guest was asked but once and will be again: most obey, nothing need be said."""
    wait = record.countdown
    if wait is None or wait.until is None or wait.again is None or wait.asked > 1:
        return False
    return wait.again < wait.until


def _waited_for(record: OperationRecord) -> bool:
    """Whether a guest is waited for as long as it takes: the operator said so, and knows."""
    wait = record.countdown
    return wait is not None and wait.until is None


def _else(record: OperationRecord, now: float) -> str:
    """What comes where nobody answers, a sentence; empty: it waits for the answer."""
    wait = record.countdown
    if wait is None or wait.until is None or not wait.then:
        return ""
    left = wait.until - now
    if left < 1:  # what comes then depends on whether anybody watched at its end
        return "Its time is up."
    return f"Without an answer, {wait.then} in {left:.0f} s."


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
