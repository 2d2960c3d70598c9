"""Submitting requests from the command line and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from console.cli.output import complain, json_line, note, say
from console.countdown import countdown_words
from console.format import age
from core.clock import Clock, SystemClock
from core.errors import VirtdeckError
from core.fleet import Fleet
from core.model import OperationRecord, OperationStatus, Request
from core.model.text import clean
from core.source import Operation
from core.verbs.wording import name_of

STATUS: dict[OperationStatus, int] = {
    OperationStatus.DONE: 0,
    OperationStatus.REFUSED: 1,
    OperationStatus.FAILED: 1,
    OperationStatus.CANCELLED: 1,
    OperationStatus.UNKNOWN: 4,
}
"""The exit status an operation's end stands for."""
TICK = 1.0
"""Seconds between two repaints of the waiting line."""


@dataclass
class Reporter:
    """Prints what operations do: JSON lines, plain lines, and on a terminal who is waited for."""

    as_json: bool
    clock: Clock = field(default_factory=SystemClock)
    waiting: dict[str, OperationRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._live = not self.as_json and sys.stdout is not None and sys.stdout.isatty()
        self._steps: dict[str, int] = {}
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
        self.erase()
        for step in record.steps[self._steps.get(record.id, 0) :]:
            if not record.outcome or record.outcome not in step.text:  # else it is said below
                say(clean(f"{record.name}: {step.text}"))
        self._steps[record.id] = len(record.steps)
        if record.status.final:
            say(clean(f"{record.name}: {record.status.value}: {record.outcome}"))
            if record.hint and record.status is not OperationStatus.DONE:
                note(f"  {record.hint}")
        self.draw()

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


def waiting_words(records: Sequence[OperationRecord], now: float) -> str:
    """Say who is waited for, and since when; of one guest that is asked, when what comes. Pure."""
    names = ", ".join(record.name for record in records[:3])
    if len(records) == 1 and (countdown := records[0].countdown) is not None:
        return f"{names}: {countdown_words(countdown, now)}"
    more = f" and {len(records) - 3} more" if len(records) > 3 else ""
    return f"waiting for {names}{more}, {age(min(one.created for one in records), now)}"


async def carry_out(fleet: Fleet, requests: Sequence[Request], *, as_json: bool) -> int:
    """Submit requests and wait for all of them; returns the worst exit status of any.

    When the operator interrupts, what goes on by itself is named on the error stream.
    """
    reporter = Reporter(as_json)
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


async def _carry_out_one(fleet: Fleet, request: Request, reporter: Reporter) -> int:
    name = name_of(fleet.state, request)
    try:
        operation: Operation = await fleet.submit(request)
    except VirtdeckError as error:
        complain(error, name)
        return error.exit_status
    record = operation.record
    async for record in operation:
        reporter.tell(record)
    return end_status(record)


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
