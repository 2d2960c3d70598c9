"""How a live table scrolls: to its cursor, and with as many rows as there are. UI thread."""

from __future__ import annotations

from typing import Any

from textual.geometry import Size
from textual.scroll_view import ScrollView

from console.widgets.table_cursor import TableCursor

HEADER = 1
"""Lines above the first row; they do not scroll."""


class TableScroll:
    """The rows in view of a table."""

    def __init__(self, table: ScrollView, cursor: TableCursor[Any]) -> None:
        self._table = table
        self._cursor = cursor
        self._had_rows = False

    @property
    def page(self) -> int:
        """How many rows are in view; at least 1."""
        return max(1, self._table.size.height - HEADER)

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is in view."""
        top = self._table.scroll_offset.y
        return top <= self._cursor.line < top + self.page

    def to_cursor(self) -> None:
        """Scroll as little as brings the cursor into view."""
        top, page, line = self._table.scroll_offset.y, self.page, self._cursor.line
        if line < top:
            self._to(line)
        elif line >= top + page:
            self._to(line - page + 1)

    def fit(self, rows: int) -> None:
        """Tell the scroll bar how many rows there are; lays out only if it comes or goes."""
        table = self._table
        height, wanted = table.size.height, Size(0, rows + HEADER)
        if wanted == table.virtual_size:
            return
        if (wanted.height > height) == table.show_vertical_scrollbar:
            table.set_reactive(ScrollView.virtual_size, wanted)
            if table.show_vertical_scrollbar:
                table.vertical_scrollbar.window_virtual_size = wanted.height
        else:
            table.virtual_size = wanted
        if table.scroll_offset.y > table.max_scroll_y:
            self._to(table.max_scroll_y)
        if (rows == 0) != (not self._had_rows):
            self._had_rows = rows > 0
            table.refresh()

    def _to(self, line: int) -> None:
        self._table.scroll_to(y=line, animate=False, force=True)
