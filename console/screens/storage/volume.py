"""One volume: what it is, over the chain of images it belongs to and the disks they are. UI thread.

All of it is in the state: no call is made for this page.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.listing import Passes
from console.screens.matching import word_filter
from console.screens.parts import Part
from console.screens.storage.facts_lines import volume_lines
from console.screens.storage.opening import open_storage
from console.screens.storage.storage_screen import StoragePage
from console.screens.storage.tree_columns import line_name, tree_columns, words_of
from console.widgets.columns import Cell
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey, Volume
from core.state.volume_tree import LineKey, TreeLine, tree_of_volume


class VolumeScreen(StoragePage[TreeLine], inherit_bindings=False):
    """Enter on an image or a disk goes there; verbs are for the volume itself."""

    BINDINGS = bindings_for("subjects", "list", "panel", "volumes", "volume")
    registry_layer = "volume"
    subject_kinds = ("volume",)
    noun = "line"
    filter_words = "words of image, pool, instance, target, host, access, !word"

    def __init__(self, key: ObjectKey) -> None:
        super().__init__(key)
        self._shown: Mapping[LineKey, TreeLine] = {}

    def make_table(self) -> LiveTable[TreeLine]:
        """The table: the tree."""
        view = self.console.view
        return LiveTable(
            tree_columns(view),
            name_of=line_name,
            sort="name",
            row_role=lambda row: "muted" if view.stale(row.host) else "",
        )

    @property
    def _row(self) -> Volume | None:
        """The volume as it is now; None when it is gone."""
        return self.console.view.state.volumes.get(self.key)

    def crumbs(self) -> tuple[str, ...]:
        """Its pool and its name."""
        row = self._row
        names = ("gone",) if row is None else (row.pool_name, row.name)
        return ("volumes", *names, self.key.host)

    def in_view(self) -> frozenset[ObjectKey]:
        """The volume, its chain, and whose disks they are."""
        lines = self._shown.values()
        images = {line.image.key for line in lines if line.image is not None}
        return frozenset({self.key} | images | {line.use.instance for line in lines if line.use})

    def rows(self) -> Mapping[LineKey, TreeLine]:
        """Its chain."""
        row = self._row
        lines = () if row is None else tree_of_volume(self.console.view.state, row)
        self._shown = {line.key: line for line in lines}
        return self._shown

    def changes(self, delta: Delta) -> tuple[Mapping[Any, TreeLine], Iterable[Hashable]] | None:
        """The lines that are others now, or whose figures may be."""
        before = self._shown
        if any(key.kind == "host" for key in delta.changed):
            return None
        now, moved = self.rows(), delta.changed
        changed = {
            key: line
            for key, line in now.items()
            if before.get(key) != line or (line.use is not None and line.use.instance in moved)
        }
        return changed, [key for key in before if key not in now]

    def summary(self) -> list[Part]:
        """How many images and disks."""
        disks = sum(line.use is not None for line in self._shown.values())
        images = len(self._shown) - disks
        words = f" {fmt.plural(images, 'image')}, {fmt.plural(disks, 'disk')} "
        return [Part(words, "muted"), *super().summary()[1:]]

    def parse_filter(self, text: str) -> Passes[TreeLine]:
        """Words."""
        return word_filter(text, words_of, lambda _: ())

    def empty_text(self) -> str:
        """That it is gone."""
        return "This volume is gone from its pool, or its pool was stopped."

    def chosen_subjects(self) -> list[ObjectKey]:
        """This one, whatever the cursor is on."""
        return [self.key]

    def hidden_chosen(self) -> int:
        """It is the page."""
        return 0

    def show_panel(self) -> None:
        """What is known of it."""
        row = self._row
        width = self.size.width
        lines = [] if row is None else volume_lines(self.console.view, row, width)
        self._facts.show(lines or [Cell(" It is gone.", "warning")])

    async def action_open_its_pool(self) -> None:
        """Go to its pool."""
        row = self._row
        if row is not None:
            await open_storage(self.console, ObjectKey("pool", row.host, row.pool))

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        line = self.table.cursor.row
        if line is None:
            return
        if line.use is not None:
            await self.console.navigation.open_instance(line.use.instance, "disks")
        elif line.this:
            self.action_verb_menu()
        elif line.image is not None:
            await self.go_to(line.image)
