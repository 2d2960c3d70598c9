"""`hosts`, `instances`, `pools`, `volumes`, `networks`, `operations`: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click

from console.cli.invocation import Invocation, common, json_option
from console.cli.live import GLANCE, on_fleet
from console.cli.output import Column, json_line, natural, say, table
from console.format import date_time, percent, size
from core.fleet import Fleet
from core.model import Host, Instance, Network, OperationRecord, Pool, State, Volume

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One kind of object as a table."""

    rows: Callable[[State], Iterable[Row]]
    order: Callable[[Row], Any]
    columns: Sequence[Column[Row]]

    def print(self, state: State, as_json: bool) -> None:
        """Print every object: a table, or JSON lines with every field."""
        print_rows(sorted(self.rows(state), key=self.order), self.columns, as_json)


def print_rows(rows: Sequence[Row], columns: Sequence[Column[Row]], as_json: bool) -> None:
    """Print rows in the order given: a table, or JSON lines with every field."""
    if as_json:
        for row in rows:
            say(json_line(row))
    else:
        say(table(rows, columns))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _memory(host: Host) -> str:
    return size(host.facts.memory or None) if host.facts else ""


HOSTS: Listing[Host] = Listing(
    lambda state: state.hosts.values(),
    lambda host: natural(host.name),
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


INSTANCES: Listing[Instance] = Listing(
    lambda state: state.instances.values(),
    lambda instance: (natural(instance.host), natural(instance.name)),
    (
        Column("HOST", lambda instance: instance.host),
        Column("NAME", lambda instance: instance.name),
        Column("STATE", lambda instance: instance.state.value),
        Column("REASON", lambda instance: instance.reason),
        Column("ID", lambda instance: "" if instance.id is None else str(instance.id), right=True),
        Column("VCPUS", lambda instance: str(instance.vcpus or ""), right=True),
        Column("MEMORY", lambda instance: size(instance.memory or None), right=True),
        Column("PERSISTENT", lambda instance: _yes(instance.persistent)),
        Column("AUTOSTART", lambda instance: _yes(instance.autostart)),
    ),
)

POOLS: Listing[Pool] = Listing(
    lambda state: state.pools.values(),
    lambda pool: (natural(pool.host), natural(pool.name)),
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
    lambda volume: (natural(volume.host), natural(volume.pool_name), natural(volume.name)),
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
    lambda network: (natural(network.host), natural(network.name)),
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

OPERATIONS: Sequence[Column[OperationRecord]] = (
    Column("ID", lambda record: record.id),
    Column("CREATED", lambda record: date_time(record.created)),
    Column("VERB", lambda record: record.verb),
    Column("HOST", lambda record: record.host),
    Column("NAME", lambda record: record.name),
    Column("STATUS", lambda record: record.status.value),
    Column("BY", lambda record: record.author),
    Column("OUTCOME", lambda record: record.outcome),
)


def _list(listing: Listing[Any], invocation: Invocation) -> int:
    async def work(fleet: Fleet) -> int:
        listing.print(fleet.state, invocation.json)
        return 0

    return on_fleet(invocation, work, **GLANCE)


def _listing_command(name: str, listing: Listing[Any], help_: str) -> click.Command:
    @click.command(name, help=help_)
    @common
    @json_option
    @click.pass_obj
    def command(invocation: Invocation) -> int:
        return _list(listing, invocation)

    return command


hosts = _listing_command("hosts", HOSTS, "List the hosts and the state of their links.")
pools = _listing_command("pools", POOLS, "List the storage pools of every host.")
volumes = _listing_command("volumes", VOLUMES, "List the volumes of every pool.")
networks = _listing_command("networks", NETWORKS, "List the virtual networks of every host.")


@click.command()
@click.option("--filter", "-f", "filter_", metavar="TEXT", default="", help="Words to look for, "
              "`state:paused`, `host:beta`; a leading `!` inverts.")  # fmt: skip
@common
@json_option
@click.pass_obj
def instances(invocation: Invocation, filter_: str) -> int:
    """List the instances of every host."""
    wanted = _selection(filter_)

    async def work(fleet: Fleet) -> int:
        state = fleet.state
        rows = [row for row in state.instances.values() if wanted(state, row)]
        print_rows(sorted(rows, key=INSTANCES.order), INSTANCES.columns, invocation.json)
        return 0

    return on_fleet(invocation, work, **GLANCE)


def _selection(text: str) -> Callable[[State, Instance], bool]:
    if not text.strip():
        return lambda state, instance: True
    from core.state.selection import parse_filter

    return parse_filter(text)
