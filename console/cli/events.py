"""`events`: libvirt's events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import click

from console.cli.invocation import Invocation, common, json_option
from console.cli.live import WATCH, on_fleet
from console.cli.output import json_line, note, plain, say
from console.format import clock_time, plural
from core.errors import UsageError
from core.fleet import Fleet
from core.model import Event
from core.model.base import kebab
from core.model.text import clean

_COMMON = ("host", "at", "uuid", "name")


def line_of(event: Event) -> str:
    """One event as text: time, host, subject, kind, and whatever it says beside."""
    said = [
        str(value)
        for field in event.__struct_fields__
        if field not in _COMMON and (value := getattr(event, field)) not in ("", None, (), {})
    ]
    words = [clock_time(event.at), event.host, event.name or event.uuid or "-", kind_of(event)]
    return clean(" ".join(words + said))


def kind_of(event: Event) -> str:
    """The kind of an event, as tapes and JSON write it: `instance-lifecycle`."""
    return kebab(type(event).__name__)


def parse_words(text: str) -> Callable[[str], bool]:
    """Return a test of a line: every word of `text` must be in it, none of those after a `!`.

    Raises UsageError for a `!` without a word.
    """
    words = text.casefold().split()
    if "!" in words:
        raise UsageError("The filter has a `!` without a word.", "Write `!word`, without a blank.")
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = [word[1:] for word in words if word.startswith("!")]

    def matches(line: str) -> bool:
        line = line.casefold()
        return all(word in line for word in wanted) and not any(word in line for word in unwanted)

    return matches


@click.command()
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Go on for so many seconds.")
@click.option("--count", type=click.IntRange(min=1), help="Go on for so many events.")
@click.option("--filter", "-f", "filter_", metavar="WORDS", default="",
              help="Only lines with these words; `!word`: without it.")  # fmt: skip
@common
@json_option
@click.pass_obj
def events(
    invocation: Invocation,
    follow: bool,
    seconds: float | None,
    count: int | None,
    filter_: str,
) -> int:
    """Print libvirt's events as they come: time, host, name, kind, and what it says."""
    if not follow and seconds is None and count is None:
        raise UsageError(
            "libvirt keeps no past events: they can only be watched as they come.",
            "Add --follow, --seconds N or --count N.",
        )
    matches = parse_words(filter_)

    async def work(fleet: Fleet) -> int:
        if not invocation.json:
            note(f"Watching {plural(len(fleet.state.hosts), 'host')}; Ctrl-C ends.")
        try:
            async with asyncio.timeout(seconds):
                await _print(fleet, matches, count, invocation.json)
        except TimeoutError:
            return 0
        return 0

    return on_fleet(invocation, work, **WATCH)


async def _print(
    fleet: Fleet, matches: Callable[[str], bool], count: int | None, as_json: bool
) -> None:
    left = count
    async for delta in fleet.changes():
        if delta.events_dropped:
            note(f"{plural(delta.events_dropped, 'event')} came too fast to be shown.")
        for event in delta.events:
            line = line_of(event)
            if not matches(line):
                continue
            say(json_line({"event": kind_of(event), **plain(event)}) if as_json else line)
            left = None if left is None else left - 1
            if left == 0:
                return
