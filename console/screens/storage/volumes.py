"""Every pool and volume of every host: how big, how full, and who uses it. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.empty import no_volumes
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.parts import Part
from console.screens.storage.changes import StorageChanges
from console.screens.storage.columns import place_of, storage_role, volume_columns
from console.screens.storage.figures import StorageRow
from console.screens.storage.storage_screen import StorageScreen, to_found_volume
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey, Pool
from core.state.selection import parse_volume_filter
from core.state.storage_rows import storage_rows


class VolumesScreen(MarkedScreen[StorageRow], StorageScreen, inherit_bindings=False):
    """One table: a pool, then its volumes."""

    BINDINGS = bindings_for("subjects", "list", "volumes")
    registry_layer = "volumes"
    noun = "line"
    filter_words = "words, host:, group:, pool:, format:qcow2, used:no, allocation>1G"

    def __init__(self) -> None:
        super().__init__()
        self._changes = StorageChanges()

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

    def show_all(self) -> None:
        """Every line, from what all disks are now."""
        self._changes.look(self.console.view.state)
        super().show_all()

    def changes(self, delta: Delta) -> tuple[Mapping[Any, StorageRow], Iterable[Hashable]] | None:
        """Pools and volumes that changed; everything when users or hosts may have."""
        return self._changes.of(self.console.view, delta)

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

    def _to_found(self) -> None:
        """Go to the first volume that passes, where not all of its pool do."""
        to_found_volume(self.table, self.console.view.state)

    def empty_text(self) -> str:
        """How to make a pool."""
        return no_volumes(self.console.view)

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        if (row := self.table.cursor.row) is not None:
            await self.go_to(row)
