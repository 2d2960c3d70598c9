"""`events`: libvirt's events as they come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import click

from console.cli import lookup
from console.cli.completeness import INCOMPLETE
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import WATCH, on_fleet
from console.cli.output import json_line, note, plain, say
from console.format import clock_time, plural
from core.errors import UsageError
from core.fleet import Fleet
from core.model import Event
from core.model.base import kebab
from core.model.event import LinkEvent
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
              help="Words, `host:`, `group:`, `kind:`, `severity:`; `!` inverts.")  # fmt: skip
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
        printer = _Printer(fleet, matches, count, invocation.json)
        printer.down.update(host.name for host in lookup.down_hosts(fleet.state))
        try:
            async with asyncio.timeout(seconds):
                await printer.run()
        except TimeoutError:
            if printer.left:
                note(f"virtdeck: not complete: {printer.left:,} of {count:,} events did not come.")
                return INCOMPLETE
        return INCOMPLETE if printer.missed else 0

    return on_fleet(invocation, work, **WATCH)


@dataclass
class _Printer:
    """Prints events as they come; `missed` once some may have passed unseen."""

    fleet: Fleet
    matches: Filter[Event]
    left: int | None
    """How many are still wanted; None: without end."""
    as_json: bool
    missed: bool = False
    down: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Print until as many have come as are wanted."""
        async for delta in self.fleet.changes():
            if delta.events_dropped:
                self._miss(f"{plural(delta.events_dropped, 'event')} came too fast to be shown")
            for event in delta.events:
                if isinstance(event, LinkEvent):
                    self._link(event)
                if not self.matches(event, self.fleet.state):
                    continue
                self._say(event)
                self.left = None if self.left is None else self.left - 1
                if self.left == 0:
                    return

    def _link(self, event: LinkEvent) -> None:
        """What happens while a link is down is not told by anybody; said once."""
        if event.change == "up":
            self.down.discard(event.host)
        elif event.change == "down" and event.host not in self.down:
            self.down.add(event.host)
            self._miss(f"what happens on {clean(event.host)} until its link is up again")

    def _say(self, event: Event) -> None:
        if self.as_json:
            say(json_line({"event": kind_of(event), **plain(event)}))
        else:
            say(line_of(event))

    def _miss(self, what: str) -> None:
        self.missed = True
        note(f"virtdeck: not complete: {what}.")
