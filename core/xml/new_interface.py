"""The XML of a network device that is to be attached. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.model.new_device import AttachedInterface, Bandwidth
from core.model.text import real_name
from core.xml.tree import Element

_PLACES: Mapping[str, str] = {
    "network": "network",
    "bridge": "bridge",
    "direct": "dev",
    "vdpa": "dev",
    "vhostuser": "path",
}
"""The attribute of `<source>` that names what an interface of a type is plugged into."""


def interface_xml(new: AttachedInterface) -> str:
    """Return the `<interface>`."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("interface", type=new.type)
    etree.SubElement(root, "mac", address=new.mac)
    _connect(root, new)
    _tag(root, new)
    _shape(root, new)
    _limit(root, new)
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _connect(root: Element, new: AttachedInterface) -> None:
    """What it is plugged into, and how."""
    from lxml import etree

    if new.type == "hostdev":
        root.set("managed", "yes")  # its driver of the host lets go of it, and takes it back
        domain, bus, slot, function = new.source.replace(".", ":").split(":")
        where = {"domain": domain, "bus": bus, "slot": slot, "function": function}
        address = {"type": "pci", **{name: f"0x{value}" for name, value in where.items()}}
        etree.SubElement(etree.SubElement(root, "source"), "address", address)
    elif new.type == "ethernet":  # somebody else made it, and plugged it in
        etree.SubElement(root, "target", dev=real_name(new.source), managed="no")
    elif new.source:
        how = {
            "type": "unix" if new.type == "vhostuser" else "",
            "mode": new.mode,
            "portgroup": real_name(new.port_group),
        }
        place = {_PLACES[new.type]: real_name(new.source)}
        etree.SubElement(root, "source", place | {name: word for name, word in how.items() if word})
    if new.backend:
        etree.SubElement(root, "backend", type=new.backend)
        for protocol, here, there in new.forwards:
            forward = etree.SubElement(root, "portForward", proto=protocol)
            etree.SubElement(forward, "range", start=str(here), to=str(there))
    if new.virtualport:
        port = etree.SubElement(root, "virtualport", type=new.virtualport)
        if new.port:
            etree.SubElement(port, "parameters", dict(new.port))


def _tag(root: Element, new: AttachedInterface) -> None:
    from lxml import etree

    if new.trunk:
        vlan = etree.SubElement(root, "vlan", trunk="yes")
        if new.vlan:
            etree.SubElement(vlan, "tag", id=str(new.vlan), nativeMode="untagged")
        for tag in new.trunk:
            etree.SubElement(vlan, "tag", id=str(tag))
    elif new.vlan:
        etree.SubElement(etree.SubElement(root, "vlan"), "tag", id=str(new.vlan))


def _shape(root: Element, new: AttachedInterface) -> None:
    """As its guest sees it."""
    from lxml import etree

    if new.model:
        etree.SubElement(root, "model", type=new.model)
    driver = {
        "queues": new.queues,
        "rx_queue_size": new.rx_queue,
        "tx_queue_size": new.tx_queue,
    }
    set_ = {name: str(value) for name, value in driver.items() if value}
    if set_:
        name = {} if new.type == "vhostuser" else {"name": "vhost"}
        etree.SubElement(root, "driver", {**name, **set_})
    if new.nwfilter:
        filter_ = etree.SubElement(root, "filterref", filter=real_name(new.nwfilter))
        for key, value in new.filter_values:
            etree.SubElement(filter_, "parameter", name=key, value=value)
    if new.mtu:
        etree.SubElement(root, "mtu", size=str(new.mtu))
    if not new.link_up:
        etree.SubElement(root, "link", state="down")
    if new.boot_order:
        etree.SubElement(root, "boot", order=str(new.boot_order))


def _limit(root: Element, new: AttachedInterface) -> None:
    from lxml import etree

    ways = {"inbound": new.inbound, "outbound": new.outbound}
    if not any(way.average for way in ways.values()):
        return
    bandwidth = etree.SubElement(root, "bandwidth")
    for name, way in ways.items():
        if way.average:
            etree.SubElement(bandwidth, name, _numbers(way))


def _numbers(way: Bandwidth) -> dict[str, str]:
    found = {"average": way.average, "peak": way.peak, "burst": way.burst}
    return {name: str(value) for name, value in found.items() if value}
