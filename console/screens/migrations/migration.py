"""The cockpit of one migration: both hosts, where it stands, where it goes, what can be done.

UI thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import Container, VerticalScroll
from textual.widget import Widget

from console.actions.registry import bindings_for
from console.screens.migrations import log, panels, words
from console.screens.migrations.charts import MigrationCharts, tracks_of
from console.screens.migrations.controls import ControlsPanel, controls
from console.screens.migrations.steering import SteeringScreen
from console.screens.page import Page
from console.screens.parts import Part
from console.widgets.columns import Cell, CellValue
from core.model import Delta, JobSample, Migration, MigrationStatus, ObjectKey

WIDE = 160
"""From this width on what can be and was done stands beside the charts."""
_LOW = 30
"""Below this height every chart is one line."""
_AROUND = 3
"""Lines of a terminal that the page has not: header, tabs, footer."""
_ABOVE, _LOG, _MARKS = 13, 9, 2
"""Lines above the charts, of what must be seen below them, and of the marks under them."""
_TALLEST = 9
_NAME, _HOST, _BESIDE_NAME = 12, 12, 68
"""Cells of the names in the line above, and what stands beside the instance's."""


class MigrationScreen(SteeringScreen, inherit_bindings=False):
    """Everything about one migration on one page: the most urgent on top, however low it is."""

    AUTO_FOCUS = "#cockpit"
    CSS_PATH = "migration.tcss"
    BINDINGS = bindings_for("steer", "migration")
    registry_layer = "migration"

    def __init__(self, migration_id: str) -> None:
        super().__init__()
        self._migration_id = migration_id
        self._cockpit = VerticalScroll(id="cockpit")
        self._figures = Page(id="figures")
        self._lower = Container(id="lower")
        self._charts = MigrationCharts(id="charts")
        self._done = Page(id="done")
        self._controls = ControlsPanel(id="controls")
        self._log = Page(id="log")

    def body(self) -> Iterable[Widget]:
        """The figures, the charts, what can be done, what was done."""
        with self._cockpit:
            yield self._figures
            with self._lower:
                yield self._charts
                with Container(id="side"):
                    yield self._done
                    yield self._controls
                    yield self._log

    def on_resize(self) -> None:
        """Arranged for the size the terminal has now."""
        self.set_class(self.size.width >= WIDE, "-wide")
        if self.is_mounted:
            self.show_all()

    @property
    def migration(self) -> Migration | None:
        """The migration as it is now; None when it was forgotten."""
        return self.console.view.state.migrations.get(self._migration_id)

    def chosen_migration(self) -> Migration | None:
        """This one."""
        return self.migration

    def in_view(self) -> frozenset[ObjectKey]:
        """The migration, and its instance at either side."""
        row = self.migration
        return (
            frozenset()
            if row is None
            else frozenset({row.key, row.source_key, row.destination_key})
        )

    def crumbs(self) -> tuple[str, ...]:
        """Its instance and its way."""
        row = self.migration
        if row is None:
            return ("migrations", "gone")
        name = words.shortened(words.name_of(row), max(_NAME, self.app.size.width - _BESIDE_NAME))
        return ("migrations", name, words.route(row, _HOST))

    def summary(self) -> list[Part]:
        """How it stands."""
        return words.standing(self.migration)

    def show_all(self) -> None:
        """Draw every panel."""
        row = self.migration
        if row is None:
            gone: list[CellValue] = [Cell(" This migration is not remembered any more.", "muted")]
            self._figures.show(gone)
            self._lower.display = False
            return
        self._lower.display = True
        view, width = self.console.view, self.size.width
        head = [
            *panels.summary(view, row, width), "", *panels.hosts(view, row, width), "",
            *panels.figures(row, width),
        ]  # fmt: skip
        if self.size.height < _LOW:
            head = [line for line in head if line != ""]
        elif width < WIDE:
            head.append("")
        self._figures.show(head)
        self._show_charts(row)
        self._show_side(row)

    def show_change(self, delta: Delta) -> None:
        """Draw anew if anything of the migration, its instance or its hosts changed."""
        row = self.migration
        near = set(self.in_view())
        if row is not None:
            near |= {ObjectKey("host", name, name) for name in (row.host, row.to)}
        if row is None or near & (delta.changed | delta.gone):
            self.show_all()

    def show_time(self) -> None:
        """Ages."""
        row = self.migration
        if row is not None and not row.status.final:
            self.show_all()

    async def action_other(self, step: int) -> None:
        """Go to the next or previous migration that is not over."""
        rows = self.console.view.state.migrations
        here = self._migration_id
        numbers = [key for key, row in rows.items() if not row.status.final or key == here]
        if len(numbers) < 2:
            self.console.notify("No other migration is under way.", timeout=3)
            return
        place = numbers.index(here) if here in numbers else 0
        self._migration_id = numbers[(place + step) % len(numbers)]
        self._cockpit.scroll_home(animate=False)
        self.show_all()
        self.show_lines()

    # -- panels ----------------------------------------------------------------------------------

    def _show_charts(self, row: Migration) -> None:
        samples = self._samples()
        height = chart_height(self.size.width, self.size.height, len(tracks_of(row, samples)))
        self._charts.display = bool(samples) or row.status is not MigrationStatus.QUEUED
        self._charts.show(row, samples, height, stale=words.lost(self.console.view, row))

    def _show_side(self, row: Migration) -> None:
        view = self.console.view
        low, wide = self.size.height < _LOW, self.size.width >= WIDE
        spaced: Sequence[CellValue] = [""] if not low and not wide else []
        most = 3 if not wide else None
        self._done.show([*spaced, *log.actions(view, row, most, virsh=wide), *spaced])
        able = controls(row)
        self._controls.show(able, self.console.actions)
        self._controls.display = bool(able)
        verified = log.checks(row)
        parts = [[*verified, ""] if verified else [], [*log.timeline(view, row), ""]]
        rest = [line for part in parts for line in part] + [*log.command(row)]
        self._log.show([*([] if low or not able else [""]), *rest])

    def _samples(self) -> Sequence[JobSample]:
        tracks = self.console.view.state.tracks
        return tracks.samples(self._migration_id) if tracks is not None else ()


def chart_height(width: int, height: int, tracks: int) -> int:
    """Lines of blocks a track may have on a terminal of this size."""
    if height < _LOW:
        return 1
    above = _ABOVE if width >= WIDE else _ABOVE + _LOG
    room = height - _AROUND - above - _MARKS - (tracks - 1)
    return max(2, min(_TALLEST, room // max(1, tracks)))
