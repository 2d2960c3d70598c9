"""The rows behind a live table: sorted, filtered, keyed. Pure: no clock, no Textual.

Used from the UI thread only. Sort keys are computed for changed rows only; ordering is one
stable sort over values already known, run when the caller says so (`reorder`), so that a
table can hold its order still while the operator is choosing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from console.widgets.columns import Column
from core.model.text import natural_key

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class RowModel(Generic[Key, Row]):
    """Rows by key, the column they are sorted by, the filter, and the resulting order."""

    def __init__(self, name_of: Callable[[Row], str]) -> None:
        self.rows: dict[Key, Row] = {}
        """Every row, filtered out or not."""
        self.order: list[Key] = []
        """The keys on screen from top to bottom; may lag behind the rows while `stale`."""
        self.index: dict[Key, int] = {}
        """Where each key of `order` stands."""
        self.stale = False
        """Whether `reorder` would change something: order, new rows, or rows now filtered out."""
        self.column: Column[Row] | None = None
        """The column sorted by; None sorts by name."""
        self.descending = False
        """Largest first. Unknown values stay last either way."""
        self._name_of = name_of
        self._names: dict[Key, tuple[str, str]] = {}
        """What rows are in order of by name: ready to be compared, for a sort asks for all."""
        self._values: dict[Key, Any] = {}
        self._by_name: list[Key] | None = None
        self._filter: Callable[[Row], bool] | None = None
        self._passing: set[Key] = set()

    def set_rows(self, rows: Mapping[Key, Row]) -> None:
        """Replace every row and order them at once."""
        self.rows = dict(rows)
        self._names = {
            key: (natural_key(self._name_of(row)), str(key)) for key, row in self.rows.items()
        }
        self._by_name = None
        self._values = {key: self._value(row) for key, row in self.rows.items()}
        self._passing = {key for key, row in self.rows.items() if self._passes(row)}
        self.reorder()

    def update(self, changed: Mapping[Key, Row], gone: Iterable[Key] = ()) -> bool:
        """Take in changed and new rows and drop gone ones; return whether lines moved.

        Gone rows leave the order at once; new, moved and newly filtered rows wait for
        `reorder` (`stale` becomes true).
        """
        lost = {key for key in gone if key in self.rows and key not in changed}
        for key in lost:
            del self.rows[key], self._names[key], self._values[key]
            self._passing.discard(key)
        if lost:
            self._by_name = self._by_name and [k for k in self._by_name if k not in lost]
        for key, row in changed.items():
            self._take(key, row)
        if not lost.isdisjoint(self.index):
            self._set_order([key for key in self.order if key not in lost])
            return True
        return False

    def _take(self, key: Key, row: Row) -> None:
        if self.rows.get(key) is not row:  # else what changed stands beside it: its figures
            self.rows[key] = row
            name, before = natural_key(self._name_of(row)), self._names.get(key)
            if before is None or before[0] != name:
                self._names[key] = name, str(key)
                self._by_name = None
                self.stale = True
        value = self._value(row)
        if key not in self._values or self._values[key] != value:
            self._values[key] = value
            self.stale = True
        if self._passes(row) != (key in self._passing):
            self._passing.symmetric_difference_update((key,))
            self.stale = True

    def set_filter(self, passes: Callable[[Row], bool] | None) -> None:
        """Show only the rows that pass (None: all), in order, at once."""
        self._filter = passes
        self._passing = {key for key, row in self.rows.items() if self._passes(row)}
        self.reorder()

    def sort_by(self, column: Column[Row] | None, *, descending: bool = False) -> None:
        """Order by a column (None: by name) at once; ties are in natural name order."""
        self.column = column
        self.descending = descending
        self._values = {key: self._value(row) for key, row in self.rows.items()}
        self.reorder()

    def reorder(self) -> None:
        """Bring the order up to date: O(n log n) comparisons of values already computed."""
        if self._by_name is None:
            self._by_name = sorted(self.rows, key=self._names.__getitem__)
        passing, values = self._passing, self._values
        shown = [key for key in self._by_name if key in passing]
        if self.column is None or self.column.sort_key is None:
            if self.descending:
                shown.reverse()
        else:
            known = [key for key in shown if values[key] is not None]
            known.sort(key=values.__getitem__, reverse=self.descending)
            shown = known + [key for key in shown if values[key] is None]
        self.stale = False
        self._set_order(shown)

    @property
    def hidden(self) -> int:
        """How many rows the filter keeps away."""
        return len(self.rows) - len(self._passing)

    def _set_order(self, order: list[Key]) -> None:
        self.order = order
        self.index = {key: line for line, key in enumerate(order)}

    def _passes(self, row: Row) -> bool:
        return self._filter is None or self._filter(row)

    def _value(self, row: Row) -> Any:
        if self.column is None or self.column.sort_key is None:
            return None
        value = self.column.sort_key(row)
        if isinstance(value, str):
            return natural_key(value)
        if isinstance(value, float) and value != value:
            return None
        return value


class Marks(Generic[Key]):
    """The marked keys; they stay marked whatever is sorted or filtered."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        """Marked keys, hidden ones included."""
        self.anchor: Key | None = None
        """Where the next range starts: the key marked last."""

    def toggle(self, key: Key) -> None:
        """Mark or unmark one key; a marked one becomes the anchor of the next range."""
        self.keys.symmetric_difference_update((key,))
        self.anchor = key if key in self.keys else None

    def add_range(self, order: list[Key], index: Mapping[Key, int], to: Key) -> None:
        """Mark every key of `order` from the anchor (or `to` itself, without one) to `to`."""
        start = self.anchor if self.anchor in index else to
        if start is None or to not in index:
            return
        first, last = sorted((index[start], index[to]))
        self.keys.update(order[first : last + 1])
        self.anchor = to

    def add(self, keys: Iterable[Key]) -> None:
        """Mark these too."""
        self.keys.update(keys)

    def clear(self) -> None:
        """Unmark everything."""
        self.keys.clear()
        self.anchor = None

    def drop(self, gone: Iterable[Key]) -> bool:
        """Forget keys that are no more; return whether any was marked."""
        before = len(self.keys)
        self.keys.difference_update(gone)
        return len(self.keys) != before

    def hidden(self, index: Mapping[Key, int]) -> int:
        """How many marked keys are not among the shown ones."""
        return sum(key not in index for key in self.keys)
