"""How a guest writes its memory, found from how much of it was different after a while. Pure.

What is known of it are dirty-rate calculations before the start, and the passes of a migration
that are over. Both count a page once, however often it was written: the longer the time, the less
of the rate is seen, and the more of the working set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.model.forecast import DirtyRate

SHORT = 1.0
"""Seconds of a pass that shows at least as much of the writing as a dirty-rate calculation."""
USUAL = 0.4
"""The part of its memory that a guest writes to, as far as nothing shows it."""
_WIDE = 1.0
"""By what factor's logarithm that part is usually wrong."""
_RATE_WIDE = 7.0
"""The same of the rate of one calculation: next to nothing is supposed of it."""
_SAMPLED = 512
"""Pages of a GiB that QEMU looks at in a dirty-rate calculation by page sampling."""
_SHORT_LOOK, _LONG_LOOK = 1, 3
_BUSY = 0.01
"""The part of its memory that a busy guest writes to in a second, at least."""
_ENOUGH = 3.0
"""Pages of a sample at least that are different where so much of the memory is."""
_MISFIT = 0.15
"""The part by which a guest differs from one that writes at random places."""
_GIB = 1 << 30
_SETS = tuple(10 ** (-2.2 * step / 32) for step in range(33))
"""Working sets that are tried: parts of the memory."""
_RATES = tuple(0.5 * 40 ** (step / 40) for step in range(41))
"""Rates that are tried: factors of the highest that was calculated."""
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

    def again(self, seconds: float, throughput: float, total: float) -> float:
        """Bytes sent in a first pass of so many seconds that were written again since.

        On average: it depends on where in the memory they lie.
        """
        if self.rate <= 0 or self.working_set <= 0:
            return 0.0
        reach = self.working_set / self.rate
        late = seconds + reach * math.expm1(-seconds / reach)
        return throughput * min(1.0, self.working_set / total) * late


def next_look(found: Sequence[DirtyRate], total: float) -> int | None:
    """Return the seconds of the next calculation to be made of a guest of so many bytes.

    One of a second shows how fast it writes; it is made again where it found next to nothing in a
    sample so small that it may have missed it. One of three seconds shows how much of its memory a
    busy guest writes to. None: that is enough.
    """
    if not found:
        return _SHORT_LOOK
    if found[-1].seconds > _SHORT_LOOK:
        return None
    if found[-1].rate * found[-1].seconds >= _BUSY * total:
        return _LONG_LOOK
    blind = _sampled(total) * _BUSY < _ENOUGH
    return _SHORT_LOOK if blind and len(found) == 1 else None


def _sampled(total: float) -> float:
    """Pages that QEMU looks at in a calculation."""
    return max(total / _GIB * _SAMPLED, 1.0)


@lru_cache(maxsize=64)
def calculated(before: tuple[DirtyRate, ...], total: float) -> Writing | None:
    """Return the writing that dirty-rate calculations before the start let expect, None: no idea.

    The likeliest, given that QEMU looks at a sample of pages only: of a small guest at so few that
    one calculation is off by a fifth. What one of a second leaves open, the working set, a longer
    one shows; `USUAL` stands for what neither does.
    """
    highest = max((one.rate for one in before), default=None)
    if highest is None:
        return None
    if highest <= 0:
        return Writing(0.0, USUAL * total)
    tried = (Writing(highest * rate, part * total) for part in _SETS for rate in _RATES)
    return min(tried, key=lambda one: _misfit(one, before, highest, total))


def _misfit(tried: Writing, before: Sequence[DirtyRate], highest: float, total: float) -> float:
    """Return how unlikely a writing is (twice the negative logarithm)."""
    found = (math.log(tried.working_set / total / USUAL) / _WIDE) ** 2
    found += (math.log(tried.rate / highest) / _RATE_WIDE) ** 2
    pages = _sampled(total)
    for one in before:
        seen, expected = one.rate * one.seconds, tried.within(one.seconds)
        part = min(max(seen, expected) / total, 0.99)
        sampling = total * total * max(part * (1 - part), 1 / pages) / pages
        found += (seen - expected) ** 2 / (sampling + (_MISFIT * seen) ** 2)
    return found


def fit(
    points: Sequence[tuple[float, float]], before: tuple[DirtyRate, ...], total: float
) -> Writing | None:
    """Return the writing that explains `points`, pairs of a pass's seconds and its bytes/s.

    libvirt's dirty rate counts a page once a pass, so a long pass shows too little of it: `before`
    is there for that. Where there is none (and no short pass), a rate that rises as the passes get
    shorter gives away how much higher it really is. None: nothing is known yet.
    """
    known = calculated(before, total)
    if not points:
        return known
    highest = max([rate for _, rate in points] + ([known.rate] if known is not None else []))
    if known is not None or len(points) < 2 or min(points)[0] <= SHORT:
        return _widest(highest, points, total)
    short, slower = min(points)
    written = short * slower
    best, least = _widest(highest, points, total), math.inf
    for factor in _FACTORS:
        tried = _widest(highest * factor, points, total)
        error = abs(tried.within(short) - written)
        if error < least - 0.02 * written:
            best, least = tried, error
    return best


def _widest(rate: float, points: Sequence[tuple[float, float]], total: float) -> Writing:
    """Return the writing at that rate to the working set that the longest pass shows."""
    seconds, slower = max(points)
    return Writing(rate, min(_working_set(rate, seconds, slower * seconds, total), total))


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
