"""How fast a pool or a volume grows, from what it took at earlier times. Pure: time is an argument.

Nothing tells of growth. What is read anyway is remembered where it has changed: a pool's figures
with each look at it, a volume's with each reading of its XML, and, as its guest writes, with the
statistics of the instance that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.model import ObjectKey, Pool, State, Volume
from core.model.storage import SizeReading
from core.state.memo import Memo

WINDOW = 24 * 3600.0
"""Seconds for which a reading counts."""
SPACING = 60.0
"""Seconds between two readings that are both kept."""
MOST = 96
"""Readings of one object."""
LEAST = 30.0
"""Seconds below which two readings say nothing of an hour."""
_HOUR = 3600.0


SizeReadings = tuple[SizeReading, ...]
"""Oldest first."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How fast something grows."""

    per_hour: float
    """Bytes; below zero: it shrinks."""
    full_in: float | None = None
    """Seconds until its pool has no room left, at the speed of all that grows there; None: never,
    or it is full already, or the room is not known."""


def with_reading(before: SizeReadings, at: float, allocation: int) -> SizeReadings:
    """Return the readings with a new one; those that are too old, or too close, go."""
    kept = _counted(before, at)
    if len(kept) > 1 and kept[-1].at - kept[-2].at < SPACING:
        kept.pop()
    kept.append(SizeReading(at, allocation))
    return tuple(kept if len(kept) <= MOST else [kept[0], *kept[2:]])


def _counted(readings: SizeReadings, now: float) -> list[SizeReading]:
    """Return the readings of the last `WINDOW`, and what was so at its beginning."""
    counted = [one for one in readings if now - one.at <= WINDOW]
    older = readings[: len(readings) - len(counted)]
    if not older:
        return counted
    began = SizeReading(now - WINDOW, older[-1].allocation)
    return [began, *(counted or [SizeReading(now, began.allocation)])]


def growth(readings: SizeReadings, now: float, room: int | None = None) -> Growth | None:
    """Return how fast something grew from its oldest reading until now; None: not known yet.

    What has not changed since its newest reading has not grown since: the speed goes down.
    """
    counted = _counted(readings, now)
    if len(counted) < 2 or now - counted[0].at < LEAST:
        return None
    per_hour = (counted[-1].allocation - counted[0].allocation) / (now - counted[0].at) * _HOUR
    return _told(per_hour, room)


def _told(per_hour: float, room: int | None) -> Growth:
    fills = per_hour > 0 and room is not None and room > 0
    return Growth(per_hour, room / per_hour * _HOUR if fills and room is not None else None)


def growth_of(state: State, row: Pool | Volume, now: float) -> Growth | None:
    """Return how fast a pool or volume grows.

    libvirt looks at a pool's figures where it is refreshed alone; what its volumes are seen to grow
    by counts where that is more. A volume that grows is stopped by its pool: until then it is as
    long as until the pool is full. That a sparse one reaches its own size hurts nobody.
    """
    if isinstance(row, Volume):
        grows = growth(state.growth.get(row.key, ()), now)
        pool = state.pools.get(ObjectKey("pool", row.host, row.pool))
        if grows is None or grows.per_hour <= 0 or pool is None:
            return grows
        fills = growth_of(state, pool, now)
        return grows if fills is None else Growth(grows.per_hour, fills.full_in)
    own = growth(state.growth.get(row.key, ()), now, row.available)
    found = [growth(each, now) for each in _of_pools(state.growth).get((row.host, row.uuid), ())]
    told = [one.per_hour for one in found if one is not None]
    if told and sum(told) > (0.0 if own is None else own.per_hour):
        return _told(sum(told), row.available)
    return own


def _by_pool(
    readings: Mapping[ObjectKey, SizeReadings],
) -> dict[tuple[str, str], list[SizeReadings]]:
    """Return the readings of volumes that were seen to change, by host and pool."""
    found: dict[tuple[str, str], list[SizeReadings]] = {}
    for key, each in readings.items():
        if key.kind == "volume" and len(each) > 1:
            found.setdefault((key.host, key.id.partition("/")[0]), []).append(each)
    return found


_of_pools = Memo(_by_pool)
