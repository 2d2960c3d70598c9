"""The lines of one network: how it is, who is on it, what its DHCP and DNS know. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from console import format as fmt
from console.screens.networks.columns import forward_of, state_cell
from console.screens.page import beside
from console.screens.table_text import facts, heading, table
from console.widgets.columns import Cell, CellValue
from core.model import Network, State
from core.model.network import NetworkUse
from core.model.text import clean
from core.state.network_members import Member, members

WIDE = 144
"""Cells from which what it is stands beside who is on it."""
_FACTS = 58
"""Cells of what it is, there."""
_LABEL = 11


def network_lines(
    state: State, network: Network, use: NetworkUse | None, width: int, now: float, why: str = ""
) -> list[CellValue]:
    """Return the lines; `use` is None until it is read, or where it cannot be: `why`."""
    own = _facts(network, use)
    on_it = [*_members(state, network, use, now), *_unread(network, use, why)]
    kept = [*_dhcp(network), *_dns(network), *_port_groups(network)]
    if width >= WIDE:
        return beside([*own, "", *kept], on_it, _FACTS, width)
    return [*own, "", *on_it, "", *kept]


def _facts(network: Network, use: NetworkUse | None) -> list[CellValue]:
    ways = [forward_of(network), *(f"by {clean(one)}" for one in network.devices)]
    ports = None if use is None else use.ports
    return [
        heading("Network"),
        *facts(
            [
                ("state", state_cell(network)),
                ("autostart", "yes" if network.autostart else Cell("no", "muted")),
                ("persistent", "yes" if network.persistent else "no: gone when it stops"),
                ("forward", " ".join(ways)),
                ("bridge", clean(network.bridge) or Cell("none of its own", "muted")),
                ("MTU", f"{network.mtu:,}" if network.mtu else Cell("the kernel's own", "muted")),
                *(("address", clean(one)) for one in network.addresses or ("none",)),
                ("domain", clean(network.domain)),
                ("ports", "" if ports is None else f"{ports:,} plugged in"),
                *(("limit", one) for one in network.limits or ("",)),
            ],
            _LABEL,
        ),
    ]  # fmt: skip


def _dhcp(network: Network) -> list[CellValue]:
    if not (network.dhcp_ranges or network.dhcp_hosts):
        return [heading("DHCP"), Cell("  It gives out no addresses.", "muted")]
    ranges = [("gives out", f"{clean(one)} to {clean(last)}") for one, last in network.dhcp_ranges]
    kept = [
        (clean(one.address), one.mac or clean(one.duid) or fmt.UNKNOWN, clean(one.name))
        for one in network.dhcp_hosts
    ]
    told = table(("KEPT ADDRESS", "FOR", "NAME"), kept) if kept else []
    return [heading("DHCP"), *facts(ranges, _LABEL), *told]


def _dns(network: Network) -> list[CellValue]:
    if not network.dns_hosts:
        return []
    rows = [(clean(one.address), clean(", ".join(one.names))) for one in network.dns_hosts]
    return ["", heading("DNS"), *table(("ADDRESS", "NAMES"), rows)]


def _port_groups(network: Network) -> list[CellValue]:
    if not network.port_groups:
        return []
    rows = [
        (clean(one.name), ", ".join(map(str, one.vlans)) or fmt.UNKNOWN,
         "default" if one.default else "")
        for one in network.port_groups
    ]  # fmt: skip
    return ["", heading("Port groups"), *table(("NAME", "VLANS", ""), rows)]


def _members(
    state: State, network: Network, use: NetworkUse | None, now: float
) -> Iterable[CellValue]:
    found = members(state, network, use)
    if not found:
        return [heading("On it"), Cell("  Nobody is on it.", "muted")]
    title = heading(f"On it: {fmt.plural(len(found), 'device')}")
    head = ("INSTANCE", "DEVICE", "MAC", "ADDRESS", "LEASE", "CALLS ITSELF")
    rows = [_row(one, now) for one in found]
    used = [place for place in range(len(head)) if place < 4 or any(row[place] for row in rows)]
    return [title, *table([head[at] for at in used], [[row[at] for at in used] for row in rows])]


def _row(member: Member, now: float) -> tuple[CellValue, ...]:
    instance, device = member.instance, member.interface
    off = instance is not None and not instance.state.active
    name = "unknown here" if instance is None else clean(instance.name)
    role = "muted" if off or instance is None else "strong"
    target = "" if device is None else clean(device.target)
    ends = "" if member.expires is None else f"ends in {fmt.duration(max(0, member.expires - now))}"
    return (
        Cell(f"({name})" if off else name, role),
        target or Cell(fmt.UNKNOWN, "muted"),
        member.mac,
        ", ".join(map(clean, member.addresses)) or Cell(fmt.UNKNOWN, "muted"),
        ends,
        clean(member.name),
    )


def _unread(network: Network, use: NetworkUse | None, why: str) -> list[CellValue]:
    if use is None:
        text = f"Its leases and ports are not known: {clean(why)}" if why else ""
        return ["", Cell(f"  {text or 'Its leases and ports are being read.'}", "muted")]
    if use.leases is None and network.dhcp_ranges:
        return ["", Cell("  Its host does not tell which addresses it gave out.", "muted")]
    return []
