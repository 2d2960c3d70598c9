"""How a pre-copy goes on: a migration played to its end. Pure.

Each pass sends what was written during the one before, so what is left shrinks geometrically while
the guest writes more slowly than the link sends, and never below the set of pages it keeps writing
to. QEMU looks again at what was written when what is left could be sent within the max downtime,
and switches over if that still holds then (seen on QEMU 7.2: tests/data/jobs).
"""

from __future__ import annotations

import math

from core.migration.forecast.writing import Writing
from core.model.base import Value

CHUNK = 0.1
"""Seconds: QEMU sends in slices of its rate limit; a pass is no shorter."""
MOST_PASSES = 200
GAINS = 0.999
"""A pass that leaves more than this part of the one before gains nothing."""


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
