"""Virtual networks from their XML."""

from __future__ import annotations

from ipaddress import ip_network

from core.model import Network
from core.model.network import DhcpHost, DnsHost, PortGroup
from core.model.text import printable_name
from core.xml.tree import Element, attribute, attributes, exact, number, parse, text


def read_network(xml: str, host: str = "") -> Network:
    """Return the network that a `<network>` describes, as one of `host`.

    Whether it is active, persistent and starts by itself is not in the XML. Raises XmlError.
    """
    network = parse(xml, "network")
    forward = network.find("forward")
    dhcp = network.findall("ip/dhcp")
    return Network(
        host=host,
        uuid=text(network, "uuid").lower(),
        name=exact(network, "name"),
        bridge=attribute(network, "name", "bridge"),
        # a <forward> without a mode means nat
        forward="" if forward is None else attribute(forward, "mode") or "nat",
        addresses=tuple(filter(None, map(_read_address, network.findall("ip")))),
        dhcp_ranges=tuple(
            (attribute(one, "start"), attribute(one, "end"))
            for each in dhcp
            for one in each.findall("range")
        ),
        dhcp_hosts=tuple(_dhcp_host(one) for each in dhcp for one in each.findall("host")),
        dns_hosts=tuple(_dns_host(one) for one in network.findall("dns/host")),
        port_groups=tuple(_port_group(one) for one in network.findall("portgroup")),
        domain=attribute(network, "name", "domain"),
        mtu=number(attribute(network, "size", "mtu")) or 0,
        devices=tuple(
            filter(None, (attribute(one, "dev") for one in network.findall("forward/interface")))
        ),
        limits=tuple(filter(None, (_limit(network, way) for way in ("inbound", "outbound")))),
    )


def _limit(network: Element, way: str) -> str:
    """Return what libvirt holds one way of a network to; average, peak and floor are KiB/s."""
    found = network.find(f"bandwidth/{way}")
    if found is None:
        return ""
    told = {"average": "KiB/s on average", "peak": "KiB/s at most", "burst": "KiB at a burst"}
    known = [(number(attribute(found, name)), words) for name, words in told.items()]
    parts = [f"{count:,} {words}" for count, words in known if count is not None]
    return f"{way} {', '.join(parts)}" if parts else ""


def _dhcp_host(host: Element) -> DhcpHost:
    return DhcpHost(
        attribute(host, "ip"),
        attribute(host, "mac").lower(),
        attribute(host, "name"),
        attribute(host, "id"),
        _beyond(host, {"ip", "mac", "name", "id"}, set()),
    )


def _dns_host(host: Element) -> DnsHost:
    names = [name for one in host.findall("hostname") if (name := text(one, "."))]
    return DnsHost(attribute(host, "ip"), tuple(names))


def _port_group(group: Element) -> PortGroup:
    found = group.findall("vlan/tag")
    tags = [number(attribute(tag, "id")) for tag in found]
    beyond = _beyond(group, {"name", "default"}, {"vlan"})
    if any(tag.get("nativeMode") for tag in found):
        beyond = ("a native VLAN", *beyond)
    elif len(found) == 1 and attribute(group, "trunk", "vlan") == "yes":
        beyond = ("a trunk", *beyond)
    return PortGroup(
        attribute(group, "name"),
        attribute(group, "default") == "yes",
        tuple(tag for tag in tags if tag is not None),
        beyond,
    )


_WORDS = {
    "bandwidth": "limits",
    "lease": "a lease time",
    "trustGuestRxFilters": "trust in its guests' filters",
    "virtualport": "a virtual port",
}


def _beyond(element: Element, attributes_: set[str], children: set[str]) -> tuple[str, ...]:
    """Return what an element has beside those attributes and children, in words."""
    more = [name for name, _ in attributes(element) if name not in attributes_]
    more += [str(child.tag) for child in element.iterchildren("*") if child.tag not in children]
    return tuple(dict.fromkeys(_WORDS.get(one, printable_name(one)) for one in more))


def _read_address(ip: Element) -> str:
    """Return `ADDRESS/PREFIX`; the prefix may be given as a netmask, or follow from the class."""
    address = attribute(ip, "address")
    prefix = attribute(ip, "prefix")
    netmask = attribute(ip, "netmask")
    if not address or prefix:
        return f"{address}/{prefix}" if address else ""
    if not netmask:
        return address
    try:
        return f"{address}/{ip_network(f'0.0.0.0/{netmask}').prefixlen}"
    except ValueError:
        return f"{address}/{netmask}"
