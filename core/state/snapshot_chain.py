"""Whether the files of an instance's disks are those that its snapshots' metadata names. Pure.

libvirt keeps a snapshot's metadata apart from the files. Where somebody merged, moved or deleted
files by hand, it trusts the metadata: it cannot delete the snapshot then, and a revert was seen to
remove the wrong file (libvirt 11.3, shared/lifecycle 1.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.model import Disk, Instance, Snapshot
from core.model.text import clean

_OF_REVERT = re.compile(r"\.\d{9,}$")
"""libvirt names the file that it goes on with after a revert by the seconds of that moment."""


def line_to_current(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the current snapshot and those it was made from, the oldest first."""
    known = {one.name: one for one in snapshots}
    step = next((one for one in snapshots if one.current), None)
    line: list[Snapshot] = []
    while step is not None and step not in line:
        line.insert(0, step)
        step = known.get(step.parent)
    return line


def chain_faults(instance: Instance, snapshots: Sequence[Snapshot]) -> list[str]:
    """Return what is wrong between the chains of the disks and the snapshots, a sentence each.

    Only where the chain is known: of an instance that runs, or that has run.
    """
    line = line_to_current(snapshots)
    return [
        fault
        for disk in instance.disks
        if disk.source is not None and disk.backing and _named(line, disk.target)
        for fault in _faults_of(disk, line, snapshots)
    ]


def _named(line: Iterable[Snapshot], target: str) -> list[tuple[Snapshot, str]]:
    """Return the files that snapshots of a line have for a disk, the lowest first."""
    return [
        (snapshot, disk.file)
        for snapshot in line
        for disk in snapshot.disks
        if disk.target == target and disk.file
    ]


def _faults_of(
    disk: Disk, line: Sequence[Snapshot], snapshots: Sequence[Snapshot]
) -> Iterator[str]:
    assert disk.source is not None
    layers = [disk.source.path, *(one.path for one in disk.backing)]
    named = _named(line, disk.target)
    reverted = bool(_OF_REVERT.search(layers[0]))
    for snapshot, file in named:
        if file in layers or (reverted and snapshot.current):
            continue
        yield (
            f"{clean(disk.target)}: {clean(file)}, which {clean(snapshot.name)} was made with, is "
            "not in its chain"
        )
    lowest = max((layers.index(file) for _, file in named if file in layers), default=0)
    anyones = {each.file for one in snapshots for each in one.disks}
    for above, layer in enumerate(layers[:lowest]):
        if layer not in anyones and not (above == 0 and reverted):
            yield f"{clean(disk.target)}: {clean(layer)} lies in its chain, and no snapshot has it"


def files_of(snapshots: Iterable[Snapshot]) -> frozenset[str]:
    """Return the paths of all files that snapshots have beside the images."""
    found = {disk.file for one in snapshots for disk in one.disks}
    return frozenset(found | {one.memory_file for one in snapshots}) - {""}


def costs(snapshot: Snapshot, allocations: Mapping[str, int]) -> int | None:
    """Return the bytes that the files of an external snapshot take; None: not known, or internal.

    `allocations` by path: of volumes, for files whose size was not told with the snapshot.
    """
    files = [disk for disk in snapshot.disks if disk.file]
    sizes = [
        disk.allocation if disk.allocation is not None else allocations.get(disk.file)
        for disk in files
    ]
    if snapshot.memory_file:
        sizes.append(allocations.get(snapshot.memory_file))
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None
