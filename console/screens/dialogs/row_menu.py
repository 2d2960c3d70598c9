"""What can be done to one operation or migration: its lines by their letters. UI thread."""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.dialogs.line_menu import LineMenu
from console.screens.menu_lines import MenuLine
from console.widgets.columns import Cell


class RowMenu(LineMenu[str], inherit_bindings=True):
    """Answers with the id of the action that was chosen."""

    def __init__(
        self, heading: Sequence[Cell], lines: Sequence[MenuLine], ids: Sequence[str]
    ) -> None:
        super().__init__()
        self._title = tuple(heading)
        self._rows = list(lines)
        self._ids = tuple(ids)

    def on_mount(self) -> None:
        """Show it as it was when it was asked for."""
        self.show_anew()

    def menu_lines(self) -> list[MenuLine]:
        """A line for each action."""
        return self._rows

    def heading(self) -> Sequence[Cell]:
        """Which operation or migration."""
        return self._title

    def keys_line(self, place: int) -> str:
        """Which keys work."""
        del place
        return "letter, enter do it   esc close"

    def take(self, place: int) -> None:
        """Do it, or stay and say why it cannot be."""
        if self._rows[place].greyed:
            self.show_lines(place)
        else:
            self.answer(self._ids[place])
