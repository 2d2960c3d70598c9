"""The lines of a live table as they are on screen: header, rows, what stands below. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from textual.geometry import Region
from textual.strip import Strip

from console.glyphs import glyphs
from console.widgets.columns import Cell, fit
from console.widgets.painting import Painter, painter_for
from console.widgets.row_painter import GUTTER, Look
from console.widgets.table_scroll import HEADER, TableScroll

if TYPE_CHECKING:
    from console.widgets.live_table import LiveTable

Row = TypeVar("Row")


class TableLines(Generic[Row]):
    """Draws the lines in view, and repaints the cells that differ from what was drawn."""

    def __init__(
        self,
        table: LiveTable[Row],
        scroll: TableScroll,
        row_role: Callable[[Row], str] | None,
    ) -> None:
        self._table = table
        self._model = table.model
        self._painter = table.row_painter
        self._scroll = scroll
        self._row_role = row_role
        self.empty = ""
        """What is shown when no row is; may have several lines."""

    def line(self, y: int) -> Strip:
        """Draw screen line `y`."""
        painter = self._prepare()
        if y < HEADER:
            return self._header()
        line = y - HEADER + self._table.scroll_offset.y
        order = self._model.order
        if line < len(order):
            key = order[line]
            row = self._model.rows[key]
            return self._painter.line(y, key, row, self._look(key, row))
        if not order:
            return self._empty_line(y - HEADER, painter)
        return self._painter.blank(y)

    def repaint_all(self) -> None:
        """Refresh the cells in view that are not as they should be."""
        top = self._table.scroll_offset.y
        self.repaint(range(top, top + self._scroll.page))

    def repaint_keys(self, keys: Iterable[Any]) -> None:
        """The same for some rows, by their keys."""
        index, top = self._model.index, self._table.scroll_offset.y
        bottom = top + self._scroll.page
        lines = (index[key] for key in keys if key in index)
        self.repaint([line for line in lines if top <= line < bottom])

    def repaint(self, lines: Iterable[int]) -> None:
        """The same for some lines of the order."""
        table, order = self._table, self._model.order
        if not table.size.width or not table.is_attached:
            return
        self._prepare()
        top, page = table.scroll_offset.y, self._scroll.page
        regions: list[Region] = []
        for line in lines:
            if not top <= line < top + page:
                continue
            y = line - top + HEADER
            if line < len(order):
                key = order[line]
                row = self._model.rows[key]
                spans = self._painter.changes(y, key, row, self._look(key, row))
            else:
                spans = self._painter.blank_changes(y)
            regions += [Region(x, y, width, 1) for x, width in spans]
        if regions:
            table.refresh(*regions)

    def _prepare(self) -> Painter:
        return self._painter.prepare(self._width(), lambda: painter_for(self._table))

    def _width(self) -> int:
        """Cells of a line, without the scroll bar."""
        return self._table.scrollable_content_region.width

    def _header(self) -> Strip:
        column = self._model.column
        signs = glyphs()
        arrows = signs.ascending + signs.descending
        return self._painter.header(column.id if column else "", self._model.descending, arrows)

    def _empty_line(self, line: int, painter: Painter) -> Strip:
        width = self._width()
        room = max(1, width - GUTTER)
        lines = [part for text in self.empty.splitlines() for part in _wrapped(text, room)]
        number = line - 1
        if not 0 <= number < len(lines):
            return painter.strip((), width)
        text = fit(Cell(lines[number], "muted"), room)
        return painter.strip(((" " * GUTTER, ""), *text), width)

    def _look(self, key: Hashable, row: Row) -> Look:
        if key == self._table.cursor.key:
            over = "cursor" if self._table.has_focus else "cursor-blur"
        else:
            over = self._row_role(row) if self._row_role else ""
        return Look(over, key in self._table.marks.keys)


@lru_cache(64)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    """Break a line at blanks; what virsh takes has hyphens.

    Remembered: it is asked for again with each line of an empty table.
    """
    return tuple(wrap(text, width, break_on_hyphens=False)) or ("",)
