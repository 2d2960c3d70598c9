"""The store: observations in, deltas and pictures out. Pure: all time comes with what it is fed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.model import Delta, Event, Observation, State
from core.model import event as events_of
from core.model import observation as seen
from core.state import (
    checkpoints,
    devices,
    events,
    findings,
    incoming,
    instances,
    jobs,
    links,
    listing,
    migrations,
    operations,
    runs,
    samples,
    snapshots,
    storage,
)
from core.state.tables import StoreLimits, Tables

Handler = Callable[[Tables, Any], None]

_HANDLERS: dict[type[Any], Handler] = {
    seen.BackupRead: jobs.on_backup_read,
    seen.BlockJobsRead: runs.on_block_jobs_read,
    seen.CheckpointsRead: checkpoints.on_read,
    seen.DetailRead: snapshots.on_detail,
    seen.HostAdded: links.on_added,
    seen.HostDevicesRead: devices.on_read,
    seen.HostRead: links.on_read,
    seen.InstanceGone: instances.on_gone,
    seen.InstanceRead: instances.on_read,
    seen.InstancesDescribed: instances.on_described,
    seen.LinkChanged: links.on_link,
    seen.Listed: listing.on_listed,
    seen.MigrationChanged: migrations.on_changed,
    seen.MigrationSampled: migrations.on_sampled,
    seen.NetworkGone: storage.on_network_gone,
    seen.NetworkRead: storage.on_network_read,
    seen.NetworksDescribed: storage.on_networks_described,
    seen.OperationChanged: operations.on_operation,
    seen.OperationForgotten: operations.on_forgotten,
    seen.PoolGone: storage.on_pool_gone,
    seen.PoolRead: storage.on_pool_read,
    seen.Sampled: samples.on_sampled,
    seen.SnapshotsRead: snapshots.on_read,
    seen.VolumesDescribed: storage.on_volumes_described,
    events_of.AgentChanged: events.on_agent,
    events_of.BalloonChanged: events.on_balloon,
    events_of.BlockJobChanged: runs.on_block_job,
    events_of.BlockThreshold: runs.on_threshold,
    events_of.DeviceAdded: runs.on_device_added,
    events_of.DeviceRemovalFailed: runs.on_device_removal_failed,
    events_of.DeviceRemoved: runs.on_device_removed,
    events_of.InstanceLifecycle: instances.on_lifecycle,
    events_of.IoError: events.on_io_error,
    events_of.JobCompleted: jobs.on_completed,
    events_of.MemoryFailure: events.on_memory_failure,
    events_of.MigrationIteration: jobs.on_iteration,
    events_of.NetworkLifecycle: storage.on_network_lifecycle,
    events_of.PoolLifecycle: storage.on_pool_lifecycle,
    events_of.Rebooted: events.on_reboot,
    events_of.WatchdogFired: events.on_watchdog,
}
"""What each kind of observation does; events not named here are only logged."""

_NONE: frozenset[Any] = frozenset()


class Store:
    """The whole picture, kept up to date one observation at a time.

    It belongs to one thread at a time, `state` too: that makes the picture. A `State` or `Delta` it
    gave may be read on any. No observation makes it raise: what is about unknown objects is logged
    and otherwise ignored.
    """

    def __init__(self, limits: StoreLimits | None = None) -> None:
        self._tables = Tables(limits or StoreLimits())
        self._revision = 0
        self._state: State | None = None
        self._events: tuple[Event, ...] | None = ()

    def apply(self, observation: Observation) -> Delta:
        """Take in one observation; what it changed. Costs microseconds, but for whole listings."""
        tables = self._tables
        self._begin(observation.at)
        tables.at = max(tables.at, observation.at)
        if isinstance(observation, Event):
            tables.log(incoming.in_context(tables, observation))
        handler = _HANDLERS.get(type(observation))
        if handler is not None:
            handler(tables, observation)
        return self._delta()

    @property
    def waiting(self) -> bool:
        """Whether something that was found waits for the event that may tell it: see `elapse`."""
        return bool(self._tables.held)

    def elapse(self, at: float) -> Delta:
        """Tell what was found and is untold by the time `at`, where no observation comes."""
        self._begin(at)
        return self._delta()

    def _begin(self, at: float) -> None:
        self._revision += 1
        self._state = None
        findings.release(self._tables, at)

    def _delta(self) -> Delta:
        tables = self._tables
        lines = tuple(tables.lines)
        delta = Delta(
            revision=self._revision,
            at=tables.at,
            changed=frozenset(tables.changed) if tables.changed else _NONE,
            gone=frozenset(tables.gone) if tables.gone else _NONE,
            events=lines,
        )
        if lines:
            self._events = None
            tables.lines.clear()
        tables.changed.clear()
        tables.gone.clear()
        return delta

    @property
    def state(self) -> State:
        """The picture of this revision. Tables that have not changed are shared with the last."""
        if self._state is None:
            tables = self._tables
            if self._events is None:
                self._events = tuple(tables.events)
            self._state = State(
                revision=self._revision,
                at=tables.at,
                hosts=tables.hosts.picture(),
                instances=tables.instances.picture(),
                rates=tables.rates.picture(),
                pools=tables.pools.picture(),
                volumes=tables.volumes.picture(),
                growth=tables.growth.picture(),
                networks=tables.networks.picture(),
                jobs=tables.jobs.picture(),
                runs=tables.runs.picture(),
                snapshots=tables.snapshots.picture(),
                checkpoints=tables.checkpoints.picture(),
                devices=tables.devices.picture(),
                operations=tables.operations.picture(),
                migrations=tables.migrations.picture(),
                alerts=tables.alerts.picture(),
                events=self._events,
                histories=tables.histories,
                tracks=tables.tracks,
            )
        return self._state
