"""How a pre-copy goes on: a model of the guest's writing, and a migration played to its end. Pure.

Each pass sends what was written during the one before, so what is left shrinks geometrically while
the guest writes more slowly than the link sends, and never below the set of pages it keeps writing
to. QEMU looks again at what was written when what is left could be sent within the max downtime,
and switches over if that still holds then (seen on QEMU 7.2: tests/data/jobs).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.model.base import Value

CHUNK = 0.1
"""Seconds: QEMU sends in slices of its rate limit; a pass is no shorter."""
MOST_PASSES = 200
GAINS = 0.999
"""A pass that leaves more than this part of the one before gains nothing."""
SHORT = 1.0
"""Seconds of a pass that shows at least as much of the writing as a dirty-rate calculation."""
USUAL = 0.4
"""The part of its memory that a guest writes to, as long as no pass has shown it."""
_FACTORS = (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Writing:
    """A guest that writes `rate` bytes/s over and over to `working_set` bytes of its memory."""

    rate: float
    working_set: float

    def within(self, seconds: float) -> float:
        """Bytes that are different after so many seconds: pages written twice count once."""
        if self.rate <= 0 or self.working_set <= 0:
            return 0.0
        return -self.working_set * math.expm1(-self.rate * seconds / self.working_set)

    @property
    def at_once(self) -> float:
        """Bytes/s at one moment, if `rate` is what a second shows at random places: a bound."""
        part = min(self.rate / self.working_set, 0.95) if self.working_set > 0 else 0.0
        return max(self.rate, -self.working_set * math.log1p(-part))

    def again(self, seconds: float, throughput: float, total: float) -> float:
        """Bytes sent in a first pass of so many seconds that were written again since.

        On average: it depends on where in the memory they lie.
        """
        if self.rate <= 0 or self.working_set <= 0:
            return 0.0
        reach = self.working_set / self.rate
        late = seconds + reach * math.expm1(-seconds / reach)
        return throughput * min(1.0, self.working_set / total) * late


def fit(points: Sequence[tuple[float, float]], before: float | None, total: float) -> Writing:
    """Return the writing that explains `points`, pairs of a pass's seconds and its bytes/s.

    libvirt's dirty rate counts a page once a pass, so a long pass shows too little of it. `before`
    is the rate of about a second before the start. Where there is none (and no short pass), a
    rate that rises as the passes get shorter gives away how much higher it really is.
    """
    highest = max([rate for _, rate in points] + ([before] if before is not None else []))
    if before is not None or len(points) < 2 or min(points)[0] <= SHORT:
        return Writing(highest, _widest(highest, points, total))
    short, slower = min(points)
    written = short * slower
    best, least = Writing(highest, _widest(highest, points, total)), math.inf
    for factor in _FACTORS:
        tried = Writing(highest * factor, _widest(highest * factor, points, total))
        error = abs(tried.within(short) - written)
        if error < least - 0.02 * written:
            best, least = tried, error
    return best


def _widest(rate: float, points: Sequence[tuple[float, float]], total: float) -> float:
    """Return the working set that the longest pass shows; a usual one without any."""
    if not points:
        return USUAL * total
    seconds, slower = max(points)
    return min(_working_set(rate, seconds, slower * seconds, total), total)


def _working_set(rate: float, seconds: float, written: float, total: float) -> float:
    """Solve Writing(rate, W).within(seconds) == written for W, by bisection."""
    if written >= 0.97 * rate * seconds:
        return total
    low, high = written, max(total, written)
    for _ in range(30):
        middle = (low + high) / 2
        if Writing(rate, middle).within(seconds) < written:
            low = middle
        else:
            high = middle
    return high


class Outlook(Value, frozen=True):
    """Where a migration ends if nothing is changed."""

    finishes: bool
    seconds: float
    """Until it is finished, the downtime included; of no use if it does not finish."""
    passes: int
    """Passes still to come, the present one among them."""
    next_peak: float
    """Bytes that the guest would have to stand still for at the next minimum."""
    floor: float
    """The fewest bytes that a pass leaves; at the end those of the switch-over."""


def project(
    work: float, since: float, throughput: float, threshold: float, writing: Writing
) -> Outlook:
    """Play a pre-copy to its end.

    `work` is what the present pass still has to send, `since` the seconds since it began,
    `threshold` what can be sent within the max downtime; bytes, bytes/s.
    """
    seconds, next_peak, floor, left = 0.0, 0.0, math.inf, work
    for number in range(1, MOST_PASSES + 1):
        low = min(left, max(threshold - CHUNK * throughput, 0.0))
        sending = (left - low) / throughput
        seconds += sending
        fresh = writing.within(sending + since)
        since = 0.0
        # what is still to be sent may be what was written again, not so where writing outruns
        same = min(1.0, low / writing.working_set) if 0 < writing.rate < throughput else 0.0
        peak = low + fresh * (1 - same)
        next_peak = next_peak or peak
        floor = min(floor, peak)
        if peak <= threshold:
            return Outlook(True, seconds + peak / throughput, number, next_peak, peak)
        if number > 1 and peak >= GAINS * left:
            break
        left = peak
    return Outlook(False, seconds, number, next_peak, floor)
