"""How far a migration is, as one number that does not run backwards by itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.migration.forecast.passes import measure, usable
from core.model.forecast import JobSample
from core.model.migration import MOST_DONE as MOST
from core.model.migration import MigrationStatus

_MOST_WITH_DEVICES = 0.9
"""The most that is said where device state is sent too: how much of it is left is not known."""
FIRST_PASS = 0.9
"""What the first pass counts for; those after it share the rest by how much they still send."""


def progress(
    samples: Sequence[JobSample], status: MigrationStatus, switched: float | None = None
) -> float | None:
    """Return 0 to 1, and 1 only for a completed migration; None: not known.

    Made of what remains of the total, never of what was processed, which a guest that writes drives
    past it (peers.md 5). `samples`, oldest first; `switched`: when it went to post-copy, which
    goes on from where pre-copy was.
    """
    if status is MigrationStatus.COMPLETED:
        return 1.0
    if status in (MigrationStatus.COMPLETING, MigrationStatus.VERIFYING):
        return MOST
    if status in (MigrationStatus.QUEUED, MigrationStatus.PREPARING):
        return 0.0
    most = _MOST_WITH_DEVICES if samples and samples[-1].device_processed else MOST
    known = _copied(samples, switched)
    return None if known is None else min(known, most)


def _copied(samples: Sequence[JobSample], switched: float | None) -> float | None:
    before = [one for one in samples if switched is None or one.at < switched]
    if switched is None:
        return _pre_copy(before)
    return _post_copy(_pre_copy(before) or 0.0, [one for one in samples if one.at >= switched])


def _pre_copy(samples: Sequence[JobSample]) -> float | None:
    """The first pass by the least that remained of it, then the passes by the best of them."""
    measured = measure(samples)
    parts = _parts(samples)
    if not parts:
        return None
    if measured is None or measured.number == 1:
        return FIRST_PASS * sum(parts) / len(parts)
    left = min(measured.peaks, default=measured.total) / measured.total
    return FIRST_PASS + (MOST - FIRST_PASS) * (1 - min(left, 1.0))


def _parts(samples: Sequence[JobSample]) -> list[float]:
    """How much of the disks, if they are copied, and of the memory is over there, each 0 to 1."""
    disks = [
        one.disk_remaining / one.disk_total
        for one in samples
        if one.disk_total and one.disk_remaining is not None
    ]
    memory = [(one.memory_remaining or 0) / (one.memory_total or 1) for one in usable(samples)]
    parts = [1 - min(part) for part in (disks, memory) if part]
    return [*parts, 0.0] if disks and not memory else parts


def _post_copy(base: float, samples: Sequence[JobSample]) -> float:
    remaining = [one.memory_remaining or 0 for one in usable(samples)]
    if not remaining or not max(remaining):
        return base
    return base + (MOST - base) * (1 - min(remaining) / max(remaining))
