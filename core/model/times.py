"""Lengths of time as an operator reads them: short in a cell, rounded in a sentence.

Pure, any thread. An unknown value (None, or not a number) is `-`, never 0.
"""

from __future__ import annotations

import math

from core.model.text import UNKNOWN

_MINUTE = 60.0


def duration(seconds: float | None) -> str:
    """A length of time by its largest units: `0.3s`, `42s`, `3m05s`, `2h14m`, `3d04h`, `95d`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    days, hours = divmod(whole // 3600, 24)
    return f"{days}d{hours:02d}h" if days < 30 else f"{days}d"


def age(since: float | None, now: float) -> str:
    """How long ago a moment was (both seconds since the epoch); a future one is `0s`."""
    if since is None or not math.isfinite(since):
        return UNKNOWN
    passed = max(0.0, now - since)
    return f"{int(passed)}s" if passed < 60 else duration(passed)


def seconds(value: float) -> str:
    """An estimate or a limit in a sentence: `0.4 s`, `40 s`, `6 min`, `1 h 5 min`."""
    if value < 9.95:
        return f"{value:.1f} s" if value < 2.95 and round(value, 1) % 1 else f"{value:.0f} s"
    if value < 1.5 * _MINUTE:
        return f"{value:.0f} s"
    minutes = round(value / _MINUTE)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def span(low: float, high: float) -> str:
    """From one length of time to another: `35-60 s`, `5-9 min`, `50 s-2 min`."""
    first, last = seconds(low), seconds(high)
    number, _, unit = first.rpartition(" ")
    if last.endswith(f" {unit}") and "h" not in last:
        first = number
    return last if first in (last, last.rpartition(" ")[0]) else f"{first}-{last}"


def milliseconds(value: float | None) -> str:
    """A downtime, or how long a call took: `0.35 ms`, `300 ms`, `5.2 s`, `2 min`."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value >= 9950:
        return seconds(value / 1000)
    if value >= 999.5:
        return f"{value / 1000:.1f} s"
    decimals = 2 if value < 0.995 else 1 if value < 9.95 else 0
    figures = f"{value:.{decimals}f}"
    return f"{figures.rstrip('0').rstrip('.') if decimals else figures} ms"
