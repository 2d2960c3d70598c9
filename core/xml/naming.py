"""A definition under the name and UUID that were chosen for it. Pure."""

from __future__ import annotations

from core.model.text import real_name


def named_as(xml: str, kind: str, name: str, uuid: str) -> str:
    """Return the XML of a pool or network as that of this name and UUID.

    `kind` is its root element. Raises XmlError.
    """
    from lxml import etree

    from core.xml.tree import parse

    root = parse(xml, kind)
    for tag, value in (("uuid", uuid), ("name", real_name(name))):
        found = root.find(tag)
        if found is None:
            found = etree.Element(tag)
            root.insert(0, found)
        found.text = value
    return etree.tostring(root, encoding="unicode")
