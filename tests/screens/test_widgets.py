"""The live table, charts and panels in a running app, driven by keys and mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.events import MouseScrollDown
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Button, Footer, Header, Input, OptionList

from console import format as fmt
from console.actions.keymap import read_keymap, textual_keymap
from console.themes import DEFAULT_THEME, load_themes
from console.widgets.charts import Chart, Series
from console.widgets.line_panel import TextPanel
from console.widgets.live_table import Cell, Column, LiveTable
from core.model.instance import InstanceState


@dataclass(frozen=True)
class Thing:
    name: str
    cpu: float | None = None
    host: str = "alpha"
    state: InstanceState = InstanceState.RUNNING


def state_cell(row: Thing) -> tuple[Cell, ...]:
    sign = fmt.instance_state(row.state)
    return (Cell(f"{sign.glyph} ", sign.role), Cell(sign.word, sign.role))


COLUMNS = [
    Column[Thing]("name", "Name", lambda r: Cell(r.name, "strong"), lambda r: r.name,
                  min_width=12, tooltip="The instance's name"),
    Column[Thing]("state", "State", state_cell, lambda r: r.state, width=15),
    Column[Thing]("cpu", "CPU", lambda r: fmt.percent(r.cpu), lambda r: r.cpu, width=6,
                  align="right", default_descending=True),
    Column[Thing]("host", "Host", lambda r: r.host, lambda r: r.host, width=10, priority=1),
    Column[Thing]("note", "Note", lambda r: "x" * 60, None, width=60, priority=2),
]  # fmt: skip


class Clock:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class TableApp(App[None]):
    """A table alone on a screen."""

    def __init__(self, rows: dict[str, Thing], **options: Any) -> None:
        super().__init__()
        self.clock = Clock()
        self.table: LiveTable[Thing] = LiveTable(
            COLUMNS, name_of=lambda row: row.name, clock=self.clock,
            empty="No instances.\nStart one with o.", **options,
        )  # fmt: skip
        self.rows = rows
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        for theme in load_themes().by_name.values():
            self.register_theme(theme)
        self.theme = DEFAULT_THEME
        self.table.set_rows(self.rows)

    def on_live_table_activated(self, message: LiveTable.Activated) -> None:
        self.posted.append(message)

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        self.posted.append(message)

    def on_live_table_marks_changed(self, message: LiveTable.MarksChanged) -> None:
        self.posted.append(message)

    def on_live_table_sort_changed(self, message: LiveTable.SortChanged) -> None:
        self.posted.append(message)

    def lines(self) -> list[str]:
        """What is on the screen, line by line."""
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    def names(self) -> list[str]:
        """The names on screen from top to bottom, marks included."""
        return [line[:13].rstrip() for line in self.lines()[1:] if line]


def things(count: int) -> dict[str, Thing]:
    return {f"vm{n}": Thing(f"vm{n}", n / 100) for n in range(count)}


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    for _ in range(100):
        await pilot.pause()
        if condition():
            return
    raise AssertionError("did not happen")


async def test_rows_are_drawn_with_a_header_and_sorted():
    app = TableApp(things(3), sort="cpu")
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert lines[0].split() == ["Name", "State", "▼CPU", "Host"]
        assert lines[1].split() == ["vm2", "●", "running", "2%", "alpha"]
        assert app.names() == ["  vm2", "  vm1", "  vm0"]
        assert app.table.cursor.key == "vm2"
        assert app.table.counts == (3, 3, 0, 0)


async def test_narrow_screens_drop_columns_and_wide_ones_have_no_ragged_edge():
    app = TableApp(things(3))
    async with app.run_test(size=(120, 8)) as pilot:
        await pilot.pause()
        assert "Note" in app.lines()[0]
        for size, shown in (((80, 24), "Host"), ((46, 8), "CPU"), ((32, 8), "State")):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.lines()[0].split()[-1] == shown
            strips = app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}
            styled = [segment for strip in strips for segment in strip if segment.text != "\n"]
            assert all(segment.style and segment.style.bgcolor for segment in styled)


async def test_the_cursor_stays_on_its_key_and_in_view():
    app = TableApp(things(50), sort="cpu")
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("down", "down")
        assert app.table.cursor.key == "vm47"
        app.clock.time += 10
        app.table.update_rows({"vm47": Thing("vm47", 0.0)})
        await pilot.pause()
        assert app.table.cursor.key == "vm47"
        assert app.table.model.index["vm47"] == 49
        assert app.names()[-1] == "  vm47"
        assert app.table.scroll_offset.y == 40


async def test_an_untouched_table_stays_at_the_top():
    app = TableApp(things(50), sort="cpu")
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.pause()
        app.clock.time += 10
        app.table.update_rows({"vm49": Thing("vm49", 0.0)})
        await pilot.pause()
        assert app.table.cursor.key == "vm48"
        assert app.table.scroll_offset.y == 0


async def test_the_cursor_goes_to_its_neighbour_when_its_row_goes():
    app = TableApp(things(9))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("down", "down", "down")
        app.table.update_rows({}, ["vm1", "vm3"])
        await pilot.pause()
        assert app.table.cursor.key == "vm4"
        await pilot.press("end")
        app.table.update_rows({}, ["vm8"])
        assert app.table.cursor.key == "vm7"
        app.table.update_rows({}, list(app.rows))
        await until(pilot, lambda: "No instances." in app.lines()[2])
        assert app.table.cursor.key is None
        assert app.lines()[3].strip() == "Start one with o."
        app.table.update_rows({"x": Thing("x")})
        app.clock.time += 10
        app.table.settle()
        await until(pilot, lambda: app.names() == ["  x"])
        assert app.table.cursor.key == "x"


async def test_order_stands_still_while_the_operator_chooses():
    app = TableApp(things(5), sort="cpu")
    async with app.run_test(size=(60, 11)) as pilot:
        app.clock.time += 10
        await pilot.press("down")
        app.table.update_rows({"vm0": Thing("vm0", 1.0), "new": Thing("new", 0.9)})
        await pilot.pause()
        assert app.names() == ["  vm4", "  vm3", "  vm2", "  vm1", "  vm0"]
        assert "100%" in app.lines()[5]
        app.clock.time += 1.4
        assert not app.table.settle()
        app.clock.time += 0.2
        assert app.table.settle()
        await pilot.pause()
        assert app.names() == ["  vm0", "  new", "  vm4", "  vm3", "  vm2", "  vm1"]
        assert app.table.cursor.key == "vm3"


async def test_order_changes_at_most_once_a_second_and_then_by_itself():
    app = TableApp(things(3), sort="cpu")
    async with app.run_test(size=(60, 11)) as pilot:
        app.clock.time += 10
        app.table.update_rows({"vm0": Thing("vm0", 0.5)})
        await pilot.pause()
        assert app.names()[0] == "  vm0"
        app.clock.time += 0.95
        app.table.update_rows({"vm1": Thing("vm1", 0.9)})
        await pilot.pause()
        assert app.names()[0] == "  vm0"
        app.clock.time += 0.1
        await until_settled(pilot, app, "  vm1")


async def until_settled(pilot: Pilot[None], app: TableApp, first: str) -> None:
    """The table's own timer brings the order up to date."""
    for _ in range(200):
        await pilot.pause(0.01)
        if app.names()[0] == first:
            return
    raise AssertionError("the table did not settle by itself")


