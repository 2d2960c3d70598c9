"""`devices` and `nwfilters`: what hosts have that is read only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from console.cli import lookup
from console.cli.completeness import complete, descriptions, listed, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import in_order, print_rows
from console.cli.live import read_once
from console.cli.output import TextColumn, note
from core.fleet import Fleet, Reading
from core.model import Instance, LinkStatus
from core.model.base import Value
from core.model.host_device import HostDevice
from core.model.text import clean
from core.state.held_devices import holders, holders_of


class DeviceRow(Value, frozen=True):
    """A device, and who holds it."""

    host: str
    device: HostDevice
    held_by: tuple[str, ...] = ()


class FilterRow(Value, frozen=True):
    """A filter, and what it is bound to."""

    host: str
    name: str
    chain: str
    rules: int
    references: tuple[str, ...]
    bound_to: tuple[str, ...]
    """`vnet3 (web)`."""


def _virtual(device: HostDevice) -> str:
    if device.physical_function:
        return f"of {device.physical_function.removeprefix('pci:')}"
    if device.virtual_maximum:
        return f"{len(device.virtual_functions)} of {device.virtual_maximum}"
    return ""


def _types(device: HostDevice) -> str:
    return ", ".join(f"{one.id} ({one.available} left)" for one in device.mdev_types)


def _group(device: HostDevice) -> str:
    if device.iommu_group is None:
        return ""
    more = len(device.iommu_others)
    return f"{device.iommu_group}{f' and {more} more' if more else ''}"


_DEVICES: tuple[TextColumn[DeviceRow], ...] = (
    TextColumn("HOST", lambda row: row.host),
    TextColumn("DEVICE", lambda row: row.device.place or row.device.name),
    TextColumn("KIND", lambda row: row.device.kind.removesuffix("_device")),
    TextColumn("DRIVER", lambda row: row.device.driver),
    TextColumn("IOMMU GROUP", lambda row: _group(row.device)),
    TextColumn("FUNCTIONS", lambda row: _virtual(row.device)),
    TextColumn("HELD BY", lambda row: ", ".join(row.held_by)),
    TextColumn("MODEL", lambda row: f"{row.device.model} {row.device.label}".strip()),
    TextColumn("MEDIATED TYPES", lambda row: _types(row.device)),
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


def _rows(devices: Sequence[HostDevice], host: str, instances: Any, *, all_: bool) -> list[Value]:
    held = holders(instances, host)
    rows: list[Value] = []
    for device in devices:
        who: list[Instance] = holders_of(device, held)
        names = tuple(one.name if one.state.active else f"({one.name})" for one in who)
        if all_ or device.place or device.mdev_types:
            rows.append(DeviceRow(host, device, names))
    return rows


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--all", "all_", is_flag=True, help="Also those that no instance can be given.")
@common
@json_option
@click.pass_obj
def devices(invocation: Invocation, hosts: tuple[str, ...], all_: bool) -> int:
    """List the devices of the hosts: driver, IOMMU group, SR-IOV, mediated types, who holds them.

    What stands under DEVICE is what `virtdeck device attach --device` takes.
    """

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, listed("instances"), descriptions)
        rows: list[Any] = []
        for host in _hosts(fleet, hosts):
            found = await fleet.links.host_devices(host)
            if found is None:
                note(clean(f"virtdeck: the libvirt of {host} lists no devices."))
            rows += _rows(found or (), host, fleet.state.instances, all_=all_)
        rows.sort(key=lambda row: in_order(row.host, row.device.place or row.device.name))
        print_rows(rows, _DEVICES, invocation.json)
        return tell(gaps)

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
