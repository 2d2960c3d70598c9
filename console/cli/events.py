"""`events`: libvirt's events as they come."""

from __future__ import annotations

import asyncio

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
from core.state.event_text import describe
from core.state.query import Filter
from core.state.selection import parse_event_filter


def line_of(event: Event) -> str:
    """One event as text: time, host, and a sentence."""
    return f"{clock_time(event.at)} {clean(event.host)}: {describe(event)}"


def kind_of(event: Event) -> str:
    """The kind of an event, as tapes and JSON write it: `instance-lifecycle`."""
    return kebab(type(event).__name__)


@click.command()
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Go on for so many seconds.")
@click.option("--count", type=click.IntRange(min=1), help="Go on for so many events.")
@click.option("--filter", "-f", "filter_", metavar="TEXT", default="",
              help="Words, `host:`, `kind:`, `severity:`; a leading `!` inverts.")  # fmt: skip
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
    matches = parse_event_filter(filter_)

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


async def _print(fleet: Fleet, matches: Filter[Event], count: int | None, as_json: bool) -> None:
    left = count
    async for delta in fleet.changes():
        if delta.events_dropped:
            note(f"{plural(delta.events_dropped, 'event')} came too fast to be shown.")
        for event in delta.events:
            if not matches(event, fleet.state):
                continue
            if as_json:
                say(json_line({"event": kind_of(event), **plain(event)}))
            else:
                say(line_of(event))
            left = None if left is None else left - 1
            if left == 0:
                return
