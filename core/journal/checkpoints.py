"""Copies of a store at points of a tape, so that seeking back need not begin at its start."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from enum import Enum
from types import MappingProxyType
from typing import Any

from core.model import State
from core.model.base import Value
from core.state.store import Store

WORK = 4 << 20
"""Bytes of tape between two checkpoints, to begin with: about half a second of replaying."""
MOST = 12
"""Checkpoints kept; then every second one is dropped, and the distance doubles."""

_SHARED = (str, bytes, int, float, type(None), tuple, frozenset, Enum, MappingProxyType, Value)
"""What cannot change, and so is shared by a store and its copies. Tuples hold nothing else."""


class Checkpoints:
    """Stores as they were at some lines of a tape. Memory is bounded by `MOST` copies."""

    def __init__(self) -> None:
        self._lines: list[int] = []
        self._stores: list[Store] = []
        self._distance = WORK
        self._at = 0

    def pass_by(self, line: int, offset: int, store: Store) -> None:
        """Keep a copy of `store` if it is time: `line` comes next, `offset` bytes are behind it."""
        if offset - self._at < self._distance or (self._lines and line <= self._lines[-1]):
            return
        self._lines.append(line)
        self._stores.append(fork_store(store))
        self._at = offset
        if len(self._lines) > MOST:
            self._distance *= 2
            del self._lines[::2], self._stores[::2]

    def nearest(self, line: int) -> int:
        """The newest place at or before `line` to go on from; 0, the start, always is one."""
        index = bisect_right(self._lines, line) - 1
        return self._lines[index] if index >= 0 else 0

    def store_at(self, place: int) -> Store:
        """Return a store as it was at a place that `nearest` named; it is the caller's own."""
        if place in self._lines:
            return fork_store(self._stores[self._lines.index(place)])
        return Store()


def fork_store(store: Store) -> Store:
    """Return a store that goes its own way from here."""
    copy: Store = fork(store, {})
    return copy


def fork(value: Any, copies: dict[int, Any]) -> Any:
    """Copy a store and every container in it, sharing the immutable values they hold.

    Unlike copy.deepcopy it costs nothing per value, of which a store has tens of thousands.
    `copies` has the objects copied so far by their id: one that is held twice is copied once.
    Raises TypeError for a container it does not know: to share one would mix up two moments.
    """
    if isinstance(value, _SHARED):
        return value
    kind = type(value)
    if kind is dict:
        return {key: fork(item, copies) for key, item in value.items()}
    if kind is list:
        return [fork(item, copies) for item in value]
    if kind in (set, array, deque):
        return value.copy() if kind is not array else value[:]
    # a State is immutable but for the histories it gives access to
    if kind is State or kind.__module__.startswith("core.state."):
        if id(value) not in copies:
            _fork_object(value, copies)
        return copies[id(value)]
    raise TypeError(f"{kind.__name__} is neither immutable nor a container of a store")


def _fork_object(value: Any, copies: dict[int, Any]) -> None:
    kind = type(value)
    copy = copies[id(value)] = object.__new__(kind)
    names = {name for base in kind.__mro__ for name in getattr(base, "__slots__", ())}
    for name in names | getattr(value, "__dict__", {}).keys():
        if hasattr(value, name):
            object.__setattr__(copy, name, fork(getattr(value, name), copies))
