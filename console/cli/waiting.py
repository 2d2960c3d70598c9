"""Submitting requests from the command line and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from console.cli.output import complain, json_line, note, pass_on, say
from console.countdown import countdown_words
from console.describing import trial
from console.format import age, percent
from core.clock import Clock, SystemClock
from core.errors import RefusedError, VirtdeckError
from core.fleet import Fleet
from core.model import OperationRecord, OperationStatus, Request
from core.model.text import clean
from core.source import Operation
from core.state.operations import moved_in_words
from core.verbs.refusal import RefusalCode, told
from core.verbs.registry import verb_of
from core.verbs.wording import cancel_command, name_of

STATUS: dict[OperationStatus, int] = {
    OperationStatus.DONE: 0,
    OperationStatus.REFUSED: 1,
    OperationStatus.FAILED: 1,
    OperationStatus.CANCELLED: 1,
    OperationStatus.UNKNOWN: 4,
}
"""The exit status an operation's end stands for."""
UNSETTLED = frozenset({RefusalCode.BUSY, RefusalCode.UNREACHABLE, RefusalCode.READ_ONLY})
"""What is found out as a request is sent: what is in the way of one may be waited for."""
TICK = 1.0
"""Seconds between two repaints of the waiting line."""


@dataclass
class Reporter:
    """Prints what operations do: JSON lines, plain lines, and on a terminal who is waited for."""

    as_json: bool
    clock: Clock = field(default_factory=SystemClock)
    quiet: bool = False
    """Nothing of it stands on standard output: that is for what the command passes on."""
    waiting: dict[str, OperationRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        live = not self.as_json and not self.quiet
        self._live = live and sys.stdout is not None and sys.stdout.isatty()
        self._steps: dict[str, int] = {}
        self._asked: dict[str, str] = {}
        self.unwritten: BaseException | None = None
        """Why nothing is printed any more."""

    def tell(self, record: OperationRecord) -> None:
        """Print what is new of an operation; nothing once that failed: the operation goes on."""
        if self.unwritten is not None:
            return
        try:
            self._tell(record)
        except (BrokenPipeError, VirtdeckError) as error:
            self.unwritten = error

    def _tell(self, record: OperationRecord) -> None:
        if record.status.final:
            self.waiting.pop(record.id, None)
        else:
            self.waiting[record.id] = record
        if self.as_json:
            say(json_line(record))
            return
        if self.quiet:
            self._complain_of(record)
            return
        self.erase()
        for step in record.steps[self._steps.get(record.id, 0) :]:
            if not record.outcome or record.outcome not in step.text:  # else it is said below
                say(clean(f"{record.name}: {step.text}"))
        self._steps[record.id] = len(record.steps)
        self._say_answers(record)
        if record.status.final:
            say(clean(f"{record.name}: {record.status.value}: {record.outcome}"))
            if record.hint and record.status is not OperationStatus.DONE:
                note(f"  {record.hint}")
        self.draw()

    def _say_answers(self, record: OperationRecord) -> None:
        """Say once how a question is answered: from another terminal, or any console."""
        question = record.question
        if question is None or not to_be_answered(record):
            return
        if self._asked.get(record.id) != question.key:
            self._asked[record.id] = question.key
            for line in answer_lines(record):
                note(line)

    def _complain_of(self, record: OperationRecord) -> None:
        if record.status.final and record.status is not OperationStatus.DONE:
            note(f"{record.name}: {record.status.value}: {record.outcome}")
        if record.status.final and record.hint:
            note(f"  {record.hint}")

    def draw(self) -> None:
        """Show, on a terminal, who is waited for and since when."""
        if not self._live or not self.waiting:
            return
        text = clean(waiting_words(list(self.waiting.values()), self.clock.now()))
        sys.stdout.write(f"\r{text[:78]}\x1b[K")
        sys.stdout.flush()

    def erase(self) -> None:
        """Take the waiting line away."""
        if self._live:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()


def to_be_answered(record: OperationRecord) -> bool:
    """Whether it waits for an answer, or forces a guest without one that did not obey at first."""
    wait = record.countdown
    forces = wait is not None and wait.until is not None and wait.asked > 1
    return record.status is OperationStatus.ASKING or forces


def answer_lines(record: OperationRecord) -> list[str]:
    """Return a line for each answer to the question of an operation, with its command. Pure."""
    choices = () if record.question is None else record.question.choices
    return [
        f"  virtdeck operations answer {record.id} {choice.word}   {clean(choice.text)}"
        for choice in choices
    ]


def waiting_words(records: Sequence[OperationRecord], now: float) -> str:
    """Say who is waited for, and since when; of one guest that is asked, when what comes. Pure."""
    names = ", ".join(record.name for record in records[:3])
    if len(records) == 1 and (countdown := records[0].countdown) is not None:
        return f"{names}: {countdown_words(countdown, now)}"
    if len(records) == 1 and records[0].progress is not None:
        far = f"{percent(records[0].progress)}{moved_in_words(records[0])}"
        return f"{names}: {far}, {age(records[0].created, now)}"
    more = f" and {len(records) - 3} more" if len(records) > 3 else ""
    return f"waiting for {names}{more}, {age(min(one.created for one in records), now)}"


async def carry_out(fleet: Fleet, requests: Sequence[Request], *, as_json: bool) -> int:
    """Submit requests and wait for all of them; returns the worst exit status of any.

    When the operator interrupts, what goes on by itself is named on the error stream.
    """
    passing = any(verb_of(request).passes_on is not None for request in requests)
    reporter = Reporter(as_json, quiet=passing and not as_json)
    ticker = asyncio.create_task(_tick(reporter))
    try:
        statuses = await asyncio.gather(
            *(_carry_out_one(fleet, request, reporter) for request in requests)
        )
    except asyncio.CancelledError:
        reporter.erase()
        for record in reporter.waiting.values():
            note(
                f"No longer waiting for {record.verb} of {record.name}: what was sent goes on. "
                f"The console, or the next operation on {record.name}, finds out what became of it."
            )
        raise
    finally:
        ticker.cancel()
        reporter.erase()
    if reporter.unwritten is not None:  # only now: what was begun is over
        raise reporter.unwritten
    return max(statuses, default=0)


async def worth_asking(fleet: Fleet, requests: Sequence[Request]) -> list[Request]:
    """Return the requests that somebody is to be asked about; the others are refused, aloud."""
    left = []
    for request in requests:
        reasons = [one for one in fleet.check(request) if one.code not in UNSETTLED]
        tries = verb_of(request).tries_document and not reasons
        if tries and (reason := await trial(fleet, request)):
            reasons = [reason]
        if reasons:
            complain(RefusedError(told(reasons)), name_of(fleet.state, request))
        else:
            left.append(request)
    return left


async def _carry_out_one(fleet: Fleet, request: Request, reporter: Reporter) -> int:
    name = name_of(fleet.state, request)
    try:
        operation: Operation = await fleet.submit(request, say_what_is_in_the_way)
    except VirtdeckError as error:
        complain(error, name)
        return error.exit_status
    record = operation.record
    async for record in operation:
        reporter.tell(whole(record, operation))
    status = end_status(record)
    passes_on = verb_of(request).passes_on
    if passes_on is None or operation.result is None or record.status is not OperationStatus.DONE:
        return status
    passed = passes_on(operation.result)
    if reporter.quiet:
        pass_on(passed)
    return status or passed.status


def say_what_is_in_the_way(record: OperationRecord) -> None:
    """Say what is waited for before a request is sent: what a console that ended has left."""
    note(
        f"{clean(record.name)}: waiting for {record.verb}, begun by {clean(record.author)}: the "
        f"console that ran it ended. To end it: {cancel_command(record)}."
    )


def whole(record: OperationRecord, operation: Operation) -> OperationRecord:
    """Return a record with all that its operation has brought, once it is over."""
    if operation.result is None or not record.status.final:
        return record
    return replace(record, result=operation.result.told())


def end_status(record: OperationRecord) -> int:
    """Return the exit status of an operation that is over.

    Says on the error stream, and by 4 where it is done, that the journal does not hold its end.
    """
    status = STATUS.get(record.status, STATUS[OperationStatus.UNKNOWN])
    if not record.unjournalled:
        return status
    what = f"{record.verb} of {record.name}"
    note(f"The journal does not hold how {what} ended: {record.unjournalled}")
    return status or STATUS[OperationStatus.UNKNOWN]


async def _tick(reporter: Reporter) -> None:
    while True:
        await asyncio.sleep(TICK)
        reporter.draw()
