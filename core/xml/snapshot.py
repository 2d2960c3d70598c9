"""Snapshots from their XML."""

from __future__ import annotations

from core.model import Snapshot
from core.xml.tree import attribute, exact, number, paragraph, parse, text


def read_snapshot(xml: str) -> Snapshot:
    """Return the snapshot that a `<domainsnapshot>` describes. Raises XmlError.

    It is external when its memory or any disk is kept outside the disk's image. `current` is only
    in the XML of old libvirts: ask libvirt otherwise.
    """
    snapshot = parse(xml, "domainsnapshot")
    kept = [attribute(part, "snapshot") for part in snapshot.iterfind("disks/disk")]
    kept.append(attribute(snapshot, "snapshot", "memory"))
    created = number(text(snapshot, "creationTime"))
    return Snapshot(
        name=exact(snapshot, "name"),
        parent=exact(snapshot, "parent/name"),
        created=None if created is None else float(created),
        state=text(snapshot, "state"),
        description=paragraph(snapshot, "description"),
        current=text(snapshot, "active") == "1",
        external="external" in kept,
    )
