"""`evacuate`: define and start the instances of a dead host elsewhere."""

from __future__ import annotations

import click

from console.cli import lookup
from console.cli.completeness import complete, listed, tell
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.output import json_line, note, plain, say
from console.cli.storage_gaps import volume_sizes
from console.cli.waiting import carry_out
from console.evacuating import in_words, outcome, summary
from core.errors import RefusedError, UsageError
from core.evacuation import Survey, survey
from core.fleet import Fleet, Reading
from core.model import OperationStatus, State
from core.verbs.danger import danger_of
from core.verbs.evacuation.evacuate import fenced_word, left_behind
from core.verbs.evacuation.requests import Evacuate


@click.command()
@click.argument("host")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--to", required=True, metavar="HOST", help="Where they are defined and started.")
@click.option(
    "--fenced",
    metavar="HOST",
    default="",
    help="The dead host's name: you state that it is off, or cut off from the disks.",
)
@click.option(
    "--shared",
    is_flag=True,
    help="You state that what the other host has at the paths of the disks are the same disks.",
)
@click.option("--dry-run", is_flag=True, help="Look at everything, say what would be, and end.")
@common
@json_option
@click.pass_obj
def evacuate(
    invocation: Invocation,
    host: str,
    names: tuple[str, ...],
    to: str,
    fenced: str,
    shared: bool,
    dry_run: bool,
) -> int:
    """Define the instances of HOST, which is dead, on another host, and start those that ran.

    By default all of them; NAME is a name, an id or a pattern. They are defined from what virtdeck
    read last, while it was open on HOST. An instance whose disk somebody holds the lock of, that is
    seen elsewhere, or whose disks are not shared is left alone, and so is everything where HOST
    answers after all.

    You must state that HOST is fenced: by typing it, or by --fenced HOST. Nothing else will do.

    Asked for again it does what is left to do. Exit status: 0 all are there, 1 something was left
    alone, 4 not known.
    """
    if fenced and fenced != host:
        raise UsageError(f"--fenced names {fenced}, and {host} is to be evacuated.",
                         "Name the host that is dead both times.")  # fmt: skip

    async def work(fleet: Fleet) -> int:
        dead, there = lookup.host(fleet.state, host).name, lookup.host(fleet.state, to).name
        if dead == there:
            raise RefusedError(f"{dead} cannot be evacuated to itself.", "Name another host.")
        tell(await complete(fleet, listed("pools", "volumes", "networks"), volume_sizes))
        found = await survey(fleet, dead, there, names, shared=shared)
        _print(found, invocation.json)
        if dry_run:
            return _left_alone(found)
        return await _carry_out(fleet, found, invocation.json, stated=bool(fenced))

    reads = OPERATE["reads"] | {Reading.STORAGE, Reading.VOLUMES, Reading.NETWORKS}
    return on_fleet(invocation, work, tolerate_down=True, **{**OPERATE, "reads": reads})


async def _carry_out(fleet: Fleet, found: Survey, as_json: bool, *, stated: bool) -> int:
    if not found.requests and not _left_alone(found):
        if not as_json:
            say(outcome(found, {}))
        return 0
    if not found.requests:
        raise RefusedError("Nothing can be evacuated.", summary(found))
    if not stated:
        _ask(fleet.state, found)
    status = await carry_out(fleet, found.requests, as_json=as_json)
    if not as_json:
        ends = _ends(fleet.state, found)
        say(outcome(found, ends))
        if OperationStatus.DONE in ends.values():
            note(left_behind(found.source, "NAME"))
    return status or _left_alone(found)


def _left_alone(found: Survey) -> int:
    """Return the exit status that tells whether something is left alone."""
    return 1 if any(one.against and not one.there for one in found.instances) else 0


def _print(found: Survey, as_json: bool) -> None:
    if as_json:
        say(json_line({"kind": "plan", "plan": plain(found)}))
        return
    for line in in_words(found):
        say(line)


def _ask(state: State, found: Survey) -> None:
    """Have it typed that the host is fenced; raises RefusedError without that."""
    from console.cli import interrupts

    if not interrupts.can_ask():
        raise RefusedError(
            f"Nobody has stated that {found.source} is fenced.",
            f"Add --fenced {found.source} once it is off, or cut off from the disks.",
        )
    note(summary(found))
    asked = danger_of(state, found.requests)
    assert asked.word == fenced_word(found.source)
    confirm(asked, sure=False)


def _ends(state: State, found: Survey) -> dict[str, OperationStatus]:
    """Return how each instance's newest evacuation ended, by UUID."""
    ends: dict[str, OperationStatus] = {}
    asked = {one.subject for one in found.requests}
    for record in sorted(state.operations.values(), key=lambda one: one.id):
        if record.verb == Evacuate.verb and record.subject in asked:
            ends[record.subject.id] = record.status
    return ends
