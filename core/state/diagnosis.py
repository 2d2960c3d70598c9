"""What an instance and its host did between two samples, per second and in shares of time. Pure."""

from __future__ import annotations

from core.model.base import Value
from core.model.diagnostics import DiagnosticSample, DiskLimits, InterfaceFigures, VcpuCounters
from core.model.stats import DiskCounters

SHORTEST = 0.2
"""Seconds between two samples below which a rate would be noise."""


class VcpuRates(Value, frozen=True):
    """Percent of the time of one vCPU. None: not known."""

    number: int
    running: bool | None
    halted: bool | None
    busy: float | None = None
    wait: float | None = None
    delay: float | None = None
    """In the host's run queue: steal."""
    polling: float | None = None
    """KVM waited for work, instead of letting it sleep."""


class DiskRate(Value, frozen=True):
    """One disk: bytes and requests per second, milliseconds per request."""

    target: str
    read: float | None = None
    write: float | None = None
    reads: float | None = None
    writes: float | None = None
    flushes: float | None = None
    read_latency: float | None = None
    write_latency: float | None = None
    flush_latency: float | None = None
    waiting: float | None = None
    """Requests that were under way at a time, on average."""
    limits: DiskLimits | None = None


class InterfaceRate(Value, frozen=True):
    """One interface, per second."""

    target: str
    received: float | None = None
    sent: float | None = None
    packets: float | None = None
    dropped: float | None = None
    errors: float | None = None


class HostRates(Value, frozen=True):
    """Percent of the time of a host's processors; its memory, in bytes."""

    busy: float | None = None
    iowait: float | None = None
    memory: int | None = None
    memory_free: int | None = None


class Diagnosis(Value, frozen=True):
    """All of it. None, or nothing: not known."""

    seconds: float
    """Between the two samples."""
    now: DiagnosticSample
    """The later one: what is no rate is in it."""
    cpu: float | None = None
    """Percent of its vCPUs' time."""
    vcpus: tuple[VcpuRates, ...] = ()
    disks: tuple[DiskRate, ...] = ()
    interfaces: tuple[InterfaceRate, ...] = ()
    swap_in: float | None = None
    """Bytes per second."""
    swap_out: float | None = None
    major_faults: float | None = None
    """Per second."""
    host: HostRates = HostRates()


def diagnosis(before: DiagnosticSample, now: DiagnosticSample) -> Diagnosis:
    """Return what happened between two samples of one instance; what cannot be known is None.

    Nothing of the instance is known where it was restarted in between, or its process is silent.
    """
    seconds = now.at - before.at
    host = _host(before, now)
    if seconds < SHORTEST or not _same_run(before, now):
        vcpus = tuple(VcpuRates(one.number, one.running, one.halted) for one in now.vcpus)
        disks = tuple(DiskRate(one.target, limits=_limits(now, one.target)) for one in now.disks)
        return Diagnosis(seconds, now, vcpus=vcpus, disks=disks, host=host)
    earlier_disks = {one.target: one for one in before.disks}
    earlier_interfaces = {one.target: one for one in before.interfaces}
    earlier_vcpus = {one.number: one for one in before.vcpus}
    vcpus = tuple(_vcpu(earlier_vcpus.get(one.number), one, seconds) for one in now.vcpus)
    old, new = before.balloon, now.balloon
    return Diagnosis(
        seconds,
        now,
        cpu=_share(before.cpu_time, now.cpu_time, seconds * max(1, len(now.vcpus))),
        vcpus=vcpus,
        disks=tuple(_disk(now, earlier_disks.get(one.target), one, seconds) for one in now.disks),
        interfaces=tuple(
            _interface(earlier_interfaces.get(one.target), one, seconds) for one in now.interfaces
        ),
        swap_in=_rate(old.swap_in, new.swap_in, seconds),
        swap_out=_rate(old.swap_out, new.swap_out, seconds),
        major_faults=_rate(old.major_faults, new.major_faults, seconds),
        host=host,
    )


