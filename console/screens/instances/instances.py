"""All instances of all hosts in one dense table. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console.actions.registry import bindings_for
from console.screens.empty import no_instances
from console.screens.instances.columns import instance_columns, instance_role
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.subjects import InstanceChoosingScreen
from console.screens.view import LinkWatch
from console.widgets.live_table import LiveTable
from core.model import Delta, Instance, ObjectKey
from core.state.selection import parse_filter

FAULTS = "alert:yes"
"""The filter that leaves only what has an alert."""


class InstancesScreen(MarkedScreen[Instance], InstanceChoosingScreen, inherit_bindings=False):
    """The first screen."""

    BINDINGS = bindings_for("subjects", "list", "power", "instances")
    registry_layer = "instances"
    noun = "instance"
    filter_words = "words, state:off, host:a, group:b, network:c, cpu>50, !word"

    def __init__(self) -> None:
        super().__init__()
        self._links = LinkWatch()

    def make_table(self) -> LiveTable[Instance]:
        """The table, sorted by name."""
        view = self.console.view
        table = LiveTable(
            instance_columns(view),
            name_of=lambda row: row.name,
            row_role=instance_role(view),
            sort="name",
        )
        table.cursor.heir = elsewhere
        return table

    def rows(self) -> Mapping[ObjectKey, Instance]:
        """Every instance."""
        return self.console.view.state.instances

    def changes(self, delta: Delta) -> tuple[Mapping[Any, Instance], Iterable[Hashable]]:
        """Instances that changed, and all of a host whose link did."""
        instances = self.console.view.state.instances
        changed = {
            key: instances[key]
            for key in delta.changed
            if key.kind == "instance" and key in instances
        }
        turned = self._links.turned(self.console.view, delta)
        if turned:
            changed.update((key, row) for key, row in instances.items() if key.host in turned)
        return changed, [key for key in delta.gone if key.kind == "instance"]

    def show_time(self) -> None:
        """Rows of hosts out of reach show their age."""
        view = self.console.view
        self.table.update_rows(
            {key: row for key, row in view.state.instances.items() if view.stale(key.host)}
        )

    def parse_filter(self, text: str) -> Passes[Instance]:
        """Words, `state:`, `host:` and the others of core.state.selection."""
        passes, view = parse_filter(text), self.console.view
        return lambda row: passes(row, view.state)

    def empty_text(self) -> str:
        """Why there is no instance, and what to do about it."""
        return no_instances(self.console.view)

    def action_sort_table(self, column: str) -> None:
        """Sort by a column; again: the other way round."""
        self.table.action_table("sort_by", column)

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        """Another row, perhaps other verbs in the footer."""
        self.show_lines()

    def action_faults(self) -> None:
        """Only what has an alert, and back."""
        self.set_filter("" if self.filter_text == FAULTS else FAULTS)

    async def action_open_tab(self, tab: str) -> None:
        """Open the instance under the cursor at one of its tabs."""
        if self.table.cursor.key is not None:
            await self.console.navigation.open_instance(self.table.cursor.key, tab)

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        await self.action_open_tab("overview")


def elsewhere(key: ObjectKey, shown: Mapping[ObjectKey, int]) -> ObjectKey | None:
    """Where an instance that is gone from its host is now: the cursor goes with it."""
    return next((other for other in shown if other.id == key.id), None)
