"""Putting a long listing into a table, a portion at a time: keys and repaints come between."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from console.widgets.live_table import LiveTable

Row = TypeVar("Row")

PORTION = 1_000
"""Rows taken in at once: about 20 ms of the UI thread."""


class Filling(Generic[Row]):
    """The rows of a listing that a table has not taken in yet. On the UI thread."""

    def __init__(self, table: LiveTable[Row]) -> None:
        self._table = table
        self._waiting: dict[Any, Row] = {}

    @property
    def waits(self) -> bool:
        """Whether there is another portion."""
        return bool(self._waiting)

    def begin(self, rows: Mapping[Any, Row]) -> None:
        """Replace every row; of many, only the first portion now. Lost rows go at once."""
        self._waiting = {}
        if len(rows) <= PORTION:
            self._table.set_rows(rows)
            return
        self._table.update_rows({}, [key for key in self._table.model.rows if key not in rows])
        self._waiting = dict(rows)
        self.go_on()
        self._table.settle(at_once=True)

    def go_on(self) -> None:
        """Take in the next portion; after the last all are in order."""
        portion = dict(islice(self._waiting.items(), PORTION))
        for key in portion:
            del self._waiting[key]
        self._table.update_rows(portion)
        if not self._waiting:
            self._table.settle(at_once=True)

    def change(self, changed: Mapping[Any, Row], gone: Iterable[Hashable]) -> None:
        """Take in what became of rows meanwhile: those that wait go on waiting."""
        lost = list(gone)
        for key in lost:
            self._waiting.pop(key, None)
        now = {}
        for key, row in changed.items():
            if key in self._waiting:
                self._waiting[key] = row
            else:
                now[key] = row
        self._table.update_rows(now, lost)
