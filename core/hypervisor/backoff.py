"""How long to wait before a lost link is tried again."""

from __future__ import annotations

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_base, wait_exponential, wait_random

from core.hypervisor.options import LinkOptions

_STEADY = 5.0
"""Seconds a link must have been up for its next loss to count as a first one."""


class Backoff:
    """Counts failed attempts and names the wait after each: exponential, with jitter, bounded.

    Jitter keeps fifty consoles from returning to a restarted host in the same instant.
    """

    def __init__(self, options: LinkOptions, *, local: bool = False) -> None:
        first = options.backoff_first
        limit = options.backoff_limit_local if local else options.backoff_limit
        exponential = wait_exponential(multiplier=first, max=limit)
        self._wait: wait_base = exponential + wait_random(0, first)
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; returns the seconds to wait."""
        self.failures += 1
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = self.failures
        return self._wait(state)

    def was_up(self, seconds: float) -> None:
        """Note that the link was up that long. One that breaks at once is not tried at once."""
        if seconds >= _STEADY:
            self.failures = 0

    def reset(self) -> None:
        """Forget all failures: somebody asked for an attempt now."""
        self.failures = 0