async def test_the_cursor_goes_with_a_row_that_became_another():
    app = TableApp(things(9))
    app.table.cursor.heir = lambda key, shown: f"{key}@beta" if f"{key}@beta" in shown else None
    async with app.run_test(size=(60, 14)) as pilot:
        await pilot.press("down", "down", "down")
        app.table.update_rows({"vm3@beta": Thing("vm30")})
        app.clock.time += 10
        app.table.settle()
        app.table.update_rows({}, ["vm3"])
        await pilot.pause()
        assert app.table.cursor.key == "vm3@beta"
        app.table.update_rows({}, ["vm3@beta"])
        await pilot.pause()
        assert app.table.cursor.key in app.table.model.rows  # it became nobody: its neighbour


async def test_filter_keeps_marks_and_cursor_and_counts_them():
    app = TableApp(things(20))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("space", "space", "down", "v")
        assert app.table.marks.keys == {"vm0", "vm1", "vm2", "vm3"}
        assert app.names()[:4] == ["* vm0", "* vm1", "* vm2", "* vm3"]
        app.table.set_filter(lambda row: row.name.startswith("vm1"))
        await pilot.pause()
        assert app.names()[:2] == ["* vm1", "  vm10"]
        assert app.table.counts == (11, 20, 4, 3)
        assert app.table.cursor.key == "vm10"
        assert app.table.chosen == ["vm1", "vm0", "vm2", "vm3"]
        await pilot.press("asterisk")
        assert app.table.counts == (11, 20, 14, 3)
        app.table.update_rows({}, ["vm0", "vm1"])
        assert app.table.counts == (10, 18, 12, 2)
        await pilot.press("ctrl+backslash")
        assert app.table.counts.marked == 0
        assert app.table.chosen == ["vm10"]
        app.table.set_filter(None)
        assert app.table.counts == (18, 18, 0, 0)


