"""The mark of a cold migration in the metadata of a definition: read, and written. Pure."""

from __future__ import annotations

from core.model.cold_move import ColdMove, MovedVolume
from core.xml.tree import Element, attribute, parse

COLD = "urn:virtdeck:cold-migration:1"
"""The namespace of the mark."""
PREFIX = "cold"
_MOVE = f"{{{COLD}}}move"
_VOLUME = f"{{{COLD}}}volume"


def read_mark(domain: Element) -> ColdMove | None:
    """Return the mark of a `<domain>`; None: it has none, or one that somebody has spoiled."""
    found = domain.find(f"metadata/{_MOVE}")
    if found is None:
        return None
    identity, role = attribute(found, "id"), attribute(found, "role")
    if not identity or role not in ("source", "destination"):
        return None
    return ColdMove(
        identity,
        "source" if role == "source" else "destination",
        attribute(found, "other"),
        attribute(found, "autostart") == "yes",
        attribute(found, "nvram") == "yes",
        tuple(
            MovedVolume(attribute(one, "path"), attribute(one, "written"))
            for one in found.iterfind(_VOLUME)
        ),
    )


def mark_in(xml: str) -> ColdMove | None:
    """Return the mark of a definition. Raises XmlError."""
    return read_mark(parse(xml, "domain"))


def mark_xml(mark: ColdMove) -> str:
    """Return the element of a mark as virDomainSetMetadata takes it: libvirt adds the namespace."""
    from lxml import etree  # see core.xml.tree

    return etree.tostring(_element(mark, ""), encoding="unicode")


def marked(document: str, mark: ColdMove) -> str:
    """Return a definition with this mark, in the place of any other. Raises XmlError."""
    from core.xml.definition.text import child, written

    root = parse(document, "domain", verbatim=True)
    unmark(root)
    metadata = root.find("metadata")
    if metadata is None:
        metadata = child(root, "metadata")
    metadata.append(_element(mark))
    return written(root)


def unmark(root: Element) -> None:
    """Take the mark out of a definition."""
    for metadata in root.findall("metadata"):
        for found in metadata.findall(_MOVE):
            metadata.remove(found)


def _element(mark: ColdMove, space: str = f"{{{COLD}}}") -> Element:
    from lxml import etree  # see core.xml.tree

    made = etree.Element(f"{space}move", nsmap={PREFIX: COLD} if space else None)
    made.set("id", mark.id)
    made.set("role", mark.role)
    made.set("other", mark.other)
    made.set("autostart", "yes" if mark.autostart else "no")
    made.set("nvram", "yes" if mark.nvram else "no")
    for volume in mark.volumes:
        one = etree.SubElement(made, f"{space}volume")
        one.set("path", volume.path)
        if volume.written:
            one.set("written", volume.written)
    return made
