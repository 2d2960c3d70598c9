"""Who is on a network, with which device and address. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.model import Instance, Interface, Network, State
from core.model.network import NetworkUse
from core.state.usage import instances_on


@dataclass(frozen=True, slots=True)
class Member:
    """One network device on a network, or an address that nobody known here has."""

    instance: Instance | None
    mac: str
    interface: Interface | None = None
    addresses: tuple[str, ...] = ()
    """Those of its leases, then one that is kept for it."""
    name: str = ""
    """What the guest calls itself to DHCP."""
    expires: float | None = None
    """When its lease ends; None: it has none, or one without an end."""


def members(state: State, network: Network, use: NetworkUse | None) -> list[Member]:
    """Return the devices on a network, then the leases of others."""
    leases = () if use is None else use.leases or ()
    found: list[Member] = []
    for instance in instances_on(state, network):
        for one in instance.interfaces:
            if one.type != "network" or one.source != network.name:
                continue
            mine = [lease for lease in leases if lease.mac == one.mac]
            kept = [f"{each.address} (kept)" for each in network.dhcp_hosts if each.mac == one.mac]
            told = tuple(lease.address for lease in mine) or tuple(kept)
            name = next((lease.name for lease in mine if lease.name), "")
            ends = max((each.expires for each in mine if each.expires), default=None)
            found.append(Member(instance, one.mac, one, told, name, ends))
    known = {one.mac for one in found}
    found += [
        Member(None, lease.mac, addresses=(lease.address,), name=lease.name, expires=lease.expires)
        for lease in leases
        if lease.mac not in known
    ]
    return found
