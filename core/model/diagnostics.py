"""What is read of one instance, and of its host, to find out why it is slow. Plain counters."""

from __future__ import annotations

from core.model.base import Value
from core.model.run import BlockJob
from core.model.stats import DiskCounters


class VcpuCounters(Value, frozen=True):
    """One vCPU since the start. Times are nanoseconds."""

    number: int
    running: bool | None = None
    """Whether the hypervisor lets it run: not while the instance is paused."""
    halted: bool | None = None
    """Whether the guest has put it to sleep."""
    time: int | None = None
    wait: int | None = None
    """In which it wanted to run while the host ran something else."""
    delay: int | None = None
    """In which it stood in the host's run queue: the guest's steal time."""
    poll_success: int | None = None
    """In which KVM waited for work instead of letting it sleep, and work came."""
    poll_fail: int | None = None
    """The same, and none came."""


class InterfaceFigures(Value, frozen=True):
    """One interface since the start."""

    target: str
    received_bytes: int | None = None
    sent_bytes: int | None = None
    received_packets: int | None = None
    sent_packets: int | None = None
    dropped: int | None = None
    """Packets of both ways."""
    errors: int | None = None


class BalloonFigures(Value, frozen=True):
    """The memory of an instance. Bytes, but for the faults, which are counted."""

    current: int | None = None
    maximum: int | None = None
    available: int | None = None
    """What the guest sees."""
    usable: int | None = None
    """What it could use without swapping."""
    unused: int | None = None
    swap_in: int | None = None
    """Since the guest booted; None where it tells none: `<stats period>` of its memballoon."""
    swap_out: int | None = None
    major_faults: int | None = None
    rss: int | None = None
    """What its process holds on the host."""


class IoThread(Value, frozen=True):
    """An I/O thread of the process: how long it polls for work. Nanoseconds."""

    id: int
    poll_max: int | None = None
    poll_grow: int | None = None
    poll_shrink: int | None = None


class HostLoad(Value, frozen=True):
    """What the processors of a host have done since it booted, nanoseconds of all; its memory."""

    busy: int | None = None
    idle: int | None = None
    iowait: int | None = None
    """Idle, because something waited for a disk."""
    memory: int | None = None
    """Bytes."""
    memory_free: int | None = None
    """Bytes that can be had at once: free, and what only caches."""


class DiskLimits(Value, frozen=True):
    """What a disk is held to (iotune). None: it is not held to that."""

    target: str
    total_bytes: int | None = None
    """Per second, as all of these."""
    read_bytes: int | None = None
    write_bytes: int | None = None
    total_requests: int | None = None
    read_requests: int | None = None
    write_requests: int | None = None


class InstanceLimits(Value, frozen=True):
    """What an instance is held to by its XML."""

    disks: tuple[DiskLimits, ...] = ()
    cpu: float | None = None
    """The share of one vCPU's time that each may have (quota over period); None: all."""


class DiagnosticSample(Value, frozen=True):
    """All of it at one moment, by one bulk call for the instance and two for its host."""

    at: float
    """Seconds since the epoch."""
    active: bool
    answers: bool = True
    """False: its process did not take part, and its figures are missing."""
    cpu_time: int | None = None
    """Nanoseconds of all its threads."""
    vcpus: tuple[VcpuCounters, ...] = ()
    poll_success: int | None = None
    """Of all vCPUs, where each is not told."""
    poll_fail: int | None = None
    balloon: BalloonFigures = BalloonFigures()
    disks: tuple[DiskCounters, ...] = ()
    interfaces: tuple[InterfaceFigures, ...] = ()
    iothreads: tuple[IoThread, ...] = ()
    perf: tuple[tuple[str, int], ...] = ()
    """Perf events that are enabled, by name."""
    own: tuple[tuple[str, int], ...] = ()
    """The hypervisor's own figures, by name."""
    host: HostLoad = HostLoad()
    limits: InstanceLimits = InstanceLimits()
    job: str = ""
    """libvirt's job on it, a word of `core.model.job.JOB_OPERATION`; empty: none."""
    block_jobs: tuple[BlockJob, ...] = ()
    """Those that run."""
