"""The XML of a device that is to be attached, and finding one that is there. Pure."""

from __future__ import annotations

from core.model.device_word import words_of_device, words_of_interface
from core.model.new_device import DeviceKind
from core.model.text import real_name
from core.xml.device import read_device
from core.xml.disk import read_source
from core.xml.interface import read_interface
from core.xml.tree import Element, attribute, parse


def devices_in(domain: str, kind: DeviceKind, name: str) -> list[tuple[str, str]]:
    """Return the XML of the devices of a domain that have a name, and what each is connected to.

    A disk is found by its target, an interface by its MAC address, any other by its word. Of a
    failover pair both interfaces have one address, and of one model may be several.
    """
    from lxml import etree

    found = []
    for device in parse(domain, "domain").iterfind(f"devices/{'*' if kind == 'device' else kind}"):
        if name in _names_of(device, kind):
            device.tail = None
            xml = etree.tostring(device, encoding="unicode")
            found.append((xml, _source_of(device, kind)))
    return found


def device_in(domain: str, kind: DeviceKind, name: str) -> tuple[str, str] | None:
    """Return the one device of a domain that has a name; None: none has it, or several have."""
    found = devices_in(domain, kind, name)
    return found[0] if len(found) == 1 else None


def with_alias(device: str, alias: str) -> str:
    """Return the XML of a device with an alias, in the place of its own."""
    from lxml import etree

    root = parse(device)
    for old in root.findall("alias"):
        root.remove(old)
    etree.SubElement(root, "alias", name=alias)
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def image_of(disk: str) -> str:
    """Return where the image of a `<disk>` is; empty: it has none."""
    return _source_of(parse(disk, "disk"), "disk")


def drive_with(domain: str, target: str, source: str, kind: str) -> str | None:
    """Return the XML of a drive of a domain with another medium; None: it has no such drive.

    `source` is a path, empty for none; `kind` is file or block.
    """
    from lxml import etree

    for device in parse(domain, "domain").iterfind("devices/disk"):
        drive = device.get("device") in ("cdrom", "floppy")
        if not drive or target not in _names_of(device, "disk"):
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


def _names_of(device: Element, kind: DeviceKind) -> tuple[str, ...]:
    if kind == "disk":
        return (attribute(device, "dev", "target"),)
    if kind == "device":
        return words_of_device(read_device(device))
    return words_of_interface(read_interface(device))


def _source_of(device: Element, kind: DeviceKind) -> str:
    if kind == "interface":
        return read_interface(device).source
    if kind == "device":
        return ""
    source = read_source(device)
    return "" if source is None else source.path
