"""Small values for the tests of the state, and strategies for streams of observations."""

from __future__ import annotations

from hypothesis import strategies as st

from core.model import (
    AgentState,
    Alert,
    BlockJob,
    BlockJobState,
    Counters,
    Delta,
    Disk,
    DiskCounters,
    DiskSource,
    Instance,
    InstanceState,
    InterfaceCounters,
    Link,
    LinkStatus,
    Network,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Pool,
    PoolState,
    Snapshot,
    State,
    Volume,
)
from core.model import event as ev
from core.model.observation import (
    BlockJobsRead,
    HostAdded,
    InstanceGone,
    InstanceRead,
    LinkChanged,
    Listed,
    NetworkGone,
    NetworkRead,
    OperationChanged,
    PoolGone,
    PoolRead,
    Sampled,
    SnapshotsRead,
)
from core.state.store import Store

HOST = "alpha"
UP = Link(LinkStatus.UP, since=1.0)
DOWN = Link(LinkStatus.DOWN, since=50.0, error="It does not answer.")
RUNNING, PAUSED, SHUTOFF = InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.SHUTOFF


def instance(name: str = "web", **fields: object) -> Instance:
    """An instance of HOST whose UUID follows from its name."""
    given = {"host": HOST, "uuid": f"{name}-uuid", "name": name, "state": RUNNING, "vcpus": 2}
    return Instance(**{**given, **fields})  # type: ignore[arg-type]


def disk(target: str = "vda", path: str = "/pool/web.qcow2", *backing: str) -> Disk:
    return Disk(
        target,
        source=DiskSource("file", path),
        backing=tuple(DiskSource("file", layer) for layer in backing),
        alias=f"virtio-{target}",
    )


def pool(**fields: object) -> Pool:
    given = {"host": HOST, "uuid": "p1", "name": "images", "state": PoolState.ACTIVE}
    return Pool(**{**given, **fields})  # type: ignore[arg-type]


def volume(name: str = "web.qcow2", **fields: object) -> Volume:
    given = {"host": HOST, "pool": "p1", "pool_name": "images", "name": name}
    return Volume(**{**given, "path": f"/pool/{name}", **fields})  # type: ignore[arg-type]


def lifecycle(change: str, detail: str = "", at: float = 10.0, name: str = "web") -> ev.Event:
    return ev.InstanceLifecycle(HOST, at, f"{name}-uuid", name, change, detail)


def store(*observations: object) -> Store:
    """A store with HOST up and whatever follows."""
    made = Store()
    for one in (HostAdded(HOST, 1.0, "qemu:///x"), LinkChanged(HOST, 1.0, UP), *observations):
        made.apply(one)  # type: ignore[arg-type]
    return made


def listed(*instances: Instance, host: str = HOST, at: float = 2.0, **fields: object) -> Listed:
    return Listed(host, at, instances=instances, **fields)  # type: ignore[arg-type]


def kinds(state: State, key: ObjectKey) -> list[str]:
    return [str(alert.kind) for alert in state.alerts.get(key, ())]


def alert(state: State, key: ObjectKey) -> Alert:
    (only,) = state.alerts[key]
    return only


def keys_of(state: State) -> dict[ObjectKey, object]:
    """Everything a state says of each object."""
    rows: dict[ObjectKey, list[object]] = {}
    tables = (state.instances, state.pools, state.volumes, state.networks)
    for table in (*tables, state.rates, state.jobs, state.runs, state.snapshots, state.alerts):
        for key, value in table.items():
            rows.setdefault(key, []).append(value)
    for snapshots in state.snapshots.values():
        for snapshot in snapshots:
            rows.setdefault(snapshot.key, []).append(snapshot)
    for host in state.hosts.values():
        rows.setdefault(host.key, []).append(host)
    for record in state.operations.values():
        rows.setdefault(record.key, []).append(record)
    return rows  # type: ignore[return-value]


def check_delta(before: State, after: State, delta: Delta) -> None:
    """`delta` names every object that differs, and those that are gone as gone."""
    old, new = keys_of(before), keys_of(after)
    for key in old.keys() | new.keys():
        if key not in new:
            assert key in delta.gone, f"{key} vanished unsaid"
        elif old.get(key) != new[key]:
            assert key in delta.changed, f"{key} changed unsaid"
    assert not delta.gone & new.keys()
    assert not delta.gone & delta.changed


