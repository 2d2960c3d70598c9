"""What a live table tells its screen. UI thread; handlers are `on_live_table_...`."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.message import Message

if TYPE_CHECKING:
    from console.widgets.live_table import LiveTable


class Counts(NamedTuple):
    """How many rows are shown, there, marked, and marked but hidden by the filter."""

    visible: int
    total: int
    marked: int
    marked_hidden: int


class TableMessage(Message):
    """What every message of a table carries: the table."""

    def __init__(self, table: LiveTable[Any]) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> LiveTable[Any]:
        """The table, for `@on(LiveTable.Highlighted, "#id")`."""
        return self.table


class Highlighted(TableMessage, namespace="live_table"):
    """The cursor is on another row; `key` is None when there is no row."""

    def __init__(self, table: LiveTable[Any], key: Hashable | None) -> None:
        super().__init__(table)
        self.key = key


class ViewMoved(TableMessage, namespace="live_table"):
    """Other rows may be in view: the order changed, or the table was scrolled or resized."""


class Activated(TableMessage, namespace="live_table"):
    """The operator opened the row `key`: enter or a double click."""

    def __init__(self, table: LiveTable[Any], key: Hashable) -> None:
        super().__init__(table)
        self.key = key


class MarksChanged(TableMessage, namespace="live_table"):
    """Marks were set or cleared, or a marked row went."""

    def __init__(self, table: LiveTable[Any], counts: Counts) -> None:
        super().__init__(table)
        self.counts = counts


class SortChanged(TableMessage, namespace="live_table"):
    """The operator chose another order; `column` is a column's id."""

    def __init__(self, table: LiveTable[Any], column: str, descending: bool) -> None:
        super().__init__(table)
        self.column = column
        self.descending = descending
