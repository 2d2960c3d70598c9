"""The XML of a directory that is to be shared with a guest, and what that needs. Pure."""

from __future__ import annotations

from core.model.text import real_name
from core.xml.tree import Element, attribute, parse


def share_xml(directory: str, tag: str, *, read_only: bool = False) -> str:
    """Return the `<filesystem>` of virtiofs."""
    from lxml import etree  # see core.xml.tree

    root: Element = etree.Element("filesystem", type="mount", accessmode="passthrough")
    etree.SubElement(root, "driver", type="virtiofs")
    etree.SubElement(root, "source", dir=real_name(directory))
    etree.SubElement(root, "target", dir=tag)
    if read_only:
        etree.SubElement(root, "readonly")
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def shares_memory(domain: str) -> bool:
    """Whether all of a guest's memory is shared, as libvirt counts: memfd alone is not.

    A NUMA cell that says nothing is as the whole is (qemu_validate.c).
    """
    root = parse(domain, "domain")
    whole = attribute(root, "mode", "memoryBacking/access")
    cells = [cell.get("memAccess") or whole for cell in root.iterfind("cpu/numa/cell")]
    return all(access == "shared" for access in cells or [whole])