# --- streams ---------------------------------------------------------------------------------

NAMES = ("web", "db", "cache")
_times = st.floats(min_value=2.0, max_value=5000.0)
_names = st.sampled_from(NAMES)
_counts = st.none() | st.integers(0, 2**40)

_LIFECYCLE = [
    ("defined", "added"),
    ("defined", "renamed"),
    ("undefined", "removed"),
    ("undefined", "renamed"),
    ("started", "booted"),
    ("started", "migrated"),
    ("suspended", "paused"),
    ("suspended", "ioerror"),
    ("suspended", "migrated"),
    ("suspended", "postcopy"),
    ("resumed", "unpaused"),
    ("resumed", "postcopy"),
    ("stopped", "destroyed"),
    ("stopped", "failed"),
    ("stopped", "from-snapshot"),
    ("shutdown", "guest"),
    ("pmsuspended", "disk"),
    ("crashed", "panicked"),
    ("unknown-9", "unknown-1"),
]

instances = st.builds(
    lambda name, state, reason, persistent, agent, number, described: instance(
        name,
        state=state,
        reason=reason,
        persistent=persistent,
        agent=agent,
        id=number,
        described=described,
        disks=(disk("vda", f"/pool/{name}.qcow2"),) if described else (),
    ),
    _names,
    st.sampled_from(InstanceState),
    st.sampled_from(["", "user", "I/O error", "crashed", "watchdog"]),
    st.booleans(),
    st.sampled_from(AgentState),
    st.none() | st.integers(1, 3),
    st.booleans(),
)
counters = st.builds(
    Counters,
    state=st.none() | st.integers(0, 8),
    reason=st.none() | st.integers(0, 16),
    cpu_time=_counts,
    vcpus=st.none() | st.integers(1, 4),
    balloon=_counts,
    memory_unused=_counts,
    memory_available=_counts,
    memory_usable=_counts,
    disks=st.lists(
        st.builds(
            DiskCounters,
            target=st.sampled_from(["vda", "vdb"]),
            path=_names.map(lambda name: f"/pool/{name}.qcow2"),
            read_bytes=_counts,
            write_bytes=_counts,
            read_requests=_counts,
            write_requests=_counts,
            capacity=_counts,
            physical=_counts,
        ),
        max_size=2,
    ).map(tuple),
    interfaces=st.lists(
        st.builds(
            InterfaceCounters,
            target=st.sampled_from(["tap0", "tap1"]),
            received_bytes=_counts,
            sent_bytes=_counts,
        ),
        max_size=2,
    ).map(tuple),
    partial=st.booleans(),
)
_pools = st.builds(
    lambda uuid, state, used: pool(
        uuid=uuid, name=uuid, state=state, capacity=100, allocation=used
    ),
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(PoolState),
    st.none() | st.integers(0, 100),
)
_volumes = st.lists(
    st.builds(
        lambda uuid, name, size: volume(
            f"{name}.qcow2", pool=uuid, pool_name=uuid, format="qcow2", allocation=size
        ),
        st.sampled_from(["p1", "p2"]),
        _names,
        st.integers(0, 100),
    ),
    max_size=4,
    unique_by=lambda one: one.key,
).map(tuple)
_networks = st.builds(
    lambda active, persistent: Network(HOST, "n1", "default", active, persistent=persistent),
    st.booleans(),
    st.booleans(),
)


