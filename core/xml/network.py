"""Virtual networks from their XML."""

from __future__ import annotations

from ipaddress import ip_network

from core.model import Network
from core.xml.tree import Element, attribute, exact, parse, text


def read_network(xml: str, host: str = "") -> Network:
    """Return the network that a `<network>` describes, as one of `host`.

    Whether it is active, persistent and starts by itself is not in the XML. Raises XmlError.
    """
    network = parse(xml, "network")
    forward = network.find("forward")
    return Network(
        host=host,
        uuid=text(network, "uuid").lower(),
        name=exact(network, "name"),
        bridge=attribute(network, "name", "bridge"),
        # a <forward> without a mode means nat
        forward="" if forward is None else attribute(forward, "mode") or "nat",
        addresses=tuple(filter(None, map(_read_address, network.findall("ip")))),
    )


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
