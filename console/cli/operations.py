"""`operations`: what was asked for and what became of it, from the journal alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import print_rows
from console.cli.output import TextColumn, note
from console.format import date_time
from console.settings import Settings
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


@click.command()
@click.option("--all", "all_", is_flag=True, help="Also what ended long ago.")
@common
@json_option
@click.pass_obj
def operations(invocation: Invocation, all_: bool) -> int:
    """List operations, oldest first: the newest 50, and every one that is not over."""
    path = Settings.load(invocation.config).journal_path
    records = asyncio.run(_records(path, 10_000 if all_ else 50))
    print_rows(records, columns(records), invocation.json)
    return 0


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
