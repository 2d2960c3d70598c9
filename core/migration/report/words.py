"""Figures as a report writes them: in full, for somebody who was not there. Pure."""

from __future__ import annotations

from core.model import SteerKind, SteerRecord
from core.model.text import clean

UNKNOWN = "-"
"""What stands for a figure that is not known."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def sentences(*texts: str) -> str:
    """Join what may lack a stop at its end: `db runs on beta. Mend the network.`"""
    given = [text.strip() for text in texts if text.strip()]
    return " ".join(text if text[-1] in ".!?" else f"{text}." for text in given)


def bytes_words(count: float | None) -> str:
    """Bytes in binary units: `1.5 GiB`."""
    if count is None:
        return UNKNOWN
    value, unit = float(count), 0
    while unit < len(_UNITS) - 1 and abs(value) >= 1024:
        value /= 1024
        unit += 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{value:.0f} B"


def rate_words(per_second: float | None) -> str:
    """Bytes per second: `60.0 MiB/s`."""
    return UNKNOWN if per_second is None else f"{bytes_words(per_second)}/s"


def bandwidth_words(mib: float | None) -> str:
    """A limit in MiB/s; 0 is unlimited."""
    if mib is None:
        return UNKNOWN
    return f"{mib:.0f} MiB/s" if mib else "unlimited"


def seconds_words(seconds: float | None) -> str:
    """A length of time: `41.5 s`, `12 min 05 s`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def milliseconds_words(value: float | None) -> str:
    """A downtime: `280 ms`."""
    return UNKNOWN if value is None else f"{value:.0f} ms"


def passed_words(passed: bool | None) -> str:
    """A check: `ok`, `NO`, `not seen`."""
    if passed is None:
        return "not seen"
    return "ok" if passed else "NO"


def steer_words(record: SteerRecord) -> str:
    """A command, what came of it and why: `max-downtime 450 ms, done: it would finish then.`"""
    steer = record.steer
    parts = [steer.kind.value]
    if steer.value is not None:
        down = steer.kind is SteerKind.MAX_DOWNTIME
        parts.append(milliseconds_words(steer.value) if down else bandwidth_words(steer.value))
    if steer.text:
        parts.append(clean(steer.text))
    why = "; ".join(clean(text) for text in (steer.reason, record.detail) if text)
    return f"{' '.join(parts)}, {record.answer.value}" + (f": {why}" if why else "")
