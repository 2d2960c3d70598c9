"""A definition under the name and UUID that were chosen for it. Pure."""

from __future__ import annotations

from core.model.text import real_name


def named_as(xml: str, kind: str, name: str, uuid: str) -> str:
    """Return the XML of a pool or network as that of this name and UUID.

    `kind` is its root element. What stands on a line stays on it, so that libvirt's complaints can
    be found in what was given. Raises XmlError.
    """
    from lxml import etree

    from core.xml.tree import line_of, parse

    root = parse(xml, kind, verbatim=True)
    for tag, value in (("uuid", uuid), ("name", real_name(name))):
        found = root.find(tag)
        if found is None:
            found = etree.Element(tag)
            root.insert(0, found)
        del found[:]  # a comment in it, and what follows that
        found.text = value
    before = "\n" * (line_of(root) - 1)
    return f"{before}{etree.tostring(root, encoding='unicode')}"
