"""A guest's terminal on the screen: paints the lines that changed, types what is pressed.

UI thread. While it has the focus every key goes to the guest, but for the one that lets go and
those that turn back through what went off the top. It knows of no console: what is typed is a
message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from time import monotonic

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from console.terminal.emulator import Emulator
from console.terminal.keys import encoded, pasted
from console.terminal.painter import Mark, TerminalPainter
from console.terminal.style import Row
from console.themes import Palette

FLOOD_SECONDS = 0.1
"""Between two paintings of the whole terminal: nobody reads what scrolls by, and to paint it costs
ten times what it costs to take it in."""
_WHEEL = 3
"""Lines a turn of the wheel moves."""


class TerminalView(Widget, can_focus=True):
    """Shows an `Emulator`; where it is larger than the widget, the part with the cursor in it."""

    DEFAULT_CSS = """
    TerminalView { height: 1fr; width: 1fr; background: $background; color: $foreground; }
    """

    class Typed(Message):
        """Something is to be sent to the guest."""

        def __init__(self, data: bytes) -> None:
            super().__init__()
            self.data = data

    class LetGo(Message):
        """The operator wants the keyboard back."""

    class Turned(Message):
        """Another part of the scrollback is shown, or the newest lines again."""

    def __init__(self, let_go: Collection[str], *, id: str | None = None) -> None:  # noqa: A002
        """`let_go` are the keys that give the keyboard back."""
        super().__init__(id=id)
        self._let_go = frozenset(let_go)
        self._emulator = Emulator()
        self._painter: TerminalPainter | None = None
        self._left = self._top = 0
        self._cursor_row = 0
        self._painted = 0.0
        """When the whole terminal was painted last."""
        self._late: Timer | None = None
        """Paints it when it is time again."""
        self._first: int | None = None
        """The line at the top, counted from the first that ever was; None: the newest are shown."""
        self._shown: list[Row] = []
        """The lines shown while older ones are."""
        self.search = ""
        self._marks: dict[int, list[Mark]] = {}
        self._places: list[tuple[int, int]] = []
        self._place = -1

    @property
    def turned_back(self) -> bool:
        """Whether older lines than the newest are shown."""
        return self._first is not None

    @property
    def found(self) -> tuple[int, int]:
        """Which place of how many that were found is the present one, from 1; (0, 0): none."""
        return (self._place + 1, len(self._places))

    def show(self, emulator: Emulator) -> None:
        """Show another terminal, at its newest lines."""
        self._emulator = emulator
        self._first = None
        self._left = self._top = 0
        self.look_for("")
        self._follow()
        self.refresh()

    def fed(self, changed: Collection[int]) -> None:
        """Paint the rows of the terminal that changed, and where its cursor was and is."""
        if self._first is not None:
            if self._first < self._emulator.gone:  # what was shown is forgotten
                self.turn(0)
            return
        before, row = self._cursor_row, self._emulator.cursor.row
        self._cursor_row = row
        moved = self._follow()
        if moved or len(changed) >= min(self.size.height, self._emulator.rows):
            self._paint_all()
            return
        if self._late is not None:
            return  # it is about to paint all of it
        rows = {each - self._top for each in (*changed, before, row)}
        regions = [Region(0, y, self.size.width, 1) for y in rows if 0 <= y < self.size.height]
        if regions:
            self.refresh(*regions)

    def _paint_all(self) -> None:
        """Paint the whole terminal, now or as soon as it is time again."""
        if self._late is not None:
            return
        left = self._painted + FLOOD_SECONDS - monotonic()
        if left <= 0:
            self._paint_now()
        else:
            self._late = self.set_timer(left, self._paint_now)

    def _paint_now(self) -> None:
        self._late, self._painted = None, monotonic()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint a line."""
        if self._painter is None:
            palette = Palette(self.app.theme_variables)
            marks = (palette.style("mark") + Style(underline=True), palette.style("cursor"))
            self._painter = TerminalPainter(self.rich_style, *marks)
        width = self.size.width
        if self._first is not None:
            row = self._shown[y] if y < len(self._shown) else ()
            line = self._painter.segments(row, 10_000)
            line = self._painter.marked(line, self._marks.get(self._first + y, ()))
            return Strip(line).crop(self._left, self._left + width)
        number, cursor = y + self._top, self._emulator.cursor
        if number >= self._emulator.rows:
            return Strip(self._painter.segments((), width))
        here = cursor.row == number and cursor.visible and self.has_focus
        column = min(cursor.column, self._emulator.columns - 1) if here else -1
        row = self._emulator.row(number)
        return Strip(self._painter.segments(row, width, left=self._left, cursor=column))

    def notify_style_update(self) -> None:
        """Paint everything anew under another theme."""
        super().notify_style_update()
        self._painter = None

    # -- older lines -------------------------------------------------------------------------------

    def turn(self, lines: int) -> None:
        """Go so many lines back, or forward; at the newest it follows again."""
        terminal = self._emulator
        newest = terminal.gone + terminal.history
        at = newest + self._top if self._first is None else self._first
        self._go_to(max(terminal.gone, at + lines))

    def turn_page(self, pages: int) -> None:
        """The same by pages, less a line."""
        self.turn(pages * max(1, self.size.height - 1))

    def newest(self) -> None:
        """Show the newest lines again, and follow."""
        if self._first is not None:
            self._first, self._shown = None, []
            self._follow()
            self.refresh()
            self.post_message(self.Turned())

    def oldest(self) -> None:
        """Show the oldest lines there are."""
        self._go_to(self._emulator.gone)

    def _go_to(self, first: int) -> None:
        terminal = self._emulator
        if first >= terminal.gone + terminal.history + self._top:
            self.newest()
            return
        self._first = first
        self._shown = terminal.history_rows(first - terminal.gone, self.size.height)
        self.refresh()
        self.post_message(self.Turned())

    # -- search ------------------------------------------------------------------------------------

    def look_for(self, text: str) -> None:
        """Find a text in everything that is kept, whatever its case; the newest place comes first.

        An empty one ends the search.
        """
        self.search = text
        self._marks, self._places, self._place = {}, [], -1
        if text:
            gone, wanted = self._emulator.gone, text.casefold()
            for number, line in enumerate(self._emulator.texts()):
                start = line.casefold().find(wanted)
                while start >= 0:
                    self._places.append((gone + number, start))
                    start = line.casefold().find(wanted, start + len(wanted))
            self._place = len(self._places)
            self.step(-1)
        self.refresh()

    def step(self, by: int) -> None:
        """Go to another place that was found: -1 is older, 1 newer; round at the ends."""
        if not self._places:
            return
        self._place = (self._place + by) % len(self._places)
        self._mark()
        line = self._places[self._place][0]
        top = max(self._emulator.gone, line - self.size.height // 2)
        newest = self._emulator.gone + self._emulator.history + self._top
        self._go_to(min(top, newest - 1) if newest > self._emulator.gone else top)

    def _mark(self) -> None:
        texts, gone = self._emulator.texts(), self._emulator.gone
        marks: dict[int, list[Mark]] = defaultdict(list)
        for number, (line, start) in enumerate(self._places):
            if 0 <= line - gone < len(texts):
                text = texts[line - gone]
                begin = cell_len(text[:start])
                end = begin + cell_len(text[start : start + len(self.search)])
                marks[line].append((begin, end, number == self._place))
        self._marks = dict(marks)

    # -- keys --------------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        turns = {
            "shift+pageup": lambda: self.turn_page(-1),
            "shift+pagedown": lambda: self.turn_page(1),
            "shift+home": self.oldest,
            "shift+end": self.newest,
        }
        if event.key in self._let_go:
            self.post_message(self.LetGo())
        elif event.key in turns:
            turns[event.key]()
        else:
            application = self._emulator.modes.cursor_keys
            if data := encoded(event.key, event.character, application=application):
                self._type(data)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if event.text:
            self._type(pasted(event.text, bracketed=self._emulator.modes.bracketed_paste))

    def _type(self, data: bytes) -> None:
        self.newest()
        self.post_message(self.Typed(data))

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.turn(-_WHEEL)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        if self.turned_back:
            self.turn(_WHEEL)

    def _on_focus(self, event: events.Focus) -> None:
        del event
        self.refresh()

    def _on_blur(self, event: events.Blur) -> None:
        del event
        self.refresh()

    def _on_resize(self, event: events.Resize) -> None:
        del event
        self._follow()
        self.refresh()

    def _follow(self) -> bool:
        """Have the cursor in view; returns whether other rows or columns are shown for it."""
        at, before = self._emulator.cursor, (self._left, self._top)
        self._top = _shifted(self._top, at.row, self.size.height, self._emulator.rows)
        column = min(at.column, self._emulator.columns - 1)
        self._left = _shifted(self._left, column, self.size.width, self._emulator.columns)
        return before != (self._left, self._top)


def _shifted(first: int, place: int, shown: int, there: int) -> int:
    """Where what is shown begins, so that a place is in it; as little as possible moves. Pure."""
    if shown <= 0 or there <= shown:
        return 0
    low = max(0, place - shown + 1)
    return max(low, min(first, place, there - shown))
