"""What a guest sees of its disks and interfaces must be the same at both ends of a migration. Pure.

libvirt compares both XML when a migration begins and refuses it ("Target disk queue count 0 does
not match source 2"); it has no call that only compares. The properties are those of libvirt's
virDomainDiskDefCheckABIStability and virDomainNetDefCheckABIStability: what rewrites can replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest

from core.model.text import clean
from core.xml.tree import Element, attribute, hexadecimal, parse, text

_Read = Callable[[Element], str]


def abi_breaks(source: str, destination: str) -> tuple[str, ...]:
    """Return what the destination's XML changes for the guest, a sentence each; empty: nothing.

    Devices are paired by their order, as libvirt pairs them. Raises XmlError.
    """
    here, there = parse(source, "domain"), parse(destination, "domain")
    return tuple(
        sentence
        for kind, properties in _KINDS.items()
        for sentence in _of_kind(kind, properties, here, there)
    )


def _of_kind(
    kind: str, properties: dict[str, _Read], here: Element, there: Element
) -> Iterator[str]:
    ours, theirs = here.findall(f"devices/{kind}"), there.findall(f"devices/{kind}")
    for old, new in zip_longest(ours, theirs):
        if old is None or new is None:
            yield f"It has {len(ours)} of <{kind}> now and would have {len(theirs)} there."
            return
        named = _name(kind, old)
        for what, read in properties.items():
            before, after = read(old), read(new)
            if before != after and not (what == "address" and not after):
                yield f"{named}: its {what} is {_said(before)} now and would be {_said(after)}."


def _name(kind: str, device: Element) -> str:
    if kind == "disk":
        return f"disk {attribute(device, 'dev', 'target')}"
    return f"interface {attribute(device, 'address', 'mac')}"


def _said(value: str) -> str:
    return clean(value) or "not set"


def _attribute(name: str, path: str = ".", default: str = "") -> _Read:
    return lambda device: attribute(device, name, path) or default


def _count(name: str, path: str) -> _Read:
    """Read a number of which none and 0 are the same."""

    def read(device: Element) -> str:
        written = attribute(device, name, path)
        return "" if hexadecimal(written, -1) == 0 else written

    return read


def _has(path: str) -> _Read:
    return lambda device: "" if device.find(path) is None else "set"


def _address(device: Element) -> str:
    """Return where it is on its bus; libvirt chooses where the XML says nothing."""
    found = device.find("address")
    kind = attribute(device, "type", "address")
    if found is None or kind not in _PLACES:
        return ""
    places = (hexadecimal(found.get(name) or "0", -1) for name in _PLACES[kind])
    return f"{kind} {':'.join(f'{place:x}' for place in places)}"


_PLACES = {
    "pci": ("domain", "bus", "slot", "function"),
    "drive": ("controller", "bus", "unit"),
}
_VIRTIO: dict[str, _Read] = {
    name: _attribute(name, "driver") for name in ("iommu", "ats", "packed", "page_per_vq")
}
_KINDS: dict[str, dict[str, _Read]] = {
    "disk": {
        "device": _attribute("device", default="disk"),
        "bus": _attribute("bus", "target"),
        "target": _attribute("dev", "target"),
        "serial": lambda device: text(device, "serial"),
        "WWN": lambda device: text(device, "wwn"),
        "write protection": _has("readonly"),
        "model": _attribute("model", default="default"),
        "rotation rate": _count("rotation_rate", "target"),
        "queues": _count("queues", "driver"),
        "queue size": _count("queue_size", "driver"),
        **_VIRTIO,
        "address": _address,
    },
    "interface": {
        "MAC": lambda device: attribute(device, "address", "mac").lower(),
        "model": _attribute("type", "model"),
        "MTU": _count("size", "mtu"),
        **_VIRTIO,
        "address": _address,
    },
}
"""What is compared of each kind of device, by its name in a sentence."""
