"""`checkpoints`: those of one instance, how each is, and what is wrong with their chain."""

from __future__ import annotations

import click

from console.checkpoint_words import changed_words, disks_words, files_words, state_words
from console.cli import lookup
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import read_once
from console.cli.output import TextColumn, json_line, plain, say, say_lines, table
from console.format import date_time
from core.errors import NotFoundError
from core.fleet import Fleet, Reading
from core.model.checkpoint import Checkpoint
from core.model.text import clean
from core.verbs.backup.chain import KEPT_VALID, faults

_COLUMNS: tuple[TextColumn[Checkpoint], ...] = (
    TextColumn("CHECKPOINT", lambda one: one.name),
    TextColumn("PARENT", lambda one: one.parent),
    TextColumn("MADE", lambda one: date_time(one.created)),
    TextColumn("WRITTEN SINCE", changed_words, right=True),
    TextColumn("DISKS", disks_words),
    TextColumn("HOW IT IS", state_words),
    TextColumn("BACKUP", files_words),
)


@click.command()
@click.argument("name")
@common
@json_option
@click.pass_obj
def checkpoints(invocation: Invocation, name: str) -> int:
    """List the checkpoints of the instance NAME, with what was written to its disks since each.

    Of one that runs its QEMU tells whether each bitmap is whole: an increment can be since those.
    """

    async def work(fleet: Fleet) -> int:
        row = lookup.instance(fleet.state, name)
        found = await fleet.links.checkpoints(row.key)
        if found is None:
            raise NotFoundError(f"{clean(row.name)} is gone from {row.host}.")
        if invocation.json:
            told = {"name": row.name, "host": row.host, "uuid": row.uuid}
            say(json_line({**told, "checkpoints": plain(found), "faults": faults(found)}))
            return 0
        if not found:
            say(clean(f"{row.name} has no checkpoint: `virtdeck backup` makes one."))
            return 0
        say_lines(table(found, _COLUMNS))
        say()
        for fault in faults(found):
            say(f"! {fault}")
        say(KEPT_VALID)
        return 0

    return read_once(invocation, work, {Reading.INSTANCES})
