"""Which instance: its name is typed, or chosen from those that fit. UI thread."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from console.screens.dialogs.dialog import Dialog
from console.screens.dialogs.palette import LIST_KEYS, SHOWN, PaletteLine, PaletteList
from console.screens.page import Page
from console.widgets.columns import Cell
from core.model import Instance, ObjectKey
from core.model.text import clean


def fitting(typed: str, instances: Sequence[Instance]) -> list[PaletteLine]:
    """Return those whose name has what was typed, in the order of their names. Pure."""
    wanted = typed.strip().casefold()
    found = [row for row in instances if wanted in row.name.casefold()]
    found.sort(key=lambda row: (row.name.casefold() != wanted, row.name))
    return [PaletteLine(clean(row.name), row.state.value, instance=row.key) for row in found]


class InstanceChoiceDialog(Dialog[ObjectKey], inherit_bindings=False):
    """Type, choose, enter; answers with an instance."""

    AUTO_FOCUS = "Input"
    CSS_PATH = "palette.tcss"
    BINDINGS = LIST_KEYS

    def __init__(self, title: str, instances: Sequence[Instance]) -> None:
        super().__init__()
        self._title = title
        self._instances = list(instances)
        self._list = PaletteList(self._choose)
        self._count = Page()

    def compose(self) -> ComposeResult:
        """What it is for, an input over the list, how many more there are."""
        box = Input(placeholder="name of an instance", compact=True)
        box.cursor_blink = False
        with Vertical(classes="dialog"):
            yield Page([Cell(self._title, "strong"), ""])
            yield box
            yield self._list
            yield self._count

    def on_mount(self) -> None:
        """Show the first ones."""
        self._show("")

    def _show(self, typed: str) -> None:
        found = fitting(typed, self._instances)
        self._list.show(found[:SHOWN])
        more = f"and {len(found) - SHOWN:,} more   " if len(found) > SHOWN else ""
        self._count.show([Cell(f"{more}up, down move   enter chooses   esc closes", "muted")])

    def action_close(self) -> None:
        """None was wanted."""
        self.answer(None)

    def action_move(self, step: int) -> None:
        """Move the cursor of the list."""
        self._list.move(step)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        if self._list.entries:
            self._choose(self._list.entries[self._list.cursor])

    def _choose(self, entry: PaletteLine) -> None:
        self.answer(entry.instance)
