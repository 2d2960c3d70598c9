"""`operations`: what was asked for and what became of it, from the journal alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from console.cli.invocation import Invocation, common, invocation, json_option
from console.cli.listings import print_rows
from console.cli.operations_ending import cancel, wait
from console.cli.output import TextColumn, note
from console.format import date_time
from console.settings import Settings
from core.errors import NotFoundError, RefusedError
from core.model import OperationRecord, OperationStatus
from core.verbs.undoing import against_forgetting, against_undo, undoing

if TYPE_CHECKING:
    from pathlib import Path

    from core.fleet import Fleet
    from core.journal.entry import Entry


def columns(records: Sequence[OperationRecord]) -> Sequence[TextColumn[OperationRecord]]:
    """Return the columns; where one name stands for several hosts, with the address of each."""
    addresses: dict[str, set[str]] = {}
    for record in records:
        addresses.setdefault(record.host, set()).update(_address(record))

    def host(record: OperationRecord) -> str:
        several = len(addresses[record.host]) > 1
        return " ".join((record.host, *(f"({uri})" for uri in _address(record) if several)))

    return (*BEFORE_HOST, TextColumn("HOST", host), *AFTER_HOST)


def _address(record: OperationRecord) -> tuple[str, ...]:
    return tuple(host.uri for host in record.hosts if host.name == record.host)


BEFORE_HOST: Sequence[TextColumn[OperationRecord]] = (
    TextColumn("ID", lambda record: record.id),
    TextColumn("CREATED", lambda record: date_time(record.created)),
    TextColumn("VERB", lambda record: record.verb),
)
AFTER_HOST: Sequence[TextColumn[OperationRecord]] = (
    TextColumn("NAME", lambda record: record.name),
    TextColumn("STATUS", lambda record: record.status.value),
    TextColumn("BY", lambda record: record.author),
    TextColumn("OUTCOME", lambda record: record.outcome),
)


@click.group(invoke_without_command=True)
@click.option("--all", "all_", is_flag=True, help="Also what ended long ago.")
@common
@json_option
@click.pass_context
def operations(context: click.Context, all_: bool) -> int | None:
    """List operations, oldest first: the newest 50, and every one that is not over."""
    if context.invoked_subcommand is not None:
        return None
    invoked = invocation(context)
    entries = asyncio.run(entries_of(journal_of(invoked), 10_000 if all_ else 50))
    records = [entry.record for entry in entries]
    print_rows(records, columns(records), invoked.json)
    for line in () if invoked.json else run_by_nobody(entries):
        note(line)
    from console.cli.waiting import answer_lines

    for record in records:
        if record.question is not None and not (record.status.final or invoked.json):
            asks = "asks" if record.status is OperationStatus.ASKING else "goes on, and may be told"
            note(f"{record.id} {asks}: {record.question.text}")
            for line in answer_lines(record):
                note(line)
    return 0


def run_by_nobody(entries: Iterable[Entry]) -> Iterator[str]:
    """Say of which operations the console has ended that ran them."""
    from core.journal.owner import alive

    for entry in entries:
        record = entry.record
        if not (record.status.final or record.question or alive(entry.owner)):
            yield (
                f"{record.id} is run by no console now: the next one that opens {record.host} "
                f"finds out what became of it, or `virtdeck operations wait {record.id}`."
            )


@operations.command()
@click.argument("id_", metavar="ID")
@click.argument("word", metavar="ANSWER")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common
@click.pass_obj
def answer(invoked: Invocation, id_: str, word: str, yes: bool) -> int:
    """Answer what the operation ID asks, by one of the words it names.

    The console that runs it carries the answer out; where none does, the next one that opens its
    host.
    """
    note(asyncio.run(_answer(journal_of(invoked), id_, word, sure=yes)))
    return 0


@operations.command()
@click.argument("id_", metavar="ID")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common
@json_option
@click.pass_obj
def undo(invoked: Invocation, id_: str, yes: bool) -> int:
    """Take back what the operation ID did: what was so before is asked for again."""
    from console.cli.completeness import complete, listed
    from console.cli.confirming import confirm
    from console.cli.finding import READS
    from console.cli.live import OPERATE, on_fleet
    from console.cli.waiting import carry_out
    from console.describing import describe
    from core.verbs.danger import danger_of
    from core.verbs.registry import verb_of

    kind = asyncio.run(_kept(journal_of(invoked), id_)).record.subject.kind
    reads = READS.get(kind)

    async def work(fleet: Fleet) -> int:
        record = fleet.state.operations.get(id_)
        request = None if record is None else undoing(record)
        if record is None or request is None or record.not_open:
            raise RefusedError(
                f"The host of {id_} is not among those open here.", "Name it with --connect."
            )
        if reads is not None:
            await complete(fleet, listed(reads[1]))
        await describe(fleet, verb_of(request), [request.subject])
        confirm(danger_of(fleet.state, [request]), sure=yes)
        return await carry_out(fleet, [request], as_json=invoked.json)

    options = OPERATE if reads is None else {**OPERATE, "reads": OPERATE["reads"] | {reads[0]}}
    return on_fleet(invoked, work, tolerate_down=True, **options)


@operations.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@click.pass_obj
def forget(invoked: Invocation, ids: tuple[str, ...]) -> int:
    """Take operations that are over from the journal: what they did stays done."""
    asyncio.run(_forget(journal_of(invoked), ids))
    return 0


operations.add_command(wait)
operations.add_command(cancel)


async def _forget(path: Path | None, ids: Sequence[str]) -> None:
    """Forget some, or none of them: raises NotFoundError and RefusedError first."""
    from core.journal.journal import Journal

    journal = await Journal.open(path)
    try:
        known = {entry.record.id: entry.record for entry in await journal.recent(10_000)}
        for id_ in ids:
            if id_ not in known:
                raise NotFoundError(f"There is no operation {id_!r}.", "See `virtdeck operations`.")
            if against := against_forgetting(known[id_]):
                raise RefusedError(f"{id_}: {against}")
        for id_ in ids:
            await journal.forget(id_)
    finally:
        await journal.close()


async def _kept(path: Path | None, id_: str) -> Entry:
    """Read one operation from the journal; raises NotFoundError, and what cannot be undone."""
    from core.journal.journal import Journal

    journal = await Journal.open(path, read_only=True)
    try:
        found = next((one for one in await journal.recent() if one.record.id == id_), None)
    finally:
        await journal.close()
    if found is None:
        raise NotFoundError(f"There is no operation {id_!r}.", "See `virtdeck operations`.")
    if against := against_undo(found.record):
        raise RefusedError(against)
    return found


async def _answer(path: Path | None, id_: str, word: str, *, sure: bool) -> str:
    """Leave the answer in the journal; returns who carries it out."""
    from console.cli.confirming import confirm
    from core.clock import SystemClock
    from core.engine.asking import require
    from core.engine.messages import Messages
    from core.fleet_operations import author
    from core.journal.journal import Journal
    from core.journal.owner import alive
    from core.verbs.danger import danger_of_answer

    journal = await Journal.open(path)
    try:
        entries = {entry.record.id: entry for entry in await journal.recent()}
        if id_ not in entries:
            raise NotFoundError(f"There is no operation {id_!r}.", "See `virtdeck operations`.")
        entry = entries[id_]
        question = require(entry.record, word)
        confirm(danger_of_answer(entry.record, word), sure=sure)
        messages = Messages(journal, SystemClock(), author())
        await messages.send(id_, "answer", word, about=question.key)
    finally:
        await journal.close()
    if alive(entry.owner):
        return "The console that runs it carries that out."
    return f"The next console that opens {entry.record.host} carries that out."


def journal_of(invoked: Invocation) -> Path | None:
    """Return where the journal lies; None: at its usual place."""
    return Settings.load(invoked.config).journal_path


async def entries_of(path: Path | None, limit: int) -> list[Entry]:
    """Return the newest operations of a journal, and every one that is not over, oldest first."""
    from core.journal import files
    from core.journal.journal import Journal

    place = path or files.default_path()
    if not place.exists() and not place.is_symlink():
        return []  # nothing was ever asked for
    journal = await Journal.open(path, read_only=True)
    try:
        entries = await journal.recent(limit)
        for notice in journal.notices:
            note(f"virtdeck: {notice}")
        return entries
    finally:
        await journal.close()
