"""Sizes, rates and shares as an operator reads them: short in a cell, in full in a sentence.

Pure, any thread. An unknown value (None, or not a number) is `-`, never 0.
"""

from __future__ import annotations

import math

from core.model.text import UNKNOWN

_UNITS = "BKMGTPE"


def size(count: float | None) -> str:
    """Bytes in binary units and at most five cells: `0B`, `512B`, `1.5G`, `12M`, `1023K`."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    sign, number, unit = _scaled(count)
    return f"{sign}{number}{_UNITS[unit]}"


def rate(per_second: float | None) -> str:
    """Bytes per second in a cell: `12M/s`."""
    return UNKNOWN if (text := size(per_second)) == UNKNOWN else f"{text}/s"


def percent(fraction: float | None, decimals: int = 0) -> str:
    """A fraction (0.5) as `50%`, everywhere.

    Only nothing is `0%`, and only the whole `100%`: `<1%`, `>99%`.
    """
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


def size_words(count: float | None) -> str:
    """Bytes in a sentence: `512 B`, `96 MiB`, `1.5 GiB`; the same figures as in a cell."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    sign, number, unit = _scaled(count)
    return f"{sign}{number} {_UNITS[unit]}iB" if unit else f"{sign}{number} B"


def rate_words(per_second: float | None) -> str:
    """Bytes per second in a sentence: `28 MiB/s`."""
    return UNKNOWN if (text := size_words(per_second)) == UNKNOWN else f"{text}/s"


def bandwidth(mib: float | None) -> str:
    """A limit in MiB/s, as libvirt takes it; 0 is unlimited."""
    if mib is None:
        return UNKNOWN
    return f"{mib:g} MiB/s" if mib else "unlimited"


def _scaled(count: float) -> tuple[str, str, int]:
    """Sign, figures and the place of the unit."""
    sign, value = ("-", -count) if count < 0 else ("", float(count))
    unit = 0
    while unit < len(_UNITS) - 1 and round(value) >= 1024:
        value /= 1024
        unit += 1
    decimals = 1 if unit and round(value, 1) < 10 else 0
    return sign, f"{value:.{decimals}f}", unit
