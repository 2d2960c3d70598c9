"""What a new network is to be, from what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from core.model import Host, Network, ObjectKey
from core.model.new_network import NewNetwork, Subnet
from core.verbs.network.free import free_subnet
from core.verbs.network.requests import CreateNetwork

Addresses = IPv4Network | IPv6Network
MODES = {"isolated": "", "ovs": "bridge", "macvtap": "bridge"}
"""What libvirt calls a mode, where that is something else."""
WITH_ADDRESSES = ("nat", "route", "open", "isolated")
"""The modes in which libvirt makes the bridge, and gives the host addresses on it."""
NEEDS_ADDRESSES = ("nat", "route", "open")
"""Those of them that make no sense without."""


def subnet_of(text: str) -> Addresses | None:
    """Return the addresses of `192.168.100.0/24`; None: they are none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def chosen_subnet(
    request: CreateNetwork, networks: Mapping[ObjectKey, Network], host: Host | None
) -> str:
    """Return the addresses of IPv4 that a network gets; free ones where it needs some.

    Empty: it has none, or none are free.
    """
    if request.subnet or request.subnet6 or request.mode not in NEEDS_ADDRESSES:
        return request.subnet
    free = free_subnet(networks, host, request.subject)
    return "" if free is None else str(free)


def range_of(text: str, addresses: Addresses) -> tuple[str, str] | None:
    """Return the range that DHCP gives out; None: none. Raises ValueError for what is no range."""
    if text == "none":
        return None
    if text == "all":
        if addresses.num_addresses < 4:
            raise ValueError("it has no address left for a guest")
        return str(addresses[2]), str(addresses[-2])
    first, _, last = text.partition("-")
    start, end = ip_address(first.strip()), ip_address(last.strip())
    if start not in addresses or end not in addresses:
        raise ValueError(f"it is not all of {addresses}")
    if int(start) > int(end):
        raise ValueError("it ends before it begins")
    return str(start), str(end)


def tags_of(text: str) -> tuple[int, ...]:
    """Return the VLANs of `7` or `7,8`."""
    return tuple(int(word) for word in text.split(",") if word)


def planned_network(request: CreateNetwork, subnet: str) -> NewNetwork:
    """Return the network of a request that nothing speaks against, with the addresses it gets."""
    return NewNetwork(
        name=request.name,
        uuid=request.subject.id,
        forward=MODES.get(request.mode, request.mode),
        bridge=request.bridge,
        devices=request.device,
        virtualport="openvswitch" if request.mode == "ovs" else "",
        subnets=tuple(
            Subnet(str(addresses[1]), addresses.prefixlen, range_of(dhcp, addresses))
            for text, dhcp in ((subnet, request.dhcp), (request.subnet6, request.dhcp6))
            if (addresses := subnet_of(text)) is not None
        ),
        vlans=tags_of(request.vlan),
        domain=request.domain,
        mtu=request.mtu,
        nat_ipv6=request.mode == "nat" and bool(request.subnet6),
    )
