"""The store's working copy: tables that note what was touched, and give read-only pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from core.model import (
    Alert,
    Event,
    Host,
    Instance,
    InstanceRun,
    Job,
    Migration,
    Network,
    ObjectKey,
    OperationRecord,
    Pool,
    Rates,
    Snapshot,
    Value,
    Volume,
)
from core.model.checkpoint import Checkpoint
from core.model.event import Found, IoError
from core.model.host_device import HostDevice
from core.state.growth import SizeReadings
from core.state.history import HistoryBuffers, TrackBuffers
from core.state.rates import Sample

K = TypeVar("K")
V = TypeVar("V")


class StoreLimits(Value, frozen=True):
    """How much the store remembers."""

    events: int = 5000
    """Lines of the event log."""
    operations: int = 500
    """Operations; those still running always stay."""
    migrations: int = 100
    """Migrations; those still running always stay."""
    link_changes: int = 50
    """Lines of a link's history."""


class Table(Generic[K, V]):
    """A mapping that copies itself for a reader only when it has changed since the last one."""

    __slots__ = ("_picture", "_rows")

    def __init__(self) -> None:
        self._rows: dict[K, V] = {}
        self._picture: Mapping[K, V] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def get(self, key: K) -> V | None:
        """Return the row of `key`, or None."""
        return self._rows.get(key)

    def put(self, key: K, value: V) -> bool:
        """Set a row; whether that changed anything."""
        old = self._rows.get(key)
        if old is value or old == value:
            return False
        self._rows[key] = value
        self._picture = None
        return True

    def drop(self, key: K) -> bool:
        """Remove a row; whether there was one."""
        if key not in self._rows:
            return False
        del self._rows[key]
        self._picture = None
        return True

    def arrange(self, belongs: Callable[[K], bool], order: list[K]) -> None:
        """Bring the rows that belong together, all of them in `order`, into that order.

        They stand where the first of them stood; the other rows keep their places.
        """
        if [key for key in self._rows if belongs(key)] == order:
            return
        rows: dict[K, V] = {}
        for key, value in self._rows.items():
            if not belongs(key):
                rows[key] = value
            elif order and order[0] not in rows:
                rows.update((other, self._rows[other]) for other in order)
        self._rows = rows
        self._picture = None

    def picture(self) -> Mapping[K, V]:
        """Return the rows as they are now, read-only, unaffected by later changes."""
        if self._picture is None:
            self._picture = MappingProxyType(self._rows.copy())
        return self._picture


class Tables:
    """Everything the store knows, and what the observation at hand has touched of it.

    The first block is what a `State` shows; `changed`, `gone` and `lines` are the delta in the
    making; the rest is what the rules need to remember.
    """

    def __init__(self, limits: StoreLimits) -> None:
        self.limits = limits
        self.hosts: Table[str, Host] = Table()
        self.instances: Table[ObjectKey, Instance] = Table()
        self.rates: Table[ObjectKey, Rates] = Table()
        self.pools: Table[ObjectKey, Pool] = Table()
        self.volumes: Table[ObjectKey, Volume] = Table()
        self.growth: Table[ObjectKey, SizeReadings] = Table()
        self.networks: Table[ObjectKey, Network] = Table()
        self.jobs: Table[ObjectKey, Job] = Table()
        self.runs: Table[ObjectKey, InstanceRun] = Table()
        self.snapshots: Table[ObjectKey, tuple[Snapshot, ...]] = Table()
        self.checkpoints: Table[ObjectKey, tuple[Checkpoint, ...]] = Table()
        self.devices: Table[str, tuple[HostDevice, ...]] = Table()
        self.operations: Table[str, OperationRecord] = Table()
        self.migrations: Table[str, Migration] = Table()
        self.tracks = TrackBuffers()
        self.alerts: Table[ObjectKey, tuple[Alert, ...]] = Table()
        self.events: deque[Event] = deque(maxlen=limits.events)
        self.histories = HistoryBuffers()

        self.changed: set[ObjectKey] = set()
        self.gone: set[ObjectKey] = set()
        self.lines: list[Event] = []
        self.at = 0.0
        """The latest time of an observation."""
        self._remember_nothing()

    def _remember_nothing(self) -> None:
        """Begin with nothing that the rules need to remember."""
        self.held: dict[tuple[ObjectKey, str], tuple[Found, float]] = {}
        """Findings that wait for their event, by what it would say, and since when: `findings`."""
        self.listed: set[tuple[str, str]] = set()
        """Hosts and kinds that have been listed once: later differences are news."""
        self.samples: dict[str, dict[str, Sample]] = {}
        """By host and UUID: the earlier ends of the next rates."""
        self.sampled: dict[str, set[str]] = {}
        """By host: UUIDs in the parts of its present sample that came so far."""
        self.silent: dict[str, frozenset[str]] = {}
        """By host: UUIDs of the instances that did not answer last time."""
        self.taken: dict[ObjectKey, tuple[tuple[int | None, ...], int]] = {}
        """By pool: its sizes as libvirt told them last, and what its volumes were seen to take
        since these changed."""
        self.moved: dict[ObjectKey, float] = {}
        """When an event or a reading last told an instance's state, or an event one of others."""
        self.job_seen: dict[ObjectKey, float] = {}
        """When a job last showed a sign of life."""
        self.snapshots_read: dict[ObjectKey, float] = {}
        """When the reading of an instance's snapshots began."""
        self.checkpoints_read: dict[ObjectKey, float] = {}
        """When that of its checkpoints began."""
        self.io_errors: dict[ObjectKey, IoError] = {}
        """The last I/O error of an instance, for the cause of the pause that follows it."""
        self.excused_agent_losses: dict[ObjectKey, Alert] = {}
        self.paths: dict[tuple[str, str], ObjectKey] = {}
        """By host and path: the volume there."""

    def mark(self, key: ObjectKey) -> None:
        """Note that something of an object changed."""
        self.changed.add(key)
        self.gone.discard(key)

    def mark_gone(self, key: ObjectKey) -> None:
        """Note that an object is gone."""
        self.gone.add(key)
        self.changed.discard(key)

    def log(self, event: Event) -> None:
        """Append a line to the event log."""
        self.events.append(event)
        self.lines.append(event)

    def put_alerts(self, key: ObjectKey, alerts: tuple[Alert, ...]) -> None:
        """Set the alerts of an object."""
        if self.alerts.put(key, alerts) if alerts else self.alerts.drop(key):
            self.mark(key)

    def put_rates(self, key: ObjectKey, rates: Rates | None) -> None:
        """Set or (None) drop the rates of an instance."""
        if self.rates.drop(key) if rates is None else self.rates.put(key, rates):
            self.mark(key)

    def put_job(self, key: ObjectKey, job: Job | None, at: float) -> None:
        """Set or (None) drop the job of an instance."""
        if self.jobs.drop(key) if job is None else self.jobs.put(key, job):
            self.mark(key)
        if job is None:
            self.job_seen.pop(key, None)
        else:
            self.job_seen[key] = at
