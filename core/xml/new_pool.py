"""The XML of a storage pool that is to be made. Pure."""

from __future__ import annotations

from core.model.new_pool import NewPool
from core.model.text import real_name
from core.xml.tree import Element


def pool_xml(new: NewPool) -> str:
    """Return the `<pool>`."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("pool", type=new.type)
    etree.SubElement(root, "name").text = real_name(new.name)
    etree.SubElement(root, "uuid").text = new.uuid
    source = etree.SubElement(root, "source")
    _fill(source, new)
    if not len(source):
        root.remove(source)
    if new.path:
        target = etree.SubElement(root, "target")
        etree.SubElement(target, "path").text = real_name(new.path)
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _fill(source: Element, new: NewPool) -> None:
    """Say what it is made of, in the order in which libvirt writes it."""
    from lxml import etree

    for name, port in new.servers:
        etree.SubElement(source, "host", {"name": name, **({"port": port} if port else {})})
    for device in new.devices:
        etree.SubElement(source, "device", path=real_name(device))
    if new.directory:
        etree.SubElement(source, "dir", path=real_name(new.directory))
    if new.adapter:
        etree.SubElement(source, "adapter", type="scsi_host", name=new.adapter)
    if new.initiator:
        etree.SubElement(etree.SubElement(source, "initiator"), "iqn", name=new.initiator)
    if new.auth:
        auth = etree.SubElement(source, "auth", type=new.auth, username=new.user)
        etree.SubElement(auth, "secret", uuid=new.secret)
    if new.named:
        etree.SubElement(source, "name").text = real_name(new.named)
    if new.format:
        etree.SubElement(source, "format", type=new.format)
