"""The XML of a secret of libvirt's for a volume, and which secrets a domain names. Pure."""

from __future__ import annotations

from core.model.volume_secret import VolumeSecret
from core.xml.tree import parse

_NAMES = {"volume": "volume", "ceph": "name", "iscsi": "target"}
"""What the element is called that holds the name, by the type of the usage."""


def secret_xml(secret: VolumeSecret) -> str:
    """Return the `<secret>`, without its value."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("secret", ephemeral="no" if secret.lasts else "yes", private="yes")
    etree.SubElement(root, "uuid").text = secret.uuid
    etree.SubElement(root, "description").text = secret.usage
    usage = etree.SubElement(root, "usage", type=secret.type)
    etree.SubElement(usage, _NAMES[secret.type]).text = secret.usage
    return etree.tostring(root, encoding="unicode")


def secrets_named(domain: str) -> set[str]:
    """Return the UUIDs of the secrets that the disks of a domain name."""
    found = parse(domain, "domain").iterfind("devices/disk//secret")
    return {one.get("uuid", "").lower() for one in found}
