"""Performance events, the backing of memory, CPU shares (nova-map 2.3, rules 5, 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.model.rewrites import Rewrites
from core.xml.rewrite.elements import child, drop, drop_if_empty, section
from core.xml.tree import Element


def perf(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Have exactly the events the destination counts; without any, an empty element stays."""
    if rewrites.perf is None:
        return
    found = root.find("perf")
    if found is not None:
        drop(found, "event")
    for name in rewrites.perf:
        etree.SubElement(section(root, "perf"), "event", name=name, enabled="yes")
    yield from ()


def memory_backing(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Add, change or remove how the memory is backed; huge pages and locking stay."""
    wanted = rewrites.memory_backing
    if wanted is None:
        return
    _back(root, "source", "type", wanted.source)
    _back(root, "access", "mode", wanted.access)
    _back(root, "allocation", "mode", wanted.allocation)
    if wanted.discard is not None:
        _back(root, "discard", "", "yes" if wanted.discard else "")
    yield from ()


def _back(root: Element, name: str, key: str, value: str | None) -> None:
    """Set an element of `<memoryBacking>` with its attribute `key`; an empty value removes it."""
    if value is None:
        return
    if value:
        element = child(section(root, "memoryBacking"), name)
        if key:
            element.set(key, value)
        return
    backing = root.find("memoryBacking")
    if backing is not None and backing.find(name) is not None:
        drop(backing, name)
        drop_if_empty(root, "memoryBacking")


def cpu_shares(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Drop `<shares>`; that there are none is no complaint, for then there is nothing to drop."""
    tune = root.find("cputune")
    if rewrites.drop_cpu_shares and tune is not None:
        drop(tune, "shares")
        drop_if_empty(root, "cputune")
    yield from ()
