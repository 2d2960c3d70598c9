"""A page of text that breaks long lines instead of cutting them. UI thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

from console.screens.table_text import as_cells, plain
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel

_HANG = 4
"""Cells by which what was broken off is indented further than its line."""
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")


class Page(LinePanel):
    """Lines set as a whole and broken at blanks to the page's width."""

    def __init__(self, content: Sequence[CellValue] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._content = tuple(content)

    def show(self, content: Sequence[CellValue]) -> None:
        """Show these lines."""
        self._content = tuple(content)
        self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """The lines, broken."""
        return [piece for line in self._content for piece in broken(line, width)]

    def place_of(self, number: int) -> int:
        """On which line of the page line `number` of the content begins."""
        width = self.size.width
        return sum(len(broken(line, width)) for line in self._content[:number])


def broken(line: CellValue, width: int) -> list[CellValue]:
    """Break a line into pieces of at most `width` cells, at blanks where there are any."""
    text = plain(line)
    if cell_len(text) <= width or width <= _HANG * 2:
        return [line]
    indent = _hanging(text, width)
    pieces: list[CellValue] = []
    row: list[Cell] = []
    room = width
    for word, role in _words(line):
        rest = word
        if cell_len(rest) > room and cell_len(rest) <= width - indent and row:
            pieces.append(tuple(row))
            row, room, rest = [Cell(" " * indent)], width - indent, rest.lstrip()
        while cell_len(rest) > room:
            piece = chop_cells(rest, room)[0] if room > 1 else ""
            pieces.append((*row, Cell(piece, role)))
            row, room, rest = [Cell(" " * indent)], width - indent, rest[len(piece) :]
        row.append(Cell(rest, role))
        room -= cell_len(rest)
    return [*pieces, tuple(row)]


def beside(
    left: Sequence[CellValue], right: Sequence[CellValue], place: int, width: int
) -> list[CellValue]:
    """Two texts side by side: the right one begins at cell `place`, both are broken to fit."""
    ones = [piece for line in left for piece in broken(line, place - 2)]
    others = [piece for line in right for piece in broken(line, width - place)]
    return [
        (*as_cells(one), Cell(" " * (place - cell_len(plain(one)))), *as_cells(other))
        for one, other in zip_longest(ones, others, fillvalue="")
    ]


def _hanging(text: str, width: int) -> int:
    """Where what is broken off continues: under the last column, else a little further in.

    Columns are set apart by two blanks or more; one that begins too far right does not count.
    """
    indent = len(text) - len(text.lstrip())
    columns = [match.end() for match in _GAP.finditer(text[: width * 2 // 3]) if match.start()]
    return columns[-1] if columns else min(indent + _HANG, width // 2)


def _words(line: CellValue) -> Iterator[tuple[str, str]]:
    """The words of a line, each with the blanks before it and its role."""
    for cell in as_cells(line):
        start = 0
        text = cell.text
        while start < len(text):
            end = start
            while end < len(text) and text[end] == " ":
                end += 1
            while end < len(text) and text[end] != " ":
                end += 1
            yield text[start:end], cell.role
            start = end
