"""The XML of a device that is to be attached, and finding one that is there. Pure."""

from __future__ import annotations

from core.model.device_word import word_of_device
from core.model.new_device import DeviceKind
from core.model.text import real_name
from core.xml.device import read_device
from core.xml.disk import read_source
from core.xml.interface import read_interface
from core.xml.tree import Element, attribute, parse


def device_in(domain: str, kind: DeviceKind, name: str) -> tuple[str, str] | None:
    """Return the XML of a device of a domain, and what it is connected to; None: it has none.

    A disk is found by its target, an interface by its MAC address, any other by its word.
    """
    from lxml import etree

    for device in parse(domain, "domain").iterfind(f"devices/{'*' if kind == 'device' else kind}"):
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
    if kind == "device":
        return word_of_device(read_device(device))
    return attribute(device, "address", "mac").lower()


def _source_of(device: Element, kind: DeviceKind) -> str:
    if kind == "interface":
        return read_interface(device).source
    if kind == "device":
        return ""
    source = read_source(device)
    return "" if source is None else source.path
