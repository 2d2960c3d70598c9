"""`operations`: what was asked for and what became of it, from the journal alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from console.cli.invocation import Invocation, common, invocation, json_option
from console.cli.listings import print_rows
from console.cli.output import TextColumn, note
from console.format import date_time
from console.settings import Settings
from core.errors import NotFoundError
from core.model import OperationRecord

if TYPE_CHECKING:
    from pathlib import Path


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
    records = asyncio.run(_records(_journal(invoked), 10_000 if all_ else 50))
    print_rows(records, columns(records), invoked.json)
    for record in records:
        if record.question is not None and not invoked.json:
            note(f"{record.id} asks: {record.question.text}")
            for choice in record.question.choices:
                line = f"virtdeck operations answer {record.id} {choice.word}"
                note(f"  {line}   {choice.text}")
    return 0


@operations.command()
@click.argument("id_", metavar="ID")
@click.argument("word", metavar="ANSWER")
@common
@click.pass_obj
def answer(invoked: Invocation, id_: str, word: str) -> int:
    """Answer what the operation ID asks, by one of the words it names.

    The console that runs it carries the answer out; where none does, the next one that opens its
    host.
    """
    note(asyncio.run(_answer(_journal(invoked), id_, word)))
    return 0


async def _answer(path: Path | None, id_: str, word: str) -> str:
    """Leave the answer in the journal; returns who carries it out."""
    from core.clock import SystemClock
    from core.engine.asking import require
    from core.engine.messages import Messages
    from core.fleet_operations import author
    from core.journal.journal import Journal
    from core.journal.owner import alive

    journal = await Journal.open(path)
    try:
        entries = {entry.record.id: entry for entry in await journal.recent()}
        if id_ not in entries:
            raise NotFoundError(f"There is no operation {id_!r}.", "See `virtdeck operations`.")
        entry = entries[id_]
        question = require(entry.record, word)
        messages = Messages(journal, SystemClock(), author())
        await messages.send(id_, "answer", word, about=question.key)
    finally:
        await journal.close()
    if alive(entry.owner):
        return "The console that runs it carries that out."
    return f"The next console that opens {entry.record.host} carries that out."


def _journal(invoked: Invocation) -> Path | None:
    return Settings.load(invoked.config).journal_path


async def _records(path: Path | None, limit: int) -> list[OperationRecord]:
    from core.journal import files
    from core.journal.journal import Journal

    place = path or files.default_path()
    if not place.exists() and not place.is_symlink():
        return []  # nothing was ever asked for
    journal = await Journal.open(path, read_only=True)
    try:
        records = [entry.record for entry in await journal.recent(limit)]
        for notice in journal.notices:
            note(f"virtdeck: {notice}")
        return records
    finally:
        await journal.close()
