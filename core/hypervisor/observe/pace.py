"""How often a fleet is read without a reason: every link shares what that may cost. Pure."""

from __future__ import annotations

SHARE = 0.005
"""Of one core, for the whole samples of all hosts together; what is in view is asked beside, in
every tick. A thousand instances cost about 80 ms, so what is out of view is at most 16 s old."""
LIGHT = 0.0125
"""The share up to which all hosts are sampled whole in every tick: where that costs so little, no
figure need be older than what is in view."""
RAREST = 30.0
"""Seconds between two whole samples at most, whatever they cost: beyond a minute no rate is known
(`core.state.rates.LONGEST`)."""
SWEEP = 0.015
"""Seconds from one sweep to the next for each instance of the fleet: a sweep costs about 0.2 ms of
processor time for each, so that all of them together take a seventy-fifth of a core."""


class Pace:
    """What reading costs lately, by host. On the core's loop only."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}
        self._instances: dict[str, int] = {}

    def sampled(self, host: str, seconds: float) -> None:
        """Note the processor time a whole sample of a host took."""
        before = self._costs.get(host, seconds)
        self._costs[host] = (before + seconds) / 2

    def listed(self, host: str, instances: int) -> None:
        """Note how many instances a host has."""
        self._instances[host] = instances

    def forget(self, host: str) -> None:
        """Count a host no more: its link is down."""
        self._costs.pop(host, None)
        self._instances.pop(host, None)

    def sample_every(self, interval: float) -> float:
        """Return the seconds from one whole sample of a host to its next, `interval` at least."""
        cost = sum(self._costs.values())
        return interval if cost <= LIGHT * interval else max(interval, min(RAREST, cost / SHARE))

    def sweep_every(self, interval: float) -> float:
        """Return the seconds from one sweep of a host to its next, `interval` at least."""
        return max(interval, SWEEP * sum(self._instances.values()))
