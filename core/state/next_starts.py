"""What of the ledger only the next start of an instance has, and not what runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.model import Instance, ObjectKey, State
from core.state.connections import LedgerEntry


def to_be_read(state: State, entries: Iterable[LedgerEntry]) -> list[ObjectKey]:
    """Return the instances that run without a volume that is left over, perhaps until then."""
    found = {one.subject for one in entries if one.standing == "left over" and one.volume.path}
    rows = [state.instances.get(key) for key in found]
    return sorted(row.key for row in rows if row is not None and row.state.active)


def with_next_starts(
    entries: Iterable[LedgerEntry], definitions: Mapping[ObjectKey, Instance]
) -> list[LedgerEntry]:
    """Return the entries, those told apart that the definition of their instance has a disk of."""
    return [_told(one, definitions.get(one.subject)) for one in entries]


def _told(entry: LedgerEntry, defined: Instance | None) -> LedgerEntry:
    path = entry.volume.path
    if entry.standing != "left over" or defined is None or not path:
        return entry
    for disk in defined.disks:
        if any(layer.path == path for layer in disk.layers):
            why = f"what runs has no such disk, the next start of {entry.name} has it as "
            return replace(entry, standing="next start", why=f"{why}{disk.target}")
    return entry
