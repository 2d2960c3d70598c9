"""Every pool and volume of every host: how big, how full, and who uses it. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.empty import no_volumes
from console.screens.listing import ListScreen, Passes
from console.screens.parts import Part
from console.screens.storage.columns import place_of, storage_role, volume_columns
from console.screens.storage.figures import StorageRow, user_names
from console.screens.subjects import SubjectScreen
from console.screens.view import LinkWatch
from console.widgets.live_table import LiveTable
from core.model import Delta, Disk, ObjectKey, Pool, Volume
from core.state.selection import parse_volume_filter
from core.state.storage_rows import pool_key, storage_rows, twins_of
from core.state.usage import below, overlays_of, volumes_at


class VolumesScreen(SubjectScreen, ListScreen[StorageRow], inherit_bindings=False):
    """One table: a pool, then its volumes."""

    BINDINGS = bindings_for("subjects", "list", "volumes")
    registry_layer = "volumes"
    subject_kinds = ("pool", "volume")
    noun = "line"
    filter_words = "words, host:, group:, pool:, format:qcow2, used:no, allocation>1G"

    def __init__(self) -> None:
        super().__init__()
        self._links = LinkWatch()
        self._disks: dict[ObjectKey, tuple[Disk, ...]] = {}

    def make_table(self) -> LiveTable[StorageRow]:
        """The table: hosts, their pools, the volumes of these."""
        view = self.console.view
        return LiveTable(
            volume_columns(view), name_of=place_of, sort="name", row_role=storage_role(view)
        )

    def rows(self) -> Mapping[ObjectKey, StorageRow]:
        """Every pool and volume, and every disk that is in no pool, each once."""
        return storage_rows(self.console.view.state)

    def chosen_subjects(self) -> list[ObjectKey]:
        """The marked lines, or the one under the cursor; no disk of no pool: it has no verbs."""
        state = self.console.view.state
        return [key for key in self.table.chosen if key in state.pools or key in state.volumes]

    def hidden_chosen(self) -> int:
        """How many of the marked ones the filter hides."""
        return self.table.counts.marked_hidden

    def changes(self, delta: Delta) -> tuple[Mapping[Any, StorageRow], Iterable[Hashable]] | None:
        """Pools and volumes that changed; everything when users or hosts may have."""
        state = self.console.view.state
        rows: dict[ObjectKey, StorageRow] = {}
        if self._links.turned(self.console.view, delta):
            return None
        for key in delta.changed:
            if key.kind == "instance":
                if self._moved(key):
                    return None
                rows |= self._disks_of(key)
            if row := state.pools.get(key) or state.volumes.get(key):
                rows[key] = row
                if isinstance(row, Volume) and row.backing:
                    rows |= {one.key: one for one in below(state, row)}
        if any(twins_of(state, pool_key(row)) for row in rows.values()):
            return None  # which of them is shown may be another now
        return rows, [key for key in delta.gone if key.kind in ("pool", "volume")]

    def _disks_of(self, key: ObjectKey) -> dict[ObjectKey, StorageRow]:
        """Return the volumes that are disks of an instance: its figures are theirs."""
        state = self.console.view.state
        instance, places = state.instances.get(key), volumes_at(state)
        sources = [] if instance is None else [disk.source for disk in instance.disks]
        found = [places.get((key.host, one.path)) for one in sources if one is not None]
        return {one.key: one for one in found if one is not None}

    def summary(self) -> list[Part]:
        """Pools and volumes counted apart."""
        state = self.console.view.state
        pools = fmt.plural(len(state.pools), "pool")
        volumes = fmt.plural(len(state.volumes), "volume")
        return [
            Part(f" {pools},", "muted"),  # by itself: all tabs come before it where it is narrow
            Part(f" {volumes} ", "muted"),
            *super().summary()[1:],
        ]

    def parse_filter(self, text: str) -> Passes[StorageRow]:
        """The volumes that pass, and the pools that have one of them."""
        passes, view = parse_volume_filter(text), self.console.view

        def shown(row: StorageRow) -> bool:
            if not isinstance(row, Pool):
                return passes(row, view.state)
            return any(
                volume.pool == row.uuid and volume.host == row.host and passes(volume, view.state)
                for volume in view.state.volumes.values()
            )

        return shown

    def empty_text(self) -> str:
        """How to make a pool."""
        return no_volumes(self.console.view)

    async def action_open_images(self) -> None:
        """Show the base images and who needs them."""
        await self.console.navigation.open_images()

    def action_refresh_pool(self) -> None:
        """Read everything of every host again: pools have no verb of their own yet."""
        self.console.action_resync()

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        row = self.table.cursor.row
        if row is None:
            return
        users = user_names(self.console.view, row)
        over = [] if isinstance(row, Pool) else overlays_of(self.console.view.state, row)
        if users:
            await self.console.navigation.show_instances(f"host:{row.host} {users[0]}")
        elif over:
            text = f"No instance uses {row.name}, and {fmt.listed([one.name for one in over], 3)}"
            lies = "lies" if len(over) == 1 else "lie"
            self.console.notify(f"{text} {lies} over it.", timeout=5, markup=False)
        else:
            self.console.notify(f"No instance uses {row.name}.", timeout=3, markup=False)

    def _moved(self, key: ObjectKey) -> bool:
        """Whether an instance's disks are others than when they were last looked at."""
        row = self.console.view.state.instances.get(key)
        disks = row.disks if row is not None else ()
        before = self._disks.get(key)
        self._disks[key] = disks
        return before is not None and before is not disks and before != disks
