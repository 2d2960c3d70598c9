"""What the keys do in a live table; the action registry binds them. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

from console.widgets.columns import Column
from console.widgets.table_messages import Activated
from console.widgets.table_view import TableView

Row = TypeVar("Row")


class TableActions(TableView[Row], Generic[Row], inherit_bindings=False):
    """The actions of scope "table": each holds the order still for a moment."""

    @abstractmethod
    def _touch(self) -> None:
        """The operator is at it: hold the order still."""

    @abstractmethod
    def _tell_marks(self) -> None:
        """Repaint and tell after the marks changed."""

    @abstractmethod
    def sort_by(self, id: str, descending: bool | None = None) -> None:  # noqa: A002
        """Sort by the column `id` now."""

    def action_cursor(self, lines: int) -> None:
        """Move the cursor down by `lines` (up when negative)."""
        self._touch()
        self._place_cursor(self._cursor_line + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor down by pages (up when negative)."""
        self.action_cursor(pages * self._page())

    def action_first(self) -> None:
        """Cursor to the first row, and stay at the top when the order changes."""
        self._touch()
        self._place_cursor(0)
        self._pinned = False

    def action_last(self) -> None:
        """Cursor to the last row."""
        self._touch()
        self._place_cursor(len(self.model.order) - 1)

    def action_open(self) -> None:
        """Open the row under the cursor: posts `Activated`."""
        self._touch()
        if self._cursor is not None:
            self.post_message(Activated(self, self._cursor))

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor and move down."""
        self._touch()
        if self._cursor is not None:
            self.marks.toggle(self._cursor)
            self._place_cursor(self._cursor_line + 1)
            self._tell_marks()

    def action_mark_range(self) -> None:
        """Mark everything from the row marked last to the one under the cursor."""
        self._touch()
        if self._cursor is not None:
            self.marks.add_range(self.model.order, self.model.index, self._cursor)
            self._tell_marks()

    def action_mark_visible(self) -> None:
        """Mark every row that passes the filter."""
        self._touch()
        self.marks.add(self.model.order)
        self._tell_marks()

    def action_clear_marks(self) -> None:
        """Unmark everything, hidden rows included."""
        self._touch()
        if self.marks.keys:
            self.marks.clear()
            self._tell_marks()

    def action_sort_column(self, step: int) -> None:
        """Sort by the next sortable column on screen to the right (left when negative)."""
        self._touch()
        columns = [
            column
            for place in self.row_painter.placed
            if (column := self.row_painter.columns[place.number]).sort_key is not None
        ]
        if columns:
            self.sort_by(columns[self._next_place(columns, step)].id)

    def _next_place(self, columns: list[Column[Row]], step: int) -> int:
        if self.model.column not in columns:
            return 0 if step > 0 else len(columns) - 1
        return (columns.index(self.model.column) + step) % len(columns)

    def action_sort_by(self, id: str) -> None:  # noqa: A002 - the column's own word
        """Sort by the column `id`, whether it is shown or not; again: the other way round."""
        self._touch()
        column = self.model.column
        again = column is not None and column.id == id
        self.sort_by(id, not self.model.descending if again else None)

    def action_invert_sort(self) -> None:
        """Turn the order round."""
        self._touch()
        if self.model.column is not None:
            self.sort_by(self.model.column.id, not self.model.descending)
