"""The figures of a report: what a migration sent, how fast, and what its guest wrote. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.migration.judgement import disks
from core.model import JobSample, Migration
from core.model.sizes import bandwidth, percent, rate_words, size_words
from core.model.text import UNKNOWN

Row = tuple[str, str]
"""A name and what is said of it."""


def data_rows(row: Migration, samples: Sequence[JobSample]) -> tuple[Row, ...]:
    """Return what was sent, how fast, and what was written meanwhile."""
    result = row.result
    rows = [
        ("memory", size_words(row.memory or None)),
        ("sent", _sent(row)),
        ("throughput", f"{rate_words(result.throughput if result else None)} on average"),
        ("dirtied", _dirtied(row, samples)),
        ("bandwidth", bandwidth(row.limits.bandwidth)),
        ("disks copied", disks.names(row, samples)),
        ("post-copy", _post_copy(row)),
    ]
    if row.post_copy != "never":
        rows.append(("in post-copy", bandwidth(row.limits.post_copy_bandwidth)))
    if result is not None and result.throttle:
        rows.append(("throttle", f"the guest was braked by up to {percent(result.throttle / 100)}"))
    return tuple(rows)


def _sent(row: Migration) -> str:
    result = row.result
    if result is None or result.transferred is None:
        return UNKNOWN
    parts = [
        f"{size_words(count)} {what}"
        for count, what in (
            (result.normal_bytes, "as whole pages"),
            (result.device_bytes, "of device state"),
        )
        if count
    ]
    of_it = f", of it {' and '.join(parts)}" if parts else ""
    return f"{size_words(result.transferred)}{of_it}"


def _post_copy(row: Migration) -> str:
    """What was asked for; of somebody else's migration only the switch tells."""
    if not row.foreign:
        return row.post_copy
    return "not known" if row.switched is None else "allow"


def dirtied(row: Migration, samples: Sequence[JobSample]) -> dict[str, float | None]:
    """Return how fast the guest wrote, in bytes/s, by who measured it; None: nobody did.

    `before` is the highest calculation made before the start, `forecast` what the passes took, and
    `counted` the most that libvirt said: a count of QEMU's at the end of a pass, which may have
    met a moment in which next to nothing was written.
    """
    switched = row.switched
    counted = [
        one.rewritten
        for one in samples
        if one.rewritten is not None and (switched is None or one.at < switched)
    ]
    return {
        "before": max((one.rate for one in row.use.rates), default=None),
        "forecast": row.forecast.dirty_rate if row.forecast is not None else None,
        "counted": max(counted, default=None),
    }


_MEASURED = {
    "before": "measured before the start",
    "forecast": "in the forecast",
    "counted": "at most as libvirt counted it",
}


def _dirtied(row: Migration, samples: Sequence[JobSample]) -> str:
    known = [
        f"{rate_words(rate)} {_MEASURED[who]}"
        for who, rate in dirtied(row, samples).items()
        if rate is not None
    ]
    return ", ".join(known) or UNKNOWN
