"""One pool: what it is, over its volumes. UI thread. No call is made for this page."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.listing import Passes
from console.screens.parts import Part
from console.screens.storage.changes import StorageChanges
from console.screens.storage.columns import place_of, storage_role, volume_columns
from console.screens.storage.facts_lines import pool_lines
from console.screens.storage.figures import StorageRow
from console.screens.storage.storage_screen import StoragePage, to_found_volume
from console.widgets.columns import Cell
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey, Pool
from core.state.selection import parse_volume_filter
from core.state.usage import volume_count


class PoolScreen(StoragePage[StorageRow], inherit_bindings=False):
    """The pool is the first line, so that what can be done to it is chosen as for a volume."""

    BINDINGS = bindings_for("subjects", "list", "panel", "volumes")
    registry_layer = "pool"
    noun = "line"
    filter_words = "words, format:qcow2, used:no, allocation>1G"

    def __init__(self, key: ObjectKey) -> None:
        super().__init__(key)
        self._changes = StorageChanges()

    def make_table(self) -> LiveTable[StorageRow]:
        """The table: the pool, its volumes."""
        view = self.console.view
        columns = [one for one in volume_columns(view) if one.id != "host"]
        return LiveTable(columns, name_of=place_of, sort="name", row_role=storage_role(view))

    @property
    def _row(self) -> Pool | None:
        """The pool as it is now; None when it is gone."""
        return self.console.view.state.pools.get(self.key)

    def crumbs(self) -> tuple[str, ...]:
        """Its name and host."""
        row = self._row
        return ("volumes", "gone" if row is None else row.name, self.key.host)

    def rows(self) -> Mapping[ObjectKey, StorageRow]:
        """The pool and its volumes."""
        row, state = self._row, self.console.view.state
        if row is None:
            return {}
        inside = {key: one for key, one in state.volumes.items() if self._inside(key)}
        return {row.key: row, **inside}

    def show_all(self) -> None:
        """Every line, from what all disks are now."""
        self._changes.look(self.console.view.state)
        super().show_all()

    def changes(self, delta: Delta) -> tuple[Mapping[Any, StorageRow], Iterable[Hashable]] | None:
        """Those of its lines that changed."""
        found = self._changes.of(self.console.view, delta)
        if found is None:
            return None
        rows, gone = found
        return {key: row for key, row in rows.items() if self._inside(key)}, gone

    def _inside(self, key: ObjectKey) -> bool:
        if key.kind == "pool":
            return key == self.key
        return key.host == self.key.host and key.id.startswith(f"{self.key.id}/")

    def summary(self) -> list[Part]:
        """How many volumes."""
        row = self._row
        count = 0 if row is None else volume_count(self.console.view.state, row)
        return [Part(f" {fmt.plural(count, 'volume')} ", "muted"), *super().summary()[1:]]

    def parse_filter(self, text: str) -> Passes[StorageRow]:
        """The volumes that pass; the pool stays."""
        passes, view = parse_volume_filter(text), self.console.view
        return lambda row: isinstance(row, Pool) or passes(row, view.state)

    def _to_found(self) -> None:
        """Go to the first volume that passes, where not all of its pool do."""
        to_found_volume(self.table, self.console.view.state)

    def empty_text(self) -> str:
        """That it is gone."""
        return "This pool is gone: it is neither defined nor active."

    def chosen_subjects(self) -> list[ObjectKey]:
        """The marked lines, or the one under the cursor."""
        return list(self.table.chosen)

    def show_panel(self) -> None:
        """What is known of it."""
        row = self._row
        lines = [] if row is None else pool_lines(self.console.view, row, self.size.width)
        self._facts.show(lines or [Cell(" It is gone.", "warning")])

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        row = self.table.cursor.row
        if isinstance(row, Pool):
            self.action_verb_menu()
        elif row is not None:
            await self.go_to(row)
