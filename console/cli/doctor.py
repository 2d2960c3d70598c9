"""`doctor`: every check of this machine, its terminal and each host, with the cure."""

from __future__ import annotations

import asyncio
import locale
import os
import shutil
import sys
from collections.abc import Iterator, Mapping

import click
from msgspec.structs import replace

from console.cli import targets
from console.cli.colours import without_colours
from console.cli.completeness import INCOMPLETE, complete, facts
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import link_options, once
from console.cli.output import json_line, note, say
from console.settings import Settings
from core.doctor import DoctorCheck, Grade, host_checks, machine_checks
from core.doctor_volumes import volume_checks
from core.errors import UnreachableError, VirtdeckError
from core.fleet import Fleet, Reading
from core.model import Host
from core.model.text import clean

SMALLEST = (80, 24)


@click.command()
@common
@json_option
@click.pass_obj
def doctor(invocation: Invocation) -> int:
    """Check this machine, its terminal and each host; say what is wrong and what cures it.

    Exit status: 0 nothing failed, 1 something did, 3 a host is unreachable, 4 a host did not tell
    what it is.
    """
    status = 0
    for check in _checks(invocation):
        say(json_line(check) if invocation.json else "\n".join(lines_of(check)))
        if check.verdict is Grade.FAILED:
            status = max(status, UnreachableError.exit_status if check.what == "link" else 1)
        elif check.what == "facts":
            note(f"virtdeck: not complete: {check.subject}: {check.found}.")
            status = status or INCOMPLETE
    return status


def lines_of(check: DoctorCheck) -> Iterator[str]:
    """A check as text: verdict, what was looked at, what was found; below it the cure. Pure."""
    yield clean(f"{check.verdict.value:<8} {check.subject} {check.what}: {check.found}")
    if check.cure and check.verdict is not Grade.OK:
        yield clean(f"{'':<8}   {check.cure}")


def _checks(invocation: Invocation) -> Iterator[DoctorCheck]:
    yield from machine_checks()
    yield from terminal_checks(
        os.environ, locale.getpreferredencoding(False), _size() if sys.stdout.isatty() else None
    )
    try:
        settings = Settings.load(invocation.config)
        uris = targets.hosts(invocation, settings)
        options = replace(link_options(settings), **once(Reading.FACTS, Reading.EVENTS))
        fleet = Fleet.open(
            uris,
            groups=settings.groups,
            connecting=settings.connecting,
            read_only=targets.read_only(invocation, settings),
            options=options,
            operations=False,
        )
    except VirtdeckError as error:
        yield DoctorCheck("machine", "configuration", Grade.FAILED, error.message, error.hint)
        return
    yield from asyncio.run(_host_checks(fleet))


async def _host_checks(fleet: Fleet) -> list[DoctorCheck]:
    async with fleet:
        await fleet.ready()
        await complete(fleet, facts)
        hosts = list(fleet.state.hosts.values())
        # Each is asked by a login of its own, all at once: one that hangs delays no other.
        volumes = await asyncio.gather(*(asyncio.to_thread(_volumes, host) for host in hosts))
        return [check for host, more in zip(hosts, volumes, strict=True)
                for check in (*host_checks(host), *more)]  # fmt: skip


def _volumes(host: Host) -> list[DoctorCheck]:
    return list(volume_checks(host))


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def terminal_checks(
    environment: Mapping[str, str], encoding: str, size: tuple[int, int] | None
) -> Iterator[DoctorCheck]:
    """Judge the terminal by what it says of itself; `size` is None in a pipe. Pure."""
    yield _terminal_colours(environment)
    if encoding.replace("-", "").lower() == "utf8":
        yield DoctorCheck("terminal", "characters", Grade.OK, encoding)
    else:
        yield DoctorCheck(
            "terminal", "characters", Grade.WARNING, f"{encoding}: signs are drawn in ASCII",
            "Set a UTF-8 locale, such as LANG=C.UTF-8.",
        )  # fmt: skip
    if size is None:
        yield DoctorCheck("terminal", "size", Grade.UNKNOWN, "the output is not a terminal")
    elif size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        yield DoctorCheck(
            "terminal", "size", Grade.WARNING, f"{size[0]}x{size[1]} is small",
            f"Give the console {SMALLEST[0]}x{SMALLEST[1]} or more.",
        )  # fmt: skip
    else:
        yield DoctorCheck("terminal", "size", Grade.OK, f"{size[0]}x{size[1]}")


def _terminal_colours(environment: Mapping[str, str]) -> DoctorCheck:
    term = environment.get("TERM", "")
    if not term or term == "dumb":
        return DoctorCheck(
            "terminal", "colours", Grade.WARNING, f"TERM is {term or 'not set'}: no colours",
            "Use a terminal that sets TERM, such as xterm-256color.",
        )  # fmt: skip
    if environment.get("NO_COLOR"):
        return DoctorCheck("terminal", "colours", Grade.OK, "none, as NO_COLOR asks")
    if without_colours(environment):
        return DoctorCheck("terminal", "colours", Grade.OK, f"none ({term})")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return DoctorCheck("terminal", "colours", Grade.OK, f"true colour ({term})")
    depth = "256" if "256" in term else "16"
    return DoctorCheck("terminal", "colours", Grade.OK, f"{depth} ({term})")
