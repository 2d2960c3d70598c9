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
    allocation: int | None = None
    capacity: int | None = None


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
    balloon: int | None = None
    """Bytes the guest has."""
    memory_unused: int | None = None
    memory_available: int | None = None
    memory_usable: int | None = None
    rss: int | None = None
    """Bytes the hypervisor process holds on the host."""
    disks: tuple[DiskCounters, ...] = ()
    interfaces: tuple[InterfaceCounters, ...] = ()
    partial: bool = False


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
    partial: bool = False
    """The hypervisor process did not answer: only some figures are new."""


SERIES = ("cpu", "memory", "read", "write", "received", "sent")
"""The fields of `Rates` of which a history is kept."""
