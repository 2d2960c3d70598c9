"""A network interface of an instance."""

from __future__ import annotations

from core.model import Interface
from core.xml.address import endpoint, read_address
from core.xml.tree import Element, attribute, number


def read_interface(interface: Element) -> Interface:
    """Return the interface an element `<interface>` describes."""
    return Interface(
        mac=attribute(interface, "address", "mac").lower(),
        # of one that runs libvirt says what its network makes of it: bridge, direct
        type="network"
        if attribute(interface, "network", "source")
        else attribute(interface, "type"),
        source=_read_source(interface),
        target=attribute(interface, "dev", "target"),
        model=attribute(interface, "type", "model"),
        alias=attribute(interface, "name", "alias"),
        address=read_address(interface),
        link_up=attribute(interface, "state", "link") != "down",
        boot_order=number(attribute(interface, "order", "boot")),
    )


def _read_type(interface: Element) -> str:
    """Return its type; of one that runs libvirt says what its network makes of it: bridge..."""
    of_network = attribute(interface, "network", "source")
    return "network" if of_network else attribute(interface, "type")


def _read_source(interface: Element) -> str:
    """Return what it is plugged into: a network, bridge, device, socket or host device."""
    source = interface.find("source")
    if source is None:
        return ""
    for name in ("network", "bridge", "dev", "path", "name", "switchid"):
        value = attribute(source, name)
        if value:
            return value
    host, port = attribute(source, "address"), attribute(source, "port")
    if host or port:  # mcast, server, client and udp tunnels
        return endpoint(host, port)
    return read_address(source)
