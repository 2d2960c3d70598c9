"""The last samples of every instance, in ring buffers small enough for ten thousand of them; and of
every migration, as they came."""

from __future__ import annotations

from array import array
from itertools import pairwise
from math import isnan, nan

from core.model import SERIES, JobSample, ObjectKey, Rates

SAMPLES = 120
"""How many samples of each series are kept."""

JOB_SAMPLES = 1200
"""Samples kept of a migration; beyond that about every other one goes."""

_PLACES = {name: index for index, name in enumerate(SERIES)}
_UNKNOWN = array("f", [nan] * len(SERIES))


class _Ring:
    """One instance's samples, a row of all series per sample, in one flat array (3 KiB)."""

    __slots__ = ("count", "rows")

    def __init__(self) -> None:
        self.rows = array("f")
        self.count = 0

    def add(self, row: array[float]) -> None:
        if self.count < SAMPLES:
            self.rows.extend(row)
        else:
            start = self.count % SAMPLES * len(SERIES)
            self.rows[start : start + len(SERIES)] = row
        self.count += 1

    def column(self, place: int, newest: int) -> list[float | None]:
        count, rows = self.count, self.rows[place :: len(SERIES)]
        start = count % SAMPLES if count > SAMPLES else 0
        ordered = (rows[start:] + rows[:start])[-newest:]
        return [None if isnan(value) else value for value in ordered]


class HistoryBuffers:
    """The ring buffers of all instances. One thread adds; any thread may read.

    A reader on another thread may see the newest sample early, nothing worse.
    """

    __slots__ = ("_rings",)

    def __init__(self) -> None:
        self._rings: dict[ObjectKey, _Ring] = {}

    def series(self, key: ObjectKey, name: str, newest: int = SAMPLES) -> list[float | None]:
        """Return the `newest` samples of one of `SERIES`, oldest first; None in it: unknown.

        Raises KeyError for another name; an instance without samples has an empty list.
        """
        place = _PLACES[name]
        ring = self._rings.get(key)
        return [] if ring is None else ring.column(place, newest)

    def add(self, key: ObjectKey, rates: Rates, ticks: int = 1) -> None:
        """Append one sample, as often as the ticks it stands for."""
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = _Ring()
        values = (rates.cpu, rates.memory, rates.read, rates.write, rates.received, rates.sent)
        row = array("f", [nan if value is None else value for value in values])
        for _ in range(min(ticks, SAMPLES)):
            ring.add(row)

    def gap(self, key: ObjectKey) -> None:
        """Append an unknown sample; nothing when there is none yet."""
        ring = self._rings.get(key)
        if ring is not None:
            ring.add(_UNKNOWN)

    def drop(self, key: ObjectKey) -> None:
        """Forget an instance."""
        self._rings.pop(key, None)


def _thinned(rows: tuple[JobSample, ...]) -> tuple[JobSample, ...]:
    """At most about half of `JOB_SAMPLES`, evenly apart: a chart must not lose the first hour."""
    apart = (rows[-1].at - rows[0].at) / (JOB_SAMPLES // 3)
    kept = [rows[0]]
    for row, following in pairwise(rows[1:]):
        # one that comes early stays too where the next would come too late: else a gap that is
        # there grows with every thinning
        if row.at - kept[-1].at >= apart or following.at - kept[-1].at > 2 * apart:
            kept.append(row)
    return (*kept, rows[-1])


class TrackBuffers:
    """The samples of migrations. One thread adds; any thread may read."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[str, tuple[JobSample, ...]] = {}

    def samples(self, migration_id: str) -> tuple[JobSample, ...]:
        """The samples of a migration, oldest first; empty for one that is not known."""
        return self._rows.get(migration_id, ())

    def add(self, migration_id: str, sample: JobSample) -> None:
        """Append a sample; very many are thinned out, evenly over their whole time."""
        rows = (*self._rows.get(migration_id, ()), sample)
        self._rows[migration_id] = _thinned(rows) if len(rows) > JOB_SAMPLES else rows

    def drop(self, migration_id: str) -> None:
        """Forget a migration."""
        self._rows.pop(migration_id, None)
