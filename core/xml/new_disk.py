"""The XML of a disk that is to be attached. Pure."""

from __future__ import annotations

from core.model.new_device import AttachedDisk, NetworkImage
from core.model.text import real_name
from core.xml.tree import Element


def disk_xml(disk: AttachedDisk) -> str:
    """Return the `<disk>`."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("disk", type=disk.type, device=disk.device)
    driver = etree.SubElement(root, "driver", name="qemu", type=disk.format)
    for name in ("cache", "io", "discard"):
        if value := getattr(disk, name):
            driver.set(name, value)
    _add_source(root, disk)
    etree.SubElement(root, "target", dev=disk.target, bus=disk.bus)
    _add_tuning(root, disk)
    if disk.serial:
        etree.SubElement(root, "serial").text = disk.serial
    if disk.read_only:
        etree.SubElement(root, "readonly")
    if disk.shareable:
        etree.SubElement(root, "shareable")
    if disk.alias:
        etree.SubElement(root, "alias", name=disk.alias)
    if disk.unit is not None:
        place = {"controller": "0", "bus": "0", "target": "0", "unit": str(disk.unit)}
        etree.SubElement(root, "address", {"type": "drive", **place})
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _add_source(root: Element, disk: AttachedDisk) -> None:
    from lxml import etree

    if disk.network is not None:
        source = _network_source(root, disk.network)
    else:
        place = "dev" if disk.type == "block" else "file"
        source = etree.SubElement(root, "source", {place: real_name(disk.source)})
    if disk.luks:
        opened = etree.SubElement(source, "encryption", format="luks")
        etree.SubElement(opened, "secret", type="passphrase", uuid=disk.luks)


def _network_source(root: Element, image: NetworkImage) -> Element:
    from lxml import etree

    source = etree.SubElement(root, "source", protocol=image.protocol)
    if image.name:
        source.set("name", real_name(image.name))
    if image.query:
        source.set("query", image.query)
    if image.tls:
        source.set("tls", "yes")
    for host in image.hosts:
        if host.socket:
            etree.SubElement(source, "host", transport="unix", socket=real_name(host.socket))
            continue
        port = {} if host.port is None else {"port": str(host.port)}
        etree.SubElement(source, "host", {"name": host.name, **port})
    if image.initiator:
        etree.SubElement(etree.SubElement(source, "initiator"), "iqn", name=image.initiator)
    if image.secret:
        known = etree.SubElement(source, "auth", username=image.user)
        etree.SubElement(known, "secret", type=image.secret_type, uuid=image.secret)
    elif image.user:  # of ssh
        etree.SubElement(source, "identity", username=image.user)
    return source


def _add_tuning(root: Element, disk: AttachedDisk) -> None:
    from lxml import etree

    if disk.logical_block or disk.physical_block:
        block = etree.SubElement(root, "blockio")
        for name in ("logical", "physical"):
            if size := getattr(disk, f"{name}_block"):
                block.set(f"{name}_block_size", str(size))
    if disk.limits:
        tuned = etree.SubElement(root, "iotune")
        for name, value in disk.limits:
            etree.SubElement(tuned, name).text = str(value)
        if disk.limit_group:
            etree.SubElement(tuned, "group_name").text = disk.limit_group
