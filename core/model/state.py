"""The whole picture at one moment, and what changed since another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from core.model.alert import Alert
from core.model.base import ObjectKey, Value
from core.model.checkpoint import Checkpoint
from core.model.event import Event
from core.model.forecast import JobSample
from core.model.host import Host
from core.model.host_device import HostDevice
from core.model.instance import Instance, Snapshot
from core.model.job import Job
from core.model.migration import Migration
from core.model.network import Network
from core.model.operation import OperationRecord
from core.model.run import InstanceRun
from core.model.stats import Rates
from core.model.storage import Pool, SizeReading, Volume


def _empty() -> Mapping[Any, Any]:
    return MappingProxyType({})


class Histories(Protocol):
    """Read access to the ring buffers of an instance's rates."""

    def series(self, key: ObjectKey, name: str, newest: int = ...) -> Sequence[float | None]:
        """The newest samples of one of `core.model.stats.SERIES`, oldest first; None: unknown."""
        ...


class Tracks(Protocol):
    """Read access to the samples of migrations."""

    def samples(self, migration_id: str) -> Sequence[JobSample]:
        """The samples of a migration, oldest first, thinned out when there are many."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """Immutable; safe on any thread. Mappings are read-only and keep libvirt's listing order."""

    revision: int = 0
    at: float = 0.0
    """Time of the newest observation: the `now` of a replayed tape."""
    hosts: Mapping[str, Host] = field(default_factory=_empty)
    instances: Mapping[ObjectKey, Instance] = field(default_factory=_empty)
    rates: Mapping[ObjectKey, Rates] = field(default_factory=_empty)
    pools: Mapping[ObjectKey, Pool] = field(default_factory=_empty)
    volumes: Mapping[ObjectKey, Volume] = field(default_factory=_empty)
    growth: Mapping[ObjectKey, tuple[SizeReading, ...]] = field(default_factory=_empty)
    """What pools and volumes took at earlier times, oldest first."""
    networks: Mapping[ObjectKey, Network] = field(default_factory=_empty)
    jobs: Mapping[ObjectKey, Job] = field(default_factory=_empty)
    """By the key of the instance."""
    runs: Mapping[ObjectKey, InstanceRun] = field(default_factory=_empty)
    """By the key of the instance: block jobs, device, agent and job events. Only where there are
    any."""
    snapshots: Mapping[ObjectKey, tuple[Snapshot, ...]] = field(default_factory=_empty)
    """By the key of the instance, in their order. Only of those that somebody looked at: of one
    that is not there they were not read."""
    checkpoints: Mapping[ObjectKey, tuple[Checkpoint, ...]] = field(default_factory=_empty)
    """By the key of the instance, parents first; likewise only of those that were looked at."""
    devices: Mapping[str, tuple[HostDevice, ...]] = field(default_factory=_empty)
    """By host: what it has of PCI, USB and mediated devices. Only of hosts that were looked at."""
    operations: Mapping[str, OperationRecord] = field(default_factory=_empty)
    """By operation id, oldest first."""
    migrations: Mapping[str, Migration] = field(default_factory=_empty)
    """By migration id, oldest first: running, queued and recent, ours and others'."""
    alerts: Mapping[ObjectKey, tuple[Alert, ...]] = field(default_factory=_empty)
    """By subject; no empty tuples."""
    events: Sequence[Event] = ()
    """The newest events, oldest first, bounded."""
    histories: Histories | None = field(default=None, compare=False)
    tracks: Tracks | None = field(default=None, compare=False)
    """The samples of the migrations, for charts."""


class Delta(Value, frozen=True):
    """What one or several observations changed.

    `changed` and `gone` hold keys of any kind; an instance's key is also there when only its rates,
    job, run, snapshots, alerts or operations changed. `events` are the new lines of the event log.
    """

    revision: int
    at: float
    changed: frozenset[ObjectKey] = frozenset()
    gone: frozenset[ObjectKey] = frozenset()
    events: tuple[Event, ...] = ()
    events_dropped: int = 0
    """Events a slow reader's mailbox had no room for; they are still in `State.events`."""

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.changed or self.gone or self.events)


EVENTS_IN_A_DELTA = 2000


def merge(deltas: Iterable[Delta]) -> Delta | None:
    """Fold deltas, in their order, into one: the last word on each object wins."""
    changed: set[ObjectKey] = set()
    gone: set[ObjectKey] = set()
    events: list[Event] = []
    last: Delta | None = None
    dropped = 0
    for delta in deltas:
        changed = (changed - delta.gone) | delta.changed
        gone = (gone - delta.changed) | delta.gone
        events.extend(delta.events)
        dropped += delta.events_dropped
        last = delta
    if last is None:
        return None
    surplus = max(0, len(events) - EVENTS_IN_A_DELTA)
    return Delta(
        revision=last.revision,
        at=last.at,
        changed=frozenset(changed),
        gone=frozenset(gone),
        events=tuple(events[surplus:]),
        events_dropped=dropped + surplus,
    )
