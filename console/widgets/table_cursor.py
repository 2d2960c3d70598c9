"""The cursor of a live table: it stays on its row, wherever that goes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

from console.widgets.row_model import RowModel

Row = TypeVar("Row")


class TableCursor(Generic[Row]):
    """Which row the cursor is on, by its key and by its line."""

    def __init__(self, model: RowModel[Hashable, Row], placed: Callable[[int, bool], None]) -> None:
        """`placed` is told the line before, and whether it is on another row now."""
        self.key: Any = None
        """The key of the row, None without rows."""
        self.line = 0
        """The line of the order."""
        self.heir: Callable[[Any, Mapping[Any, int]], Any] | None = None
        """Names the row a row that is gone has become, by its key and the keys shown; or None."""
        self._model = model
        self._placed = placed
        self._pinned = False

    @property
    def row(self) -> Row | None:
        """The row itself, None without rows."""
        return None if self.key is None else self._model.rows.get(self.key)

    def go_to(self, key: Any) -> None:
        """Go to a row; one that is not shown is ignored."""
        line = self._model.index.get(key)
        if line is not None:
            self.place(line)

    def place(self, line: int) -> None:
        """Go to a line of the order, cut to what there is."""
        order = self._model.order
        if not order:
            return
        self._pinned = True
        before, self.line = self.line, max(0, min(line, len(order) - 1))
        changed, self.key = order[self.line] != self.key, order[self.line]
        self._placed(before, changed)

    def place_first(self) -> None:
        """Go to the first row, and stay at the top when the order changes."""
        self.place(0)
        self._pinned = False

    def follow(self, before: list[Hashable]) -> bool:
        """The order changed: stay on the row, or on its neighbour in `before`.

        Until the operator chooses a row (and again after going to the first one) the cursor
        stays on the top line instead: a table somebody only watches, or sorts to find the
        busiest, shows the top of its order and does not scroll about. Returns whether it is on
        another row now.
        """
        order = self._model.order
        self.line = self._line_after(before)
        previous, self.key = self.key, order[self.line] if order else None
        return bool(self.key != previous)

    def _line_after(self, before: list[Hashable]) -> int:
        index = self._model.index
        if self.key is None or not index or not self._pinned:
            return 0
        if self.key in index:
            return index[self.key]
        heir = None if self.heir is None else self.heir(self.key, index)
        if heir is not None:
            return index[heir]
        line = min(self.line, len(before))
        around = (*before[line:], *reversed(before[:line]))
        return next((index[key] for key in around if key in index), 0)
