"""Numbers, times and states as an operator reads them.

Pure, any thread. An unknown value (None, or not a number) is `-`, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from console.glyphs import glyphs
from core.model.instance import InstanceState

UNKNOWN = "-"
"""What stands for a value that is not known."""

_UNITS = "BKMGTPE"


def size(count: float | None) -> str:
    """Bytes in binary units and at most five cells: `0B`, `512B`, `1.5G`, `12M`, `1023K`."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    sign, value = ("-", -count) if count < 0 else ("", float(count))
    unit = 0
    while unit < len(_UNITS) - 1 and round(value) >= 1024:
        value /= 1024
        unit += 1
    decimals = 1 if unit and round(value, 1) < 10 else 0
    return f"{sign}{value:.{decimals}f}{_UNITS[unit]}"


def rate(per_second: float | None) -> str:
    """Bytes per second: `12M/s`."""
    return UNKNOWN if (text := size(per_second)) == UNKNOWN else f"{text}/s"


def milliseconds(value: float | None) -> str:
    """A length of time in milliseconds: `0.35 ms`, `12 ms`, `5.2 s`."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value >= 999.5:
        return f"{value / 1000:.1f} s"
    decimals = 2 if value < 0.995 else 1 if value < 9.95 else 0
    return f"{value:.{decimals}f} ms"


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


def percent(fraction: float | None, decimals: int = 0) -> str:
    """A fraction (0.5) as `50%`; only nothing is `0%` and only the whole `100%`: `<1%`, `>99%`."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    value = fraction * 100
    least = 10.0**-decimals
    written = f"{value:.{decimals}f}"
    if value > 0 and float(written) == 0:
        return f"<{least:.{decimals}f}%"
    if value < 100 and float(written) == 100:
        return f">{100 - least:.{decimals}f}%"
    return f"{written}%"


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


def clock_time(when: float | None, zone: tzinfo | None = None) -> str:
    """A moment as `14:03:59`, in `zone` (None: the operator's own)."""
    return _at(when, "%H:%M:%S", zone)


def date_time(when: float | None, zone: tzinfo | None = None) -> str:
    """A moment as `2026-03-01 14:03:59`, in `zone` (None: the operator's own)."""
    return _at(when, "%Y-%m-%d %H:%M:%S", zone)


def _at(when: float | None, pattern: str, zone: tzinfo | None) -> str:
    if when is None or not math.isfinite(when):
        return UNKNOWN
    try:
        return datetime.fromtimestamp(when, tz=zone).strftime(pattern)
    except (OverflowError, ValueError, OSError):  # no calendar has that year: a damaged tape
        return UNKNOWN


def plural(number: int, singular: str, plural_form: str = "") -> str:
    """A number with its noun: `1 instance`, `2 instances`, `3 entries` when told the plural."""
    return f"{number:,} {singular if number == 1 else plural_form or singular + 's'}"


def names(items: Sequence[str], most: int = 3) -> str:
    """The first `most` of a list and how many more: `web, db, cache and 4 more`."""
    shown = ", ".join(items[:most])
    rest = len(items) - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown


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
