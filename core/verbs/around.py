"""What the state knows around the subject of a verb. Pure values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.model import (
    Host,
    Instance,
    InstanceRun,
    Job,
    Network,
    ObjectKey,
    Pool,
    Snapshot,
    State,
    Volume,
)
from core.model.checkpoint import Checkpoint
from core.model.host_device import HostDevice
from core.state.connections import (
    Connections,
    connected_on,
    connections_of,
    every_connection,
    names_of_owners,
    owners_on,
)
from core.state.subject import owner_of


@dataclass(frozen=True, slots=True)
class Around:
    """What the state knows of the instance of a subject, beside the subject itself."""

    instance: Instance | None = None
    """Of a snapshot its own; None for what belongs to no instance."""
    job: Job | None = None
    """libvirt's job on it."""
    run: InstanceRun = field(default_factory=InstanceRun)
    """Its block jobs by disk, what came of its devices by alias, its agent, its last job."""
    snapshots: tuple[Snapshot, ...] | None = None
    """In their order; None: they were not read (`Verb.looks_at`)."""
    checkpoints: tuple[Checkpoint, ...] | None = None
    """Parents first; None: they were not read (`Verb.looks_at`)."""
    volumes: Mapping[ObjectKey, Volume] = field(default_factory=dict)
    """Those of all hosts, as far as they were read (`Verb.storage_for`)."""
    host: Host | None = None
    """The host of the subject, with what it said of itself."""
    pools: Mapping[ObjectKey, Pool] = field(default_factory=dict)
    """Those of all hosts, as far as they were read; so are the networks."""
    networks: Mapping[ObjectKey, Network] = field(default_factory=dict)
    devices: tuple[HostDevice, ...] = ()
    """Those of its host, where somebody has looked at them (`Verb.devices`)."""
    twins: Mapping[str, Instance] = field(default_factory=dict)
    """What other hosts have of the same UUID, by host."""
    connections: Connections = field(default_factory=dict)
    """The volumes that its host has connected for its disks; of a host all of them, by device."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Of a host: the UUIDs of the instances that these were connected for, by device."""
    ledger: Mapping[ObjectKey, Connections] = field(default_factory=dict)
    """What every host has connected, by the instance at that host."""
    owner_names: Mapping[str, str] = field(default_factory=dict)
    """Of a host: what the instances of the ledger are called, by their UUID."""


def around(state: State, subject: ObjectKey) -> Around:
    """Return what a state knows around a subject."""
    key = owner_of(subject)
    return Around(
        instance=state.instances.get(key),
        job=state.jobs.get(key),
        run=state.runs.get(key, InstanceRun()),
        snapshots=state.snapshots.get(key),
        checkpoints=state.checkpoints.get(key),
        volumes=state.volumes,
        host=state.hosts.get(key.host),
        pools=state.pools,
        networks=state.networks,
        devices=state.devices.get(key.host, ()),
        twins=dict(_twins(state, key)),
        connections=connected_on(state, key.host)
        if key.kind == "host"
        else connections_of(state, key),
        owners=owners_on(state, key.host) if key.kind == "host" else {},
        ledger=every_connection(state),
        owner_names=names_of_owners(state) if key.kind == "host" else {},
    )


def _twins(state: State, key: ObjectKey) -> Iterator[tuple[str, Instance]]:
    if key.kind != "instance":
        return
    for host in state.hosts:
        found = state.instances.get(ObjectKey("instance", host, key.id))
        if found is not None and host != key.host:
            yield host, found
