"""`migration`: look at one migration and steer it while it runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from console.cli import lookup, migrate_options
from console.cli.confirming import confirm
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.migration_follow import Following, Follows
from console.cli.migration_lookup import look_for, running
from console.cli.migration_progress import ProgressPrinter
from console.cli.migration_show import lines_of
from console.cli.migration_text import EXIT, json_of, steering_line
from console.cli.output import json_line, note, plain, say
from core.clock import SystemClock
from core.errors import (
    RefusedError,
    UsageError,
    VirtdeckError,
)
from core.fleet import Fleet
from core.migration.report import report as reports
from core.model import (
    Answer,
    JobSample,
    Migration,
    MigrationStatus,
    State,
    Steer,
    SteerKind,
)
from core.model.text import clean
from core.state import resume_crash
from core.verbs.migration.danger import danger_of_steering
from core.verbs.migration.requests import ResumeMigration

_ANSWERS = {Answer.REFUSED: 1, Answer.NO_ANSWER: 4}


@click.group()
@common
def migration() -> None:
    """Look at one migration, or steer it while it runs.

    NAME is an instance (a name, UUID or HOST/NAME) or the id of a migration.
    """


def _command(
    name: str, *more: Callable[[Any], Any]
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of the group: it takes NAME, its own options, and what every command takes."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        decorated: Any = click.pass_obj(function)
        for option in (*more[::-1], click.argument("name", metavar="NAME")):
            decorated = option(decorated)
        return migration.command(name)(common(json_option(decorated)))

    return decorate


_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


async def steer(fleet: Fleet, name: str, wanted: Steer, *, as_json: bool) -> int:
    """Steer the migration of NAME and print what came of it; returns the exit status."""
    return await _give(fleet, running(fleet.state, name), wanted, as_json=as_json)


async def _give(fleet: Fleet, item: Migration, wanted: Steer, *, as_json: bool) -> int:
    record = await fleet.migrations.steer(item.id, wanted)
    status = _ANSWERS.get(record.answer, 0)
    if as_json:
        say(json_line({"kind": "steering", "id": item.id, "name": item.name, **plain(record)}))
    elif status:
        note(f"{item.name}: {steering_line(record)}")
    else:
        say(clean(f"{item.name}: {steering_line(record)}"))
    return status


def _on_running(invocation: Invocation, name: str, wanted: Steer, yes: bool) -> int:
    async def work(fleet: Fleet) -> int:
        await look_for(fleet, name)
        item = running(fleet.state, name)
        confirm(danger_of_steering(item, wanted), sure=yes)
        status = await _give(fleet, item, wanted, as_json=invocation.json)
        if status or wanted.kind is not SteerKind.ABORT:
            return status
        return await aborted(fleet, item, as_json=invocation.json)

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


async def aborted(fleet: Follows, item: Migration, *, as_json: bool) -> int:
    """Wait for what an accepted abort has come to, by the word of whoever runs the migration, and
    tell it: it may have failed or arrived by itself. Returns the exit status.
    """
    ended = await Following(fleet, ProgressPrinter(as_json)).look_on(item)
    now = fleet.state.migrations.get(item.id, item)
    return 0 if now.status is MigrationStatus.ABORTED else max(1, ended)


@_command("abort", _YES)
def abort(invocation: Invocation, name: str, yes: bool) -> int:
    """End the migration of NAME; the instance runs on where it is."""
    return _on_running(invocation, name, Steer(SteerKind.ABORT), yes)


@_command("post-copy", _YES)
def post_copy(invocation: Invocation, name: str, yes: bool) -> int:
    """Switch over now and let the rest of the memory follow."""
    return _on_running(invocation, name, Steer(SteerKind.POST_COPY), yes)


@_command("pause", _YES)
def pause(invocation: Invocation, name: str, yes: bool) -> int:
    """Pause the guest, so that the migration ends; it runs on afterwards."""
    return _on_running(invocation, name, Steer(SteerKind.PAUSE), yes)


@_command("set", *migrate_options.limits())
def set_(invocation: Invocation, name: str, **values: Any) -> int:
    """Change the limits or the policy of a migration that runs."""
    wanted = wishes(values)
    if not wanted:
        raise UsageError(
            "Nothing was named to set.", "Name a limit or a policy, such as --max-downtime 500."
        )

    async def work(fleet: Fleet) -> int:
        await look_for(fleet, name)
        statuses = [await steer(fleet, name, wish, as_json=invocation.json) for wish in wanted]
        return max(statuses)

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


def wishes(values: dict[str, Any]) -> list[Steer]:
    """Return a steering command for each option that was given; the policy comes last."""
    limits = {
        "max_downtime": SteerKind.MAX_DOWNTIME,
        "bandwidth": SteerKind.BANDWIDTH,
        "post_copy_bandwidth": SteerKind.POST_COPY_BANDWIDTH,
    }
    wanted = [
        Steer(kind, value=float(values[option]))
        for option, kind in limits.items()
        if values[option] is not None
    ]
    if values["policy"] is not None:
        wanted.append(Steer(SteerKind.POLICY, text=values["policy"]))
    return wanted


@_command("show", click.option("--follow", "-f", is_flag=True, help="Until it is over."))
def show(invocation: Invocation, name: str, follow: bool) -> int:
    """Show everything known of a migration, the newest of NAME."""

    async def work(fleet: Fleet) -> int:
        await look_for(fleet, name)
        item = lookup.migrations(fleet.state, name)[0]
        if follow and not item.status.final:
            return await Following(fleet, ProgressPrinter(invocation.json)).look_on(item)
        if invocation.json:
            say(json_line(json_of(item)))
        else:
            say("\n".join(lines_of(item, SystemClock().now())))
        return EXIT.get(item.status, 0) if follow else 0

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


@_command(
    "resume",
    click.option("--accept-crash", default="", metavar="NAME",
                 help="The instance's name: resume it although its destination's libvirt is known "
                      "to die of it."),
)  # fmt: skip
def resume(invocation: Invocation, name: str, accept_crash: str) -> int:
    """Go on with a post-copy that failed, where both hosts allow it."""

    async def work(fleet: Fleet) -> int:
        await look_for(fleet, name)
        found = lookup.migrations(fleet.state, name)
        item = next((row for row in found if row.resumable), None)
        if item is None:
            raise RefusedError(
                clean(f"There is nothing to resume: the migration of {found[0].name} is "
                      f"{found[0].status}."),
                "Only a post-copy that failed can be resumed, where both hosts have their part.",
            )  # fmt: skip
        following = Following(
            fleet, ProgressPrinter(invocation.json), also=lambda row: row.id == item.id
        )
        request = ResumeMigration(item.source_key, accept_crash=accept_crash)
        refuse_crash(fleet.state, request, item.name)
        return await following.carry_out([request])

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


def refuse_crash(state: State, request: ResumeMigration, name: str) -> None:
    """Raise RefusedError where resuming would end the destination's daemon, unless it is typed."""
    why, cure = resume_crash.crash_of(state, request.subject)
    if why and request.accept_crash not in (name, request.subject.id):
        typed = clean(shlex.quote(name))
        raise RefusedError(
            why, f"{cure} To resume it all the same, type its name: --accept-crash {typed}."
        )


