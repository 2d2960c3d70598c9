"""Observations: everything the state is made from, and all that a tape holds.

The hypervisor package (or a tape) produces them, the store applies them in order. Events are
observations too. All are plain values; `at` is wall-clock time.
"""

from __future__ import annotations

from core.model.base import ObjectKey, Value, kebab
from core.model.checkpoint import Checkpoint
from core.model.connected_volume import VolumeConnecting
from core.model.event import AnyEvent
from core.model.forecast import Forecast, JobSample
from core.model.host import HostFacts, Link
from core.model.host_device import HostDevice
from core.model.instance import Instance, InstanceDetail, Snapshot
from core.model.migration import Migration
from core.model.network import Network
from core.model.operation import OperationRecord
from core.model.run import BlockJob
from core.model.stats import Counters
from core.model.storage import Pool, Volume

LISTED_KINDS = frozenset({"instances", "pools", "volumes", "networks"})


class _Observation(Value, frozen=True, tag_field="event", tag=kebab):
    host: str
    at: float


class HostAdded(_Observation, frozen=True):
    """A host was configured; its link is about to be opened."""

    uri: str = ""
    groups: tuple[str, ...] = ()
    """The groups it was put in."""
    connecting: VolumeConnecting = VolumeConnecting()


class LinkChanged(_Observation, frozen=True):
    """The link's status, error or next attempt changed."""

    link: Link


class HostRead(_Observation, frozen=True):
    """What a host says of itself was read: after each listing."""

    facts: HostFacts


class Listed(_Observation, frozen=True):
    """A listing of a host, of one kind of object or of several: what is not in it is gone.

    Sent after every (re)connect and by every sweep; differences are reported as found.
    """

    instances: tuple[Instance, ...] = ()
    pools: tuple[Pool, ...] = ()
    volumes: tuple[Volume, ...] = ()
    """Those that are not `described` by name only."""
    networks: tuple[Network, ...] = ()
    kinds: frozenset[str] = LISTED_KINDS
    """What was listed; the other kinds stay as they are."""
    overtaken: tuple[ObjectKey, ...] = ()
    """What events told of while it was made: of these it may be older than what is known, and a
    reading of each follows, or has been handed over already. Of a pool its volumes, too."""


class InstanceRead(_Observation, frozen=True):
    """An instance was read again after an event or an operation of ours."""

    instance: Instance


class InstancesDescribed(_Observation, frozen=True):
    """The XML of some instances was read. Their state and flags are not in it: those are older."""

    instances: tuple[Instance, ...]


class InstanceGone(_Observation, frozen=True):
    """An instance is neither defined nor running any more."""

    uuid: str


class PoolRead(_Observation, frozen=True):
    """A pool was read again, and its volumes listed: those not `described` by name only."""

    pool: Pool
    volumes: tuple[Volume, ...] = ()


class VolumesDescribed(_Observation, frozen=True):
    """The XML of some volumes was read."""

    volumes: tuple[Volume, ...]


class PoolGone(_Observation, frozen=True):
    """A pool does not exist any more."""

    uuid: str


class NetworkRead(_Observation, frozen=True):
    """A network was read again."""

    network: Network


class NetworksDescribed(_Observation, frozen=True):
    """The XML of some networks was read. Their flags are not in it: those are older."""

    networks: tuple[Network, ...]


class NetworkGone(_Observation, frozen=True):
    """A network does not exist any more."""

    uuid: str


class Sampled(_Observation, frozen=True):
    """One bulk statistics answer: counters of the active instances by UUID.

    `silent` names the active instances whose hypervisor process does not answer and which were
    left out of the call (or had to be asked without it). A large answer comes in parts, one after
    the other, with the same `at` and `silent`: nothing else has to wait for all of it.
    """

    instances: dict[str, Counters]
    silent: tuple[str, ...] = ()
    part: int = 0
    """Which of the parts this is, from 0."""
    parts: int = 1
    some: bool = False
    """Of some active instances only, those in view: it says nothing of the others."""
    interval: float = 0.0
    """Seconds from one tick of the host's statistics to the next; 0: not known."""


class DetailRead(_Observation, frozen=True):
    """The details of an instance, as read on demand: kept on tapes. The state has of them the
    snapshots and the block jobs.
    """

    detail: InstanceDetail


class SnapshotsRead(_Observation, frozen=True):
    """The snapshots of an instance were read; `at` is when the reading began."""

    uuid: str
    snapshots: tuple[Snapshot, ...]


class CheckpointsRead(_Observation, frozen=True):
    """The checkpoints of an instance were read; `at` is when the reading began."""

    uuid: str
    checkpoints: tuple[Checkpoint, ...]


class HostDevicesRead(_Observation, frozen=True):
    """The devices of a host were read: those that an instance can be given, and what holds such."""

    devices: tuple[HostDevice, ...]
    gone: tuple[str, ...] = ()
    """The names of those that are no more."""
    whole: bool = True
    """All were read: what is not among them is gone; false: those alone."""


class BackupRead(_Observation, frozen=True):
    """Whether a backup of an instance is under way was read; `at` is when that began."""

    uuid: str
    runs: bool


class BlockJobsRead(_Observation, frozen=True):
    """The block jobs of every disk of an instance were read; `at` is when the reading began."""

    uuid: str
    jobs: tuple[BlockJob, ...]


class OperationChanged(_Observation, frozen=True):
    """An operation, ours or another console's, is new or moved on."""

    operation: OperationRecord


class OperationForgotten(_Observation, frozen=True):
    """An operation that is over was taken from the journal, and is shown no longer."""

    id: str
    """The operation's."""


class MigrationChanged(_Observation, frozen=True):
    """A migration is new or moved on. `host` is its source.

    Its sample and forecast are told apart, by `MigrationSampled`, and are not in it.
    """

    migration: Migration


class MigrationSampled(_Observation, frozen=True):
    """The job of a migration was read. `host` is the source."""

    id: str
    """The migration's."""
    sample: JobSample
    forecast: Forecast | None = None
    progress: float | None = None


Observation = (
    AnyEvent
    | HostAdded
    | LinkChanged
    | HostRead
    | Listed
    | InstanceRead
    | InstancesDescribed
    | InstanceGone
    | PoolRead
    | VolumesDescribed
    | PoolGone
    | NetworkRead
    | NetworkGone
    | NetworksDescribed
    | Sampled
    | DetailRead
    | SnapshotsRead
    | CheckpointsRead
    | HostDevicesRead
    | BackupRead
    | BlockJobsRead
    | OperationChanged
    | OperationForgotten
    | MigrationChanged
    | MigrationSampled
)
