"""Numbers of a migration in words: for sentences the operator reads. Pure."""

from __future__ import annotations

import math

_MINUTE = 60.0
_HOUR = 3600.0


def seconds(value: float) -> str:
    """Return `0.4 s`, `40 s`, `6 min`, `1 h 5 min`."""
    if value < 9.95:
        return f"{value:.1f} s" if value < 2.95 and round(value, 1) % 1 else f"{value:.0f} s"
    if value < 1.5 * _MINUTE:
        return f"{value:.0f} s"
    minutes = round(value / _MINUTE)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def span(low: float, high: float) -> str:
    """Return `35-60 s`, `5-9 min`, `50 s-2 min`."""
    first, last = seconds(low), seconds(high)
    number, _, unit = first.rpartition(" ")
    if last.endswith(f" {unit}") and "h" not in last:
        first = number
    return last if first in (last, last.rpartition(" ")[0]) else f"{first}-{last}"


def milliseconds(value: float) -> str:
    """Return `300 ms`, `5.2 s`, `2 min`."""
    if value < 999.5:
        return f"{value:.0f} ms"
    if value < 9950:
        return f"{value / 1000:.1f} s"
    return seconds(value / 1000)


def times(factor: float) -> str:
    """Return `1.3x`, `3x`, `12x`; rounded up, for it is what is needed."""
    tenths = math.ceil(factor * 10 - 1e-6)
    if tenths % 10 == 0 or tenths > 100:
        return f"{math.ceil(tenths / 10)}x"
    return f"{tenths / 10:.1f}x"


def plural(number: int, noun: str) -> str:
    """Return `1 snapshot`, `2 snapshots`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(value: float) -> str:
    """Return `512 B`, `96 MiB`, `1.5 GiB`."""
    units = ["TiB", "GiB", "MiB", "KiB", "B"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop()
    unit = units[-1]
    return f"{value:.1f} {unit}" if value < 10 and unit != "B" else f"{value:.0f} {unit}"


def rate(value: float) -> str:
    """Return bytes/s as `28 MiB/s`."""
    return f"{size(value)}/s"
