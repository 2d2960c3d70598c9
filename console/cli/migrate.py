"""`migrate`: move running instances to another host, and follow them there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import click
from msgspec.structs import replace

from console.cli import lookup, migrate_options
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.migration_follow import Following
from console.cli.migration_progress import ProgressPrinter
from console.cli.migration_text import finding_lines
from console.cli.output import json_line, note, plain, say
from console.format import plural
from core.errors import RefusedError, UsageError, VirtdeckError
from core.fleet import Fleet
from core.migration.plan.options import standing
from core.migration.plan.plan import Plan, dry_run
from core.model import Level, Preflight, State
from core.model.text import clean
from core.verbs.caution import Caution, Danger
from core.verbs.danger import danger_of
from core.verbs.migration.requests import Migrate
from core.verbs.wording import name_of


def requests_for(state: State, names: Sequence[str], to: str, template: Migrate) -> list[Migrate]:
    """Return a request for each instance named, once even if it is named twice.

    Raises what `lookup` raises, and RefusedError for an instance that is at its destination.
    """
    destination = lookup.host(state, to).name
    instances = {item.key: item for item in (lookup.instance(state, name) for name in names)}
    there = [item.name for item in instances.values() if item.host == destination]
    if there:
        names_ = clean(", ".join(there))
        raise RefusedError(
            f"{names_} {'is' if len(there) == 1 else 'are'} on {destination} already.",
            "Name another host with --to.",
        )
    return [replace(template, subject=key, to=destination) for key in instances]


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--to", required=True, metavar="HOST", help="Where to.")
@migrate_options.options
@click.option(
    "--name",
    "destination_name",
    default="",
    metavar="NEW",
    help="What it is called at the destination.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and the virsh line; touch nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask about warnings.")
@common
@json_option
@click.pass_obj
def migrate(
    invocation: Invocation,
    /,
    names: tuple[str, ...],
    to: str,
    dry_run: bool,
    yes: bool,
    **values: Any,
) -> int:
    """Move running instances to another host without stopping them.

    NAME may be a UUID or HOST/NAME. Everything that speaks against it is looked at first and told
    with its cure; nothing is started while a blocker stands that --override does not name. Ctrl-C
    asks whether to abort or to leave it running.

    Exit status: 0 moved, 1 refused, aborted or failed (it runs on where it was), 4 not known.
    """
    template = migrate_options.request(values)
    if template.destination_name and len(names) > 1:
        raise UsageError(
            "One new name cannot be that of several instances.", "Migrate them one by one."
        )

    async def work(fleet: Fleet) -> int:
        requests = requests_for(fleet.state, names, to, template)
        told = await look_at(fleet, requests, invocation.json)
        if dry_run:
            return await print_plans(fleet, told, invocation.json)
        tell_findings(fleet.state, told, invocation.json)
        refuse_blocked(fleet.state, told)
        ask(fleet.state, told, sure=yes)
        following = Following(fleet, ProgressPrinter(invocation.json))
        return await following.carry_out(requests)

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


Checked = Sequence[tuple[Migrate, Preflight]]


async def look_at(fleet: Fleet, requests: Sequence[Migrate], as_json: bool) -> Checked:
    """Make the preflights; the dirty rates take seconds, so a terminal is told."""
    if sys.stderr is not None and sys.stderr.isatty() and not as_json:
        note("Looking at both hosts, and how the guest writes its memory...")
    found = await asyncio.gather(
        *(fleet.migrations.preflight(request, measure=True) for request in requests)
    )
    return list(zip(requests, found, strict=True))


def tell_findings(state: State, checked: Checked, as_json: bool) -> None:
    """Print what the preflights found: on the error stream, or as JSON lines."""
    for request, preflight in checked:
        name = name_of(state, request)
        if as_json:
            say(json_line({"kind": "preflight", "name": name, **plain(preflight)}))
            continue
        for line in finding_lines(preflight.findings, request.overrides):
            note(line if line.startswith(" ") else f"{name}: {line}")
        if preflight.forecast is not None and preflight.forecast.sentence:
            note(f"{name}: {preflight.forecast.sentence}")
        ids = {finding.id for finding in preflight.findings}
        for id_ in request.overrides:
            if id_ not in ids:
                note(f"{name}: --override {clean(id_)}: there is no such finding.")


def refuse_blocked(state: State, checked: Checked) -> None:
    """Raise RefusedError when a blocker stands in the way of one of them: then none is begun."""
    blocked = {
        name_of(state, request): standing(preflight, request.overrides)
        for request, preflight in checked
    }
    reasons = [
        f"{name} ({', '.join(finding.id for finding in found)})"
        for name, found in blocked.items()
        if found
    ]
    if reasons:
        options = dict.fromkeys(
            f"--override {finding.id}"
            for found in blocked.values()
            for finding in found
            if not finding.fixed
        )
        cure = f", or start in spite of it: {' '.join(options)}" if options else "."
        raise RefusedError(
            clean(f"Nothing was started: blocked {'is' if len(reasons) == 1 else 'are'} "
                  f"{', '.join(reasons)}."),
            clean(f"Mend what is named above{cure}"),
        )  # fmt: skip


def ask(state: State, checked: Checked, *, sure: bool) -> None:
    """Ask where something is put at risk, and where a preflight warns or could not look.

    Raises RefusedError without a yes.
    """
    danger = danger_of(state, [request for request, _ in checked])
    doubts = sum(
        finding.id not in request.overrides
        for request, preflight in checked
        for level in (Level.UNKNOWN, Level.WARNING)
        for finding in preflight.of(level)
    )
    if doubts:
        spite = f"Starts in spite of {plural(doubts, 'warning')}."
        danger = Danger(
            max(danger.caution, Caution.CONFIRM), f"{danger.text}\n{spite}".strip(), danger.word
        )
    confirm(danger, sure=sure)


async def print_plans(fleet: Fleet, checked: Checked, as_json: bool) -> int:
    """Print what would be done and what speaks against it; returns 1 where something blocks."""
    status = 0
    for request, preflight in checked:
        status = max(status, int(bool(standing(preflight, request.overrides))))
        try:
            plan = await fleet.migrations.plan(request)
        except VirtdeckError as error:
            note(f"{name_of(fleet.state, request)}: {error}")
            status = max(status, error.exit_status)
            continue
        if as_json:
            say(json_line({"kind": "plan", **plan_value(plan), "preflight": plain(preflight)}))
            continue
        say(dry_run(plan).rstrip())
        found = finding_lines(preflight.findings, request.overrides, passed=True)
        for place, line in enumerate(found):
            say(f"{'' if place else 'preflight':<16}{line}")
        if preflight.forecast is not None and preflight.forecast.sentence:
            say(clean(f"{'forecast':<16}{preflight.forecast.sentence}"))
    return status


def plan_value(plan: Plan) -> dict[str, object]:
    """A plan as JSON has it: everything but the XML, which may hold secrets."""
    parameters = {name: value for name, value in plan.parameters.items() if "_xml" not in name}
    return {
        "name": plan.name, "from": plan.source, "to": plan.destination, "uri": plan.uri,
        "flags": plan.flags, "flag_names": plan.flag_names, "parameters": parameters,
        "disks": plan.disks, "notes": plan.notes, "virsh": plan.virsh,
    }  # fmt: skip
