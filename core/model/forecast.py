"""What is measured of a migration while it runs, and what that makes us expect."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value


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
    normal_bytes: int | None = None
    """The same in bytes."""
    disk_total: int | None = None
    disk_processed: int | None = None
    disk_remaining: int | None = None
    disk_bps: int | None = None
    device_processed: int | None = None
    """Bytes of the state of passed-through (VFIO) devices that were sent (libvirt 10.6). How much
    of it is left nobody tells: it comes on top of what remains of the memory."""
    downtime: float | None = None
    """Milliseconds: expected while it runs (nonsense in post-copy), real once completed."""
    downtime_net: float | None = None
    """Milliseconds, real, without the hand-over from host to host; of a completed job."""
    elapsed_net: float | None = None
    """Seconds, without the hand-over; of a completed job."""
    setup: float | None = None
    """Milliseconds."""
    throttle: int | None = None
    """Percent by which auto-converge slows the vCPUs."""
    post_copy_requests: int | None = None
    """Pages the destination had to ask for."""
    compression_cache: int | None = None
    compression_bytes: int | None = None
    compression_misses: int | None = None
    success: bool | None = None
    """Of a completed job."""
    error: str = ""
    """libvirt's errmsg, of a completed job."""

    @property
    def remaining(self) -> int | None:
        """Bytes of memory and disks still to be sent."""
        parts = [part for part in (self.memory_remaining, self.disk_remaining) if part is not None]
        return sum(parts) if parts else None

    @property
    def rewritten(self) -> float | None:
        """The dirty rate where it says something: until the first iteration is over it is 0."""
        return None if not self.dirty_rate and (self.iteration or 0) <= 1 else self.dirty_rate

    @property
    def total(self) -> int | None:
        """Bytes of memory and disks."""
        parts = [part for part in (self.memory_total, self.disk_total) if part]
        return sum(parts) if parts else None


class DirtyRate(Value, frozen=True):
    """One dirty-rate calculation: what was different after so many seconds, by the second."""

    seconds: float
    rate: float
    """Bytes per second; a page counts once, however often it was written."""


class MemoryUse(Value, frozen=True):
    """How a guest uses its memory, as measured before its migration."""

    rates: tuple[DirtyRate, ...] = ()
    """Dirty-rate calculations, of different times; none: not known."""
    used: int | None = None
    """Bytes it has touched: the rest is zeros, which cost next to nothing to send."""


UNMEASURED = MemoryUse()


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


FRESH = 5.0
"""Seconds within which a forecast is as good as new: the job is read twice a second."""


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

    def age(self, now: float) -> float | None:
        """Seconds since what it is made of was read; None: so few that it is as good as new."""
        passed = now - self.at
        return passed if passed > FRESH else None
