"""What of the ledger only the next start of an instance has, and not what runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from core.model import Disk, Instance, ObjectKey, State
from core.model.connected_volume import ConnectedVolume
from core.model.paths import plain_path
from core.state.connections import LedgerEntry


def to_be_read(state: State, entries: Iterable[LedgerEntry]) -> list[ObjectKey]:
    """Return the instances that run without a volume that is left over, perhaps until then."""
    found = {one.subject for one in entries if one.standing == "left over" and one.volume.path}
    rows = [state.instances.get(key) for key in found]
    return sorted(row.key for row in rows if row is not None and row.state.active)


def disk_of(volume: ConnectedVolume, defined: Instance) -> Disk | None:
    """Return the disk by which a definition has a volume; None: it has none of it."""
    wanted = plain_path(volume.path)
    if not wanted:
        return None
    for disk in defined.disks:
        if any(plain_path(layer.path) == wanted for layer in disk.layers):
            return disk
    return None


def with_next_starts(
    entries: Iterable[LedgerEntry],
    definitions: Mapping[ObjectKey, Instance],
    unread: Collection[ObjectKey] = (),
) -> list[LedgerEntry]:
    """Return the entries, those told apart that the definition of their instance has a disk of.

    Of instances that are `unread` it is told that nobody has seen their definition.
    """
    return [_told(one, definitions.get(one.subject), one.subject in unread) for one in entries]


def _told(entry: LedgerEntry, defined: Instance | None, unread: bool) -> LedgerEntry:
    if entry.standing != "left over":
        return entry
    if unread and entry.volume.path:
        return replace(entry, why=f"{entry.why}; what its next start has could not be read")
    disk = None if defined is None else disk_of(entry.volume, defined)
    if disk is None:
        return entry
    why = f"what runs has no such disk, the next start of {entry.name} has it as {disk.target}"
    return replace(entry, standing="next start", why=why)
