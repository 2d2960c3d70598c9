"""Which lines of a table of pools and volumes a delta changed. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from console.screens.storage.figures import StorageRow
from console.screens.view import ChangeWatch, LinkWatch, View
from core.model import Delta, ObjectKey, State, Volume
from core.state.storage_rows import NO_POOL, loose_disks, pool_key, twins_of
from core.state.usage import below, volumes_at

LISTING = 1_000
"""Objects in a delta above which all lines are made anew: less work than to find which."""


class StorageChanges:
    """Remembers what decides whether a delta leaves the other lines as they are."""

    def __init__(self) -> None:
        self._links = LinkWatch()
        self._users = ChangeWatch(instance=lambda row: row.disks and (row.name, row.disks))
        self._places = ChangeWatch(
            host=lambda row: "volumes" in row.listed,
            volume=lambda row: (row.path, row.pool_name, row.name),
        )
        self._loose: Mapping[ObjectKey, Volume] = {}
        """The disks of no pool, as the table has them."""

    def look(self, state: State) -> None:
        """Take everything as it is: the table is made from that now."""
        self._users.look(state)
        self._places.look(state)
        self._loose = loose_disks(state)

    def of(
        self, view: View, delta: Delta
    ) -> tuple[Mapping[Any, StorageRow], Iterable[Hashable]] | None:
        """Pools and volumes that changed; None: users or hosts may have, look at everything."""
        if len(delta.changed) > LISTING:
            return None
        state = view.state
        moved, turned = self._users.moved(state, delta), self._links.turned(view, delta)
        if moved or turned or any(key.kind == "pool" for key in delta.gone):
            return None  # of a pool that is gone another host's may be shown now
        rows: dict[ObjectKey, StorageRow] = {}
        lost: list[ObjectKey] = []
        if self._places.moved(state, delta):
            lost = self._look_at_loose(state, rows)
        for key in delta.changed:
            if key.kind == "instance":
                rows |= {one.key: one for one in self._disks_of(state, key)}
            if row := state.pools.get(key) or state.volumes.get(key):
                rows[key] = row
                if isinstance(row, Volume) and row.backing:
                    rows |= {one.key: one for one in below(state, row)}
        if any(twins_of(state, pool_key(row)) for row in rows.values()):
            return None  # which of them is shown may be another now
        return rows, [*lost, *(key for key in delta.gone if key.kind == "volume")]

    def _look_at_loose(self, state: State, rows: dict[ObjectKey, StorageRow]) -> list[ObjectKey]:
        """Add the disks that are in no pool any more; return those that are in one now."""
        before, self._loose = self._loose, loose_disks(state)
        rows.update({key: one for key, one in self._loose.items() if before.get(key) != one})
        return [key for key in before if key not in self._loose]

    def _disks_of(self, state: State, key: ObjectKey) -> Iterator[Volume]:
        """Find the lines that are disks of an instance: its figures are theirs."""
        instance, places = state.instances.get(key), volumes_at(state)
        for disk in () if instance is None else instance.disks:
            if (source := disk.source) is None:
                continue
            bare = source.path.removeprefix(f"{source.protocol}:")
            loose = ObjectKey("volume", key.host, f"{NO_POOL}/{source.path}")
            found = places.get((key.host, source.path)) or places.get((key.host, bare))
            if found := found or self._loose.get(loose):
                yield found
