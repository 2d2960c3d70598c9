"""Narrow repaints leave a terminal with exactly what a full repaint would show."""

from __future__ import annotations

import random
import re
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.strip import Strip

from console.themes import load_themes
from console.widgets.line_panel import TextPanel
from console.widgets.live_table import Cell, Column, LiveTable
from console.widgets.narrow_paint import NarrowUpdate, narrowed

SIZE = (60, 12)
TOKEN = re.compile(r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<sgr>[\d;]*)m|(?P<text>[^\x1b])")


class Terminal:
    """As much of a terminal as repaints use: cursor addressing, styles, text."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str, str, frozenset[str]]] = {}
        self.x = self.y = 0
        self.front, self.back = "39", "49"
        self.attributes: frozenset[str] = frozenset()

    def feed(self, data: str) -> None:
        place = 0
        while place < len(data):
            token = TOKEN.match(data, place)
            assert token, data[place : place + 20]
            place = token.end()
            if token["row"]:
                self.x, self.y = int(token["column"]) - 1, int(token["row"]) - 1
            elif token["sgr"] is not None:
                self.style(token["sgr"].split(";"))
            else:
                self.put(token["text"])

    def style(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in ("0", ""):
                self.front, self.back, self.attributes = "39", "49", frozenset()
            elif code in ("38", "48"):
                length = 4 if codes[0] == "2" else 2
                color, codes[:] = ";".join(codes[:length]), codes[length:]
                self.front, self.back = (color, self.back) if code == "38" else (self.front, color)
            elif int(code) < 30:
                self.attributes |= {code}
            elif code[:-1] in ("3", "9"):
                self.front = code
            else:
                self.back = code

    def put(self, text: str) -> None:
        if text == "\n":
            return
        shown = self.front if text != " " else ""
        attributes = self.attributes - ({"1", "2"} if text == " " else set())
        for offset in range(cell_len(text)):
            self.cells[self.x + offset, self.y] = (
                text if offset == 0 else "", shown, self.back, attributes
            )  # fmt: skip
        self.x += cell_len(text)


class Painted(App[None]):
    """A table beside a panel, painted into our terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = Terminal()
        self.narrow = 0
        self.sent = 0
        self.wide = 0
        self.out = Console(color_system="truecolor", force_terminal=True)
        self.table: LiveTable[list[str]] = LiveTable(
            [
                Column("name", "Name", lambda r: r[0], lambda r: r[0], min_width=8),
                Column("state", "State", lambda r: (Cell("● ", r[1]), Cell(r[1], r[1])), width=10),
                Column("value", "Value", lambda r: r[2], lambda r: r[2], width=8, align="right"),
            ],
            name_of=lambda row: row[0],
            clock=lambda: 0.0,
        )

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.table
            yield TextPanel(["one", "two"])

    def on_mount(self) -> None:
        for theme in load_themes().by_name.values():
            self.register_theme(theme)
        self.theme = "virtdeck-dark"

    def _display(self, screen: Any, renderable: Any) -> None:
        if type(renderable) is ChopsUpdate:
            self.narrow += 1
            self.wide += len(renderable.render_segments(self.out))
            update = narrowed(renderable)
            assert isinstance(update, NarrowUpdate)
            data = update.render_segments(self.out)
            self.sent += len(data)
            assert data.endswith("\x1b[0m") or not data
            self.terminal.feed(data)
        elif renderable is not None and hasattr(renderable, "render_segments"):
            self.terminal.feed(renderable.render_segments(self.out))
        super()._display(screen, narrowed(renderable))

    def expected(self) -> Terminal:
        terminal = Terminal()
        for y, strip in enumerate(self.screen._compositor.render_strips()):
            terminal.x, terminal.y = 0, y
            terminal.feed(strip.render(self.out))
        return terminal


def a_row(rnd: random.Random, number: int) -> list[str]:
    name = rnd.choice(["web", "邮件服务器", "db"]) + str(number)
    return [name, rnd.choice(["running", "paused", "crashed", "off"]), str(rnd.randrange(10**6))]


async def test_any_changes_leave_the_screen_as_a_full_repaint_would():
    rnd = random.Random(7)
    app = Painted()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.1)
        app.table.set_rows({n: a_row(rnd, n) for n in range(30)})
        for step in range(40):
            changed = {rnd.randrange(30): a_row(rnd, rnd.randrange(30)) for _ in range(3)}
            app.table.update_rows(changed, [rnd.randrange(30)] if step % 5 == 0 else [])
            key = rnd.choice(["down", "up", "space", "pagedown", "home", "s", "S", "end"])
            await pilot.press(key)
            app.query_one(TextPanel).show([str(step), Cell("two", rnd.choice(["error", "ok"]))])
            await pilot.pause()
            assert app.terminal.cells == app.expected().cells, (step, key)
        assert app.narrow > 20
        assert app.sent < app.wide


def test_a_span_in_the_middle_sends_only_itself():
    strip = Strip([Segment("abcdef"), Segment("ghij")])
    update = NarrowUpdate([{0: strip}], [(0, 2, 4), (0, 7, 8)], [[10]])
    data = update.render_segments(Console(color_system=None))
    assert re.sub(r"\x1b\[[\d;]*[Hm]", "|", data) == "|cd|h"


def test_the_colour_system_of_the_terminal_is_kept():
    strip = Strip([Segment("a", Style.parse("bold #ff0000 on #000000"))])
    for system, codes in (("standard", "1;31;40"), ("256", "1;38;5;196;48;5;16")):
        console = Console(color_system=system, force_terminal=True)
        data = NarrowUpdate([{0: strip}], [(0, 0, 1)], [[1]]).render_segments(console)
        assert codes in data
