"""`devices` and `nwfilters`: what hosts have that is read only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from console import format as fmt
from console.cli import lookup
from console.cli.completeness import (
    as_far_as_known,
    complete,
    descriptions,
    facts,
    listed,
    tell,
)
from console.cli.instance_devices import print_devices
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import in_order, print_rows
from console.cli.live import read_once
from console.cli.output import TextColumn, note
from console.device_words import functions, holder_in_words, huge_pages, what
from core.errors import NotFoundError
from core.fleet import Fleet, Reading
from core.model import Instance, LinkStatus, NumaCell, State
from core.model.base import Value
from core.model.host_device import HostDevice
from core.model.text import clean, did_you_mean
from core.state.device_tree import tree_of_devices
from core.state.held_devices import holders


class DeviceRow(Value, frozen=True):
    """A device, and who holds it."""

    host: str
    device: HostDevice
    held_by: tuple[str, ...] = ()
    depth: int = 0
    """How many devices it is connected through, of those that are shown."""


class CellRow(Value, frozen=True):
    """A NUMA cell."""

    host: str
    cell: NumaCell


class FilterRow(Value, frozen=True):
    """A filter, and what it is bound to."""

    host: str
    name: str
    chain: str
    rules: int
    references: tuple[str, ...]
    bound_to: tuple[str, ...]
    """`vnet3 (web)`."""


def _types(device: HostDevice) -> str:
    return ", ".join(f"{one.id} ({one.available} left)" for one in device.mdev_types)


def _group(device: HostDevice) -> str:
    if device.iommu_group is None:
        return ""
    more = len(device.iommu_others)
    return f"{device.iommu_group}{f' and {more} more' if more else ''}"


_DEVICES: tuple[TextColumn[DeviceRow], ...] = (
    TextColumn("HOST", lambda row: row.host),
    TextColumn("DEVICE", lambda row: f"{'  ' * row.depth}{row.device.place or row.device.name}"),
    TextColumn("WHAT", lambda row: what(row.device)),
    TextColumn("DRIVER", lambda row: row.device.driver),
    TextColumn("IOMMU GROUP", lambda row: _group(row.device)),
    TextColumn("NUMA", lambda row: "" if row.device.numa is None else str(row.device.numa)),
    TextColumn("FUNCTIONS", lambda row: functions(row.device)),
    TextColumn("HELD BY", lambda row: ", ".join(row.held_by)),
    TextColumn("MODEL", lambda row: f"{row.device.model or row.device.ids} {row.device.label}"),
    TextColumn("MEDIATED TYPES", lambda row: _types(row.device)),
)
_CELLS: tuple[TextColumn[CellRow], ...] = (
    TextColumn("HOST", lambda row: row.host),
    TextColumn("CELL", lambda row: str(row.cell.id), right=True),
    TextColumn("MEMORY", lambda row: fmt.size(row.cell.memory), right=True),
    TextColumn("CPUS", lambda row: str(row.cell.cpus), right=True),
    TextColumn("HUGE PAGES", lambda row: huge_pages(row.cell)),
)
_FILTERS: tuple[TextColumn[FilterRow], ...] = (
    TextColumn("HOST", lambda row: row.host),
    TextColumn("FILTER", lambda row: row.name),
    TextColumn("CHAIN", lambda row: row.chain),
    TextColumn("RULES", lambda row: str(row.rules), right=True),
    TextColumn("CONSISTS OF", lambda row: ", ".join(row.references)),
    TextColumn("BOUND TO", lambda row: ", ".join(row.bound_to)),
)


def _hosts(fleet: Fleet, named: Sequence[str]) -> list[str]:
    """Return the hosts that are asked: those named, or all; those that are down are left out."""
    state = fleet.state
    wanted = [lookup.host(state, name) for name in named] or list(state.hosts.values())
    up = [one.name for one in wanted if one.link.status is LinkStatus.UP]
    for one in wanted:
        if one.name not in up:
            note(clean(f"virtdeck: not complete: {one.name} is not reachable."))
    return up


def _rows(devices: Sequence[HostDevice], host: str, instances: Any) -> list[DeviceRow]:
    """Return them in the order of the tree: each below what it is connected to."""
    return [
        DeviceRow(host, line.device, tuple(map(holder_in_words, line.holders)), line.depth)
        for line in tree_of_devices(devices, holders(instances, host))
    ]


def _cells(fleet: Fleet, host: str) -> list[CellRow]:
    facts = fleet.state.hosts[host].facts
    return [] if facts is None else [CellRow(host, cell) for cell in facts.numa]


def _apart(fleet: Fleet, named: Sequence[str]) -> tuple[list[str], list[Instance]]:
    """Return what of the names are hosts, and the instances that the others mean."""
    hosts = [name for name in named if name in fleet.state.hosts]
    return hosts, [_instance(fleet.state, name) for name in named if name not in hosts]


def _instance(state: State, name: str) -> Instance:
    try:
        return lookup.instance(state, name)
    except NotFoundError:
        known = [*state.hosts, *(one.name for one in state.instances.values())]
        hint = did_you_mean(name, known) or f"Open are: {', '.join(state.hosts)}."
        raise NotFoundError(f"There is no host or instance '{clean(name)}'.", hint) from None


@click.command()
@click.argument("names", nargs=-1, metavar="[HOST|INSTANCE]...")
@click.option("--all", "all_", is_flag=True, help="Also those that no instance can be given.")
@click.option("--numa", is_flag=True, help="The NUMA cells instead: memory, CPUs, huge pages.")
@common
@json_option
@click.pass_obj
def devices(invocation: Invocation, names: tuple[str, ...], all_: bool, numa: bool) -> int:
    """List the devices of the hosts: driver, IOMMU group, SR-IOV, mediated types, who holds them.

    Each stands below what it is connected to, a virtual function below the device it is of. What
    stands under DEVICE is what `virtdeck device attach --device` takes.

    Of an INSTANCE it lists what that has of its host: devices, shared directories, a TPM.
    """

    async def cells(fleet: Fleet) -> int:
        gaps = await complete(fleet, facts)
        rows = [row for host in _hosts(fleet, names) for row in _cells(fleet, host)]
        print_rows(rows, _CELLS, invocation.json)
        return tell(gaps)

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, listed("instances"), descriptions)
        with as_far_as_known(gaps):
            hosts, instances = _apart(fleet, names)
        if instances:
            print_devices(instances, invocation.json)
            if not hosts:
                return tell(gaps)
        rows: list[DeviceRow] = []
        for host in sorted(_hosts(fleet, hosts), key=in_order):
            found = await fleet.links.host_devices(host, every=all_)
            if found is None:
                note(clean(f"virtdeck: the libvirt of {host} lists no devices."))
            rows += _rows(found or (), host, fleet.state.instances)
        print_rows(rows, _DEVICES, invocation.json)
        return tell(gaps)

    if numa:
        return read_once(invocation, cells, {Reading.FACTS})
    return read_once(invocation, work, {Reading.INSTANCES, Reading.DESCRIPTIONS})


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@common
@json_option
@click.pass_obj
def nwfilters(invocation: Invocation, hosts: tuple[str, ...]) -> int:
    """List the network filters of the hosts, and the devices that they are bound to."""

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, listed("instances"))
        rows: list[FilterRow] = []
        for host in _hosts(fleet, hosts):
            found = await fleet.links.network_filters(host)
            if found is None:
                note(clean(f"virtdeck: the libvirt of {host} has no network filters."))
                continue
            for one in found.filters:
                bound = [b for b in found.bindings if b.filter == one.name]
                to = tuple(f"{b.device} ({b.owner})" if b.owner else b.device for b in bound)
                rows.append(FilterRow(host, one.name, one.chain, one.rules, one.references, to))
        rows.sort(key=lambda row: in_order(row.host, row.name))
        print_rows(rows, _FILTERS, invocation.json)
        return tell(gaps)

    return read_once(invocation, work, {Reading.INSTANCES})
