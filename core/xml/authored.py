"""The XML of an instance that a person wrote: looked at before libvirt sees it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from core.errors import XmlError
from core.model.base import Value
from core.model.paths import plain_path
from core.model.text import clean, printable_name
from core.xml.tree import Element

_SECRET_ATTRIBUTES = ("passwd", "password", "passphrase")
_SECRET_ELEMENTS = frozenset({"cookie", "password", "passphrase"})
_PLACE = "virtdeck-withheld-{}"
_NUMBER = re.compile(r"virtdeck-withheld-([0-9]{1,4})")
_POSITION = re.compile(r", line \d+, column \d+")


class Authored(Value, frozen=True):
    """What a `<domain>` says of itself."""

    name: str
    """Printable; empty: it has none."""
    uuid: str
    """In libvirt's spelling; empty: it has none."""
    paths: tuple[str, ...] = ()
    """Where its disks are, in their order: paths, or `POOL/VOLUME`."""


def read_authored(xml: str) -> Authored:
    """Return what a `<domain>` says of itself.

    Raises XmlError, with the line where it is not well-formed, and for a UUID that is none.
    """
    root = _parse(xml)
    uuid = (root.findtext("uuid") or "").strip()
    if uuid:
        try:
            uuid = str(UUID(uuid))
        except ValueError:
            text = f"Its UUID {clean(uuid[:60])!r} is none."
            raise XmlError(text, "Leave it out: one is chosen.") from None
    name = printable_name(root.findtext("name") or "")
    return Authored(name, uuid, tuple(filter(None, _sources(root))))


def completed(xml: str, uuid: str) -> tuple[str, tuple[str, ...]]:
    """Return the XML with this UUID and without its passwords, and the passwords. Raises XmlError.

    `with_passwords` puts them back.
    """
    from lxml import etree  # see core.xml.tree

    root = _parse(xml)
    found = root.find("uuid")
    if found is None:
        found = etree.Element("uuid")
        name = root.find("name")
        root.insert(0 if name is None else root.index(name) + 1, found)
        found.tail = "\n  "
    found.text = uuid
    passwords: list[str] = []
    for element, attribute, value in list(_secrets(root)):
        _put(element, attribute, _PLACE.format(len(passwords)))
        passwords.append(value)
    return etree.tostring(root, encoding="unicode"), tuple(passwords)


def with_passwords(xml: str, passwords: Sequence[str]) -> str:
    """Return the XML that `completed` took the passwords from, with them. Raises XmlError."""
    if not passwords:
        return xml
    from lxml import etree

    root = _parse(xml)
    for element, attribute, value in list(_secrets(root)):
        place = _NUMBER.fullmatch(value)
        if place is not None and int(place[1]) < len(passwords):
            _put(element, attribute, passwords[int(place[1])])
    return etree.tostring(root, encoding="unicode")


def for_trial(xml: str, touched: Sequence[str], name: str = "") -> str:
    """Return the XML without the devices of these kinds, and with another name. Raises XmlError."""
    from lxml import etree

    root = _parse(xml)
    for devices in root.findall("devices"):
        for device in [each for each in devices if each.tag in touched]:
            devices.remove(device)
    found = root.find("name")
    if name and found is not None:
        found.text = name
    return etree.tostring(root, encoding="unicode")


def disk_element(xml: str, target: str) -> str:
    """Return the `<disk>` of a target as it stands; empty: there is none. Raises XmlError."""
    from lxml import etree

    for disk in _parse(xml).iterfind("devices/disk"):
        found = disk.find("target")
        if found is not None and found.get("dev") == target:
            return etree.tostring(disk, encoding="unicode")
    return ""


def _parse(xml: str) -> Element:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    text = re.sub(r"\A\s*<\?xml[^>]*\?>", "", xml)  # its encoding is that of the file, now read
    lines = xml[: len(xml) - len(text)].count("\n")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = (getattr(error, "lineno", None) or 1) + lines
        reason = _POSITION.sub("", clean(getattr(error, "msg", "") or "it is empty"))
        where = f" in line {line}" if text.strip() else ""
        raise XmlError(f"The XML is not well-formed{where}: {reason}.", "Correct it.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlError("The XML has a document type.", "Leave that out: libvirt wants none.")
    if root.tag != "domain":
        raise XmlError(
            f"The XML is a <{clean(str(root.tag))}>, not a <domain>.",
            "Give the definition of an instance, as `virsh dumpxml` prints it.",
        )
    return root


def _sources(root: Element) -> Iterator[str]:
    for source in root.iterfind("devices/disk/source"):
        pool, volume = source.get("pool"), source.get("volume")
        path = plain_path(source.get("file") or source.get("dev") or "")
        yield f"{pool}/{volume}" if pool and volume else path


def _secrets(root: Element) -> Iterator[tuple[Element, str, str]]:
    """Find elements with the attribute that is a password, or their text (no attribute)."""
    for element in root.iter("*"):
        for name in _SECRET_ATTRIBUTES:
            if value := element.get(name):
                yield element, name, value
        if element.tag in _SECRET_ELEMENTS and element.text and element.text.strip():
            yield element, "", element.text


def _put(element: Element, attribute: str, value: str) -> None:
    if attribute:
        element.set(attribute, value)
    else:
        element.text = value
