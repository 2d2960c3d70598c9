"""Figures that move: counters as the hypervisor counts them, rates as people read them."""

from __future__ import annotations

from core.model.base import Value


class DiskCounters(Value, frozen=True):
    """One disk's counters since the instance started."""

    target: str
    path: str = ""
    read_bytes: int | None = None
    write_bytes: int | None = None
    read_requests: int | None = None
    write_requests: int | None = None
    capacity: int | None = None
    physical: int | None = None
    """Bytes that its images take, as QEMU's file system has it; of a file of which none are taken
    libvirt tells its length."""
    read_time: int | None = None
    """Nanoseconds that all reads took together, as the guest's requests saw them."""
    write_time: int | None = None
    flush_requests: int | None = None
    flush_time: int | None = None


class InterfaceCounters(Value, frozen=True):
    """One interface's counters since the instance started."""

    target: str
    received_bytes: int | None = None
    sent_bytes: int | None = None


class Counters(Value, frozen=True):
    """One instance's share of a bulk statistics answer (virConnectGetAllDomainStats).

    `partial` marks an answer in which the hypervisor process did not take part (it was busy or
    hung): what it alone could tell is None.
    """

    state: int | None = None
    """virDomainState."""
    reason: int | None = None
    cpu_time: int | None = None
    """Nanoseconds of CPU since the start."""
    vcpus: int | None = None
    vcpu_wait: int | None = None
    """Nanoseconds in which its vCPUs wanted to run while the host ran something else, summed."""
    vcpu_delay: int | None = None
    """Nanoseconds in which they stood in the host's run queue, summed: the guest's steal time."""
    balloon: int | None = None
    """Bytes the guest has."""
    memory_unused: int | None = None
    memory_available: int | None = None
    memory_usable: int | None = None
    rss: int | None = None
    """Bytes the hypervisor process holds on the host."""
    disks: tuple[DiskCounters, ...] = ()
    interfaces: tuple[InterfaceCounters, ...] = ()
    hypervisor: tuple[tuple[str, int], ...] = ()
    """The hypervisor's own figures by name (the VM group); names and meaning are its own."""
    partial: bool = False


class DiskRates(Value, frozen=True):
    """What one disk does, and what a request of it took, from two samples.

    None: not known, or there was no request.
    """

    target: str
    read_latency: float | None = None
    """Milliseconds per request, on average."""
    write_latency: float | None = None
    flush_latency: float | None = None
    flushes: float | None = None
    """Per second."""
    read: float | None = None
    """Bytes per second."""
    write: float | None = None


class Rates(Value, frozen=True):
    """What an instance does per second, from two samples. None: not known."""

    at: float
    cpu: float | None = None
    """Percent of its vCPUs: 100 means all of them busy."""
    memory: int | None = None
    """Bytes in use inside the guest; without balloon figures, bytes the guest has."""
    memory_total: int | None = None
    read: float | None = None
    """Bytes per second, all disks."""
    write: float | None = None
    read_requests: float | None = None
    write_requests: float | None = None
    received: float | None = None
    """Bytes per second, all interfaces."""
    sent: float | None = None
    vcpu_wait: float | None = None
    """Percent of its vCPUs' time in which they wanted to run and could not."""
    vcpu_delay: float | None = None
    """Percent of its vCPUs' time in which they stood in the host's run queue (steal)."""
    disks: tuple[DiskRates, ...] = ()
    hypervisor: tuple[tuple[str, int], ...] = ()
    """As in `Counters`: what they count is not known, so they are shown as they are."""
    partial: bool = False
    """The hypervisor process did not answer: only some figures are new."""


SERIES = ("cpu", "memory", "read", "write", "received", "sent")
"""The fields of `Rates` of which a history is kept."""
