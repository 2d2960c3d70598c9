"""The live table: thousands of keyed rows that change many times a second, drawn line by line.

It repaints only the cells on screen whose text or style changed, keeps its cursor and marks on
keys rather than on line numbers, and holds its order still while the operator is choosing.
Everything here runs on the UI thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.style import Style
from textual import events, on
from textual.binding import BindingType
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from console.actions.registry import bindings_for
from console.glyphs import glyphs
from console.widgets import table_messages
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.order_hold import OrderHold
from console.widgets.row_model import Marks, RowModel
from console.widgets.row_painter import RowPainter
from console.widgets.table_cursor import TableCursor
from console.widgets.table_keys import TableKeys
from console.widgets.table_lines import TableLines
from console.widgets.table_messages import Counts
from console.widgets.table_scroll import HEADER, TableScroll

__all__ = ["Cell", "CellValue", "Column", "Counts", "LiveTable"]

Row = TypeVar("Row")


class LiveTable(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """A table over row objects keyed by any hashable; see the module's words.

    `columns` in order; `name_of` breaks ties in every sort; `sort` is the id of the first sort
    column (None: by name, ascending); `row_role` may give a whole row a role (a stale one:
    "muted"); `empty` is shown when no row is; `clock` gives monotonic seconds.
    """

    DEFAULT_CSS = """
    LiveTable {
        height: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
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
        super().__init__(id=id, classes=classes)
        self.model: RowModel[Hashable, Row] = RowModel(name_of)
        self.marks: Marks[Hashable] = Marks()
        self.row_painter: RowPainter[Row] = RowPainter(columns, glyphs().mark)
        self.cursor = TableCursor(self.model, self._cursor_placed)
        self._scroll = TableScroll(self, self.cursor)
        self._lines = TableLines(self, self._scroll, row_role)
        self._lines.empty = empty
        self._keys = TableKeys(self, self._scroll, self._tell_marks)
        self._hold = OrderHold(clock)
        self._settle_timer: Timer | None = None
        self._drawn_with: tuple[Style, str] | None = None
        if sort is not None:
            first = self.row_painter.column(sort)
            self.model.sort_by(first, descending=first.default_descending)

    @property
    def keys_in_view(self) -> list[Any]:
        """The keys of the rows on the screen, from top to bottom."""
        top = round(self.scroll_y)
        return self.model.order[top : top + self._scroll.page]

    def set_rows(self, rows: Mapping[Any, Row]) -> None:
        """Replace every row; they are sorted and shown at once. Marks of lost rows go."""
        before = self.model.order
        self.row_painter.forget(list(self.model.rows))
        self.model.set_rows(rows)
        self._hold.ordered()
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
            self._lines.repaint_keys(changed)

    def set_filter(self, passes: Callable[[Row], bool] | None) -> None:
        """Show only the rows that pass; None shows all. The cursor stays if its row does."""
        before = self.model.order
        self.model.set_filter(passes)
        self._hold.ordered()
        self._show_order(before)

    def sort_by(self, id: str, descending: bool | None = None) -> None:  # noqa: A002
        """Sort by the column `id` now, by default in its own direction. Raises KeyError."""
        column = self.row_painter.column(id)
        before = self.model.order
        falling = column.default_descending if descending is None else descending
        self.model.sort_by(column, descending=falling)
        self._hold.ordered()
        self._show_order(before)
        self.refresh(Region(0, 0, self.size.width, HEADER))
        self.post_message(table_messages.SortChanged(self, id, falling))

    def set_empty(self, text: str) -> None:
        """Change what is shown when no row is; may have several lines."""
        if text != self._lines.empty:
            self._lines.empty = text
            if not self.model.order:
                self.refresh()

    @property
    def chosen(self) -> list[Any]:
        """What an action applies to: the marked keys, or the one under the cursor.

        Shown ones first, from top to bottom, then marked ones the filter hides.
        """
        if not self.marks.keys:
            return [] if self.cursor.key is None else [self.cursor.key]
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
        left = self._hold.left()
        if left > 0 and not at_once:
            if self._settle_timer is None and self.is_attached:
                self._settle_timer = self.set_timer(max(left, 0.05), self._settle_now)
            return False
        self._hold.ordered()
        self.model.reorder()
        self._show_order(before)
        return True

    def _settle_now(self) -> None:
        self._settle_timer = None
        self.settle()

    def _tell_marks(self) -> None:
        self._lines.repaint_all()
        self.post_message(table_messages.MarksChanged(self, self.counts))

    def _drop_marks(self, lost: Iterable[Hashable]) -> None:
        if self.marks.drop(lost):
            self._tell_marks()

    def action_table(self, name: str, *arguments: Any) -> None:
        """Do what a key asks for, a method of `TableKeys`: the order stands still for a moment."""
        self._hold.touch()
        getattr(self._keys, name)(*arguments)

    # -- mouse and focus -------------------------------------------------------------------

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        self._hold.touch()
        if offset.y < HEADER:
            self._sort_at(offset.x)
            return
        line = offset.y - HEADER + self.scroll_offset.y
        if line < len(self.model.order):
            self.cursor.place(line)
            if event.chain == 2:
                self._keys.open()

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
        self._hold.touch()

    @on(events.Focus)
    @on(events.Blur)
    def _focus_moved(self) -> None:
        self._lines.repaint((self.cursor.line,))

    # -- drawing ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw screen line `y`: the header, a row, or what stands below the last row."""
        return self._lines.line(y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint what differs after scrolling, not the whole table."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._lines.repaint_all()
            self.post_message(table_messages.ViewMoved(self))

    @on(events.Resize)
    def _resized(self) -> None:
        self.post_message(table_messages.ViewMoved(self))

    def notify_style_update(self) -> None:
        """Draw everything anew under the new theme or style."""
        super().notify_style_update()
        look = (self.rich_style, self.app.theme)
        if look != self._drawn_with:
            self._drawn_with = look
            self.row_painter.restyle()
            self.refresh()

    def _cursor_placed(self, before: int, changed: bool) -> None:
        self._scroll.to_cursor()
        self._lines.repaint((before, self.cursor.line))
        if changed:
            self.post_message(table_messages.Highlighted(self, self.cursor.key))

    def _show_order(self, before: list[Hashable]) -> None:
        """Show that the order changed, and where the cursor is in it."""
        in_view = self._scroll.shows_cursor
        changed = self.cursor.follow(before)
        self._scroll.fit(len(self.model.order))
        if in_view:
            self._scroll.to_cursor()
        self._lines.repaint_all()
        self.post_message(table_messages.ViewMoved(self))
        if changed:
            self.post_message(table_messages.Highlighted(self, self.cursor.key))
