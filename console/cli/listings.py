"""`hosts`, `instances`, `pools`, `volumes`, `networks`: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from console.cli import completeness
from console.cli.completeness import complete, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import GLANCE, SAMPLE, on_fleet
from console.cli.output import Column, json_line, plain, say, table
from console.format import percent, rate, size
from core.fleet import Fleet
from core.model import Host, Instance, Network, Pool, State, Volume
from core.model.text import natural_key
from core.state.figures import AT_ONCE, FIGURES

if TYPE_CHECKING:
    from core.state.query import Filter

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One kind of object as a table."""

    rows: Callable[[State], Iterable[Row]]
    order: Callable[[Row], Any]
    columns: Sequence[Column[Row]]
    more: Callable[[Row], dict[str, Any]] | None = None
    """What JSON has of a row beside its own fields."""

    def print(
        self, state: State, as_json: bool, wanted: Callable[[Row, State], bool] | None = None
    ) -> None:
        """Print the objects that are wanted: a table, or JSON lines with every field."""
        rows = [row for row in self.rows(state) if wanted is None or wanted(row, state)]
        print_rows(sorted(rows, key=self.order), self.columns, as_json, self.more)


def print_rows(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    as_json: bool,
    more: Callable[[Row], dict[str, Any]] | None = None,
) -> None:
    """Print rows in the order given: a table, or JSON lines with every field and `more`."""
    if as_json:
        for row in rows:
            say(json_line({**plain(row), **(more(row) if more else {})}))
    else:
        say(table(rows, columns))


def _in_order(*names: str) -> tuple[str, ...]:
    return tuple(map(natural_key, names))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _memory(host: Host) -> str:
    return size(host.facts.memory or None) if host.facts else ""


HOSTS: Listing[Host] = Listing(
    lambda state: state.hosts.values(),
    lambda host: natural_key(host.name),
    (
        Column("HOST", lambda host: host.name),
        Column("LINK", lambda host: host.link.status.value),
        Column("HYPERVISOR", lambda host: _versioned(host)),
        Column("LIBVIRT", lambda host: host.facts.libvirt_version if host.facts else ""),
        Column("CPUS", lambda host: str(host.facts.cpus or "") if host.facts else "", right=True),
        Column("MEMORY", _memory, right=True),
        Column("URI", lambda host: host.uri),
    ),
)


def _versioned(host: Host) -> str:
    facts = host.facts
    return f"{facts.hypervisor} {facts.hypervisor_version}".strip() if facts else ""


POOLS: Listing[Pool] = Listing(
    lambda state: state.pools.values(),
    lambda pool: _in_order(pool.host, pool.name),
    (
        Column("HOST", lambda pool: pool.host),
        Column("POOL", lambda pool: pool.name),
        Column("STATE", lambda pool: pool.state.value),
        Column("TYPE", lambda pool: pool.type),
        Column("CAPACITY", lambda pool: size(pool.capacity), right=True),
        Column("ALLOCATION", lambda pool: size(pool.allocation), right=True),
        Column("USED", lambda pool: percent(pool.used_fraction), right=True),
        Column("AUTOSTART", lambda pool: _yes(pool.autostart)),
        Column("PATH", lambda pool: pool.path),
    ),
)

VOLUMES: Listing[Volume] = Listing(
    lambda state: state.volumes.values(),
    lambda volume: (
        natural_key(volume.host),
        natural_key(volume.pool_name),
        natural_key(volume.name),
    ),
    (
        Column("HOST", lambda volume: volume.host),
        Column("POOL", lambda volume: volume.pool_name),
        Column("VOLUME", lambda volume: volume.name),
        Column("FORMAT", lambda volume: volume.format),
        Column("CAPACITY", lambda volume: size(volume.capacity), right=True),
        Column("ALLOCATION", lambda volume: size(volume.allocation), right=True),
        Column("PATH", lambda volume: volume.path),
    ),
)

NETWORKS: Listing[Network] = Listing(
    lambda state: state.networks.values(),
    lambda network: _in_order(network.host, network.name),
    (
        Column("HOST", lambda network: network.host),
        Column("NETWORK", lambda network: network.name),
        Column("STATE", lambda network: "active" if network.active else "inactive"),
        Column("BRIDGE", lambda network: network.bridge),
        Column("FORWARD", lambda network: network.forward),
        Column("ADDRESSES", lambda network: ", ".join(network.addresses)),
        Column("AUTOSTART", lambda network: _yes(network.autostart)),
    ),
)


