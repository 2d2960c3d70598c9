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
    """Whether a guest's memory, or that of one of its cells, is shared; memfd's is by itself."""
    root = parse(domain, "domain")
    cells = root.iterfind("cpu/numa/cell")
    return (
        attribute(root, "mode", "memoryBacking/access") == "shared"
        or attribute(root, "type", "memoryBacking/source") == "memfd"
        or any(cell.get("memAccess") == "shared" for cell in cells)
    )
