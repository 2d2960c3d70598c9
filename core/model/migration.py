"""Live migrations: what was asked, how far it is, what was done about it, what became of it."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value
from core.model.detached_device import DetachedDevice
from core.model.forecast import UNMEASURED, Forecast, JobSample, MemoryUse, Verdict
from core.model.instance import InstanceState
from core.model.operation import OperationStep
from core.model.steer import SteerRecord


class MigrationStatus(StrEnum):
    """Where a migration stands, in the order of its life."""

    QUEUED = "queued"
    PREPARING = "preparing"
    """Planned and checked; the call is made, libvirt has not begun to copy."""
    RUNNING = "running"
    """Pre-copy: the instance runs at the source."""
    POST_COPY = "post-copy"
    """The instance runs at the destination and fetches what is missing from the source."""
    POST_COPY_INTERRUPTED = "interrupted"
    """A side lost the other after the switch, and not both say that it failed: it may go on."""
    COMPLETING = "completing"
    """Everything is there; libvirt switches over, or cleans up at the source."""
    VERIFYING = "verifying"
    COMPLETED = "completed"
    ABORTED = "aborted"
    FAILED = "failed"
    """Before the switch: the instance runs on at the source."""
    POST_COPY_FAILED = "post-copy failed"
    """After the switch, and both sides say so: neither has all of the memory. It may be resumable,
    and is taken back where it goes on after all: see `Migration.settled`."""
    UNKNOWN = "unknown"
    """What it has come to cannot be seen: told as soon as it can."""

    @property
    def final(self) -> bool:
        """Whether it is over for whoever waits: what more comes needs somebody's hands."""
        return self in _FINAL

    @property
    def switched(self) -> bool:
        """Whether it is in post-copy, or was when it was interrupted or failed."""
        return self in _SWITCHED

    @property
    def copying(self) -> bool:
        """Whether memory or disks are on their way."""
        return self in (MigrationStatus.RUNNING, MigrationStatus.POST_COPY)


_FINAL = frozenset(
    {
        MigrationStatus.COMPLETED,
        MigrationStatus.ABORTED,
        MigrationStatus.FAILED,
        MigrationStatus.POST_COPY_FAILED,
    }
)
_SWITCHED = frozenset(
    {
        MigrationStatus.POST_COPY,
        MigrationStatus.POST_COPY_INTERRUPTED,
        MigrationStatus.POST_COPY_FAILED,
    }
)


MOST_DONE = 0.99
"""Of a migration that is not completed (virsh, vdsm)."""


class Before(Value, frozen=True):
    """What an instance was before it was touched: what it must be again."""

    state: InstanceState = InstanceState.RUNNING
    persistent: bool = True
    autostart: bool = False
    agent: bool = False
    """Its guest agent was connected."""
    defined_there: bool = False
    """The destination had a definition of it, shut off."""


class Resumption(Value, frozen=True):
    """A failed post-copy was asked to go on."""

    at: float
    by: str
    """USER@MACHINE."""


class Check(Value, frozen=True):
    """One thing that was verified after the end."""

    name: str
    passed: bool | None
    """None: it could not be seen."""
    text: str


class MigrationResult(Value, frozen=True):
    """The figures of a migration that is over; None: not known."""

    total: float | None = None
    """Seconds from the start of the copying to libvirt's word that it is done."""
    total_net: float | None = None
    """Seconds of it without the hand-over from host to host."""
    downtime: float | None = None
    """Milliseconds, as libvirt measured it."""
    downtime_net: float | None = None
    """Milliseconds of it without the hand-over from host to host."""
    downtime_seen: float | None = None
    """Milliseconds between the events of the guest's stop and of its resumption."""
    post_copy: float | None = None
    """Seconds in post-copy; None: it was not used."""
    setup: float | None = None
    """Milliseconds."""
    transferred: int | None = None
    """Bytes."""
    normal_bytes: int | None = None
    """Bytes of it that were whole pages of memory."""
    device_bytes: int | None = None
    """Bytes of it that were the state of passed-through devices."""
    throughput: float | None = None
    """Bytes per second on average."""
    iterations: int | None = None
    throttle: int | None = None
    """The highest auto-converge percentage."""


