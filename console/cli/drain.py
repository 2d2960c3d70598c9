"""`drain`: move every running instance of a host to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import click

from console.cli import interrupts, lookup, migrate_options
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import DESCRIBED_SECONDS
from console.cli.live import described, on_fleet, until
from console.cli.migration_follow import Following
from console.cli.migration_progress import Progress
from console.cli.output import json_line, note, plain, say
from console.format import names, plural, size
from core.errors import RefusedError, UsageError
from core.fleet import Fleet
from core.model import Drain, Instance, InstanceState, Migrate, Migration, ObjectKey, State
from core.model.text import clean

MOVABLE = (InstanceState.RUNNING, InstanceState.PAUSED)


def request_for(
    state: State,
    name: str,
    to: Sequence[str],
    options: Migrate,
    *,
    at_a_time: int,
    bandwidth: int | None,
    order: Literal["smallest", "largest", "name"],
) -> Drain:
    """Return the request to drain a host; raises NotFoundError and RefusedError."""
    source = lookup.host(state, name).name
    destinations = tuple(dict.fromkeys(lookup.host(state, word).name for word in to))
    if source in destinations:
        raise RefusedError(
            f"{source} cannot be drained onto itself.", "Name other hosts with --to."
        )
    if not destinations and len(state.hosts) == 1:
        raise RefusedError(
            f"There is no other host than {source}.", "Open one more with --connect URI."
        )
    return Drain(
        subject=ObjectKey("host", source, source),
        to=destinations,
        at_a_time=at_a_time,
        bandwidth=bandwidth,
        order=order,
        options=options,
    )


def in_order(state: State, request: Drain) -> list[Instance]:
    """The instances a drain would move, in its order."""
    rows = [row for row in state.instances.values()
            if row.host == request.subject.host and row.state in MOVABLE]  # fmt: skip
    if request.order == "name":
        return sorted(rows, key=lambda row: row.name)
    return sorted(rows, key=lambda row: row.memory or 0, reverse=request.order == "largest")


@click.command()
@click.argument("host")
@click.option(
    "--to",
    multiple=True,
    metavar="HOST",
    help="Where to, in order of preference; may be repeated. [default: every other host]",
)
@click.option(
    "--at-a-time",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="How many migrations run at the same time.",
)
@click.option(
    "--order",
    type=click.Choice(["smallest", "largest", "name"]),
    default="smallest",
    show_default=True,
    help="Which goes first.",
)
@migrate_options.options
@click.option("--dry-run", is_flag=True, help="Say what would be moved; touch nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common
@json_option
@click.pass_obj
def drain(
    invocation: Invocation,
    /,
    host: str,
    to: tuple[str, ...],
    at_a_time: int,
    order: Literal["smallest", "largest", "name"],
    dry_run: bool,
    yes: bool,
    **values: Any,
) -> int:
    """Move every running instance of HOST to other hosts.

    --bandwidth is shared by those that move at the same time; the other options of a migration
    hold for each. What cannot be moved is skipped and named. Ctrl-C asks whether to stop.

    Exit status: 0 the host is empty, 1 something could not be moved, 4 not known.
    """
    if values["offline"] or values["disks"]:
        raise UsageError(
            "A drain moves what runs, with all of its disks.", "Leave out --offline and --disk."
        )
    bandwidth = values.pop("bandwidth")
    options = migrate_options.request(values)

    async def work(fleet: Fleet) -> int:
        request = request_for(fleet.state, host, to, options, at_a_time=at_a_time,
                              bandwidth=bandwidth, order=order)  # fmt: skip
        await until(fleet, described, DESCRIBED_SECONDS)  # their sizes
        return await _carry_out(fleet, request, invocation.json, dry_run=dry_run, sure=yes)

    return on_fleet(invocation, work, operations=True, tolerate_down=True)


async def _carry_out(
    fleet: Fleet, request: Drain, as_json: bool, *, dry_run: bool, sure: bool
) -> int:
    rows = in_order(fleet.state, request)
    if dry_run or not rows:
        _print_order(request, rows, as_json)
        return 0
    if not sure:
        confirm(request, rows)
    began, host = fleet.state.at, request.subject.host
    following = Following(fleet, Progress(as_json), also=lambda row: _of_drain(row, host, began))
    return await following.carry_out([request])


def _of_drain(row: Migration, host: str, began: float) -> bool:
    return row.host == host and not row.foreign and row.created >= began


def _print_order(request: Drain, rows: Sequence[Instance], as_json: bool) -> None:
    host, where = request.subject.host, ", ".join(request.to) or "the other hosts"
    if as_json:
        say(json_line({"kind": "plan", "request": plain(request),
                       "instances": [row.name for row in rows]}))  # fmt: skip
        return
    if not rows:
        say(f"Nothing runs on {host}.")
        return
    moved = plural(len(rows), "instance")
    say(clean(f"{host}: {moved} to {where}, {request.at_a_time} at a time"))
    for row in rows:
        say(clean(f"  {row.name}, {size(row.memory or None)}, {row.state}"))


def confirm(request: Drain, rows: Sequence[Instance]) -> None:
    """Ask before a host is emptied; raises RefusedError without a yes."""
    host, where = request.subject.host, ", ".join(request.to) or "the other hosts"
    what = f"{plural(len(rows), 'instance')} ({names([row.name for row in rows])})"
    question = clean(f"Moves {what} from {host} to {where}, {request.at_a_time} at a time.")
    if not interrupts.can_ask():
        raise RefusedError(f"Not done without a yes. {question}", "Add --yes to do it.")
    note(question)
    if not click.confirm("Go on?", err=True):
        raise RefusedError("Nothing was done.")
