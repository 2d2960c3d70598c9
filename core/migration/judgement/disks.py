"""The disks of a migration that copies them: libvirt mirrors them first, then the memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.model.forecast import Confidence, Forecast, JobSample
from core.model.migration import Migration
from core.model.sizes import size_words
from core.model.text import clean
from core.model.times import seconds

RECENT = 20


def seconds_left(samples: Sequence[JobSample]) -> float:
    """Return the seconds until the disks are copied; 0 where there are none or it is not known."""
    newest = samples[-1] if samples else None
    if newest is None or not newest.disk_remaining:
        return 0.0
    pace = _pace(samples)
    return newest.disk_remaining / pace if pace else 0.0


def sizes(samples: Sequence[JobSample], copied: Sequence[str]) -> tuple[int, ...]:
    """Return the bytes of each disk that is copied: libvirt tells only those of all together."""
    total = max((one.disk_total or 0 for one in samples[-RECENT:]), default=0)
    return tuple(total // len(copied) for _ in copied)


def are_copied(row: Migration, samples: Sequence[JobSample]) -> bool | None:
    """Whether disks are copied along with the memory; None: not known.

    Of somebody else's migration only its job tells: it counts bytes of disks where it has any.
    """
    seen = [one for one in (*samples, row.sample) if one is not None]
    if row.copied_disks or any(one.disk_total for one in seen):
        return True
    told = any(one.memory_total for one in seen)
    return None if row.foreign and not told else False


def names(row: Migration, samples: Sequence[JobSample]) -> str:
    """Return which disks are copied: `vda, vdb`, `none`, `some (1.5 GiB)`, `-`."""
    if row.copied_disks:
        return clean(", ".join(row.copied_disks))
    copied = are_copied(row, samples)
    if not copied:
        return "-" if copied is None else "none"
    total = max(one.disk_total or 0 for one in (*samples, row.sample) if one is not None)
    return f"some ({size_words(total)}): whoever started it knows which"


def _pace(samples: Sequence[JobSample]) -> float | None:
    """Return the bytes/s at which disks are copied, None: not seen yet."""
    known = [one for one in samples[-RECENT:] if one.disk_processed is not None]
    if len(known) > 1:
        seconds = known[-1].at - known[0].at
        sent = (known[-1].disk_processed or 0) - (known[0].disk_processed or 0)
        if seconds > 0 and sent > 0:
            return sent / seconds
    return float(known[-1].disk_bps) if known and known[-1].disk_bps else None


def before_memory(
    samples: Sequence[JobSample], bandwidth: float | None, memory: int | None, now: float
) -> Forecast:
    """Return the forecast while no memory is copied yet: at least the disks and one pass.

    `bandwidth` is the limit in bytes/s, `memory` the bytes of RAM; None: not known.
    """
    pace = _pace(samples)
    newest = samples[-1] if samples else None
    if newest is None or not newest.disk_total or pace is None:
        return Forecast(now, sentence="too early to say")
    least = (newest.disk_remaining or 0) / pace
    least += (memory or 0) / min(pace, bandwidth or pace)
    what = "the disks and one pass over the memory take" if memory else "the disks take"
    return Forecast(
        now,
        confidence=Confidence.LOW,
        eta_low=least,
        sentence=f"{what} about {seconds(least)}; more is not known yet",
    )
