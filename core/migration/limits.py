"""The max downtimes policies begin and end with. Pure."""

from __future__ import annotations

from core.model import Migrate

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
