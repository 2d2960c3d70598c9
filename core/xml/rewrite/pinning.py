"""Where an instance may run on its host (nova-map 2.3, rules 9 and 10)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.model.rewrites import CellNodes, NumaPinning, Pin, Rewrites
from core.xml.cpusets import read_set, write_set
from core.xml.rewrite.elements import child, drop, put, section
from core.xml.tree import Element, attribute, number, text


def cpuset(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Set the CPUs of the host that all vCPUs may use; none given: any."""
    if rewrites.cpuset is None:
        return
    vcpu = root.find("vcpu")
    if vcpu is None:
        yield "The instance says no number of vCPUs, so they cannot have a cpuset."
        return
    put(vcpu, "cpuset", rewrites.cpuset)
    if rewrites.cpuset and vcpu.get("placement") == "auto":
        vcpu.set("placement", "static")  # else libvirt asks numad and takes no notice of it


def numa(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Pin vCPUs, emulator, memory and I/O threads, and schedule vCPUs, as the destination can."""
    pinning = rewrites.numa
    if pinning is None:
        return
    yield from _vcpus(root, pinning.vcpus)
    if pinning.emulator:
        child(section(root, "cputune"), "emulatorpin").set("cpuset", pinning.emulator)
    yield from _memory(root, pinning.cells)
    yield from _schedule(root, pinning)
    _iothreads(root, pinning.iothreads)


def _vcpus(root: Element, pins: tuple[Pin, ...]) -> Iterator[str]:
    count = number(text(root, "vcpu")) or 0
    for pin in pins:
        if pin.id < count:
            _pin(root, "vcpupin", "vcpu", pin)
        else:
            yield f"The instance has no vCPU {pin.id}: it has {count}."


def _pin(root: Element, name: str, key: str, pin: Pin) -> None:
    tune = section(root, "cputune")
    for element in tune.findall(name):
        if number(attribute(element, key)) == pin.id:
            element.set("cpuset", pin.cpuset)
            return
    etree.SubElement(tune, name, {key: str(pin.id), "cpuset": pin.cpuset})


def _iothreads(root: Element, pins: tuple[Pin, ...]) -> None:
    """Pin the I/O threads there are: one that is gone is no reason not to move (bug 2139351)."""
    ids = {number(attribute(thread, "id")) for thread in root.findall("./iothreadids/iothread")}
    count = number(text(root, "iothreads")) or 0
    for pin in pins:
        if pin.id in ids or (not ids and 1 <= pin.id <= count):
            _pin(root, "iothreadpin", "iothread", pin)


def _memory(root: Element, cells: tuple[CellNodes, ...]) -> Iterator[str]:
    """Bind each cell of the guest to its nodes, and the memory as a whole to all of them."""
    if not cells:
        return
    known = _cells(root)
    missing = [cell.cell for cell in cells if cell.cell not in known]
    if missing:
        yield from (f"The instance has no NUMA cell {cell}." for cell in missing)
        return
    tune = section(root, "numatune")
    bound, memory = tune.findall("memnode"), tune.find("memory")
    free = sorted(known - {cell.cell for cell in cells} - _bound(bound))
    mode = "" if memory is None else attribute(memory, "mode")
    # libvirt refuses restrictive memory with cells of another mode
    mode = mode or next((attribute(node, "mode") for node in bound), "") or "strict"
    if free and memory is not None and not attribute(memory, "nodeset"):
        yield (
            f"The memory of the NUMA cell {free[0]} is placed by the host, which libvirt does for "
            "all cells or none: name its nodes, too."
        )
        return
    if not free or memory is not None:  # else a nodeset for all would bind the free ones, too
        memory = child(tune, "memory")
        memory.set("mode", mode)
        memory.set("nodeset", write_set(_nodes(known, memory, bound, cells)))
        put(memory, "placement", "")
    for cell in cells:
        _bind(tune, cell, mode)


def _bound(nodes: list[Element]) -> set[int | None]:
    return {number(attribute(node, "cellid")) for node in nodes}


def _nodes(
    known: set[int], memory: Element, bound: list[Element], cells: tuple[CellNodes, ...]
) -> frozenset[int]:
    """Return the host's nodes that the memory may be on: of the cells that stay as well."""
    nodes = frozenset[int]().union(*(read_set(cell.nodes) or () for cell in cells))
    left = known - {cell.cell for cell in cells}
    for node in bound:
        cell = number(attribute(node, "cellid"))
        if cell in left:
            left.discard(cell)
            nodes |= read_set(attribute(node, "nodeset")) or frozenset()
    if left:  # these have no nodes of their own: they are where the memory as a whole is
        nodes |= read_set(attribute(memory, "nodeset")) or frozenset()
    return nodes


def _cells(root: Element) -> set[int]:
    """Return the numbers of the guest's NUMA cells; libvirt counts those that say none."""
    cells = root.findall("./cpu/numa/cell")
    numbers = {
        index if (said := number(attribute(cell, "id"))) is None else said
        for index, cell in enumerate(cells)
    }
    bound = (number(attribute(node, "cellid")) for node in root.findall("./numatune/memnode"))
    return numbers | {cell for cell in bound if cell is not None}


def _bind(tune: Element, cell: CellNodes, mode: str) -> None:
    for node in tune.findall("memnode"):
        if number(attribute(node, "cellid")) == cell.cell:
            node.set("nodeset", cell.nodes)
            return
    etree.SubElement(tune, "memnode", cellid=str(cell.cell), mode=mode, nodeset=cell.nodes)


def _schedule(root: Element, pinning: NumaPinning) -> Iterator[str]:
    """Replace every `<vcpusched>`: changing the first only left the others (bug 1889257)."""
    if not pinning.schedulers:
        return
    count = number(text(root, "vcpu")) or 0
    tune = section(root, "cputune")
    drop(tune, "vcpusched")
    for scheduler in pinning.schedulers:
        missing = [vcpu for vcpu in read_set(scheduler.vcpus) or () if vcpu >= count]
        if missing:
            yield f"The instance has no vCPU {min(missing)} to be scheduled: it has {count}."
            continue
        element = etree.SubElement(
            tune, "vcpusched", vcpus=scheduler.vcpus, scheduler=scheduler.scheduler
        )
        if scheduler.priority is not None:
            element.set("priority", str(scheduler.priority))
