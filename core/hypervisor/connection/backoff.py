"""How long to wait before a lost link is tried again."""

from __future__ import annotations

import random

from core.hypervisor.connection.options import LinkOptions

_STEADY = 5.0
"""Seconds a link must have been up for its next loss to count as a first one."""
_MOST_DOUBLINGS = 30


class Backoff:
    """Counts failed attempts and names the wait after each: exponential, with jitter, bounded.

    Jitter keeps fifty consoles from returning to a restarted host in the same instant.
    """

    def __init__(self, options: LinkOptions, *, local: bool = False) -> None:
        self._first = options.backoff_first
        self._limit = options.backoff_limit_local if local else options.backoff_limit
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; returns the seconds to wait."""
        doubled = self._first * 2.0 ** min(self.failures, _MOST_DOUBLINGS)
        self.failures += 1
        return min(doubled, self._limit) + random.uniform(0, self._first)

    def was_up(self, seconds: float) -> None:
        """Note that the link was up that long. One that breaks at once is not tried at once."""
        if seconds >= _STEADY:
            self.failures = 0

    def reset(self) -> None:
        """Forget all failures: somebody asked for an attempt now."""
        self.failures = 0
