"""What events and readings told of an instance's present run: block jobs, devices, its agent."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value


class BlockJobState(StrEnum):
    """How a block job stands, or how it ended."""

    RUNNING = "running"
    READY = "ready"
    """The copy is complete and followed: it waits for a pivot or an abort."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    VANISHED = "vanished"
    """It is not there any more, and no event told how it ended: no success until that is shown."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self not in (BlockJobState.RUNNING, BlockJobState.READY)


class BlockJob(Value, frozen=True):
    """The block job of a disk, or the last it had in this run.

    No event tells of a beginning: it is known from `virDomainGetBlockJobInfo` or from its first
    event.
    """

    disk: str
    """The disk's target: vda."""
    type: str
    """pull, copy, commit, active-commit, backup."""
    state: BlockJobState
    since: float
    """When it was first seen."""
    at: float
    """When it was last seen, or when it ended."""
    current: int | None = None
    """How much is done of `end`, in libvirt's units (bytes, with QEMU)."""
    end: int | None = None
    error: str = ""
    """The I/O error of its disk meanwhile; libvirt itself tells no reason."""
    bandwidth: int | None = None
    """Its limit in bytes a second, 0: none; None where it was not read."""
    target: str = ""
    """What it mirrors its disk to, as a source is named; empty: nothing, or it was not read."""
    least: int | None = None
    """The least that was ever left to do."""
    least_at: float | None = None
    """When that was first so: it no longer falls where the guest writes faster than it goes."""
    whole: bool = False
    """Whether it was ready once: a mirror that is ended after that is equal to its disk then."""

    @property
    def left(self) -> int | None:
        """How much is left to do; None where that is not known."""
        if self.end is None or self.current is None:
            return None
        return max(0, self.end - self.current)

    @property
    def progress(self) -> float | None:
        """How far it is, 0 to 1; None where that is not known."""
        if self.state in (BlockJobState.READY, BlockJobState.COMPLETED):
            return 1.0
        if not self.end or self.current is None:
            return None
        return min(1.0, self.current / self.end)


class DeviceOutcome(Value, frozen=True):
    """The last that was told of a device."""

    alias: str
    outcome: str
    """added, removed (the guest gave it up), removal-failed (the guest refused)."""
    at: float


class AgentNews(Value, frozen=True):
    """The last that was told of the guest's agent (AGENT_LIFECYCLE)."""

    state: str
    """connected, disconnected."""
    reason: str
    """domain-started, channel."""
    at: float


class ThresholdCrossed(Value, frozen=True):
    """A write threshold that a disk has crossed. libvirt disarms it: it is to be set again."""

    disk: str
    """The target, or `TARGET[INDEX]` for a layer of it."""
    path: str
    threshold: int
    """Bytes."""
    excess: int
    """Bytes beyond it."""
    at: float


class JobOutcome(Value, frozen=True):
    """The last job of libvirt's that ended on an instance, by JOB_COMPLETED."""

    operation: str
    """save, migration-out, snapshot, dump, backup...: a word of `core.model.job.JOB_OPERATION`."""
    result: str
    """completed, failed, cancelled."""
    at: float
    error: str = ""
    """In libvirt's words; told of backups only."""


class InstanceRun(Value, frozen=True):
    """What is known of the present run of an instance beside its figures.

    Of a run that has ended the last job and the ends of its block jobs stay until the next.
    """

    block_jobs: tuple[BlockJob, ...] = ()
    """By disk: one each, the last."""
    devices: tuple[DeviceOutcome, ...] = ()
    """By alias: the last of each, the newest at the end."""
    agent: AgentNews | None = None
    thresholds: tuple[ThresholdCrossed, ...] = ()
    """By disk: the last of each."""
    last_job: JobOutcome | None = None

    def block_job(self, disk: str) -> BlockJob | None:
        """Return the block job of a disk, or the last it had."""
        return next((job for job in self.block_jobs if job.disk == disk), None)

    def device(self, alias: str) -> DeviceOutcome | None:
        """Return the last that was told of a device."""
        return next((one for one in self.devices if one.alias == alias), None)

    @property
    def running_block_jobs(self) -> tuple[BlockJob, ...]:
        """Those that are not over."""
        return tuple(job for job in self.block_jobs if not job.state.over)
