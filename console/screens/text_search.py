"""Search in lines of text: where a text occurs, the present match, and how matches are drawn.

Pure; one instance per page.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.table_text import plain
from console.widgets.columns import Cell, CellValue


class Search:
    """Remembers what is looked for and which of the matching lines is the present one."""

    def __init__(self) -> None:
        self.text = ""
        """What is looked for; empty: nothing."""
        self.found: list[int] = []
        """The numbers of the lines that match."""
        self._place = 0

    @property
    def line(self) -> int | None:
        """The number of the present match's line."""
        return self.found[self._place] if self.found else None

    def look_for(self, text: str) -> None:
        """Begin a search, at the first match."""
        self.text = text
        self.found = []
        self._place = 0

    def step(self, by: int) -> None:
        """Go to another match, round the ends."""
        if self.found:
            self._place = (self._place + by) % len(self.found)

    def label(self) -> str:
        """The search in words: `/disk 2 of 7`."""
        if not self.found:
            return f"/{self.text}: not on this page"
        return f"/{self.text} {self._place + 1} of {len(self.found)}"

    def mark(self, lines: Sequence[CellValue]) -> list[CellValue]:
        """Find the matches in `lines` and return these with the matches highlighted."""
        needle = self.text.casefold()
        if not needle:
            self.found = []
            return list(lines)
        self.found = [
            number for number, line in enumerate(lines) if needle in plain(line).casefold()
        ]
        self._place = min(self._place, max(0, len(self.found) - 1))
        marked = list(lines)
        for number in self.found:
            role = "cursor" if number == self.line else "header-sorted"
            marked[number] = _highlighted(plain(lines[number]), needle, role)
        return marked


def _highlighted(text: str, needle: str, role: str) -> tuple[Cell, ...]:
    folded = text.casefold()
    if len(folded) != len(text):  # folding moved the letters: mark the whole line
        return (Cell(text, role),)
    cells, start = [], 0
    while (at := folded.find(needle, start)) >= 0:
        cells += [Cell(text[start:at]), Cell(text[at : at + len(needle)], role)]
        start = at + len(needle)
    return (*cells, Cell(text[start:]))