async def test_sorting_by_keys():
    app = TableApp(things(12))
    async with app.run_test(size=(60, 14)) as pilot:
        await pilot.press("s")
        assert "Name▲" in app.lines()[0]
        await pilot.press("S")
        await pilot.pause()
        assert "Name▼" in app.lines()[0]
        assert app.names()[:2] == ["  vm11", "  vm10"]
        await pilot.press("shift+right", "greater_than_sign")
        assert app.table.model.column is app.table.row_painter.column("cpu")
        assert app.table.model.descending
        await pilot.press("s", "s", "shift+left")
        await pilot.pause()
        assert app.table.model.column is app.table.row_painter.column("host")
        sorts = [m for m in app.posted if isinstance(m, LiveTable.SortChanged)]
        assert (sorts[1].column, sorts[1].descending) == ("name", True)


async def test_mouse_sorts_moves_opens_and_scrolls():
    app = TableApp(things(50))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.click(LiveTable, offset=(4, 0))
        await pilot.click(LiveTable, offset=(4, 0))
        await pilot.pause()
        assert app.names()[0] == "  vm49"
        await pilot.click(LiveTable, offset=(4, 3))
        assert app.table.cursor.key == "vm47"
        await pilot.click(LiveTable, offset=(4, 5), times=2)
        await pilot.pause()
        opened = [m for m in app.posted if isinstance(m, LiveTable.Activated)]
        assert [m.key for m in opened] == ["vm45"]
        await pilot._post_mouse_events([MouseScrollDown], LiveTable, offset=(4, 4))
        await until(pilot, lambda: app.table.scroll_offset.y > 0)
        await until(pilot, lambda: app.names()[0] != "  vm49")
        assert app.table.cursor.key == "vm45"


async def test_keys_move_and_open():
    app = TableApp(things(50))
    async with app.run_test(size=(60, 11)) as pilot:
        keys = ["j", "pagedown", "k", "G", "pageup", "g", "up", "enter"]
        places = [1, 11, 10, 49, 39, 0, 0, 0]
        for key, place in zip(keys, places, strict=True):
            await pilot.press(key)
            assert app.table.cursor.key == f"vm{place}"
        await pilot.pause()
        assert [m.key for m in app.posted if isinstance(m, LiveTable.Activated)] == ["vm0"]
        keys = [m.key for m in app.posted if isinstance(m, LiveTable.Highlighted)]
        assert keys == ["vm0", "vm1", "vm11", "vm10", "vm49", "vm39", "vm0"]


async def test_only_changed_cells_are_repainted():
    app = TableApp(things(50))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.pause()
        await pilot.pause(0.1)  # the theme's style sheet is applied in the background
        regions: list[tuple[int, int, int, int]] = []
        refresh = app.table.refresh

        def spy(*areas: Any, **options: Any) -> Any:
            assert areas, "the whole table was repainted"
            regions.extend(tuple(area) for area in areas)
            return refresh(*areas, **options)

        app.table.refresh = spy  # type: ignore[method-assign]
        app.table.update_rows({"vm40": Thing("vm40", 0.9)})
        assert regions == []
        app.table.update_rows({"vm2": app.rows["vm2"]})
        assert regions == []
        app.table.update_rows({"vm2": replace(app.rows["vm2"], cpu=0.07)})
        ((x, y, width, height),) = regions
        assert (y, width, height) == (3, 1, 1)
        app.table.refresh = refresh  # type: ignore[method-assign]
        assert app.lines()[3][x] == "7"


