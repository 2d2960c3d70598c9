"""What can be done to the chosen objects: groups with letters, in each the verbs with theirs.

UI thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from console.actions.verb_menu import VerbGroup, menus
from console.glyphs import glyphs
from console.screens.dialogs.dialog import Dialog
from console.screens.menu_lines import MenuLine, group_lines, heading_of, keys_line, verb_lines
from console.screens.openers import OPENERS
from console.screens.page import Page
from console.screens.verb_form import asked_parameters
from console.screens.verdicts import Verdict, verdicts
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel
from core.model import ObjectKey
from core.source import Source
from core.verbs.registry import VERBS
from core.verbs.verb import Verb

FEW = 20
"""With more objects than this, a group is looked at when it is opened."""


class Chosen(NamedTuple):
    """What was chosen in the menu."""

    verb: Verb
    options: bool
    """Whether its options are to be shown first."""


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
        titles = max((len(line.title) for line in self.shown), default=0)
        return [self._line(place, line, titles, width) for place, line in enumerate(self.shown)]

    def _line(self, place: int, line: MenuLine, titles: int, width: int) -> tuple[Cell, ...]:
        here = place == self.cursor
        sign = ">" if here else " "
        head = f"{line.title:<{titles}}"
        if here:
            text = f"{sign} {line.key}  {head}  {''.join(cell.text for cell in line.text)}"
            cut = f"{text[: width - 1]}{glyphs().ellipsis}" if len(text) > width else text
            return (Cell(f"{cut:<{width}}", "cursor"),)
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


class MenuDialog(Dialog[Chosen], inherit_bindings=False):
    """Letters or the cursor choose; `esc` goes back a level."""

    CSS_PATH = "menu.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape,backspace,left", "peel", "Back"),
        Binding("down,ctrl+n", "move(1)", "Down"),
        Binding("up,ctrl+p", "move(-1)", "Up"),
        Binding("enter,right", "choose", "Choose"),
        Binding("tab", "options", "Options"),
    ]

    def __init__(self, keys: Sequence[ObjectKey], *, hidden: int = 0, why_not: str = "") -> None:
        """`keys` are of one kind; `why_not` says why nothing can be done, if nothing can."""
        super().__init__()
        self._keys = tuple(keys)
        self._hidden = hidden
        self._why_not = why_not
        self._groups = menus(VERBS.values(), keys[0].kind)
        self._open: VerbGroup | None = None
        self._verdicts: dict[str, Verdict] = {}
        self._wrong = ""
        """What is wrong with the key pressed last."""
        self._heading = Page()
        self._list = MenuList(self._choose)
        self._scroll = VerticalScroll(self._list, can_focus=False)
        self._detail = Page(id="detail")
        self._keys_page = Page()

    def compose(self) -> ComposeResult:
        """To whom, the lines, what the one under the cursor means, the keys."""
        with Vertical(classes="dialog"):
            yield self._heading
            yield self._scroll
            yield self._detail
            yield self._keys_page

    def on_mount(self) -> None:
        """Show the groups, and look at what can be done."""
        self._show(0)
        if len(self._keys) <= FEW:
            self._look([line.verb for group in self._groups for line in group.lines])

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """What is known of each verb that was looked at."""
        return self._verdicts

    # -- looking -----------------------------------------------------------------------------------

    def _look(self, verbs: Sequence[Verb]) -> None:
        """Ask what speaks against verbs; the lines are there before the answer."""
        if self._why_not:
            return
        keys = self._keys

        async def question(source: Source) -> dict[str, Verdict]:
            return await verdicts(source, verbs, keys)

        def answered(found: dict[str, Verdict]) -> None:
            self._verdicts.update(found)
            if self.is_attached:
                self._show(self._list.cursor)

        self.console.ask(question, answered)

    # -- showing -----------------------------------------------------------------------------------

    def _lines(self) -> list[MenuLine]:
        if self._open is None:
            return group_lines(self._groups, self._verdicts, self._why_not)
        return verb_lines(self._open.lines, self._verdicts, self._why_not, tuple(OPENERS))

    def _show(self, cursor: int) -> None:
        lines = self._lines()
        self._list.show(lines, cursor)
        whom = heading_of(self.console.view.state, self._keys, self._hidden)
        where = f"  {glyphs().crumb} {self._open.title}" if self._open else ""
        self._heading.show([(*whom, Cell(where)), ""])
        detail: CellValue = lines[cursor].detail if lines else ""
        if self._open is None and self._why_not:
            detail = Cell(self._why_not, "warning")
        self._detail.show([Cell(self._wrong, "warning") if self._wrong else detail])
        inside = self._open is not None
        self._keys_page.show([Cell(keys_line(inside=inside, verb=self._verb(cursor)), "muted")])
        self._scroll.scroll_to(y=max(0, cursor - self._scroll.size.height + 1), animate=False)

    def _verb(self, cursor: int) -> Verb | None:
        return self._open.lines[cursor].verb if self._open is not None else None

    # -- keys --------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """A letter chooses its line; one that is none says so."""
        if event.character is None or not event.is_printable:
            return
        event.stop()
        keys = [line.key for line in self._list.shown]
        if event.character in keys:
            self._choose(keys.index(event.character))
        else:
            back = "esc goes back" if self._open else "esc closes"
            self._wrong = f"{event.character} is nothing here: {back}."
            self._show(self._list.cursor)

    def action_move(self, step: int) -> None:
        """Move the cursor, round the ends."""
        self._wrong = ""
        if self._list.shown:
            self._show((self._list.cursor + step) % len(self._list.shown))

    def action_choose(self) -> None:
        """Take the line under the cursor."""
        self._choose(self._list.cursor)

    def action_options(self) -> None:
        """Show the options of the verb under the cursor first; among groups, go on down."""
        verb = self._verb(self._list.cursor)
        if verb is None:
            self.action_move(1)
        elif asked_parameters(verb):
            self._do(self._list.cursor, options=True)
        else:
            self._wrong = f"{verb.title} has no options."
            self._show(self._list.cursor)

    def action_peel(self) -> None:
        """Back to the groups, or out."""
        self._wrong = ""
        if self._open is None:
            self.answer(None)
        else:
            cursor = self._groups.index(self._open)
            self._open = None
            self._show(cursor)

    def _choose(self, place: int) -> None:
        self._wrong = ""
        if self._open is None:
            self._open = self._groups[place]
            self._show(0)
            if len(self._keys) > FEW:
                self._look([line.verb for line in self._open.lines])
        else:
            self._do(place, options=False)

    def _do(self, place: int, *, options: bool) -> None:
        """Take a verb; one that cannot be done stays, with the reason, and is looked at again."""
        assert self._open is not None
        verb = self._open.lines[place].verb
        if not self._list.shown[place].greyed:
            known = self._verdicts.get(verb.name)
            self.answer(Chosen(verb, options or (known is not None and known.wants_values)))
            return
        self._show(place)
        self._look([verb])
