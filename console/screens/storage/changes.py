"""Which lines of a table of pools and volumes a delta changed. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from console.screens.storage.figures import StorageRow
from console.screens.view import LinkWatch, View
from core.model import Delta, Disk, ObjectKey, Volume
from core.state.storage_rows import pool_key, twins_of
from core.state.usage import below, volumes_at


class StorageChanges:
    """Remembers what decides whether a delta leaves the other lines as they are."""

    def __init__(self) -> None:
        self._links = LinkWatch()
        self._disks: dict[ObjectKey, tuple[Disk, ...]] = {}

    def of(
        self, view: View, delta: Delta
    ) -> tuple[Mapping[Any, StorageRow], Iterable[Hashable]] | None:
        """Pools and volumes that changed; None: users or hosts may have, look at everything."""
        state = view.state
        rows: dict[ObjectKey, StorageRow] = {}
        if self._links.turned(view, delta):
            return None
        for key in delta.changed:
            if key.kind == "instance":
                if self._moved(view, key):
                    return None
                rows |= _disks_of(view, key)
            if row := state.pools.get(key) or state.volumes.get(key):
                rows[key] = row
                if isinstance(row, Volume) and row.backing:
                    rows |= {one.key: one for one in below(state, row)}
        if any(twins_of(state, pool_key(row)) for row in rows.values()):
            return None  # which of them is shown may be another now
        return rows, [key for key in delta.gone if key.kind in ("pool", "volume")]

    def _moved(self, view: View, key: ObjectKey) -> bool:
        """Whether an instance's disks are others than when they were last looked at."""
        row = view.state.instances.get(key)
        disks = row.disks if row is not None else ()
        before = self._disks.get(key)
        self._disks[key] = disks
        return before is not None and before is not disks and before != disks


def _disks_of(view: View, key: ObjectKey) -> dict[ObjectKey, StorageRow]:
    """Return the volumes that are disks of an instance: its figures are theirs."""
    instance, places = view.state.instances.get(key), volumes_at(view.state)
    sources = [] if instance is None else [disk.source for disk in instance.disks]
    found = [places.get((key.host, one.path)) for one in sources if one is not None]
    return {one.key: one for one in found if one is not None}
