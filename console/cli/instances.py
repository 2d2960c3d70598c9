"""`instances`: a line for each, or all that is known of each as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from console.cli import completeness
from console.cli.completeness import complete, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import Listing, by_host, filter_option, yes
from console.cli.live import read_once
from console.cli.moves import read_halves
from console.cli.output import TextColumn, plain
from console.format import percent, rate, size
from console.move_words import phase
from core.errors import UsageError
from core.fleet import Fleet, Reading
from core.model import Instance, State
from core.state.figures import AT_ONCE, FIGURES

if TYPE_CHECKING:
    from core.state.query import Filter


@click.command()
@filter_option(
    "Words to look for, `state:paused`, `host:beta`, `group:prod`, `network:lan`, `cpu>80`, "
    "`memory>1G`; `!` inverts."
)
@click.option("--rates", is_flag=True, help="Watch for a second: CPU, disk and network rates too.")
@click.option(
    "--details",
    is_flag=True,
    help="With --json: also what only the XML tells, such as devices: a call for each instance.",
)
@common
@json_option
@click.pass_obj
def instances(invocation: Invocation, filter_: str, rates: bool, details: bool) -> int:
    """List the instances of every host.

    --json has of each what a few calls tell of all, with no call for each: what is null was not
    read. --details reads it. What several hosts have is read in any case: it may be half moved
    (cold-migrate).
    """
    if details and not invocation.json:
        raise UsageError("--details is for --json.", "`virtdeck show NAME` tells all of one.")
    wanted = _instance_filter(filter_)
    rates = rates or bool(wanted is not None and wanted.figures - AT_ONCE)
    if wanted is not None:  # titles, in which words are sought, too, and networks are in the XML
        details = details or wanted.words or "network" in wanted.keys
    looks = [
        completeness.listed("instances"),
        completeness.figures if rates else completeness.samples,
    ]
    reads = {Reading.INSTANCES}
    if details:
        looks.append(completeness.descriptions)
        reads.add(Reading.DESCRIPTIONS)
    elif not invocation.json:
        looks.append(completeness.sizes)
        reads.add(Reading.SIZES)

    async def work(fleet: Fleet) -> int:
        gaps = (*await complete(fleet, *looks), *await read_halves(fleet))
        instances_of(fleet.state, rates).print(fleet.state, invocation.json, wanted)
        return tell(gaps)

    return read_once(invocation, work, reads, samples=2 if rates else 1)


def _instance_filter(text: str) -> Filter[Instance] | None:
    if not text.strip():  # the filters' module is not needed, nor the time it takes to import
        return None
    from core.state.selection import parse_filter

    return parse_filter(text)


def instances_of(state: State, rates: bool) -> Listing[Instance]:
    """The table of instances; with `rates`, what they do per second too.

    A column's figure is the one the filter compares under the same name.
    """

    def column(title: str, show: Callable[[float | None], str]) -> TextColumn[Instance]:
        figure = FIGURES[title.lower()]
        return TextColumn(title, lambda item: show(figure(item, state)), right=True)

    moving = (
        column("CPU", lambda value: "" if value is None else percent(value / 100, 1)),
        *(column(title, rate) for title in ("READ", "WRITE", "RECEIVED", "SENT")),
    )
    return by_host(
        lambda state: state.instances.values(),
        "NAME",
        (
            TextColumn("STATE", lambda item: item.state.value),
            TextColumn("REASON", lambda item: item.reason),
            TextColumn("ID", lambda item: "" if item.id is None else str(item.id), right=True),
            TextColumn("VCPUS", lambda item: str(item.vcpus or ""), right=True),
            column("MEMORY", size),
            column("GIVEN", size),
            TextColumn("PERSISTENT", lambda item: yes(item.persistent)),
            TextColumn("AUTOSTART", lambda item: yes(item.autostart)),
            *(moving if rates else ()),
            *((TextColumn("MOVE", phase),) if any(map(phase, state.instances.values())) else ()),
        ),
        lambda item: {**_unread(item), "rates": plain(state.rates.get(item.key))},
    )


_OF_XML = (
    "title", "description", "type", "architecture", "machine", "firmware", "cpu_mode", "boot",
    "kernel_root", "disks", "interfaces", "devices", "rescue", "cold",
)  # fmt: skip
"""Fields of an instance that only its XML tells."""
_NOT_READ = dict.fromkeys(_OF_XML)
_SIZES = ("vcpus", "vcpus_maximum", "memory", "memory_maximum")


def _unread(item: Instance) -> dict[str, None]:
    """Return the fields that were not read, as null: an empty list would be a lie."""
    if item.described:
        return {}
    unknown = [name for name in _SIZES if not getattr(item, name)]
    return {**_NOT_READ, **dict.fromkeys(unknown)}
