"""Snapshots from their XML."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from core.model import Snapshot, SnapshotDisk
from core.model.text import natural_key
from core.xml.disk import read_source
from core.xml.tree import Element, attribute, exact, number, paragraph, parse, text


def read_snapshot(xml: str, host: str = "", uuid: str = "") -> Snapshot:
    """Return the snapshot that a `<domainsnapshot>` describes, as one of an instance of a host.

    Raises XmlError.

    It is external when its memory or any disk is kept outside the disk's image. `current` is only
    in the XML of old libvirts: ask libvirt otherwise.
    """
    snapshot = parse(xml, "domainsnapshot")
    disks = tuple(map(_read_disk, snapshot.iterfind("disks/disk")))
    kept = [disk.kept for disk in disks]
    memory = attribute(snapshot, "snapshot", "memory")
    kept.append(memory)
    created = number(text(snapshot, "creationTime"))
    return Snapshot(
        name=exact(snapshot, "name"),
        parent=exact(snapshot, "parent/name"),
        created=None if created is None else float(created),
        state=text(snapshot, "state"),
        description=paragraph(snapshot, "description"),
        current=text(snapshot, "active") == "1",
        external="external" in kept,
        memory=memory,
        memory_file=attribute(snapshot, "file", "memory"),
        disks=disks,
        host=host,
        uuid=uuid,
    )


def _read_disk(disk: Element) -> SnapshotDisk:
    kept = attribute(disk, "snapshot")
    source = read_source(disk) if kept == "external" else None
    return SnapshotDisk(attribute(disk, "name"), kept, "" if source is None else source.path)


def in_order(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Return snapshots as they were made: parents before children, then by time, then by name.

    Times alone do not tell: libvirt gives whole seconds, and those of one that was redefined may
    be anything.
    """
    listed = list(snapshots)
    names = {each.name for each in listed}
    below: dict[str, list[int]] = {}
    for place, each in enumerate(listed):
        below.setdefault(each.parent if each.parent in names else "", []).append(place)
    found: list[int] = []
    waiting = [_rank(listed[place], place) for place in below.pop("", [])]
    heapq.heapify(waiting)
    while waiting:
        place = heapq.heappop(waiting)[-1]
        found.append(place)
        for child in below.pop(listed[place].name, []):
            heapq.heappush(waiting, _rank(listed[child], child))
    circular = sorted(set(range(len(listed))) - set(found))  # parents of each other
    return tuple(listed[place] for place in (*found, *circular))


def _rank(snapshot: Snapshot, place: int) -> tuple[float, str, int]:
    made = math.inf if snapshot.created is None else snapshot.created
    return made, natural_key(snapshot.name), place
