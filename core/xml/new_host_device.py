"""The XML of a device of the host that is to be attached. Pure."""

from __future__ import annotations

from core.model.new_device import AttachedDevice
from core.model.text import real_name
from core.xml.tree import Element


def host_device_xml(new: AttachedDevice) -> str:
    """Return the `<hostdev>`, or the `<rng>`."""
    from lxml import etree  # see core.xml.tree

    if new.type == "rng":
        root = etree.Element("rng", model="virtio")
        etree.SubElement(root, "backend", model="random").text = real_name(new.source)
    else:
        root = etree.Element("hostdev", mode="subsystem", type=new.type)
        if new.type == "mdev":
            root.set("model", new.model)
        else:
            root.set("managed", "yes")  # its driver of the host lets go of it, and takes it back
        _source(etree.SubElement(root, "source"), new)
        if new.boot_order:
            etree.SubElement(root, "boot", order=str(new.boot_order))
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _source(source: Element, new: AttachedDevice) -> None:
    from lxml import etree

    if new.type == "mdev":
        etree.SubElement(source, "address", uuid=new.source)
    elif new.type == "pci":
        words = new.source.replace(".", ":").split(":")
        names = ("domain", "bus", "slot", "function")
        address = {name: f"0x{word}" for name, word in zip(names, words, strict=True)}
        etree.SubElement(source, "address", address)
    elif "." in new.source:
        bus, device = new.source.split(".")
        etree.SubElement(source, "address", bus=bus, device=device)
    else:
        vendor, product = new.source.split(":")
        etree.SubElement(source, "vendor", id=f"0x{vendor}")
        etree.SubElement(source, "product", id=f"0x{product}")