def _event(kind: type, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.builds(
        lambda at, name, values: kind(HOST, at, f"{name}-uuid", name, **values),
        _times,
        _names,
        st.fixed_dictionaries(fields),
    )


listings = st.builds(
    lambda at, some, pools, volumes, networks: Listed(
        HOST, at, tuple(some), tuple(pools), volumes, tuple(networks)
    ),
    _times,
    st.lists(instances, max_size=3, unique_by=lambda one: one.key),
    st.lists(_pools, max_size=2, unique_by=lambda one: one.key),
    _volumes,
    st.lists(_networks, max_size=1),
)
observations = st.one_of(
    listings,
    st.builds(
        lambda at, name, change: lifecycle(*change, at=at, name=name),
        _times,
        _names,
        st.sampled_from(_LIFECYCLE),
    ),
    _event(ev.Rebooted),
    _event(ev.WatchdogFired, action=st.sampled_from(["reset", "pause", "none"])),
    _event(
        ev.IoError,
        path=st.just("/pool/web.qcow2"),
        alias=st.just("virtio-vda"),
        action=st.just("pause"),
        reason=st.sampled_from(["", "enospc"]),
    ),
    _event(
        ev.AgentChanged,
        state=st.sampled_from(["connected", "disconnected"]),
        reason=st.sampled_from(["channel", "domain-started"]),
    ),
    _event(ev.BalloonChanged, actual=st.integers(0, 2**40)),
    _event(
        ev.MemoryFailure, recipient=st.just("guest"), action=st.sampled_from(["fatal", "ignore"])
    ),
    _event(ev.MigrationIteration, iteration=st.integers(1, 9)),
    _event(ev.JobCompleted, values=st.just({})),
    _event(
        ev.BlockJobChanged,
        disk=st.sampled_from(["vda", "vdb"]),
        type=st.sampled_from(["copy", "commit"]),
        status=st.sampled_from(["ready", "completed", "failed"]),
    ),
    _event(ev.DeviceAdded, alias=st.sampled_from(["net0", "net1"])),
    _event(ev.DeviceRemoved, alias=st.sampled_from(["net0", "net1"])),
    _event(ev.DeviceRemovalFailed, alias=st.sampled_from(["net0", "net1"])),
    _event(
        ev.BlockThreshold,
        disk=st.sampled_from(["vda", "vdb"]),
        path=st.just("/pool/web.qcow2"),
        threshold=st.integers(1, 9),
        excess=st.integers(1, 9),
    ),
    st.builds(
        lambda at, name, disks: BlockJobsRead(
            HOST,
            at,
            f"{name}-uuid",
            tuple(BlockJob(one, "copy", BlockJobState.RUNNING, at, at) for one in sorted(disks)),
        ),
        _times,
        _names,
        st.sets(st.sampled_from(["vda", "vdb"])),
    ),
    st.builds(
        lambda at, name, made: SnapshotsRead(
            HOST, at, f"{name}-uuid", tuple(Snapshot(one) for one in sorted(made))
        ),
        _times,
        _names,
        st.sets(st.sampled_from(["s1", "s2"])),
    ),
    st.builds(
        lambda at, change: ev.PoolLifecycle(HOST, at, "p1", "p1", change),
        _times,
        st.sampled_from(["defined", "undefined", "started", "stopped", "created"]),
    ),
    st.builds(
        lambda at, change: ev.NetworkLifecycle(HOST, at, "n1", "default", change),
        _times,
        st.sampled_from(["defined", "undefined", "started", "stopped"]),
    ),
    st.builds(lambda at, one: InstanceRead(HOST, at, one), _times, instances),
    st.builds(lambda at, name: InstanceGone(HOST, at, f"{name}-uuid"), _times, _names),
    st.builds(
        lambda at, one, volumes: PoolRead(
            HOST, at, one, tuple(v for v in volumes if v.pool == one.uuid)
        ),
        _times,
        _pools,
        _volumes,
    ),
    st.builds(lambda at, uuid: PoolGone(HOST, at, uuid), _times, st.sampled_from(["p1", "p2"])),
    st.builds(lambda at, one: NetworkRead(HOST, at, one), _times, _networks),
    st.builds(lambda at: NetworkGone(HOST, at, "n1"), _times),
    st.builds(
        lambda at, some, silent: Sampled(
            HOST, at, {f"{name}-uuid": one for name, one in some.items()}, tuple(silent)
        ),
        _times,
        st.dictionaries(_names, counters, max_size=3),
        st.lists(_names.map(lambda name: f"{name}-uuid"), max_size=2, unique=True),
    ),
    st.builds(
        lambda at, status, error: LinkChanged(HOST, at, Link(status, since=at, error=error)),
        _times,
        st.sampled_from(LinkStatus),
        st.sampled_from(["", "refused"]),
    ),
    st.builds(
        lambda at, number, status, name: OperationChanged(
            HOST,
            at,
            OperationRecord(
                f"op{number}",
                "migrate",
                HOST,
                ObjectKey("instance", HOST, f"{name}-uuid"),
                name,
                "me@here",
                at,
                status,
            ),
        ),
        _times,
        st.integers(0, 6),
        st.sampled_from(OperationStatus),
        _names,
    ),
)
streams = st.lists(observations, max_size=30)
