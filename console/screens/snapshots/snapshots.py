"""The snapshots of one instance, as a tree. UI thread.

Nothing tells of a snapshot that somebody else makes or deletes, so the screen reads them when it
comes into view, when the operator reads everything again and after the link was lost; the core
reads them after our own operations and after the events that hint at a change.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget

from console.actions.registry import bindings_for
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.matching import word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.parts import Part
from console.screens.snapshots.columns import (
    line_name,
    snapshot_columns,
    snapshot_facts,
    words_of,
)
from console.screens.snapshots.tree import SnapshotLine, tree_of
from console.screens.subjects import READ_ONLY
from console.screens.view import LinkWatch
from console.widgets.columns import Cell
from console.widgets.live_table import LiveTable
from core.model import Delta, Instance, ObjectKey, Snapshot
from core.state.snapshot_chain import chain_faults, files_of
from core.verbs.registry import VERBS


class SnapshotsScreen(
    MarkedScreen[SnapshotLine], PanelledScreen[SnapshotLine], inherit_bindings=False
):
    """A table over a panel about the snapshot under the cursor."""

    CSS_PATH = "snapshots.tcss"
    BINDINGS = bindings_for("subjects", "list", "panel", "snapshots")
    registry_layer = "snapshots"
    subject_kinds = ("snapshot",)
    noun = "snapshot"
    filter_words = "words of name, state, description, external, current, memory, !word"

    def __init__(self, instance: ObjectKey) -> None:
        self._instance = instance
        super().__init__()
        self._page = Page(id="snapshot")
        self._links = LinkWatch()
        self._reading = False
        self._read_at: float | None = None
        self._problem = ""
        """Why they could not be read the last time."""

    def make_table(self) -> LiveTable[SnapshotLine]:
        """The table: the tree."""
        view, host = self.console.view, self._instance.host
        return LiveTable(
            snapshot_columns(view),
            name_of=line_name,
            sort="name",
            row_role=lambda _: "muted" if view.stale(host) else "",
        )

    def panel(self) -> Iterable[Widget]:
        """Everything about a snapshot."""
        yield self._page

    @property
    def _row(self) -> Instance | None:
        """The instance as it is now; None when it is gone."""
        return self.console.view.state.instances.get(self._instance)

    def crumbs(self) -> tuple[str, ...]:
        """Its name and host."""
        row = self._row
        name = row.name if row is not None else "gone"
        return ("instances", name, self._instance.host, "snapshots")

    def in_view(self) -> frozenset[ObjectKey]:
        """The instance."""
        return frozenset({self._instance})

    def rows(self) -> Mapping[ObjectKey, SnapshotLine]:
        """Every snapshot that is known of the instance."""
        state = self.console.view.state
        known = state.snapshots.get(self._instance, ())
        files = files_of(known)
        allocations = {
            volume.path: volume.allocation
            for volume in (state.volumes.values() if files else ())
            if volume.path in files
            and volume.host == self._instance.host
            and volume.allocation is not None
        }
        return {line.snapshot.key: line for line in tree_of(known, allocations)}

    def changes(self, delta: Delta) -> tuple[Mapping[Any, SnapshotLine], Iterable[Hashable]] | None:
        """All of them where anything of the instance changed: a tree changes as a whole."""
        view = self.console.view
        if self._links.turned(view, delta) and not view.stale(self._instance.host):
            self._read()  # what became of them meanwhile nobody told
            return None
        changed = self._instance in delta.changed | delta.gone
        return None if changed else ({}, ())

    def catch_up(self) -> None:
        """Read them again: they may have changed while the screen was away."""
        super().catch_up()
        self._read()

    def read_again(self) -> None:
        """Read them again, because the operator wants all read."""
        self._read()

    def summary(self) -> list[Part]:
        """How many, and when they were read: others' changes are not told."""
        known = self._instance in self.console.view.state.snapshots
        parts = super().summary() if known else []
        if self._read_at is not None:
            clock = self.console.view.clock(self._read_at)
            parts.insert(0, Part(f" read {clock} ", "muted"))
        if self._problem:
            parts.insert(0, Part(" ! not read ", "warning"))
        return parts

    def parse_filter(self, text: str) -> Passes[SnapshotLine]:
        """Words."""
        return word_filter(text, words_of, lambda _: ())

    def empty_text(self) -> str:
        """Why there is none to be seen, and how to make one."""
        row = self._row
        if row is None:
            return "This instance is gone: it is neither defined nor running."
        if self._problem:
            again = "" if self.console.tape.replay else "\n\n^r reads again."
            return f"{self._problem}{again}"
        if self._instance not in self.console.view.state.snapshots:
            return "Reading the snapshots ..."
        return (
            f"{row.name} has no snapshot.\n\n"
            "n makes one.\n"
            "^r reads again: nothing tells of those that others make."
        )

    def action_make(self) -> None:
        """Ask for what makes another snapshot of the instance."""
        if self.console.read_only:
            self.console.notify(READ_ONLY, severity="warning", timeout=4)
        elif self._row is not None:
            self._ask_for(VERBS["snapshot-create"], [self._instance])

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """What is known of it; why they could not be read again."""
        row = self.table.cursor.row
        lines = snapshot_facts(self.console.view, row) if row else []
        instance, state = self._row, self.console.view.state
        if instance is not None and row:
            faults = chain_faults(instance, state.snapshots.get(self._instance, ()))
            lines = [*(Cell(f" ! {fault}", "warning") for fault in faults), *lines]
        if self._problem and row:
            lines = [Cell(f" ! {self._problem} What is shown may be old.", "warning"), "", *lines]
        self._page.show(lines)

    @on(LiveTable.Activated)
    def _open(self) -> None:
        self.action_verb_menu()

    def _read(self) -> None:
        """Read them, unless they are being read."""
        if self._reading:
            return
        key, console = self._instance, self.console
        self._reading = True

        def read(found: tuple[Snapshot, ...] | None) -> None:
            self._answered("" if found is not None else "This instance is gone from its host.")

        console.ask(
            lambda source: source.snapshots(key), read, lambda error: self._answered(str(error))
        )

    def _answered(self, problem: str) -> None:
        self._reading = False
        self._problem = problem
        if not problem:
            self._read_at = self.console.now()
        if self.is_attached:
            self.show_all()
            self.show_lines()
