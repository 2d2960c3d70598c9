"""Time as an argument: the one place of the core that reads a clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the edges of the core need of time. Safe from any thread."""

    def now(self) -> float:
        """Wall-clock time in seconds since the epoch: for what is shown, stored and compared."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step: for deadlines and intervals."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()
