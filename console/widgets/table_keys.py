"""What the keys of scope "table" do; the action registry binds them. UI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from console.widgets.columns import Column
from console.widgets.table_messages import Activated
from console.widgets.table_scroll import TableScroll

if TYPE_CHECKING:
    from console.widgets.live_table import LiveTable

Row = TypeVar("Row")


class TableKeys(Generic[Row]):
    """The actions of a live table by their names."""

    def __init__(
        self, table: LiveTable[Row], scroll: TableScroll, marked: Callable[[], None]
    ) -> None:
        """`marked` is called when the marks changed."""
        self._table = table
        self._scroll = scroll
        self._marked = marked
        self._model = table.model
        self._marks = table.marks
        self._cursor = table.cursor

    def cursor(self, lines: int) -> None:
        """Move the cursor down by `lines` (up when negative)."""
        self._cursor.place(self._cursor.line + lines)

    def page(self, pages: int) -> None:
        """Move the cursor down by pages (up when negative)."""
        self.cursor(pages * self._scroll.page)

    def first(self) -> None:
        """Cursor to the first row, and stay at the top when the order changes."""
        self._cursor.place_first()

    def last(self) -> None:
        """Cursor to the last row."""
        self._cursor.place(len(self._model.order) - 1)

    def open(self) -> None:
        """Open the row under the cursor: posts `Activated`."""
        if self._cursor.key is not None:
            self._table.post_message(Activated(self._table, self._cursor.key))

    def mark(self) -> None:
        """Mark or unmark the row under the cursor and move down."""
        if self._cursor.key is not None:
            self._marks.toggle(self._cursor.key)
            self._cursor.place(self._cursor.line + 1)
            self._marked()

    def mark_range(self) -> None:
        """Mark everything from the row marked last to the one under the cursor."""
        if self._cursor.key is not None:
            self._marks.add_range(self._model.order, self._model.index, self._cursor.key)
            self._marked()

    def mark_visible(self) -> None:
        """Mark every row that passes the filter."""
        self._marks.add(self._model.order)
        self._marked()

    def clear_marks(self) -> None:
        """Unmark everything, hidden rows included."""
        if self._marks.keys:
            self._marks.clear()
            self._marked()

    def sort_column(self, step: int) -> None:
        """Sort by the next sortable column on screen to the right (left when negative)."""
        painter = self._table.row_painter
        columns = [
            column
            for place in painter.placed
            if (column := painter.columns[place.number]).sort_key is not None
        ]
        if columns:
            self._table.sort_by(columns[self._next_place(columns, step)].id)

    def sort_by(self, id: str) -> None:  # noqa: A002 - the column's own word
        """Sort by the column `id`, whether it is shown or not; again: the other way round."""
        column = self._model.column
        again = column is not None and column.id == id
        self._table.sort_by(id, not self._model.descending if again else None)

    def invert_sort(self) -> None:
        """Turn the order round."""
        if self._model.column is not None:
            self._table.sort_by(self._model.column.id, not self._model.descending)

    def _next_place(self, columns: list[Column[Row]], step: int) -> int:
        if self._model.column not in columns:
            return 0 if step > 0 else len(columns) - 1
        return (columns.index(self._model.column) + step) % len(columns)
