"""How fast a transfer is, from what it had moved at each look. Pure."""

from __future__ import annotations

from collections import deque

from core.model.operation import Moved

WINDOW = 5.0
"""Seconds over which the speed is taken."""


class TransferRate:
    """The looks at one transfer."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def told(self, at: float, moved: tuple[int, int] | None) -> Moved | None:
        """Return what is over at a time (seconds), and how fast it was of late."""
        if moved is None:
            return None
        done, size = moved
        if self._looks and done < self._looks[-1][1]:  # another one has begun
            self._looks.clear()
        self._looks.append((at, done))
        while len(self._looks) > 2 and at - self._looks[0][0] > WINDOW:
            self._looks.popleft()
        since, before = self._looks[0]
        rate = (done - before) / (at - since) if at > since else None
        return Moved(done, size, rate)
