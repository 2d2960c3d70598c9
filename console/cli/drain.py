"""`drain`: move every active instance of a host to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import click

from console.cli import interrupts, lookup, migrate_options
from console.cli.completeness import complete, descriptions, tell
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.migration_follow import INTERRUPTED, Following
from console.cli.migration_progress import ProgressPrinter
from console.cli.output import json_line, note, plain, say
from console.cli.parameters import type_of
from console.cli.waiting import STATUS
from console.format import plural, size
from core.errors import RefusedError, UsageError
from core.fleet import Fleet
from core.migration.drain import plan as drain_plan
from core.migration.drain import turn as drain_turn
from core.migration.execution.survey import survey
from core.model import Migration, ObjectKey, OperationRecord, State
from core.model.drain import DrainProgress, Stage
from core.model.text import clean
from core.verbs.danger import danger
from core.verbs.migration.requests import Drain, Migrate
from core.verbs.parameter import parameter_of
from core.verbs.refusal import told

QUESTION = (
    "Stop (what is under way goes on to its end), abort that too, leave it running, or go on "
    "watching? [s/a/l/c]"
)


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
    type=type_of(parameter_of(Drain, "at_a_time")),
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
@click.option(
    "--dry-run",
    is_flag=True,
    help="Look at everything, say what would move and what would stay; touch nothing.",
)
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
    """Move every active instance of HOST to other hosts.

    --bandwidth is shared by those that move at the same time; the other options of a migration
    hold for each. What cannot be moved is skipped and named; what is off is left. Ctrl-C asks
    whether to stop, which begins no further one and lets those under way end.

    Exit status: 0 the host is empty of what ran, 1 something could not be moved, 4 not known.
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
        told = tell(await complete(fleet, descriptions))  # their sizes give the order
        status = await _carry_out(fleet, request, invocation.json, dry_run=dry_run, sure=yes)
        return status or (told if dry_run else 0)

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


async def _carry_out(
    fleet: Fleet, request: Drain, as_json: bool, *, dry_run: bool, sure: bool
) -> int:
    if reasons := fleet.check(request):
        raise RefusedError(told(reasons))
    if dry_run or not sure:
        plan = await survey(fleet.migrations.preflight, lambda: fleet.state, request)
        if dry_run:
            _print_plan(request, plan, as_json)
            return STATUS[drain_turn.status(plan)]
        ask(fleet.state, request, plan)
    began, host = fleet.state.at, request.subject.host
    progress = ProgressPrinter(as_json)
    following = Following(
        fleet,
        progress,
        also=lambda row: _of_drain(row, host, began),
        question=QUESTION,
        ask=partial(interrupts.choice, may_stop=True),
        told=Log(progress).tell,
    )
    status = await following.carry_out([request])
    if status == INTERRUPTED:
        note(f"The drain of {clean(host)} goes on as soon as a console or command of virtdeck "
             "runs; until then it begins no further migration.")  # fmt: skip
    return status


def _of_drain(row: Migration, host: str, began: float) -> bool:
    return row.host == host and not row.foreign and row.created >= began


@dataclass
class Log:
    """Prints what a drain says of itself, beside the progress of its migrations."""

    progress: ProgressPrinter
    _said: int = 0

    def tell(self, record: OperationRecord) -> None:
        """Print what is new of it."""
        steps, self._said = record.steps[self._said :], len(record.steps)
        texts = [step.text for step in steps if step.text != record.outcome]  # told at the end
        if self.progress.as_json:
            if texts:
                say(json_line({"kind": "drain", "id": record.id, "host": record.host,
                               "progress": record.progress, "lines": texts}))  # fmt: skip
        elif texts:
            self.progress.erase()
            for text in texts:
                say(clean(f"{record.name}: {text}"))


def _print_plan(request: Drain, plan: DrainProgress, as_json: bool) -> None:
    host = request.subject.host
    if as_json:
        say(json_line({"kind": "plan", "request": plain(request), "plan": plain(plan)}))
        return
    if not plan.at(Stage.WAITING, Stage.MOVING, Stage.STAYS):
        say(clean(f"Nothing runs on {host}."))
    else:
        say(clean(_sentence(request, plan)))
    for item in plan.at(Stage.WAITING):
        say(clean(f"  {item.name}, {size(item.memory or None)}, to {item.to}"))
    for item in plan.at(Stage.MOVING):
        say(clean(f"  {item.name} is on its way already"))
    for item in plan.at(Stage.STAYS):
        say(clean(f"  {item.name} stays: {item.reason}"))
    for item in plan.at(Stage.LEFT):
        say(clean(f"  {item.name} is left: {item.reason}"))


def _sentence(request: Drain, plan: DrainProgress) -> str:
    moved = plural(len(plan.at(Stage.WAITING)), "instance")
    return f"{request.subject.host}: moves {moved}, {request.at_a_time} at a time."


def ask(state: State, request: Drain, plan: DrainProgress) -> None:
    """Ask before a host is emptied; raises RefusedError without a yes, and for nothing to do."""
    if not plan.at(Stage.WAITING, Stage.MOVING):
        stays = " ".join(f"{item.name} stays: {item.reason}" for item in plan.at(Stage.STAYS))
        raise RefusedError(clean(stays or f"Nothing runs on {request.subject.host}."))
    particulars = (_sentence(request, plan), *drain_plan.in_words(plan))
    confirm(danger(state, request), sure=False, more=particulars)
