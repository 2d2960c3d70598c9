"""A menu: lines with letters and a cursor, what each means, why one cannot be taken. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from console.actions.registry import key_label
from console.cell_width import cut, padded, widest
from console.glyphs import glyphs
from console.screens.dialogs.dialog import Answer, Dialog
from console.screens.menu_lines import MenuLine, first_able
from console.screens.page import Page
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel


class MenuList(LinePanel):
    """The lines of a menu, with a cursor."""

    def __init__(self, chosen: Callable[[int], None]) -> None:
        super().__init__()
        self._chosen = chosen
        self.shown: Sequence[MenuLine] = ()
        self.cursor = 0

    def show(self, lines: Sequence[MenuLine], cursor: int) -> None:
        """Show these."""
        self.shown = lines
        self.cursor = cursor
        self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """Letter, title, what it is for."""
        titles = widest(line.title for line in self.shown)
        return [self._line(place, line, titles, width) for place, line in enumerate(self.shown)]

    def _line(self, place: int, line: MenuLine, titles: int, width: int) -> tuple[Cell, ...]:
        here = place == self.cursor
        sign = ">" if here else " "
        head = padded(line.title, titles)
        if here:
            text = f"{sign} {line.key}  {head}  {''.join(cell.text for cell in line.text)}"
            return (Cell(padded(cut(text, width, glyphs().ellipsis), width), "cursor"),)
        return (
            Cell(f"{sign} "),
            Cell(line.key, "muted" if line.greyed else "key"),
            Cell(f"  {head}  ", "muted" if line.greyed else "strong"),
            *line.text,
        )

    def on_click(self, event: events.Click) -> None:
        """Choose the line under the pointer."""
        if event.y < len(self.shown):
            self._chosen(event.y)


class LineMenu(Dialog[Answer], inherit_bindings=False):
    """Letters, the cursor or a click choose; the cursor begins on what can be done."""

    CSS_PATH = "menu.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape,backspace,left", "peel", "Back"),
        Binding("down,ctrl+n", "move(1)", "Down"),
        Binding("up,ctrl+p", "move(-1)", "Up"),
        Binding("home", "go(0)", "First"),
        Binding("end", "go(-1)", "Last"),
        Binding("enter,right", "choose", "Choose"),
        Binding("tab", "choose(True)", "Options"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wrong = ""
        """What is wrong with the key pressed last."""
        self._moved = False
        """Whether the operator has put the cursor somewhere."""
        self._heading = Page()
        self._list = MenuList(self._pick)
        self._scroll = VerticalScroll(self._list, can_focus=False)
        self._detail = Page(id="detail")
        self._keys_page = Page()

    def compose(self) -> ComposeResult:
        """What it is for, the lines, what the one under the cursor means, the keys."""
        with Vertical(classes="dialog"):
            yield self._heading
            yield self._scroll
            yield self._detail
            yield self._keys_page

    # -- what it is a menu of ----------------------------------------------------------------------

    @abstractmethod
    def menu_lines(self) -> list[MenuLine]:
        """The lines as they are now."""

    @abstractmethod
    def heading(self) -> Sequence[Cell]:
        """What it is for."""

    @abstractmethod
    def keys_line(self, place: int) -> str:
        """Which keys work, on the line under the cursor."""

    @abstractmethod
    def take(self, place: int) -> None:
        """A line was chosen; a greyed one too."""

    def back(self) -> bool:
        """Go back a level; False: there is none, the menu closes."""
        return False

    def back_words(self) -> str:
        """What esc does."""
        return "esc closes"

    def options(self, place: int) -> None:
        """Show the options of a line first; where lines have none, tab goes on down."""
        del place
        self.action_move(1)

    # -- showing -----------------------------------------------------------------------------------

    def show_lines(self, cursor: int | None = None) -> None:
        """Draw it as it is now. Without `cursor` that stays where it is, or leaves what is grey."""
        lines = self.menu_lines()
        if cursor is None:
            cursor = min(self._list.cursor, max(0, len(lines) - 1))
            if not self._moved and lines and lines[cursor].greyed:
                cursor = first_able(lines)
        self._list.show(lines, cursor)
        self._heading.show([tuple(self.heading()), ""])
        detail: CellValue = lines[cursor].detail if lines else ""
        self._detail.show([Cell(self._wrong, "warning") if self._wrong else detail])
        self._keys_page.show([Cell(self.keys_line(cursor), "muted")])
        self._scroll.scroll_to(y=max(0, cursor - self._scroll.size.height + 1), animate=False)

    def show_anew(self) -> None:
        """Draw other lines, the cursor on the first that can be taken."""
        self._moved = False
        self.show_lines(first_able(self.menu_lines()))

    def say_wrong(self, text: str) -> None:
        """Say what is wrong with the key pressed, until the next."""
        self._wrong = text
        self.show_lines()

    # -- keys --------------------------------------------------------------------------------------

    @on(events.Key)
    def _letter(self, event: events.Key) -> None:
        """A letter chooses its line; a key that does nothing here says so."""
        printable = event.character is not None and event.is_printable
        if not printable and event.key in self.app.active_bindings:
            return
        event.stop()
        keys = [line.key for line in self._list.shown]
        if printable and event.character in keys:
            self._pick(keys.index(event.character))
        else:
            label = event.character if printable else key_label(event.key)
            self.say_wrong(f"{label} is nothing here: {self.back_words()}.")

    def action_move(self, step: int) -> None:
        """Move the cursor, round the ends."""
        if self._list.shown:
            self.action_go((self._list.cursor + step) % len(self._list.shown))

    def action_go(self, place: int) -> None:
        """Put the cursor on a line, counted from the end where it is negative."""
        self._wrong = ""
        self._moved = True
        if self._list.shown:
            self.show_lines(place % len(self._list.shown))

    def action_choose(self, options: bool = False) -> None:
        """Take the line under the cursor; with `options` those are shown first."""
        if self._list.shown:
            (self.options if options else self._pick)(self._list.cursor)

    def action_peel(self) -> None:
        """Back a level, or out."""
        self._wrong = ""
        if not self.back():
            self.answer(None)

    def _pick(self, place: int) -> None:
        self._wrong = ""
        self._moved = True
        self.take(place)
