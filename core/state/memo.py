"""An index made once per picture: remembers the result for the newest argument only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Memo(Generic[A, R]):
    """A pure function of an immutable argument, which is compared by identity. Any thread.

    Two threads at once may both compute; the pair is replaced in one step, so neither sees a
    result that is not its argument's.
    """

    __slots__ = ("_function", "_last")

    def __init__(self, function: Callable[[A], R]) -> None:
        self._function = function
        self._last: tuple[A, R] | None = None

    def __call__(self, argument: A) -> R:
        """Return the function of `argument`, remembered if it is the same object as last time."""
        last = self._last
        if last is not None and last[0] is argument:
            return last[1]
        result = self._function(argument)
        self._last = (argument, result)
        return result
