"""What a live table shows: lines, cursor and scroll position over a row model. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.glyphs import glyphs
from console.widgets.columns import Cell, Column, fit
from console.widgets.painting import Painter, painter_for
from console.widgets.row_model import Marks, RowModel
from console.widgets.row_painter import GUTTER, Look, RowPainter
from console.widgets.table_messages import Highlighted, ViewMoved

Row = TypeVar("Row")

HEADER = 1
"""Lines above the first row; they do not scroll."""


class TableView(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """Draws a header and the rows in view, and repaints only cells that differ."""

    DEFAULT_CSS = """
    TableView {
        height: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        name_of: Callable[[Row], str],
        row_role: Callable[[Row], str] | None,
        empty: str,
        id: str | None,  # noqa: A002 - Textual's own name for it
        classes: str | None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.model: RowModel[Hashable, Row] = RowModel(name_of)
        self.marks: Marks[Hashable] = Marks()
        self.row_painter: RowPainter[Row] = RowPainter(columns, glyphs().mark)
        self._row_role = row_role
        self._empty = empty
        self.heir: Callable[[Any, Mapping[Any, int]], Any] | None = None
        """Names the row a row that is gone has become, by its key and the keys shown; or None."""
        self._cursor: Hashable | None = None
        self._cursor_line = 0
        self._pinned = False
        self._had_rows = False
        self._drawn_with: tuple[Style, str] | None = None

    @property
    def cursor_key(self) -> Any:
        """The key of the row under the cursor, None without rows."""
        return self._cursor

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor, None without rows."""
        return None if self._cursor is None else self.model.rows.get(self._cursor)

    @property
    def keys_in_view(self) -> list[Any]:
        """The keys of the rows on the screen, from top to bottom."""
        top = round(self.scroll_y)
        return self.model.order[top : top + self._page()]

    def move_cursor(self, key: Any) -> None:
        """Put the cursor on a key and scroll to it; a key that is not shown is ignored."""
        line = self.model.index.get(key)
        if line is not None:
            self._place_cursor(line)

    def column(self, id: str) -> Column[Row]:  # noqa: A002
        """The column of that id. Raises KeyError."""
        for column in self.row_painter.columns:
            if column.id == id:
                return column
        raise KeyError(id)

    def set_empty(self, text: str) -> None:
        """Change what is shown when no row is; may have several lines."""
        if text != self._empty:
            self._empty = text
            if not self.model.order:
                self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw screen line `y`: the header, a row, or what stands below the last row."""
        painter = self._prepare()
        if y < HEADER:
            return self._header()
        line = y - HEADER + self.scroll_offset.y
        order = self.model.order
        if line < len(order):
            key = order[line]
            row = self.model.rows[key]
            return self.row_painter.line(y, key, row, self._look(key, row))
        if not order:
            return self._empty_line(y - HEADER, painter)
        return self.row_painter.blank(y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint what differs after scrolling, not the whole table."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._repaint_all()
            self.post_message(ViewMoved(self))

    def on_resize(self) -> None:
        """Tell that other rows may be in view."""
        self.post_message(ViewMoved(self))

    def notify_style_update(self) -> None:
        """Draw everything anew under the new theme or style."""
        super().notify_style_update()
        look = (self.rich_style, self.app.theme)
        if look != self._drawn_with:
            self._drawn_with = look
            self.row_painter.restyle()
            self.refresh()

    def _prepare(self) -> Painter:
        return self.row_painter.prepare(self._line_width(), lambda: painter_for(self))

    def _line_width(self) -> int:
        """Cells of a line, without the scroll bar."""
        return self.scrollable_content_region.width

    def _header(self) -> Strip:
        column = self.model.column
        signs = glyphs()
        return self.row_painter.header(
            column.id if column else "",
            self.model.descending,
            signs.ascending + signs.descending,
        )

    def _empty_line(self, line: int, painter: Painter) -> Strip:
        lines = self._empty.splitlines()
        width = self._line_width()
        number = line - 1
        if not 0 <= number < len(lines):
            return painter.strip((), width)
        text = fit(Cell(lines[number], "muted"), max(0, width - GUTTER))
        return painter.strip(((" " * GUTTER, ""), *text), width)

    def _look(self, key: Hashable, row: Row) -> Look:
        if key == self._cursor:
            over = "cursor" if self.has_focus else "cursor-blur"
        else:
            over = self._row_role(row) if self._row_role else ""
        return Look(over, key in self.marks.keys)

    # -- cursor ----------------------------------------------------------------------------

    def _place_cursor(self, line: int) -> None:
        """Cursor on a line of the order, cut to what there is."""
        if not self.model.order:
            return
        self._pinned = True
        line = max(0, min(line, len(self.model.order) - 1))
        old, key = self._cursor_line, self.model.order[line]
        changed, self._cursor, self._cursor_line = key != self._cursor, key, line
        self._scroll_to_cursor()
        self._repaint_lines((old, line))
        if changed:
            self.post_message(Highlighted(self, key))

    def _page(self) -> int:
        """Rows in view; at least 1."""
        return max(1, self.size.height - HEADER)

    def _scroll_to_cursor(self) -> None:
        top, page = self.scroll_offset.y, self._page()
        if self._cursor_line < top:
            self.scroll_to(y=self._cursor_line, animate=False, force=True)
        elif self._cursor_line >= top + page:
            self.scroll_to(y=self._cursor_line - page + 1, animate=False, force=True)

    def _cursor_in_view(self) -> bool:
        top = self.scroll_offset.y
        return top <= self._cursor_line < top + self._page()

    # -- repainting ------------------------------------------------------------------------

    def _show_order(self, before: list[Hashable]) -> None:
        """The order changed: keep the cursor on its key, or on its neighbour in `before`.

        Until the operator chooses a row (and again after going to the first one) the cursor
        stays on the top line instead: a table somebody only watches, or sorts to find the
        busiest, shows the top of its order and does not scroll about.
        """
        in_view = self._cursor_in_view()
        previous = self._cursor
        self._cursor_line = self._line_for_cursor(before)
        order = self.model.order
        self._cursor = order[self._cursor_line] if order else None
        self._fit_scrolling(len(order))
        if in_view:
            self._scroll_to_cursor()
        self._repaint_all()
        self.post_message(ViewMoved(self))
        if self._cursor != previous:
            self.post_message(Highlighted(self, self._cursor))

    def _fit_scrolling(self, rows: int) -> None:
        """Tell the scroll bar how many rows there are; lays out only if it comes or goes."""
        height, wanted = self.size.height, Size(0, rows + HEADER)
        if wanted == self.virtual_size:
            return
        if (wanted.height > height) == self.show_vertical_scrollbar:
            self.set_reactive(TableView.virtual_size, wanted)
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = wanted.height
        else:
            self.virtual_size = wanted
        if self.scroll_offset.y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        if (rows == 0) != (not self._had_rows):
            self._had_rows = rows > 0
            self.refresh()

    def _line_for_cursor(self, before: list[Hashable]) -> int:
        index = self.model.index
        if self._cursor is None or not index or not self._pinned:
            return 0
        if self._cursor in index:
            return index[self._cursor]
        heir = None if self.heir is None else self.heir(self._cursor, index)
        if heir is not None:
            return index[heir]
        line = min(self._cursor_line, len(before))
        around = (*before[line:], *reversed(before[:line]))
        return next((index[key] for key in around if key in index), 0)

    def _repaint_keys(self, keys: Mapping[Any, Row]) -> None:
        index, top = self.model.index, self.scroll_offset.y
        bottom = top + self._page()
        lines = (index[key] for key in keys if key in index)
        self._repaint_lines([line for line in lines if top <= line < bottom])

    def _repaint_all(self) -> None:
        top = self.scroll_offset.y
        self._repaint_lines(range(top, top + self._page()))

    def _repaint_lines(self, lines: Iterable[int]) -> None:
        """Refresh the cells of these lines of the order that are not as they should be."""
        if not self.size.width or not self.is_attached:
            return
        self._prepare()
        top, page, order = self.scroll_offset.y, self._page(), self.model.order
        regions: list[Region] = []
        for line in lines:
            if not top <= line < top + page:
                continue
            y = line - top + HEADER
            if line < len(order):
                key = order[line]
                row = self.model.rows[key]
                spans = self.row_painter.changes(y, key, row, self._look(key, row))
            else:
                spans = self.row_painter.blank_changes(y)
            regions += [Region(x, y, width, 1) for x, width in spans]
        if regions:
            self.refresh(*regions)
