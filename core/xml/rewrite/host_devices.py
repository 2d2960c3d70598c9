"""Devices of the host that a guest has: mediated, PCI, persistent memory (nova-map 2.3, 11-13).

Each is looked up by what it is called at the source, so two may change places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.model.rewrites import Rewrites
from core.xml.tree import Element, attribute, hexadecimal, text

_PCI = re.compile(
    r"(?:(?P<domain>[0-9a-f]{1,8}):)?(?P<bus>[0-9a-f]{1,2}):(?P<slot>[0-9a-f]{1,2})\.(?P<function>[0-7])",
    re.IGNORECASE,
)
_PARTS = ("domain", "bus", "slot", "function")
_WIDTHS = (4, 2, 2, 1)
_PciAddress = tuple[int, ...]


def read_pci(address: str) -> _PciAddress | None:
    """Return domain, bus, slot and function of `0000:06:02.0`; None for what is no PCI address."""
    found = _PCI.fullmatch(address.strip())
    return tuple(int(found[part] or "0", 16) for part in _PARTS) if found else None


def moved_word(word: str, rewrites: Rewrites) -> str:
    """Return what a device is called at the destination: `pci:0000:06:02.0`, `mdev:UUID`.

    What no rewrite names, and what is called otherwise (a MAC address), is what it was.
    """
    kind, _, name = word.partition(":")
    if kind == "pci":
        source = read_pci(name)
        moves = [one for one in rewrites.pci if source and read_pci(one.source) == source]
        there = read_pci(moves[0].destination) if moves else None
        return word if there is None else "pci:{:04x}:{:02x}:{:02x}.{:x}".format(*there)
    if kind == "mdev":
        uuids = {one.source.lower(): one.destination.lower() for one in rewrites.mdev}
        return f"mdev:{uuids.get(name.lower(), name)}"
    return word


def mdev(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Give each mediated device its UUID at the destination; each must have its entry."""
    if not rewrites.mdev:
        return
    targets = {move.source.lower(): move.destination for move in rewrites.mdev}
    found = set()
    for address in root.findall("./devices/hostdev[@type='mdev']/source/address"):
        uuid = attribute(address, "uuid").lower()
        found.add(uuid)
        if uuid in targets:
            address.set("uuid", targets[uuid])
        else:
            yield f"The mediated device {uuid} has no entry: it is another one at the destination."
    for uuid in targets:
        if uuid not in found:
            yield f"The instance has no mediated device {uuid}."


def pci(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Give PCI devices of the host, network functions too, their address at the destination."""
    targets = {read_pci(move.source): move for move in rewrites.pci}
    found = set()
    for kind in ("hostdev[@type='pci']", "interface[@type='hostdev']"):
        for address in root.findall(f"./devices/{kind}/source/address"):
            source = tuple(hexadecimal(attribute(address, part)) for part in _PARTS)
            move = targets.get(source)
            if move is not None:
                found.add(source)
                _set_pci(address, read_pci(move.destination) or source)
    for address_of, move in targets.items():
        if address_of not in found:
            yield f"The instance has no PCI device {move.source} of its host."


def _set_pci(address: Element, target: _PciAddress) -> None:
    for part, width, value in zip(_PARTS, _WIDTHS, target, strict=True):
        address.set(part, f"0x{value:0{width}x}")


def pmem(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Give persistent memory its path at the destination."""
    targets = {move.source: move.destination for move in rewrites.pmem}
    found = set()
    for model in ("nvdimm", "virtio-pmem"):
        for path in root.findall(f"./devices/memory[@model='{model}']/source/path"):
            source = text(path)
            if source in targets:
                found.add(source)
                path.text = targets[source]
    for source in targets:
        if source not in found:
            yield f"The instance has no persistent memory at {source}."
