"""`operations wait` and `operations cancel`: what goes on is brought to its end, whoever ran it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click

from console.cli.invocation import Invocation, common, json_option
from console.cli.output import note
from console.cli.waiting import Reporter, answer_lines, end_status
from console.settings import Settings
from core.errors import NotFoundError, OutcomeUnknownError, RefusedError, UnreachableError
from core.model import LinkStatus, OperationRecord, OperationStatus
from core.model.text import clean

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.journal.entry import Entry

TICK = 1.0
"""Seconds between two looks whether who runs an operation lives."""
PATIENCE = 30.0
"""Seconds without any news after which another console that was asked to cancel is given up."""


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1)
@common
@json_option
@click.pass_obj
def wait(invoked: Invocation, ids: tuple[str, ...]) -> int:
    """Wait for the end of operations: of every one that is not over where none is named.

    What no console runs any more is taken over and brought to its end here.
    """
    entries = _entries(invoked, ids)
    if not entries:
        note("Nothing is under way.")
        return 0

    async def work(fleet: Fleet) -> int:
        statuses = await _each(fleet, entries, invoked, _no_longer)
        return max(end_status(record) for record in statuses)

    return _on_fleet(invoked, entries, work)


@click.command()
@click.argument("id_", metavar="ID")
@common
@json_option
@click.pass_obj
def cancel(invoked: Invocation, id_: str) -> int:
    """Cancel the operation ID and wait for its end, whichever console runs it.

    Where none does any more, it is taken over and ended here.
    """
    from core.verbs.checks import against_taking_back

    (entry,) = entries = _entries(invoked, [id_])
    record = entry.record
    if record.status.final:
        raise RefusedError(f"{record.verb} of {record.name} is over: {record.status.value}.")
    if (against := against_taking_back(record)) is not None:
        raise against

    async def work(fleet: Fleet) -> int:
        known = fleet.state.operations.get(id_)
        if known is None or not known.status.final:
            await fleet.cancel(id_)
        (ended,) = await _each(fleet, entries, invoked, _given_up)
        if ended.status is OperationStatus.CANCELLED:
            return 0
        return end_status(ended) or RefusedError.exit_status  # it was done before

    return _on_fleet(invoked, entries, work)


def _entries(invoked: Invocation, ids: Sequence[str]) -> list[Entry]:
    """Return what the journal has of operations, or of all that are not over; NotFoundError."""
    known = {entry.record.id: entry for entry in asyncio.run(_read(invoked, 10_000 if ids else 1))}
    for id_ in ids:
        if id_ not in known:
            raise NotFoundError(f"There is no operation {id_!r}.", "See `virtdeck operations`.")
    if ids:
        return [known[id_] for id_ in dict.fromkeys(ids)]
    return [entry for entry in known.values() if not entry.record.status.final]


async def _read(invoked: Invocation, limit: int) -> list[Entry]:
    from core.journal.journal import Journal

    journal = await Journal.open(Settings.load(invoked.config).journal_path)
    try:
        return await journal.recent(limit)
    finally:
        await journal.close()


def _on_fleet(
    invoked: Invocation, entries: Sequence[Entry], work: Callable[[Fleet], Awaitable[int]]
) -> int:
    from console.cli.finding import READS
    from console.cli.live import OPERATE, on_fleet

    kinds = {entry.record.subject.kind for entry in entries}
    more = {READS[kind][0] for kind in kinds & READS.keys()}
    options = {**OPERATE, "reads": OPERATE["reads"] | more}
    return on_fleet(invoked, work, tolerate_down=True, **options)


Late = Callable[["Entry", float], None]
"""Is given an operation of which nothing was heard for so many seconds; may raise."""


def _no_longer(_: Entry, __: float) -> None:
    """Wait for as long as it takes."""


def _given_up(entry: Entry, seconds: float) -> None:
    if seconds > PATIENCE:
        raise OutcomeUnknownError(
            f"{_runner_of(entry)} was asked to cancel it and has not done so in {PATIENCE:.0f} s.",
            f"If that hangs, end it, then `virtdeck operations cancel {entry.record.id}` again.",
        )


def _runner_of(entry: Entry) -> str:
    return f"Process {entry.owner.pid} on {clean(entry.owner.machine)}"


async def _each(
    fleet: Fleet, entries: Sequence[Entry], invoked: Invocation, late: Late
) -> list[OperationRecord]:
    reporter = Reporter(invoked.json)
    try:
        ends = await asyncio.gather(*(_follow(fleet, entry, reporter, late) for entry in entries))
    finally:
        reporter.erase()
    if reporter.unwritten is not None:
        raise reporter.unwritten
    return ends


async def _follow(fleet: Fleet, entry: Entry, reporter: Reporter, late: Late) -> OperationRecord:
    """Return an operation once it is over, or asks; raises where its end cannot be seen."""
    from core.journal.owner import alive

    id_, changes, quiet = entry.record.id, fleet.changes(), 0.0
    lives = alive(entry.owner)
    note(
        f"{id_}: {_runner_of(entry)} runs it ({clean(entry.record.author)})."
        if lives
        else f"{id_}: no console runs it any more: it is taken over here."
    )
    seen: OperationRecord | None = None
    while True:
        record = fleet.state.operations.get(id_, entry.record)
        if record != seen:
            reporter.tell(record)
            seen, quiet = record, 0.0
        if record.status.final:
            return record
        asks = record.question is not None and record.status is OperationStatus.ASKING
        if asks and late is _no_longer:
            return _asks(record, reporter)
        if not alive(entry.owner):
            _refuse_unseen(fleet, record)
        elif lives:
            late(entry, quiet)
        try:
            async with asyncio.timeout(TICK):
                await anext(changes)
        except TimeoutError:
            quiet += TICK


def _asks(record: OperationRecord, reporter: Reporter) -> OperationRecord:
    reporter.erase()
    assert record.question is not None
    note(f"{record.id} asks: {clean(record.question.text)}")
    for line in answer_lines(record):
        note(line)
    return record


def _refuse_unseen(fleet: Fleet, record: OperationRecord) -> None:
    """Raise where what became of an operation that nobody runs cannot be seen from here."""
    if record.not_open:
        raise RefusedError(
            f"The host of {record.id} is not among those open here.",
            f"Name it with --connect {clean(record.not_open)}.",
        )
    host = fleet.state.hosts.get(record.host)
    if host is not None and host.link.status is not LinkStatus.UP:
        raise UnreachableError(
            f"{clean(record.host)} is not reachable: what became of {record.id} shows there.",
            clean(host.link.hint or host.link.error),
        )
