"""`connections`: the volumes that hosts have connected for disks, and what is left over of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from console.cli.completeness import Gap, complete, descriptions, listed, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import print_rows
from console.cli.live import OPERATE, on_fleet
from console.cli.output import TextColumn, note
from console.describing import definitions_of
from console.format import listed as in_words
from core.fleet import Fleet
from core.model import ObjectKey, State
from core.state.connections import LedgerEntry, ledger
from core.state.next_starts import to_be_read, with_next_starts

COLUMNS: tuple[TextColumn[LedgerEntry], ...] = (
    TextColumn("HOST", lambda one: one.subject.host),
    TextColumn("DEVICE", lambda one: one.volume.handle),
    TextColumn("STANDS", lambda one: one.standing),
    TextColumn("FOR", lambda one: one.whose),
    TextColumn("PROTOCOL", lambda one: one.volume.protocol),
    TextColumn("VOLUME", lambda one: one.volume.volume_id),
    TextColumn("WHY", lambda one: one.why),
)


def _unread(state: State, keys: Sequence[ObjectKey]) -> Iterator[Gap]:
    """Say of which instances nobody could see what their next start has."""
    for host in dict.fromkeys(key.host for key in keys):
        names = [state.instances[key].name for key in keys if key.host == host]
        yield Gap(host, f"what the next start of {in_words(names, 3)} has", len(names))


@click.command("connections")
@click.option("--left-over", is_flag=True, help="Only those whose disk is no more.")
@common
@json_option
@click.pass_obj
def connections(invocation: Invocation, left_over: bool) -> int:
    """List the volumes that hosts have connected for disks, as far as the journal knows.

    One whose disk is no more is left over: `virtdeck volume disconnect HOST --device DEVICE` has
    its host let go of it. What another journal has had connected is not known.
    """

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, listed("instances"), descriptions)
        entries = ledger(fleet.state)
        keys = to_be_read(fleet.state, entries)
        read = await definitions_of(fleet, keys)
        defined = {key: one for key, one in read.items() if one is not None}
        unread = [key for key in keys if key not in read]
        entries = with_next_starts(entries, defined, unread)
        status = tell((*gaps, *_unread(fleet.state, unread)))
        rows = [one for one in entries if not left_over or one.standing == "left over"]
        print_rows(rows, COLUMNS, invocation.json)
        if not invocation.json:
            note("What another journal has had connected, or somebody by hand, is not known.")
        return status

    return on_fleet(invocation, work, **OPERATE)
