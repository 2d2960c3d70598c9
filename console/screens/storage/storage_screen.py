"""What the screens of pools and volumes have in common. UI thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.widget import Widget

from console.screens.listing import ListScreen, Row
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.storage.figures import StorageRow
from console.screens.storage.opening import open_storage
from console.screens.subjects import READ_ONLY, SubjectScreen
from console.screens.submitting import propose
from console.widgets.live_table import LiveTable
from core.model import ObjectKey, Pool, State
from core.state.storage_rows import NO_POOL, pool_key
from core.state.usage import volume_count
from core.verbs.pool import PoolRefresh
from core.verbs.verb import SubjectKind


class StorageScreen(SubjectScreen, inherit_bindings=False):
    """A screen on which pools and volumes can be chosen."""

    subject_kinds: ClassVar[Sequence[SubjectKind]] = ("pool", "volume")

    async def action_open_images(self) -> None:
        """Show the base images and who needs them."""
        await self.console.navigation.open_images()

    async def action_open_connections(self) -> None:
        """Show what hosts have connected, and what is left over."""
        from console.screens.storage.connections import ConnectionsScreen

        await self.console.push_screen(ConnectionsScreen())

    def action_refresh_pool(self) -> None:
        """Have libvirt look again at the pools of the chosen lines, each once."""
        state = self.console.view.state
        rows = [state.pools.get(key) or state.volumes.get(key) for key in self.chosen_subjects()]
        pools = dict.fromkeys(pool_key(row) for row in rows if row is not None)
        why = "" if pools else "Choose a pool or a volume of one first."
        if self.console.read_only:
            why = f"{READ_ONLY} ^R reads again what libvirt knows."
        if why:
            self.console.notify(why, severity="warning", timeout=6)
        else:
            propose(self, [PoolRefresh(key) for key in pools], hidden=self.hidden_chosen())

    async def go_to(self, row: StorageRow) -> None:
        """Open the page of a pool or volume; a disk in no pool has none."""
        if isinstance(row, Pool) or row.pool != NO_POOL:
            await open_storage(self.console, row.key)
        else:
            self.console.notify(f"{row.path} is in no pool.", timeout=5, markup=False)


def to_found_volume(table: LiveTable[StorageRow], state: State) -> None:
    """Go from a pool that a filter shows for some of its volumes to the first of these.

    What is done next is meant for what was looked for, not for the pool around it.
    """
    pool = table.cursor.row
    if not isinstance(pool, Pool):
        return
    rows = table.model.rows
    inside = (key for key in table.model.order if not isinstance(rows[key], Pool))
    shown = [key for key in inside if pool_key(rows[key]) == pool.key]
    if 0 < len(shown) < volume_count(state, pool):
        table.cursor.go_to(shown[0])


class StoragePage(StorageScreen, PanelledScreen[Row], inherit_bindings=False):
    """One pool or volume: what it is, over a table of what belongs to it."""

    CSS_PATH = "page.tcss"

    def __init__(self, key: ObjectKey) -> None:
        self.key = key
        super().__init__()
        self._facts = Page(id="facts")

    def panel(self) -> Iterable[Widget]:
        """What it is."""
        yield self._facts

    def body(self) -> Iterable[Widget]:
        """The panel, the table, the filter line."""
        table, filter_bar = ListScreen.body(self)
        with self._panel:
            yield from self.panel()
        yield table
        yield filter_bar

    @on(events.Resize)
    def _resized(self) -> None:
        """Columns as wide as the terminal is now."""
        if self.is_mounted:
            self.show_panel()

    def hidden_chosen(self) -> int:
        """How many of the marked ones the filter hides."""
        return self.table.counts.marked_hidden