class Limits(Value, frozen=True):
    """What is in force now. None: not known."""

    max_downtime: float | None = None
    """Milliseconds."""
    bandwidth: float | None = None
    """MiB/s; 0: unlimited."""
    post_copy_bandwidth: float | None = None
    """MiB/s; 0: unlimited."""


class Migration(Value, frozen=True):
    """A live migration, ours or somebody else's, while it runs and after."""

    id: str
    """The operation's id; for somebody else's `foreign-UUID-SECONDS`."""
    host: str
    """The source."""
    uuid: str
    name: str
    to: str = ""
    """The destination's name here; empty: not known, or not among the open hosts."""
    uri: str = ""
    """The destination as the source's daemon was told it."""
    status: MigrationStatus = MigrationStatus.QUEUED
    policy: str = "manual"
    author: str = ""
    foreign: bool = False
    """Somebody else started it: seen by its job, steered like our own."""
    created: float = 0.0
    started: float | None = None
    """When the call was made."""
    switched: float | None = None
    """When it went to post-copy."""
    resumed: tuple[Resumption, ...] = ()
    ended: float | None = None
    memory: int = 0
    """Bytes of RAM of the instance."""
    use: MemoryUse = UNMEASURED
    """How it used that before the start."""
    post_copy: str = "never"
    """never, allow, at-once; what was asked for at the start."""
    auto_converge: bool = False
    was: Before | None = None
    """What the instance was before; None: not known, as of somebody else's migration."""
    copied_disks: tuple[str, ...] = ()
    """Targets of the disks that are copied; empty: all storage is shared."""
    released: tuple[DetachedDevice, ...] = ()
    """The devices of its host that its guest let go of for it, or was asked to."""
    downtime_limit: float | None = None
    """Milliseconds: how far the policy may raise the max downtime."""
    limits: Limits = Limits()
    progress: float | None = None
    """0 to 1, never less than it was, 1 only when completed."""
    sample: JobSample | None = None
    forecast: Forecast | None = None
    steering: tuple[SteerRecord, ...] = ()
    timeline: tuple[OperationStep, ...] = ()
    """What happened, in words, oldest first."""
    calls: tuple[OperationStep, ...] = ()
    """What was sent to it from here, where it is no operation of this console; else that has it."""
    iterations: tuple[float, ...] = ()
    """When each iteration began."""
    virsh: str = ""
    """The command that would do the same."""
    result: MigrationResult | None = None
    checks: tuple[Check, ...] = ()
    resumable: bool = False
    """A failed post-copy that can be recovered."""
    followed: bool = False
    """It is over for whoever waits, and a side may still move: it is followed, and amended."""
    outcome: str = ""
    """One sentence once it is over."""
    hint: str = ""
    not_open: str = ""
    """The address of its source where that is not open here, as `OperationRecord.not_open`."""

    @property
    def over(self) -> bool:
        """Whether it is over for whoever waits for it."""
        return self.status.final or self.followed

    @property
    def settled(self) -> bool:
        """Whether nothing of it can change any more.

        Journals from before `followed` have failed post-copies that are only `resumable`.
        """
        return self.status.final and not (self.followed or self.resumable)

    @property
    def amendable(self) -> bool:
        """Whether it is over for whoever waits, and what it has come to may still change."""
        return self.over and not self.settled

    @property
    def key(self) -> ObjectKey:
        """The key of this migration."""
        return ObjectKey("migration", self.host, self.id)

    @property
    def part_done(self) -> float | None:
        """How far it is, 0 to 1, and 1 only when it is completed.

        None: there is no telling, as where it will not come to its end: what was sent is written
        anew meanwhile, and is no part of anything.
        """
        if self.status is MigrationStatus.COMPLETED:
            return 1.0
        running, expected = self.status is MigrationStatus.RUNNING, self.forecast
        if running and self.sample is None:
            return None  # what is known is of the preparation
        if running and expected is not None and expected.verdict is Verdict.NOT:
            return None
        return None if self.progress is None else min(self.progress, MOST_DONE)

    @property
    def source_key(self) -> ObjectKey:
        """The key of the instance at the source."""
        return ObjectKey("instance", self.host, self.uuid)

    @property
    def destination_key(self) -> ObjectKey:
        """The key of the instance at the destination; of no host where that is not known."""
        return ObjectKey("instance", self.to, self.uuid)
