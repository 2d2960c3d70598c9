"""How often all instances are sampled: every link of a fleet shares what that may cost. Pure."""

from __future__ import annotations

SHARE = 0.0125
"""Of one core, for the whole samples of all hosts together; what is in view is asked beside."""


class SamplingPace:
    """What whole samples cost lately, by host. On the core's loop only."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}

    def took(self, host: str, seconds: float) -> None:
        """Note the processor time a whole sample of a host took."""
        before = self._costs.get(host, seconds)
        self._costs[host] = (before + seconds) / 2

    def forget(self, host: str) -> None:
        """Count a host no more: its link is down."""
        self._costs.pop(host, None)

    def every(self, interval: float) -> float:
        """Return the seconds from one whole sample of a host to its next, `interval` at least."""
        return max(interval, sum(self._costs.values()) / SHARE)
