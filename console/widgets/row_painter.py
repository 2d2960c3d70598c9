"""Draws the lines of a live table and knows which cells on screen have changed. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from textual.strip import Strip

from console.widgets.columns import (
    Cell,
    CellValue,
    Column,
    PlacedColumn,
    Run,
    changed_span,
    fit,
    place_columns,
    sorted_columns,
    spill,
)
from console.widgets.painting import Painter

Row = TypeVar("Row")

GUTTER = 2
"""Cells left of the first column: the mark and a blank."""
_CACHED_ROWS = 2000


class Look(NamedTuple):
    """How a line is drawn apart from its text: the role over all of it, and its mark."""

    over: str = ""
    marked: bool = False


@dataclass(slots=True)
class _Painted:
    """A row as fitted cells, where they are, and its finished lines by look."""

    contents: Sequence[CellValue]
    """What its columns said, side by side with their places."""
    places: tuple[PlacedColumn, ...]
    cells: tuple[tuple[Run, ...], ...]
    strips: dict[Look, Strip] = field(default_factory=dict)
    fresh: bool = True
    """Whether its columns would still say so."""


class RowPainter(Generic[Row]):
    """Fits rows into the placed columns, caches them, and compares lines with what is shown."""

    def __init__(self, columns: Sequence[Column[Row]], mark: str) -> None:
        self.columns = tuple(columns)
        self.placed: tuple[PlacedColumn, ...] = ()
        """The columns that fit, with their places."""
        self._mark = mark
        self._width = -1
        self._painter: Painter | None = None
        self._painted: dict[Hashable, _Painted] = {}
        self._shown: dict[int, tuple[_Painted, Look]] = {}

    def prepare(self, width: int, make_painter: Callable[[], Painter]) -> Painter:
        """Be ready to draw lines of `width` cells; keeps its caches while nothing changed."""
        if width != self._width:
            self._width = width
            self.placed = place_columns(self.columns, width, left=GUTTER)
            self._painted.clear()
            self._shown.clear()
        if self._painter is None:
            self._painter = make_painter()
        return self._painter

    def restyle(self) -> None:
        """Forget every style: the theme or the table's colours changed."""
        self._painter = None
        self._shown.clear()
        for painted in self._painted.values():
            painted.strips.clear()

    def forget(self, keys: Iterable[Hashable]) -> None:
        """These rows went; what is on screen is still remembered."""
        for key in keys:
            self._painted.pop(key, None)

    def mistrust(self, keys: Iterable[Hashable]) -> None:
        """These rows may have changed: their columns are asked again before they are drawn."""
        for key in keys:
            painted = self._painted.get(key)
            if painted is not None:
                painted.fresh = False

    def line(self, y: int, key: Hashable, row: Row, look: Look) -> Strip:
        """The finished line for screen line `y`. Call `prepare` before."""
        painted = self._paint(key, row)
        self._shown[y] = (painted, look)
        strip = painted.strips.get(look)
        if strip is None:
            strip = painted.strips[look] = self._strip(painted, look)
        return strip

    def blank(self, y: int) -> Strip:
        """An empty line for screen line `y`."""
        self._shown.pop(y, None)
        return self._ready().strip((), self._width)

    def changes(self, y: int, key: Hashable, row: Row, look: Look) -> list[tuple[int, int]]:
        """Which cells of screen line `y` would change: pairs of left edge and width."""
        shown = self._shown.get(y)
        painted = self._paint(key, row)
        self._shown[y] = (painted, look)
        if shown is None or shown[1] != look or shown[0].places != painted.places:
            return [(0, self._width)]
        if shown[0] is painted:
            return []
        spans = []
        for place, old, new in zip(painted.places, shown[0].cells, painted.cells, strict=True):
            if old != new:
                offset, length = changed_span(old, new, place.width)
                spans.append((place.x + offset, length))
        return spans

    def blank_changes(self, y: int) -> list[tuple[int, int]]:
        """Which cells of screen line `y` change when it is to be empty: all, or none."""
        return [(0, self._width)] if self._shown.pop(y, None) is not None else []

    def header(self, sorted_by: str, descending: bool, arrows: str) -> Strip:
        """The header line; the sorted column has an arrow and a role of its own."""
        runs: list[Run] = []
        x = 0
        ordering = sorted_columns(self.columns, self.placed, sorted_by)
        for place in self.placed:
            column = self.columns[place.number]
            runs.append((" " * (place.x - x), "header"))
            arrow = arrows[descending] if column.id in ordering else ""
            runs.extend(self._title(column, place.width, arrow))
            x = place.end
        runs.append((" " * max(0, self._width - x), "header"))
        return self._ready().strip(runs, self._width)

    @staticmethod
    def _title(column: Column[Row], width: int, arrow: str) -> list[Run]:
        role = "header-sorted" if arrow else "header"
        text = column.title
        if arrow:
            text = f"{arrow}{text}" if column.align == "right" else f"{text}{arrow}"
            if len(text) > width > 1:
                text = f"{column.title[: width - 1]}{arrow}"
        runs = fit(Cell(text, role), width, column.align)
        return [(piece, piece_role or "header") for piece, piece_role in runs]

    def column(self, id: str) -> Column[Row]:  # noqa: A002 - the column's own word
        """The column of that id, whether it fits or not. Raises KeyError."""
        for column in self.columns:
            if column.id == id:
                return column
        raise KeyError(id)

    def column_at(self, x: int) -> Column[Row] | None:
        """The column over cell `x` of a line (the gap right of it included)."""
        for place in self.placed:
            if place.x <= x <= place.end:
                return self.columns[place.number]
        return None

    def _ready(self) -> Painter:
        assert self._painter is not None, "prepare() comes first"
        return self._painter

    def _paint(self, key: Hashable, row: Row) -> _Painted:
        painted = self._painted.get(key)
        if painted is not None and painted.fresh:
            return painted
        columns = self.columns
        drawn = [columns[place.number].content(row, place.width) for place in self.placed]
        places, contents = spill(columns, self.placed, drawn, row)
        if painted is not None and (painted.places, painted.contents) == (places, contents):
            painted.fresh = True  # most figures of most rows are what they were
            return painted
        if painted is None and len(self._painted) >= _CACHED_ROWS:
            self._painted.clear()
        painted = self._painted[key] = self._fitted(places, contents)
        return painted

    def _fitted(self, places: tuple[PlacedColumn, ...], contents: Sequence[CellValue]) -> _Painted:
        columns = self.columns
        cells = tuple(
            fit(content, place.width, columns[place.number].align, columns[place.number].cut)
            for place, content in zip(places, contents, strict=True)
        )
        return _Painted(contents, places, cells)

    def _strip(self, painted: _Painted, look: Look) -> Strip:
        runs: list[Run] = [(self._mark, "mark") if look.marked else (" ", ""), (" ", "")]
        x = GUTTER
        for place, cell in zip(painted.places, painted.cells, strict=True):
            if place.x > x:
                runs.append((" " * (place.x - x), ""))
            runs.extend(cell)
            x = place.end
        return self._ready().strip(runs, self._width, look.over)
