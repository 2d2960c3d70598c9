"""The XML of a volume that is to be made. Pure."""

from __future__ import annotations


def volume_xml(
    name: str, capacity: int, format_: str, backing: tuple[str, str] | None = None
) -> str:
    """Return a `<volume>` of `capacity` bytes that takes no space yet.

    `backing` is path and format of what it lies over.
    """
    from lxml import etree  # see core.xml.tree

    root = etree.Element("volume")
    etree.SubElement(root, "name").text = name
    etree.SubElement(root, "capacity", unit="bytes").text = str(capacity)
    if backing is None:
        etree.SubElement(root, "allocation", unit="bytes").text = "0"
    target = etree.SubElement(root, "target")
    etree.SubElement(target, "format", type=format_)
    if format_ == "qcow2":  # libvirt's own choice, 0.10, can have no checkpoint
        etree.SubElement(target, "compat").text = "1.1"
    if backing is not None:
        path, base = backing
        store = etree.SubElement(root, "backingStore")
        etree.SubElement(store, "path").text = path
        etree.SubElement(store, "format", type=base)
    return etree.tostring(root, encoding="unicode")
