"""The max downtimes policies begin and end with. Pure."""

from __future__ import annotations

from core.model import Limits
from core.verbs.migration.requests import Migrate

LIBVIRT_DOWNTIME = 300
"""Milliseconds: what libvirt and QEMU begin with."""
NOVA_DOWNTIME = 500
"""Milliseconds: how far Nova's ramp goes, and how far any policy goes that was told no limit."""
NOVA_LEAST = 100
NOVA_STEPS = 10


def downtime_limit(request: Migrate) -> int:
    """Return how far the max downtime may be raised, in ms."""
    return NOVA_DOWNTIME if request.max_downtime is None else request.max_downtime


def first_downtime(request: Migrate) -> int:
    """Return the max downtime a migration begins with, in ms."""
    limit = downtime_limit(request)
    if request.policy.startswith("nova"):
        return max(1, max(NOVA_LEAST, limit) // NOVA_STEPS)
    if request.policy == "manual":
        return LIBVIRT_DOWNTIME if request.max_downtime is None else request.max_downtime
    return min(LIBVIRT_DOWNTIME, limit)


def in_force(known: Limits, before: Limits | None, told: Limits) -> Limits:
    """Return the limits after a reading; `before` is the reading before it, None: the first.

    libvirt tells what was set while it runs, and not the bandwidth the migration was begun with:
    so a bandwidth counts when it has changed, and at first only where none is known.
    """
    return Limits(
        max_downtime=known.max_downtime if told.max_downtime is None else told.max_downtime,
        bandwidth=_bandwidth(
            known.bandwidth, None if before is None else (before.bandwidth,), told.bandwidth
        ),
        post_copy_bandwidth=_bandwidth(
            known.post_copy_bandwidth,
            None if before is None else (before.post_copy_bandwidth,),
            told.post_copy_bandwidth,
        ),
    )


def _bandwidth(
    known: float | None, before: tuple[float | None] | None, told: float | None
) -> float | None:
    if before is None:
        return (told or None) if known is None else known
    return known if told is None or told == before[0] else told
