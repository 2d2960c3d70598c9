"""Live migrations: what was asked, how far it is, what was done about it, what became of it."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value
from core.model.instance import InstanceState
from core.model.operation import Step


class MigrationStatus(StrEnum):
    """Where a migration stands, in the order of its life."""

    QUEUED = "queued"
    PREPARING = "preparing"
    """Planned and checked; the call is made, libvirt has not begun to copy."""
    RUNNING = "running"
    """Pre-copy: the instance runs at the source."""
    POST_COPY = "post-copy"
    """The instance runs at the destination and fetches what is missing from the source."""
    COMPLETING = "completing"
    """Everything is there; libvirt switches over, or cleans up at the source."""
    VERIFYING = "verifying"
    COMPLETED = "completed"
    ABORTED = "aborted"
    FAILED = "failed"
    """Before the switch: the instance runs on at the source."""
    POST_COPY_FAILED = "post-copy failed"
    """After the switch: neither side has all of the memory. It may be resumable."""
    UNKNOWN = "unknown"
    """The link to the source is lost; told as soon as it is back."""

    @property
    def final(self) -> bool:
        """Whether nothing more comes by itself."""
        return self in _FINAL

    @property
    def abortable(self) -> bool:
        """Whether an abort leaves the instance running at the source."""
        return self in (MigrationStatus.QUEUED, MigrationStatus.PREPARING, MigrationStatus.RUNNING)

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


class JobSample(Value, frozen=True):
    """One reading of virDomainGetJobStats, in bytes and seconds. None: libvirt did not say.

    In the first second libvirt says next to nothing; the dirty rate is 0 during the first
    iteration (libvirt.md 6.3).
    """

    at: float
    type: str = "unbounded"
    """none, bounded, unbounded, completed, failed, cancelled."""
    operation: str = ""
    """migration-out, migration-in, save, dump..."""
    elapsed: float | None = None
    """Seconds since it began."""
    memory_total: int | None = None
    memory_processed: int | None = None
    memory_remaining: int | None = None
    memory_bps: int | None = None
    """Bytes per second."""
    dirty_rate: float | None = None
    """Bytes per second the guest writes anew: libvirt's pages times the page size."""
    page_size: int | None = None
    iteration: int | None = None
    constant: int | None = None
    """Pages that were all zero."""
    normal: int | None = None
    """Pages that were sent."""
    disk_total: int | None = None
    disk_processed: int | None = None
    disk_remaining: int | None = None
    disk_bps: int | None = None
    downtime: float | None = None
    """Milliseconds: expected while it runs (nonsense in post-copy), real once completed."""
    setup: float | None = None
    """Milliseconds."""
    throttle: int | None = None
    """Percent by which auto-converge slows the vCPUs."""
    post_copy_requests: int | None = None
    """Pages the destination had to ask for."""
    compression_cache: int | None = None
    compression_bytes: int | None = None
    compression_misses: int | None = None
    error: str = ""
    """libvirt's errmsg, of a completed job."""

    @property
    def remaining(self) -> int | None:
        """Bytes of memory and disks still to be sent."""
        parts = [part for part in (self.memory_remaining, self.disk_remaining) if part is not None]
        return sum(parts) if parts else None

    @property
    def total(self) -> int | None:
        """Bytes of memory and disks."""
        parts = [part for part in (self.memory_total, self.disk_total) if part]
        return sum(parts) if parts else None


class Verdict(StrEnum):
    """Whether a migration comes to its end by itself, at the limits it has."""

    UNKNOWN = "unknown"
    CONVERGES = "converges"
    SLOWLY = "converges slowly"
    NOT = "will not converge"
    POST_COPY = "post-copy"
    """It has switched over, and ends when the rest was fetched."""


