"""The XML of a device that is to be attached, and finding one that is there. Pure."""

from __future__ import annotations

from core.model.new_device import AttachedInterface, DeviceKind
from core.model.text import real_name
from core.xml.disk import read_source
from core.xml.interface import read_interface
from core.xml.tree import Element, attribute, parse


def interface_xml(new: AttachedInterface) -> str:
    """Return the `<interface>`."""
    from lxml import etree

    root = etree.Element("interface", type=new.type)
    etree.SubElement(root, "mac", address=new.mac)
    if new.source:
        name = {"direct": "dev"}.get(new.type, new.type)
        source = etree.SubElement(root, "source", {name: real_name(new.source)})
        if new.type == "direct":
            source.set("mode", "bridge")
    if new.vlan:
        etree.SubElement(etree.SubElement(root, "vlan"), "tag", id=str(new.vlan))
    etree.SubElement(root, "model", type=new.model)
    if new.queues:
        etree.SubElement(root, "driver", name="vhost", queues=str(new.queues))
    if new.nwfilter:
        etree.SubElement(root, "filterref", filter=real_name(new.nwfilter))
    if new.mtu:
        etree.SubElement(root, "mtu", size=str(new.mtu))
    if not new.link_up:
        etree.SubElement(root, "link", state="down")
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def device_in(domain: str, kind: DeviceKind, name: str) -> tuple[str, str] | None:
    """Return the XML of a device of a domain, and what it is connected to; None: it has none.

    A disk is found by its target, an interface by its MAC address.
    """
    from lxml import etree

    for device in parse(domain, "domain").iterfind(f"devices/{kind}"):
        if _name_of(device, kind) == name:
            device.tail = None
            return etree.tostring(device, encoding="unicode"), _source_of(device, kind)
    return None


def drive_with(domain: str, target: str, source: str, kind: str) -> str | None:
    """Return the XML of a drive of a domain with another medium; None: it has no such drive.

    `source` is a path, empty for none; `kind` is file or block.
    """
    from lxml import etree

    for device in parse(domain, "domain").iterfind("devices/disk"):
        if _name_of(device, "disk") != target or device.get("device") not in ("cdrom", "floppy"):
            continue
        for old in ("source", "backingStore", "mirror"):
            for element in device.findall(old):
                device.remove(element)
        device.set("type", kind)
        if source:
            place = "dev" if kind == "block" else "file"
            device.insert(0, etree.Element("source", {place: real_name(source)}))
            driver = device.find("driver")
            if driver is not None and "type" in driver.attrib:
                driver.set("type", "raw")
        device.tail = None
        return etree.tostring(device, encoding="unicode")
    return None


def _name_of(device: Element, kind: DeviceKind) -> str:
    if kind == "disk":
        return attribute(device, "dev", "target")
    return attribute(device, "address", "mac").lower()


def _source_of(device: Element, kind: DeviceKind) -> str:
    if kind == "interface":
        return read_interface(device).source
    source = read_source(device)
    return "" if source is None else source.path
