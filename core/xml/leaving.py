"""The XML of a guest that has let go of its host's devices before it moves. Pure."""

from __future__ import annotations

from lxml import etree
from msgspec.structs import replace

from core.model.rewrites import Rewrites
from core.xml.rewrite.host_devices import read_pci
from core.xml.tree import Element, attribute, hexadecimal, parse

_BOUND = (
    "devices/hostdev[@type='pci']",
    "devices/hostdev[@type='mdev']",
    "devices/interface[@type='hostdev']",
)
_PCI = ("devices/hostdev[@type='pci']", "devices/interface[@type='hostdev']")


def without_bound(xml: str) -> str:
    """Return a domain's XML without what holds it to its host. Raises XmlError."""
    root = parse(xml, "domain")
    for path in _BOUND:
        for device in root.findall(path):
            parent = device.getparent()
            assert parent is not None
            parent.remove(device)
    return etree.tostring(root, encoding="unicode")


def parted(xml: str, rewrites: Rewrites) -> tuple[Rewrites, Rewrites]:
    """Return the rewrites without those of devices and interfaces a domain has not; those alone.

    Raises XmlError.
    """
    root = parse(xml, "domain")
    addresses = {
        _address(found) for path in _PCI for found in root.iterfind(f"{path}/source/address")
    }
    mediated = root.iterfind("devices/hostdev[@type='mdev']/source/address")
    uuids = {attribute(found, "uuid").lower() for found in mediated}
    macs = {attribute(found, "address").lower() for found in root.iterfind("devices/interface/mac")}
    pci = tuple(one for one in rewrites.pci if read_pci(one.source) in addresses)
    mdev = tuple(one for one in rewrites.mdev if one.source.lower() in uuids)
    cards = tuple(one for one in rewrites.interfaces if one.mac.lower() in macs)
    rest = Rewrites(
        pci=tuple(one for one in rewrites.pci if one not in pci),
        mdev=tuple(one for one in rewrites.mdev if one not in mdev),
        interfaces=tuple(one for one in rewrites.interfaces if one not in cards),
    )
    return replace(rewrites, pci=pci, mdev=mdev, interfaces=cards), rest


def _address(found: Element) -> tuple[int, ...]:
    parts = ("domain", "bus", "slot", "function")
    return tuple(hexadecimal(attribute(found, part)) for part in parts)
