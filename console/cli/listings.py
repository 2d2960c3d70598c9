"""`hosts`, `pools`, `volumes`, `networks`: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import click
import msgspec

from console.cli import completeness
from console.cli.completeness import complete, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import read_once
from console.cli.output import TextColumn, json_of_plain, plain, say_lines, table
from console.cli.storage_gaps import pools_off, volume_sizes
from console.format import percent, size
from core.fleet import Fleet, Reading
from core.model import Host, Network, Pool, State, Volume
from core.model.text import natural_key

Row = TypeVar("Row")


class Listing(msgspec.Struct, Generic[Row], frozen=True):
    """One kind of object as a table."""

    rows: Callable[[State], Iterable[Row]]
    order: Callable[[Row], Any]
    columns: Sequence[TextColumn[Row]]
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
    columns: Sequence[TextColumn[Row]],
    as_json: bool,
    more: Callable[[Row], dict[str, Any]] | None = None,
) -> None:
    """Print rows in the order given: a table, or JSON lines with every field and `more`."""
    if as_json:
        values = ({**plain(row), **(more(row) if more else {})} for row in rows)
        say_lines(map(json_of_plain, values))
    else:
        say_lines(table(rows, columns))


def in_order(*names: str) -> tuple[str, ...]:
    """Return a sorting key: by these names, numbers in them as numbers."""
    return tuple(map(natural_key, names))


def yes(value: bool) -> str:
    """A flag as a cell."""
    return "yes" if value else "no"


def by_host(
    rows: Callable[[State], Iterable[Row]],
    title: str,
    columns: Sequence[TextColumn[Row]],
    more: Callable[[Row], dict[str, Any]] | None = None,
) -> Listing[Row]:
    """Return the table of what hosts have: by host and name, which are its first columns."""
    first: tuple[TextColumn[Any], ...] = (
        TextColumn("HOST", lambda item: item.host),
        TextColumn(title, lambda item: item.name),
    )
    return Listing(rows, lambda item: in_order(item.host, item.name), (*first, *columns), more)


def _memory(host: Host) -> str:
    return size(host.facts.memory or None) if host.facts else ""


HOSTS: Listing[Host] = Listing(
    lambda state: state.hosts.values(),
    lambda host: natural_key(host.name),
    (
        TextColumn("HOST", lambda host: host.name),
        TextColumn("LINK", lambda host: host.link.status.value),
        TextColumn("HYPERVISOR", lambda host: _versioned(host)),
        TextColumn("LIBVIRT", lambda host: host.facts.libvirt_version if host.facts else ""),
        TextColumn(
            "CPUS", lambda host: str(host.facts.cpus or "") if host.facts else "", right=True
        ),
        TextColumn("MEMORY", _memory, right=True),
        TextColumn("URI", lambda host: host.uri),
    ),
)


def _versioned(host: Host) -> str:
    facts = host.facts
    return f"{facts.hypervisor} {facts.hypervisor_version}".strip() if facts else ""


POOLS: Listing[Pool] = by_host(
    lambda state: state.pools.values(),
    "POOL",
    (
        TextColumn("STATE", lambda pool: pool.state.value),
        TextColumn("TYPE", lambda pool: pool.type),
        TextColumn("CAPACITY", lambda pool: size(pool.capacity), right=True),
        TextColumn("ALLOCATION", lambda pool: size(pool.allocation), right=True),
        TextColumn("USED", lambda pool: percent(pool.used_fraction), right=True),
        TextColumn("AUTOSTART", lambda pool: yes(pool.autostart)),
        TextColumn("PATH", lambda pool: pool.path),
    ),
)

VOLUMES: Listing[Volume] = Listing(
    lambda state: state.volumes.values(),
    lambda volume: in_order(volume.host, volume.pool_name, volume.name),
    (
        TextColumn("HOST", lambda volume: volume.host),
        TextColumn("POOL", lambda volume: volume.pool_name),
        TextColumn("VOLUME", lambda volume: volume.name),
        TextColumn("FORMAT", lambda volume: "missing" if volume.missing else volume.format),
        TextColumn("CAPACITY", lambda volume: size(volume.capacity), right=True),
        TextColumn("ALLOCATION", lambda volume: size(volume.allocation), right=True),
        TextColumn("PATH", lambda volume: volume.path),
    ),
)

NETWORKS: Listing[Network] = by_host(
    lambda state: state.networks.values(),
    "NETWORK",
    (
        TextColumn("STATE", lambda network: "active" if network.active else "inactive"),
        TextColumn("BRIDGE", lambda network: network.bridge),
        TextColumn("FORWARD", lambda network: network.leads),
        TextColumn("ADDRESSES", lambda network: ", ".join(network.addresses)),
        TextColumn("AUTOSTART", lambda network: yes(network.autostart)),
    ),
)


def _listing_command(
    name: str, listing: Listing[Any], needed: completeness.Look, reads: set[Reading], help_: str
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

        # the JSON of a host tells the events that it does not offer
        events = {Reading.EVENTS} if listing is HOSTS and invocation.json else set()
        return read_once(invocation, work, reads | events)

    return command


hosts = _listing_command(
    "hosts",
    HOSTS,
    completeness.facts,
    {Reading.FACTS},
    "List the hosts and the state of their links.",
)
pools = _listing_command(
    "pools",
    POOLS,
    completeness.listed("pools"),
    {Reading.STORAGE},
    "List the storage pools of every host.",
)
networks = _listing_command(
    "networks",
    NETWORKS,
    completeness.networks,
    {Reading.NETWORKS},
    "List the virtual networks of every host.",
)


def filter_option(help_: str) -> Callable[[Any], Any]:
    """Return the option `--filter`."""
    return click.option("--filter", "-f", "filter_", metavar="TEXT", default="", help=help_)


@click.command()
@filter_option("Words to look for, `group:prod`, `pool:`, `used:no`, `capacity>10G`; `!` inverts.")
@common
@json_option
@click.pass_obj
def volumes(invocation: Invocation, filter_: str) -> int:
    """List the volumes of every pool."""
    from core.state.selection import parse_volume_filter

    wanted = parse_volume_filter(filter_)

    looks = [completeness.listed("volumes"), volume_sizes, pools_off]
    reads = {Reading.STORAGE, Reading.VOLUMES}
    if "used" in wanted.keys:  # who uses a volume is in the instances' XML
        looks.append(completeness.descriptions)
        reads |= {Reading.INSTANCES, Reading.DESCRIPTIONS}

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, *looks)
        VOLUMES.print(fleet.state, invocation.json, wanted)
        return tell(gaps)

    return read_once(invocation, work, reads)
