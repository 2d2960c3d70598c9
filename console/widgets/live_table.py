"""The live table: thousands of keyed rows that change many times a second, drawn line by line.

It repaints only the cells on screen whose text or style changed, keeps its cursor and marks on
keys rather than on line numbers, and holds its order still while the operator is choosing.
Everything here runs on the UI thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.binding import BindingType
from textual.geometry import Region
from textual.timer import Timer

from console.actions.registry import bindings_for
from console.widgets import table_messages
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_actions import TableActions
from console.widgets.table_messages import Counts
from console.widgets.table_view import HEADER

__all__ = ["Cell", "CellValue", "Column", "Counts", "LiveTable"]

Row = TypeVar("Row")

SORT_SECONDS = 1.0
"""At most one change of order in this time, unless the operator asks for one."""
CHOOSING_SECONDS = 1.5
"""The order stands still this long after a key or mouse action in the table."""


class LiveTable(TableActions[Row], Generic[Row], can_focus=True, inherit_bindings=False):
    """A table over row objects keyed by any hashable; see the module's words.

    `columns` in order; `name_of` breaks ties in every sort; `sort` is the id of the first sort
    column (None: by name, ascending); `row_role` may give a whole row a role (a stale one:
    "muted"); `empty` is shown when no row is; `clock` gives monotonic seconds.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings_for("table")

    Highlighted = table_messages.Highlighted
    Activated = table_messages.Activated
    MarksChanged = table_messages.MarksChanged
    SortChanged = table_messages.SortChanged

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        name_of: Callable[[Row], str],
        sort: str | None = None,
        row_role: Callable[[Row], str] | None = None,
        empty: str = "",
        clock: Callable[[], float] = time.monotonic,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(
            columns, name_of=name_of, row_role=row_role, empty=empty, id=id, classes=classes
        )
        self._clock = clock
        self._ordered_at = -SORT_SECONDS
        self._touched_at = -CHOOSING_SECONDS
        self._settle_timer: Timer | None = None
        if sort is not None:
            first = self.column(sort)
            self.model.sort_by(first, descending=first.default_descending)

    def set_rows(self, rows: Mapping[Any, Row]) -> None:
        """Replace every row; they are sorted and shown at once. Marks of lost rows go."""
        before = self.model.order
        self.row_painter.forget(list(self.model.rows))
        self.model.set_rows(rows)
        self._ordered_at = self._clock()
        self._drop_marks([key for key in self.marks.keys if key not in rows])
        self._show_order(before)

    def update_rows(self, changed: Mapping[Any, Row], gone: Iterable[Any] = ()) -> None:
        """Take in rows that changed or are new, and drop the gone ones.

        Gone rows leave at once. What changes the order waits for `SORT_SECONDS` since the last
        change of order and `CHOOSING_SECONDS` since the operator's last action.
        """
        before = self.model.order
        lost = [key for key in gone if key not in changed]
        self.row_painter.mistrust(changed)
        self.row_painter.forget(lost)
        moved = self.model.update(changed, lost)
        self._drop_marks(lost)
        if self._settle(before):
            return
        if moved:
            self._show_order(before)
        else:
            self._repaint_keys(changed)

    def set_filter(self, passes: Callable[[Row], bool] | None) -> None:
        """Show only the rows that pass; None shows all. The cursor stays if its row does."""
        before = self.model.order
        self.model.set_filter(passes)
        self._ordered_at = self._clock()
        self._show_order(before)

    def sort_by(self, id: str, descending: bool | None = None) -> None:  # noqa: A002
        """Sort by the column `id` now, by default in its own direction. Raises KeyError."""
        column = self.column(id)
        before = self.model.order
        falling = column.default_descending if descending is None else descending
        self.model.sort_by(column, descending=falling)
        self._ordered_at = self._clock()
        self._show_order(before)
        self.refresh(Region(0, 0, self.size.width, HEADER))
        self.post_message(table_messages.SortChanged(self, id, falling))

    @property
    def chosen(self) -> list[Any]:
        """What an action applies to: the marked keys, or the one under the cursor.

        Shown ones first, from top to bottom, then marked ones the filter hides.
        """
        if not self.marks.keys:
            return [] if self._cursor is None else [self._cursor]
        shown = [key for key in self.model.order if key in self.marks.keys]
        return shown + sorted(self.marks.keys.difference(shown), key=str)

    @property
    def counts(self) -> Counts:
        """Rows visible, in total, marked, and marked but hidden."""
        model, marks = self.model, self.marks
        return Counts(len(model.order), len(model.rows), len(marks.keys), marks.hidden(model.index))

    def settle(self, *, at_once: bool = False) -> bool:
        """Change the order if one is due and the table may, or at once; return whether it did.

        Called on its own when time has passed; a test with a clock of its own calls it.
        """
        return self._settle(self.model.order, at_once=at_once)

    def _settle(self, before: list[Hashable], *, at_once: bool = False) -> bool:
        if not self.model.stale:
            return False
        due = max(self._ordered_at + SORT_SECONDS, self._touched_at + CHOOSING_SECONDS)
        now = self._clock()
        if now < due and not at_once:
            if self._settle_timer is None and self.is_attached:
                self._settle_timer = self.set_timer(max(due - now, 0.05), self._settle_now)
            return False
        self._ordered_at = now
        self.model.reorder()
        self._show_order(before)
        return True

    def _settle_now(self) -> None:
        self._settle_timer = None
        self.settle()

    def _touch(self) -> None:
        self._touched_at = self._clock()

    def _tell_marks(self) -> None:
        self._repaint_all()
        self.post_message(table_messages.MarksChanged(self, self.counts))

    def _drop_marks(self, lost: Iterable[Hashable]) -> None:
        if self.marks.drop(lost):
            self._tell_marks()

    # -- mouse and focus -------------------------------------------------------------------

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        self._touch()
        if offset.y < HEADER:
            self._sort_at(offset.x)
            return
        line = offset.y - HEADER + self.scroll_offset.y
        if line < len(self.model.order):
            self._place_cursor(line)
            if event.chain == 2:
                self.action_open()

    def _sort_at(self, x: int) -> None:
        column = self.row_painter.column_at(x)
        if column is not None and column.sort_key is not None:
            same = column is self.model.column
            self.sort_by(column.id, not self.model.descending if same else None)

    @on(events.MouseMove)
    def _explain_column(self, event: events.MouseMove) -> None:
        column = self.row_painter.column_at(event.x) if event.y < HEADER else None
        self.tooltip = (column.tooltip or None) if column else None

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def _wheel(self) -> None:
        self._touch()

    @on(events.Focus)
    @on(events.Blur)
    def _focus_moved(self) -> None:
        self._repaint_lines((self._cursor_line,))
