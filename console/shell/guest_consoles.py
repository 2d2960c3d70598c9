"""The consoles of guests that are open in this virtdeck, in the order of their tabs. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from core.model import Delta, ObjectKey

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp
    from console.shell.guest_console import GuestConsole

LEAST = (80, 24)
"""What a guest takes its serial line for that nobody told it otherwise: no terminal is smaller."""
Watcher = Callable[["GuestConsole", Collection[int] | None], None]


class GuestConsoles:
    """They stay open while other screens are in view; leaving virtdeck lets go of all."""

    def __init__(self, app: VirtdeckApp) -> None:
        self.open: list[GuestConsole] = []
        self.current: GuestConsole | None = None
        self.watcher: Watcher | None = None
        """Is told of changes: the screen that shows them."""
        self.size = LEAST
        """Columns and rows of each."""
        self._app = app

    def show(self, key: ObjectKey) -> GuestConsole:
        """Make the console of an instance the current one, and open it where it is not."""
        from console.shell.guest_console import GuestConsole  # few consoles open one

        found = next((each for each in self.open if each.key == key), None)
        if found is None:
            found = GuestConsole(self._app, key, self.size, self._changed)
            self.open.append(found)
            found.open()
        self.current = found
        return found

    def step(self, by: int) -> None:
        """Go to the next or previous one."""
        if self.current in self.open:
            place = self.open.index(self.current) + by
            self.current = self.open[place % len(self.open)]

    def close(self, console: GuestConsole) -> None:
        """Let go of one; its neighbour is the current one then."""
        if console in self.open:
            place = self.open.index(console)
            self.open.remove(console)
            self.current = self.open[min(place, len(self.open) - 1)] if self.open else None
        console.close()

    def fit(self, columns: int, rows: int) -> None:
        """Have them as large as the screen, and no smaller than guests believe."""
        size = (max(columns, LEAST[0]), max(rows, LEAST[1]))
        if size != self.size:
            self.size = size
            for each in self.open:
                each.resize(*size)

    def take_news(self, delta: Delta) -> None:
        """Open again those whose guest, or host, is back."""
        for each in self.open:
            if {each.key, ObjectKey("host", each.key.host, each.key.host)} & delta.changed:
                each.look_again()

    def _changed(self, console: GuestConsole, rows: Collection[int] | None) -> None:
        if self.watcher is not None:
            self.watcher(console, rows)
