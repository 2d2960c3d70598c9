"""How many instances each host has and how many of them are active, kept with every delta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from core.model import Delta, Instance, ObjectKey


class Count(NamedTuple):
    """Instances of one host, or of several."""

    active: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"{self.active}/{self.total}"


class InstanceCounts:
    """The counts by host: a delta costs what it names, a look at a host costs nothing."""

    def __init__(self) -> None:
        self._active: dict[ObjectKey, bool] = {}
        self._active_of: Counter[str] = Counter()
        self._total_of: Counter[str] = Counter()

    def of(self, host: str) -> Count:
        """The instances of one host."""
        return Count(self._active_of[host], self._total_of[host])

    @property
    def all(self) -> Count:
        """The instances of all hosts."""
        return Count(self._active_of.total(), self._total_of.total())

    def count(self, instances: Mapping[ObjectKey, Instance]) -> None:
        """Count them all anew."""
        for kept in (self._active, self._active_of, self._total_of):
            kept.clear()
        self._look_at(instances, instances)

    def update(self, delta: Delta, instances: Mapping[ObjectKey, Instance]) -> None:
        """Count again what a delta names; `instances` may be newer than it."""
        named = delta.changed | delta.gone
        self._look_at((key for key in named if key.kind == "instance"), instances)

    def _look_at(self, keys: Iterable[ObjectKey], instances: Mapping[ObjectKey, Instance]) -> None:
        for key in keys:
            before = self._active.pop(key, None)
            if before is not None:
                self._total_of[key.host] -= 1
                self._active_of[key.host] -= before
            if (one := instances.get(key)) is not None:
                self._active[key] = one.state.active
                self._total_of[key.host] += 1
                self._active_of[key.host] += one.state.active
