"""All migrations in one line each, and the one under the cursor in a few more. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget

from console.actions.registry import bindings_for
from console.screens.empty import no_migrations
from console.screens.listing import Passes
from console.screens.matching import groups_of_hosts, word_filter
from console.screens.migrations import log, panels
from console.screens.migrations.columns import migration_columns, text_of
from console.screens.migrations.controls import ControlsPanel, controls
from console.screens.migrations.steering import SteeringScreen
from console.screens.migrations.words import lost, name_of
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.view import LinkWatch
from console.widgets.live_table import LiveTable
from core.model import Delta, Migration, ObjectKey

UNFINISHED = "!completed !aborted !failed"
"""The filter that leaves only what is not over."""
_LATELY = 3
"""What was done, as far as the panel shows it."""


class MigrationsScreen(SteeringScreen, PanelledScreen[Migration], inherit_bindings=False):
    """A table, running first, over what is to be said of the one under the cursor."""

    CSS_PATH = "migrations.tcss"
    BINDINGS = bindings_for("list", "panel", "steer", "migrations")
    registry_layer = "migrations"
    noun = "migration"
    filter_words = "words of instance, host, status, verdict, policy, author, group:prod, !word"

    def __init__(self) -> None:
        super().__init__()
        self._links = LinkWatch()
        self._about = Page(id="about")
        self._controls = ControlsPanel(id="controls")

    def make_table(self) -> LiveTable[Migration]:
        """The table: running, queued, the newest of what is over."""
        view = self.console.view
        return LiveTable(
            migration_columns(view),
            name_of=name_of,
            row_role=lambda row: "muted" if lost(view, row) else "",
            sort="status",
        )

    def panel(self) -> Iterable[Widget]:
        """What is to be said of a migration, and what can be done about it."""
        yield self._about
        yield self._controls

    def rows(self) -> Mapping[str, Migration]:
        """Every migration that is remembered."""
        return self.console.view.state.migrations

    def changes(self, delta: Delta) -> tuple[Mapping[Any, Migration], Iterable[Hashable]]:
        """Migrations that moved on, and all of a host whose link did."""
        rows = self.rows()
        turned = self._links.turned(self.console.view, delta)
        changed = {
            key.id: rows[key.id]
            for key in delta.changed
            if key.kind == "migration" and key.id in rows
        }
        changed.update((number, row) for number, row in rows.items() if row.host in turned)
        return changed, [key.id for key in delta.gone if key.kind == "migration"]

    def in_view(self) -> frozenset[ObjectKey]:
        """The rows on the screen, by their keys as objects."""
        rows = self.rows()
        shown = [rows[number] for number in self.table.keys_in_view if number in rows]
        return frozenset(row.key for row in shown)

    def parse_filter(self, text: str) -> Passes[Migration]:
        """Words, and groups of the host it leaves and of the one it goes to."""
        view = self.console.view
        return word_filter(
            text, text_of, lambda row: groups_of_hosts(view.state.hosts, (row.host, row.to))
        )

    def empty_text(self) -> str:
        """How to begin one."""
        return no_migrations(self.console.view)

    def show_time(self) -> None:
        """What is not over takes longer and longer."""
        rows = self.rows()
        self.table.update_rows({key: row for key, row in rows.items() if not row.status.final})
        self.show_panel()

    def chosen_migration(self) -> Migration | None:
        """The one under the cursor: commands are given one at a time."""
        return self.rows().get(self.table.cursor.key or "")

    def action_unfinished(self) -> None:
        """Only what is not over, and back."""
        self.set_filter("" if self.filter_text == UNFINISHED else UNFINISHED)

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        """Another row, perhaps other keys in the footer."""
        self.show_panel()
        self.show_lines()

    def show_panel(self) -> None:
        """How far it is, what was done, what can be done."""
        row = self.chosen_migration()
        if row is None:
            self._about.show([])
        else:
            view, width = self.console.view, self.size.width
            lines = panels.summary(view, row, width)
            self._about.show([*lines, *log.actions(view, row, _LATELY)])
        able = [control for control in controls(row) if not control.against] if row else []
        self._controls.show(able, self.console.actions)
        self._controls.display = bool(able)

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        from console.screens.migrations.migration import MigrationScreen

        row = self.chosen_migration()
        if row is not None:
            await self.console.push_screen(MigrationScreen(row.id))