def _same_run(before: DiagnosticSample, now: DiagnosticSample) -> bool:
    if not (before.active and now.active and before.answers and now.answers):
        return False
    return before.cpu_time is None or now.cpu_time is None or now.cpu_time >= before.cpu_time


def _host(before: DiagnosticSample, now: DiagnosticSample) -> HostRates:
    busy = _more(before.host.busy, now.host.busy)
    idle = _more(before.host.idle, now.host.idle)
    waits = _more(before.host.iowait, now.host.iowait) or 0
    whole = None if busy is None or idle is None else busy + idle + waits
    return HostRates(
        busy=None if not whole or busy is None else 100.0 * busy / whole,
        iowait=100.0 * waits / whole if whole and now.host.iowait is not None else None,
        memory=now.host.memory,
        memory_free=now.host.memory_free,
    )


def _vcpu(before: VcpuCounters | None, now: VcpuCounters, seconds: float) -> VcpuRates:
    if before is None:
        return VcpuRates(now.number, now.running, now.halted)
    polled = [
        _share(before.poll_success, now.poll_success, seconds),
        _share(before.poll_fail, now.poll_fail, seconds),
    ]
    known = [one for one in polled if one is not None]
    return VcpuRates(
        now.number,
        now.running,
        now.halted,
        _share(before.time, now.time, seconds),
        _share(before.wait, now.wait, seconds),
        _share(before.delay, now.delay, seconds),
        sum(known) if known else None,
    )


def _disk(
    sample: DiagnosticSample, before: DiskCounters | None, now: DiskCounters, seconds: float
) -> DiskRate:
    limits = _limits(sample, now.target)
    if before is None:
        return DiskRate(now.target, limits=limits)
    took = [
        _more(getattr(before, name), getattr(now, name))
        for name in ("read_time", "write_time", "flush_time")
    ]
    known = [one for one in took if one is not None]
    return DiskRate(
        now.target,
        _rate(before.read_bytes, now.read_bytes, seconds),
        _rate(before.write_bytes, now.write_bytes, seconds),
        _rate(before.read_requests, now.read_requests, seconds),
        _rate(before.write_requests, now.write_requests, seconds),
        _rate(before.flush_requests, now.flush_requests, seconds),
        _each(took[0], _more(before.read_requests, now.read_requests)),
        _each(took[1], _more(before.write_requests, now.write_requests)),
        _each(took[2], _more(before.flush_requests, now.flush_requests)),
        sum(known) / 1e9 / seconds if known else None,
        limits,
    )


def _limits(sample: DiagnosticSample, target: str) -> DiskLimits | None:
    return next((one for one in sample.limits.disks if one.target == target), None)


def _interface(
    before: InterfaceFigures | None, now: InterfaceFigures, seconds: float
) -> InterfaceRate:
    if before is None:
        return InterfaceRate(now.target)
    packets = [
        _rate(before.received_packets, now.received_packets, seconds),
        _rate(before.sent_packets, now.sent_packets, seconds),
    ]
    return InterfaceRate(
        now.target,
        _rate(before.received_bytes, now.received_bytes, seconds),
        _rate(before.sent_bytes, now.sent_bytes, seconds),
        None if None in packets else sum(one or 0.0 for one in packets),
        _rate(before.dropped, now.dropped, seconds),
        _rate(before.errors, now.errors, seconds),
    )


def _more(before: int | None, now: int | None) -> int | None:
    """Return how far a counter went; None where it began anew."""
    return None if before is None or now is None or now < before else now - before


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    more = _more(before, now)
    return None if more is None else more / seconds


def _share(before: int | None, now: int | None, seconds: float) -> float | None:
    """Return the percent of so many seconds that a counter of nanoseconds went on."""
    more = _more(before, now)
    return None if more is None else min(100.0, more / 1e7 / seconds)


def _each(took: int | None, requests: int | None) -> float | None:
    return None if took is None or not requests else took / requests / 1e6
