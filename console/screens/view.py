"""What columns and panels look at while they draw: the newest picture, the time and the zone.

Rows of a table are the model's own values; whatever else a cell shows is looked up here when the
cell is drawn, so that ten thousand rows cost nothing while they are out of sight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from console import format as fmt
from core.model import Alert, Delta, LinkStatus, ObjectKey, OperationRecord, Severity, State


@dataclass
class View:
    """The app's eyes. Lives on the UI thread; `state` is replaced at every wake-up."""

    now: Callable[[], float]
    """Seconds since the epoch: the machine's clock, or a tape's."""
    zone: tzinfo | None = None
    """The operator's time zone; None: the machine's."""
    state: State = field(default_factory=State)

    @property
    def running(self) -> list[OperationRecord]:
        """The operations that have not ended, oldest first."""
        return [record for record in self.state.operations.values() if not record.status.final]

    def stale(self, host: str) -> bool:
        """Whether what is shown of a host may be old, because the link is not up."""
        known = self.state.hosts.get(host)
        return known is not None and known.link.status is not LinkStatus.UP

    def stale_age(self, host: str) -> str:
        """How old it is, in coarse steps so that an idle screen stays idle: `40s`, `3m`."""
        known = self.state.hosts.get(host)
        if known is None:
            return fmt.UNKNOWN
        heard = known.sampled or known.link.since
        return coarse_age(heard, self.now()) if heard else fmt.UNKNOWN

    def clock(self, when: float | None) -> str:
        """A moment as a time of day in the operator's zone."""
        return fmt.clock_time(when, self.zone)

    def date(self, when: float | None) -> str:
        """A moment with its day."""
        return fmt.date_time(when, self.zone)

    def alerts(self, key: ObjectKey) -> tuple[Alert, ...]:
        """The alerts of an object, the worst first."""
        found = self.state.alerts.get(key, ())
        return tuple(sorted(found, key=lambda alert: alert.severity is not Severity.ERROR))


class LinkWatch:
    """Notices hosts whose rows turn stale or fresh, because then all of them look different."""

    def __init__(self) -> None:
        self._stale: dict[str, bool] = {}

    def turned(self, view: View, delta: Delta) -> set[str]:
        """The hosts of a delta that are in or out of reach and were not at the last call."""
        turned = set()
        for key in delta.changed:
            if key.kind == "host" and view.stale(key.host) != self._stale.get(key.host, False):
                self._stale[key.host] = view.stale(key.host)
                turned.add(key.host)
        return turned


Tells = Callable[[Any], object]
"""What the rows of others tell of an object; nothing (None, an empty tuple): nothing."""


class ChangeWatch:
    """Notices objects that the rows of others tell of, when that which they tell is another.

    A sample changes many instances, and hardly ever one that a row of another object looks
    different for: a table is made anew for those alone.
    """

    def __init__(self, **tells: Tells) -> None:
        """`tells`: for each kind that rows tell of, what."""
        self._tells = tells
        self._known: dict[ObjectKey, object] = {}

    def look(self, state: State) -> None:
        """Take everything as it is: the rows are made from that now."""
        self._known = {
            _object_key(kind, key): told
            for kind, tell in self._tells.items()
            for key, row in _tables(state)[kind].items()
            if (told := tell(row))
        }

    def moved(self, state: State, delta: Delta) -> set[ObjectKey]:
        """The objects of a delta that came, went, or are told of otherwise than at the last look.

        One that nothing is told of, before and now, is none of them.
        """
        moved, tables = set(), _tables(state)
        for key in delta.changed | delta.gone:
            if (tell := self._tells.get(key.kind)) is None:
                continue
            row = tables[key.kind].get(key.id if key.kind == "host" else key)
            told = None if row is None else tell(row) or None
            before = self._known.pop(key, None)
            if told is not None:
                self._known[key] = told
            if before != told:
                moved.add(key)
        return moved


def _tables(state: State) -> dict[str, Mapping[Any, Any]]:
    return {
        "host": state.hosts,
        "instance": state.instances,
        "pool": state.pools,
        "volume": state.volumes,
    }


def _object_key(kind: str, key: Any) -> ObjectKey:
    """The key of an object of a table: hosts stand in theirs by name."""
    return ObjectKey("host", key, key) if kind == "host" else key


def coarse_age(since: float, now: float) -> str:
    """How long ago, in steps of ten seconds below a minute and of whole minutes above."""
    passed = max(0.0, now - since)
    if passed < 60:
        return f"{int(passed // 10) * 10}s" if passed >= 10 else "<10s"
    whole = int(passed // 60)
    if whole < 60:
        return f"{whole}m"
    return f"{whole // 60}h" if whole < 48 * 60 else f"{whole // 1440}d"