def _listing_command(
    name: str, listing: Listing[Any], needed: completeness.Look, help_: str
) -> click.Command:
    @click.command(name, help=help_)
    @common
    @json_option
    @click.pass_obj
    def command(invocation: Invocation) -> int:
        async def work(fleet: Fleet) -> int:
            gaps = await complete(fleet, needed)
            listing.print(fleet.state, invocation.json)
            return tell(gaps)

        return on_fleet(invocation, work, **GLANCE)

    return command


hosts = _listing_command(
    "hosts", HOSTS, completeness.facts, "List the hosts and the state of their links."
)
pools = _listing_command(
    "pools", POOLS, completeness.listed("pools"), "List the storage pools of every host."
)
networks = _listing_command(
    "networks",
    NETWORKS,
    completeness.listed("networks"),
    "List the virtual networks of every host.",
)


def _filter_option(help_: str) -> Callable[[Any], Any]:
    return click.option("--filter", "-f", "filter_", metavar="TEXT", default="", help=help_)


@click.command()
@_filter_option("Words to look for, `pool:`, `used:no`, `capacity>10G`; a leading `!` inverts.")
@common
@json_option
@click.pass_obj
def volumes(invocation: Invocation, filter_: str) -> int:
    """List the volumes of every pool."""
    from core.state.selection import parse_volume_filter

    wanted = parse_volume_filter(filter_)

    async def work(fleet: Fleet) -> int:
        looks = [completeness.listed("volumes"), completeness.volume_sizes]
        if "used" in filter_:  # who uses a volume is in the instances' XML
            looks.append(completeness.descriptions)
        gaps = await complete(fleet, *looks)
        VOLUMES.print(fleet.state, invocation.json, wanted)
        return tell(gaps)

    return on_fleet(invocation, work, **GLANCE)


@click.command()
@_filter_option(
    "Words to look for, `state:paused`, `host:beta`, `cpu>80`, `memory>1G`; `!` inverts."
)
@click.option("--rates", is_flag=True, help="Watch for a second: CPU, disk and network rates too.")
@common
@json_option
@click.pass_obj
def instances(invocation: Invocation, filter_: str, rates: bool) -> int:
    """List the instances of every host."""
    wanted = _instance_filter(filter_)
    rates = rates or bool(wanted is not None and wanted.figures - AT_ONCE)
    titles = any(word.isalnum() for word in filter_.split())  # a word may be one of a title

    async def work(fleet: Fleet) -> int:
        looks = [completeness.descriptions if invocation.json or titles else completeness.sizes]
        looks.append(completeness.figures if rates else completeness.samples)
        gaps = await complete(fleet, *looks)
        instances_of(fleet.state, rates).print(fleet.state, invocation.json, wanted)
        return tell(gaps)

    return on_fleet(invocation, work, **SAMPLE)


def _instance_filter(text: str) -> Filter[Instance] | None:
    if not text.strip():  # the filters' module is not needed, nor the time it takes to import
        return None
    from core.state.selection import parse_filter

    return parse_filter(text)


def instances_of(state: State, rates: bool) -> Listing[Instance]:
    """The table of instances; with `rates`, what they do per second too.

    A column's figure is the one the filter compares under the same name.
    """

    def column(title: str, show: Callable[[float | None], str]) -> Column[Instance]:
        figure = FIGURES[title.lower()]
        return Column(title, lambda item: show(figure(item, state)), right=True)

    moving = (
        column("CPU", lambda value: "" if value is None else f"{value:.1f}%"),
        *(column(title, rate) for title in ("READ", "WRITE", "RECEIVED", "SENT")),
    )
    return Listing(
        lambda state: state.instances.values(),
        lambda item: _in_order(item.host, item.name),
        (
            Column("HOST", lambda item: item.host),
            Column("NAME", lambda item: item.name),
            Column("STATE", lambda item: item.state.value),
            Column("REASON", lambda item: item.reason),
            Column("ID", lambda item: "" if item.id is None else str(item.id), right=True),
            Column("VCPUS", lambda item: str(item.vcpus or ""), right=True),
            column("MEMORY", size),
            column("GIVEN", size),
            Column("PERSISTENT", lambda item: _yes(item.persistent)),
            Column("AUTOSTART", lambda item: _yes(item.autostart)),
            *(moving if rates else ()),
        ),
        lambda item: {"rates": plain(state.rates.get(item.key))},
    )