@_command(
    "report",
    click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]),
                 default="text", show_default=True, help="What it is written as."),
    click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Write it to this new file."),
)  # fmt: skip
def report(invocation: Invocation, name: str, format_: str, output: Path | None) -> int:
    """Report on a migration: times, downtime against its limit, what the policy did."""

    async def work(fleet: Fleet) -> int:
        await look_for(fleet, name)
        item = lookup.migrations(fleet.state, name)[0]
        samples = fleet.state.tracks.samples(item.id) if fleet.state.tracks else ()
        text = report_text(item, samples, "json" if invocation.json else format_)
        if output is None:
            say(text)
        else:
            write_new(output, text)
        return 0

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


def report_text(item: Migration, samples: Sequence[JobSample], format_: str) -> str:
    """Return the report as it is written: times are in the machine's own zone."""
    if format_ == "json":
        return json_line(reports.as_value(item, samples))
    made = reports.report(item, samples, zone=None)
    return (reports.as_markdown if format_ == "markdown" else reports.as_text)(made).rstrip()


def write_new(path: Path, text: str) -> None:
    """Write a text to a file that is not there yet; raises VirtdeckError when that cannot be."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise VirtdeckError(
            f"The report cannot be written to {path}: {error.strerror}.",
            "Name a file that is not there yet, in a folder that is.",
        ) from None
