"""The lines of one network: how it is, who is on it, what its DHCP and DNS know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from console import format as fmt
from console.cell_width import cells, padded
from console.screens.networks.columns import forward_of, state_of
from console.widgets.columns import Cell, CellValue
from core.model import Network, State
from core.model.network import NetworkUse
from core.model.text import clean
from core.state.network_members import Member, members

_LABEL = 13


def network_lines(state: State, network: Network, use: NetworkUse | None) -> list[CellValue]:
    """Return the lines; `use` is None until it is read, or where it cannot be."""
    return [*_facts(network, use), "", *_members(state, network, use), *_entries(network)]


def _facts(network: Network, use: NetworkUse | None) -> Iterator[CellValue]:
    kept = "persistent" if network.persistent else "transient"
    starts = "starts with its host" if network.autostart else "does not start with its host"
    yield _fact("State", f"{state_of(network)}, {kept}, {starts}")
    ways = [forward_of(network), *(f"by {clean(one)}" for one in network.devices)]
    yield _fact("Leads out", " ".join(ways))
    bridge = [clean(network.bridge) or fmt.UNKNOWN]
    bridge += [f"MTU {network.mtu:,}"] if network.mtu else []
    yield _fact("Bridge", ", ".join(bridge))
    yield _fact("Addresses", ", ".join(map(clean, network.addresses)) or "none")
    ranges = [f"{clean(start)} to {clean(end)}" for start, end in network.dhcp_ranges]
    yield _fact("DHCP", ", ".join(ranges) or "none")
    if network.domain:
        yield _fact("Domain", clean(network.domain))
    if use is not None and use.ports is not None:
        yield _fact("Ports", f"{use.ports:,} plugged in")


def _fact(label: str, value: str) -> CellValue:
    return (Cell(padded(label, _LABEL), "muted"), Cell(value, ""))


def _members(state: State, network: Network, use: NetworkUse | None) -> Iterator[CellValue]:
    found = members(state, network, use)
    if not found:
        yield Cell("Nobody is on it.", "muted")
        return
    yield from _table(
        ("ON IT", "MAC", "DEVICE", "ADDRESS", "CALLS ITSELF"), [_row(one) for one in found]
    )
    if use is not None and use.leases is None and network.dhcp_ranges:
        yield Cell("Its host does not tell which addresses it gave out.", "muted")


def _row(member: Member) -> tuple[str, ...]:
    instance, device = member.instance, member.interface
    name = "unknown here" if instance is None else clean(instance.name)
    off = instance is not None and not instance.state.active
    target = "" if device is None else clean(device.target)
    address = ", ".join(map(clean, member.addresses)) or fmt.UNKNOWN
    return (f"({name})" if off else name, member.mac, target or fmt.UNKNOWN, address, member.name)


def _entries(network: Network) -> Iterator[CellValue]:
    if network.dhcp_hosts:
        yield ""
        rows = [
            (clean(one.address), one.mac or clean(one.duid), clean(one.name))
            for one in network.dhcp_hosts
        ]
        yield from _table(("KEPT ADDRESS", "FOR", "NAME"), rows)
    if network.dns_hosts:
        yield ""
        names = [(clean(one.address), clean(", ".join(one.names))) for one in network.dns_hosts]
        yield from _table(("DNS", "NAMES"), names)
    if network.port_groups:
        yield ""
        groups = [
            (clean(one.name), ", ".join(map(str, one.vlans)), "default" if one.default else "")
            for one in network.port_groups
        ]
        yield from _table(("PORT GROUP", "VLANS", ""), groups)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[CellValue]:  # fmt: skip
    lines = [tuple(head), *rows]
    widths = [max(cells(line[at]) for line in lines) for at in range(len(head))]
    for number, line in enumerate(lines):
        text = "  ".join(padded(word, width) for word, width in zip(line, widths, strict=True))
        yield Cell(text.rstrip(), "muted" if number == 0 else "")
