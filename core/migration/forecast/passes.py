"""What a migration's job statistics say of its passes over the memory. Pure.

What remains is a sawtooth: it falls during a pass and jumps up when QEMU looks what was written
meanwhile (libvirt's iteration). So it is read per pass: the peak at its beginning is what counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from core.model.forecast import JobSample

WINDOW = 600
"""Samples that are looked at: five minutes at two a second."""
RECENT = 24
"""Samples that the throughput is measured over."""
FADE = 5.0
"""Seconds after which a measurement of throughput counts a third."""
HOVERING = 5.0
MANY = 10
"""So many passes within so many seconds, without gain: the next one will not be the last."""
BEGINNING = 3.0
"""Seconds within which the first sample shows where the iterations count from: after a cancelled
try of the same process they go on from its number (vdsm)."""


@dataclass(frozen=True)
class Pass:
    """One pass: its number from 1, when it began, and the bytes there were to send then."""

    number: int
    began: float
    peak: float
    left: float = 0.0
    """What the pass before left unsent."""
    rate: float | None = None
    """Bytes/s that were written during the pass before, as libvirt says."""


@dataclass(frozen=True)
class Measured:
    """Everything the forecast is made from; bytes, bytes/s, seconds."""

    newest: JobSample
    total: float
    remaining: float
    throughput: float | None
    spread: float
    """The standard deviation of the throughput, as a part of it."""
    number: int
    """The present pass, from 1."""
    since: float
    """Seconds since it began."""
    began: float
    """When the first pass began."""
    passes: tuple[Pass, ...] = field(default=())
    """The passes seen to begin, the first one not among them."""
    lowest: float = math.inf
    """The least that was seen to remain in a pass after the first."""
    used: float | None = None
    """What the guest says it uses: memory it never touched is zeros."""

    @property
    def points(self) -> list[tuple[float, float]]:
        """(seconds, bytes/s written) of the passes that are over, newest last."""
        found = []
        starts = [self.began, *(one.began for one in self.passes)]
        for one, began in zip(self.passes, starts, strict=False):
            seconds = max(one.began - began, 0.05)
            rate = one.rate
            if rate is None:
                rate = max(one.peak - one.left, 0.0) / seconds
            found.append((seconds, rate))
        return found

    @property
    def hovers(self) -> bool:
        """Whether one short pass follows the other, none better than those before."""
        start = self.newest.at - HOVERING
        recent = [one for one in self.passes if one.began > start]
        before = [one.peak for one in self.passes if one.began <= start]
        if not before or not recent or self.number - recent[0].number < MANY:
            return False
        return min(one.peak for one in recent) >= 0.96 * min(before)

    @property
    def peaks(self) -> list[float]:
        """Bytes to send at the beginnings of passes, the first one not among them."""
        return [one.peak for one in self.passes]

    @property
    def work(self) -> float:
        """Bytes the present pass has to send: in the first one pages of zeros cost nothing.

        How many are to come is guessed from how many there were, and more so from what the guest
        uses: the first finds too few where they lie together, the second somewhat too many, for
        what was freed is not zeros.
        """
        sample = self.newest
        if self.number > 1 or sample.normal is None or sample.constant is None:
            return self.remaining
        seen = sample.normal + sample.constant
        alike = self.remaining * sample.normal / seen if seen else self.remaining
        if self.used is None:
            return alike
        left = max(self.used - sample.normal * (sample.page_size or 4096), 0.0)
        return 0.25 * alike + 0.75 * min(left, self.remaining)


def usable(samples: Sequence[JobSample]) -> list[JobSample]:
    """Return those that say how much memory remains while it runs."""
    return [
        sample
        for sample in samples
        if sample.memory_total
        and sample.memory_remaining is not None
        and sample.type in ("unbounded", "bounded")
    ]


def measure(samples: Sequence[JobSample], used: float | None = None) -> Measured | None:
    """Read the passes out of samples, oldest first; None: nothing is known of the memory yet.

    `used`: bytes of memory that the guest says it uses.
    """
    known = usable(samples[-WINDOW:])
    if not known:
        return None
    newest = known[-1]
    throughput, spread = smooth(known[-RECENT:])
    base = _counted_before(samples)
    passes = _passes(known, base, throughput or 0.0)
    first = known[0]
    began = first.at - (first.elapsed or 0.0)
    start = passes[-1].began if passes else began
    number = max((newest.iteration or 1) - base, 1)
    later = [one.memory_remaining or 0 for one in known if (one.iteration or 1) - base > 1]
    return Measured(
        newest=newest,
        total=float(newest.memory_total or 0),
        remaining=float(newest.memory_remaining or 0),
        throughput=throughput,
        spread=spread,
        number=number,
        since=max(newest.at - start, 0.0),
        began=began,
        passes=tuple(passes),
        lowest=float(min(later, default=0)) if later else math.inf,
        used=used,
    )


def _counted_before(samples: Sequence[JobSample]) -> int:
    """Return how far libvirt's count of iterations was when this migration began."""
    for sample in samples[:WINDOW]:
        if sample.iteration:
            early = sample.elapsed is not None and sample.elapsed < BEGINNING
            return sample.iteration - 1 if early and sample.dirty_rate in (0, None) else 0
    return 0


def _passes(known: Sequence[JobSample], base: int, throughput: float) -> list[Pass]:
    """Return the passes that began between two samples, in the middle of the two."""
    found: list[Pass] = []
    for before, after in pairwise(known):
        number = (after.iteration or 0) - base
        begun = number - max((before.iteration or 0) - base, 1)
        if begun > 0:
            half = (after.at - before.at) / (2 * begun)
            total = float(after.memory_total or 0)
            sent = throughput * half
            found.append(
                Pass(
                    number=number,
                    began=after.at - half,
                    peak=min((after.memory_remaining or 0) + sent, total),
                    left=max((before.memory_remaining or 0) - sent, 0.0),
                    rate=after.dirty_rate,
                )
            )
    return found


def smooth(known: Sequence[JobSample]) -> tuple[float | None, float]:
    """Return the throughput in bytes/s, and how much it varies as a part of it.

    It is measured by what was sent between samples, for QEMU's own figure is that of a tenth of a
    second. Newer and busier stretches count more: a stretch of zeros sends next to nothing.
    """
    rates: list[tuple[float, float]] = []
    for before, after in pairwise(known):
        seconds = _seconds_between(before, after)
        if seconds > 0 and before.memory_processed is not None:
            sent = (after.memory_processed or 0) - before.memory_processed
            if sent > 0:
                weight = sent * math.exp((after.at - known[-1].at) / FADE)
                rates.append((sent / seconds, weight))
    weights = sum(weight for _, weight in rates)
    if not weights:
        return (float(known[-1].memory_bps) if known[-1].memory_bps else None), 1.0
    mean = sum(rate * weight for rate, weight in rates) / weights
    variance = sum((rate - mean) ** 2 * weight for rate, weight in rates) / weights
    return mean, math.sqrt(variance) / mean


def _seconds_between(before: JobSample, after: JobSample) -> float:
    if before.elapsed is not None and after.elapsed is not None:
        return after.elapsed - before.elapsed
    return after.at - before.at
