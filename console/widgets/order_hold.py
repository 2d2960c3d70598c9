"""When a live table may change its order: not all the time, nor while the operator chooses.

Pure: the clock is an argument.
"""

from __future__ import annotations

from collections.abc import Callable

SORT_SECONDS = 1.0
"""At most one change of order in this time, unless the operator asks for one."""
CHOOSING_SECONDS = 1.5
"""The order stands still this long after a key or mouse action in the table."""


class OrderHold:
    """Holds an order still; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ordered_at = -SORT_SECONDS
        self._touched_at = -CHOOSING_SECONDS

    def touch(self) -> None:
        """The operator is at it."""
        self._touched_at = self._clock()

    def ordered(self) -> None:
        """The order changed."""
        self._ordered_at = self._clock()

    def left(self) -> float:
        """Seconds until the order may change; not above 0: now."""
        due = max(self._ordered_at + SORT_SECONDS, self._touched_at + CHOOSING_SECONDS)
        return due - self._clock()