async def test_a_theme_change_restyles_everything():
    app = TableApp(things(3))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.pause()
        dark = app.screen._compositor.render_strips()[5]
        app.theme = "virtdeck-light"
        await until(pilot, lambda: app.screen._compositor.render_strips()[5] != dark)
        colours = {
            str(segment.style.bgcolor.name)
            for strip in app.screen._compositor.render_strips()[2:10]
            for segment in strip.crop(0, 59)
            if segment.style and segment.style.bgcolor
        }
        assert colours == {"#fafafa"}


async def test_an_operators_keymap_rebinds_the_table():
    app = TableApp(things(5))
    async with app.run_test(size=(60, 11)) as pilot:
        wanted = read_keymap({"table.down": ["U", "?"], "global.help": "f1"})
        app.set_keymap(textual_keymap(wanted))
        await pilot.press("U", "question_mark", "down", "j")
        assert app.table.cursor.key == "vm2"


@pytest.mark.parametrize("name", load_themes(Path("/nonexistent")).by_name)
async def test_every_theme_can_be_applied(name):
    app = TableApp(things(3))
    async with app.run_test(size=(60, 30)) as pilot:
        await pilot.pause()
        app.theme = name
        await pilot.pause(0.05)
        await app.mount(Footer(), Header(), Input(), Button("x"), OptionList("a"))
        await pilot.pause(0.05)
        assert "  vm0" in app.names()


async def test_row_roles_and_cjk_names():
    app = TableApp({"a": Thing("邮件服务器邮件服务器邮件服务器"), "b": Thing("b", host="gone")},
                   row_role=lambda row: "muted" if row.host == "gone" else "")  # fmt: skip
    async with app.run_test(size=(47, 11)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {47}
        muted = Color.parse(app.theme_variables["role-muted"]).rich_color
        await until(pilot, lambda: muted not in colours_of(app, "  b"))
        await pilot.press("down")
        await until(pilot, lambda: muted in colours_of(app, "  b"))


def colours_of(app: TableApp, start: str) -> set[Any]:
    """The text colours of the line that starts so."""
    strips = app.screen._compositor.render_strips()
    (line,) = [strip for strip in strips if strip.text.startswith(start)]
    return {part.style.color for part in line.crop(2, 40) if part.style and part.style.color}


class PanelApp(App[None]):
    """A chart and a text panel."""

    def compose(self) -> ComposeResult:
        yield Chart([Series("cpu", [0.1, 0.5], fmt.percent, 1.0)], series_height=2, step=2.0)
        yield TextPanel(["one", (Cell("two", "strong"), Cell(" more", "muted"))])

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


async def test_panels_draw_and_repaint_only_changed_lines():
    app = PanelApp()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert lines[0] == "cpu 50%" + "max 50%, last 4.0s".rjust(33)
        assert lines[2].endswith("▂█")
        assert lines[3:5] == ["one", "two more"]
        panel = app.query_one(TextPanel)
        regions: list[Any] = []
        refresh = panel.refresh

        def spy(*areas: Any, **options: Any) -> Any:
            regions.extend(areas)
            return refresh(*areas, **options)

        panel.refresh = spy  # type: ignore[method-assign]
        panel.show(["one", "three"])
        assert [area.y for area in regions] == [1]
        await pilot.pause()
        assert app.lines()[4] == "three"
        app.query_one(TextPanel).show(["one", "two", "three"])
        await until(pilot, lambda: app.lines()[5] == "three")


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (200, 50)])
async def test_a_chart_fits_any_width(size):
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {size[0]}
        assert app.lines()[0].startswith("cpu 50%")
