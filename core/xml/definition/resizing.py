"""A definition with another size: vCPUs and memory. Pure."""

from __future__ import annotations

from core.errors import XmlError
from core.xml.definition.text import child, written
from core.xml.tree import Element, attribute, number, parse, scaled, text

_KIB = 1 << 10


def with_size(document: str, vcpus: int | None, memory: int | None) -> str:
    """Return a definition with so many vCPUs and MiB of memory; None: as it is.

    It has all of them from its next start on, and may have no more. Raises XmlError where its own
    topology or NUMA cells say otherwise.
    """
    root = parse(document, "domain", verbatim=True)
    if vcpus is not None:
        _set_vcpus(root, vcpus)
    if memory is not None:
        _set_memory(root, memory)
    return written(root)


def _set_vcpus(root: Element, count: int) -> None:
    found = root.find("vcpu")
    before = number(text(root, "vcpu")) or 1
    current = number(attribute(root, "current", "vcpu")) or before
    if (before, current) == (count, count):
        return
    if before != count:
        _against_cells(root, "vCPUs")
        _against_topology(root, count)
    found = child(root, "vcpu") if found is None else found
    found.text = str(count)
    if found.get("current") is not None:
        del found.attrib["current"]
    for each in root.findall("vcpus"):
        root.remove(each)
    for pin in root.findall("cputune/vcpupin"):
        if (number(attribute(pin, "vcpu")) or 0) >= count and (
            parent := pin.getparent()
        ) is not None:
            parent.remove(pin)


def _against_topology(root: Element, count: int) -> None:
    topology = root.find("cpu/topology")
    if topology is None:
        return
    shape = [number(topology.get(name) or "1") or 1 for name in _SHAPE]
    fits = 1
    for each in shape:
        fits *= each
    if fits != count:
        raise XmlError(
            f"Its CPU has a topology of {fits} vCPUs.", f"Edit that first, to make {count}: edit."
        )


_SHAPE = ("sockets", "dies", "clusters", "cores", "threads")


def _set_memory(root: Element, mebibytes: int) -> None:
    wanted = mebibytes * _KIB
    if all(_kibibytes(root, name) == wanted for name in ("memory", "currentMemory")):
        return
    if _kibibytes(root, "memory") != wanted:
        _against_cells(root, "memory")
        most = _kibibytes(root, "maxMemory")
        if most is not None and most < wanted:
            raise XmlError(
                f"It may be given {most // _KIB} MiB at most while it runs (maxMemory).",
                "Edit that first.",
            )
    for name in ("memory", "currentMemory"):
        found = root.find(name)
        found = child(root, name) if found is None else found
        found.set("unit", "KiB")
        found.text = str(wanted)


def _kibibytes(root: Element, name: str) -> int | None:
    found = root.find(name)
    if found is None:
        return None
    size = scaled(text(found), found.get("unit") or "KiB")
    return None if size is None else size // _KIB


def _against_cells(root: Element, what: str) -> None:
    if root.find("cpu/numa/cell") is not None:
        raise XmlError(f"Its NUMA cells share out its {what}.", "Edit them: edit.")
