"""Numbers, times and states as an operator reads them: the core's words, and what only screens
and tables have.

Pure, any thread. An unknown value (None, or not a number) is `-`, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from console.glyphs import glyphs
from core.model.instance import InstanceState
from core.model.lists import listed, plural
from core.model.sizes import bandwidth, percent, rate, size
from core.model.text import UNKNOWN
from core.model.times import age, duration, milliseconds, seconds

__all__ = [
    "UNKNOWN", "StateSign", "age", "bandwidth", "clock_time", "count", "date_time", "duration",
    "instance_state", "listed", "milliseconds", "percent", "plural", "rate", "seconds",
    "short_count", "size", "tally",
]  # fmt: skip


def count(value: float | None) -> str:
    """A plain number with thousands separated: `12,345`."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    import humanize  # it takes a while, and a command's table has no such number

    return humanize.intcomma(round(value))


def short_count(value: float | None) -> str:
    """A number in at most five cells, decimal units: `999`, `1.2k`, `15M`."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    scaled, unit = float(value), 0
    while unit < 4 and abs(round(scaled)) >= 1000:
        scaled /= 1000
        unit += 1
    decimals = 1 if unit and abs(round(scaled, 1)) < 10 else 0
    return f"{scaled:.{decimals}f}{('', 'k', 'M', 'G', 'T')[unit]}"


def clock_time(when: float | None, zone: tzinfo | None = None) -> str:
    """A moment as `14:03:59`, in `zone` (None: the operator's own)."""
    return _at(when, "%H:%M:%S", zone)


def date_time(when: float | None, zone: tzinfo | None = None) -> str:
    """A moment as `2026-03-01 14:03:59`, in `zone` (None: the operator's own)."""
    return _at(when, "%Y-%m-%d %H:%M:%S", zone)


def date(when: float | None, zone: tzinfo | None = None) -> str:
    """A day as `2026-03-01`, in `zone` (None: the operator's own)."""
    return _at(when, "%Y-%m-%d", zone)


def _at(when: float | None, pattern: str, zone: tzinfo | None) -> str:
    if when is None or not math.isfinite(when):
        return UNKNOWN
    try:
        return datetime.fromtimestamp(when, tz=zone).strftime(pattern)
    except (OverflowError, ValueError, OSError):  # no calendar has that year: a damaged tape
        return UNKNOWN


def tally(done: int, failures: Sequence[str], most: int = 3) -> str:
    """How a bulk action went: `13 ok`, or `13 ok, 2 failed: web: no such disk; db: ...`."""
    if not failures:
        return f"{done:,} ok"
    rest = len(failures) - most
    more = f"; and {rest:,} more" if rest > 0 else ""
    return f"{done:,} ok, {len(failures):,} failed: {'; '.join(failures[:most])}{more}"


class StateSign(NamedTuple):
    """How a state is shown: by glyph, word and role together, never by colour alone."""

    glyph: str
    word: str
    role: str


def instance_state(state: InstanceState) -> StateSign:
    """The sign of an instance's state; its word is that of the filter, the JSON and the journal."""
    signs = glyphs()
    match state:
        case InstanceState.RUNNING:
            glyph, role = signs.running, "running"
        case InstanceState.PAUSED:
            glyph, role = signs.paused, "paused"
        case InstanceState.SHUTTING_DOWN:
            glyph, role = signs.changing, "changing"
        case InstanceState.SHUTOFF:
            glyph, role = signs.off, "off"
        case InstanceState.CRASHED:
            glyph, role = signs.crashed, "crashed"
        case InstanceState.SUSPENDED:
            glyph, role = signs.suspended, "paused"
        case _:
            glyph, role = signs.unknown, "muted"
    return StateSign(glyph, state.value, role)