class Confidence(StrEnum):
    """How far a forecast can be trusted."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Forecast(Value, frozen=True):
    """What is to be expected of a migration, made from what was measured."""

    at: float
    verdict: Verdict = Verdict.UNKNOWN
    confidence: Confidence = Confidence.NONE
    eta: float | None = None
    """Seconds until it is finished; None: not known, or never at these limits."""
    eta_low: float | None = None
    eta_high: float | None = None
    downtime: float | None = None
    """Milliseconds the guest would stand still if it were switched over at the next minimum."""
    throughput: float | None = None
    """Bytes per second that memory is sent at."""
    dirty_rate: float | None = None
    """Bytes per second that are written anew."""
    needed_downtime: float | None = None
    """Milliseconds of max downtime with which it would finish."""
    needed_bandwidth: float | None = None
    """Bytes per second with which it would finish within the present max downtime."""
    post_copy_eta: float | None = None
    """Seconds until it is finished if it were switched to post-copy now."""
    at_minimum: bool = False
    """What remains is about at the lowest point of its sawtooth: the time to switch."""
    sentence: str = ""
    """The verdict and what would change it, in words."""


class SteerKind(StrEnum):
    """What can be done to a migration that runs."""

    ABORT = "abort"
    POST_COPY = "post-copy"
    MAX_DOWNTIME = "max-downtime"
    """Milliseconds."""
    BANDWIDTH = "bandwidth"
    """MiB/s; 0: unlimited."""
    POST_COPY_BANDWIDTH = "post-copy-bandwidth"
    """MiB/s; 0: unlimited."""
    PAUSE = "pause"
    """Pause the guest, so that it finishes."""
    POLICY = "policy"
    """Another policy goes on from here; `text` is its name."""
    ADVISE = "advise"
    """Nothing is done; the operator is told. Of policies only."""


class Steer(Value, frozen=True):
    """One thing to do to a migration: what an operator asks for, and what a policy decides."""

    kind: SteerKind
    value: float | None = None
    text: str = ""
    reason: str = ""


class Answer(StrEnum):
    """What came of a steering command."""

    REQUESTED = "requested"
    DONE = "done"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    """Its deadline passed: it may yet take effect."""
    ADVISED = "advised"
    """It was only said."""


class SteerRecord(Value, frozen=True):
    """A steering command, who gave it and why, and what came of it."""

    at: float
    steer: Steer
    by: str
    """USER@MACHINE, or `policy NAME`."""
    answer: Answer = Answer.REQUESTED
    answered: float | None = None
    detail: str = ""
    """Why it was refused, in one sentence."""
    virsh: str = ""
    """The equivalent command."""


class Before(Value, frozen=True):
    """What an instance was before it was touched: what it must be again."""

    state: InstanceState = InstanceState.RUNNING
    persistent: bool = True
    autostart: bool = False
    agent: bool = False
    """Its guest agent was connected."""


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
    downtime: float | None = None
    """Milliseconds, as libvirt measured it."""
    downtime_seen: float | None = None
    """Milliseconds between the events of the guest's stop and of its resumption."""
    post_copy: float | None = None
    """Seconds in post-copy; None: it was not used."""
    setup: float | None = None
    """Milliseconds."""
    transferred: int | None = None
    """Bytes."""
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
    ended: float | None = None
    memory: int = 0
    """Bytes of RAM of the instance."""
    post_copy: str = "never"
    """never, allow, at-once; what was asked for at the start."""
    auto_converge: bool = False
    was: Before | None = None
    """What the instance was before; None: not known, as of somebody else's migration."""
    copied_disks: tuple[str, ...] = ()
    """Targets of the disks that are copied; empty: all storage is shared."""
    downtime_limit: float | None = None
    """Milliseconds: how far the policy may raise the max downtime."""
    limits: Limits = Limits()
    progress: float | None = None
    """0 to 1, never less than it was, 1 only when completed."""
    sample: JobSample | None = None
    forecast: Forecast | None = None
    steering: tuple[SteerRecord, ...] = ()
    timeline: tuple[Step, ...] = ()
    """What happened, in words, oldest first."""
    iterations: tuple[float, ...] = ()
    """When each iteration began."""
    virsh: str = ""
    """The command that would do the same."""
    result: MigrationResult | None = None
    checks: tuple[Check, ...] = ()
    resumable: bool = False
    """A failed post-copy that can be recovered."""
    outcome: str = ""
    """One sentence once it is over."""
    hint: str = ""

    @property
    def key(self) -> ObjectKey:
        """The key of this migration."""
        return ObjectKey("migration", self.host, self.id)

    @property
    def source_key(self) -> ObjectKey:
        """The key of the instance at the source."""
        return ObjectKey("instance", self.host, self.uuid)

    @property
    def destination_key(self) -> ObjectKey:
        """The key of the instance at the destination; of no host where that is not known."""
        return ObjectKey("instance", self.to, self.uuid)


class Level(StrEnum):
    """What a finding of a preflight means for the start, worst first."""

    BLOCKER = "blocker"
    """It would fail, or lose something: it does not start unless it is overridden by name."""
    UNKNOWN = "unknown"
    """It could not be found out. Never taken for ok."""
    WARNING = "warning"
    OK = "ok"


class Finding(Value, frozen=True):
    """One thing a preflight looked at."""

    id: str
    """What is named to override it: `cpu`, `disk-vda`, `network-default`."""
    level: Level
    text: str
    cure: str = ""
    fixed: bool = False
    """A blocker that cannot be overridden."""


class Preflight(Value, frozen=True):
    """Everything that was looked at before a migration, at once; nothing was touched."""

    at: float
    findings: tuple[Finding, ...] = ()
    forecast: Forecast | None = None
    """What is to be expected, where the dirty rate could be measured."""
    virsh: str = ""
    """The command that would do the same as the plan."""

    def of(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level, in their order."""
        return tuple(finding for finding in self.findings if finding.level is level)
