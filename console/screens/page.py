"""A page of text that breaks long lines instead of cutting them. UI thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from console.screens.table_text import as_cells, plain
from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel

_HANG = 4
"""Cells by which what was broken off is indented further than its line."""


class Page(LinePanel):
    """Lines set as a whole and broken at blanks to the page's width."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._content: tuple[CellValue, ...] = ()

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
    indent = min(_hanging(text), width // 2)
    pieces: list[CellValue] = []
    row: list[Cell] = []
    room = width
    for word, role in _words(line):
        length = cell_len(word)
        if length > room and row:
            pieces.append(tuple(row))
            row, room = [Cell(" " * indent)], width - indent
            word = word.lstrip()
        for part in chop_cells(word, max(1, room)) or [""]:
            if cell_len(part) > room:
                pieces.append(tuple(row))
                row, room = [Cell(" " * indent)], width - indent
            row.append(Cell(part, role))
            room -= cell_len(part)
    return [*pieces, tuple(row)]


def _hanging(text: str) -> int:
    """Where what is broken off continues: under the value of a label, else a little further in."""
    indent = len(text) - len(text.lstrip())
    label = text[indent:].find("  ")
    if label > 0:
        rest = text[indent + label :]
        return indent + label + len(rest) - len(rest.lstrip())
    return indent + _HANG


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
