"""Counters to rates: what two samples of an instance say about a second of its life."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from core.model import Counters, DiskCounters, DiskRates, InterfaceCounters, Rates

SHORTEST = 0.2
"""Seconds between two samples below which a rate would be noise."""
LONGEST = 60.0
"""Seconds between two samples above which a rate would be an average of the unseen."""

D = TypeVar("D", DiskCounters, InterfaceCounters)

_DISK_FIGURES = attrgetter("read_bytes", "write_bytes", "read_requests", "write_requests")
_INTERFACE_FIGURES = attrgetter("received_bytes", "sent_bytes")
_NO_DISK: tuple[None, ...] = (None,) * 4
_NO_INTERFACE: tuple[None, ...] = (None,) * 2


class Sample(NamedTuple):
    """Counters and when they were taken (seconds since the epoch)."""

    at: float
    counters: Counters


def rates_between(before: Sample | None, now: Sample, vcpus: int) -> Rates:
    """Return the rates from `before` to `now`; whatever cannot be known is None, never 0.

    Nothing is known without an earlier sample, after too short or too long an interval, and when
    the instance was restarted in between (its CPU time went down). `vcpus` is used when the
    counters do not say how many there are.
    """
    counters = now.counters
    used, total = _memory(counters)
    own, partial = counters.hypervisor, counters.partial
    unknown = Rates(now.at, memory=used, memory_total=total, hypervisor=own, partial=partial)
    if before is None:
        return unknown
    seconds = now.at - before.at
    if not SHORTEST <= seconds <= LONGEST or _restarted(before.counters, counters):
        return unknown
    earlier = before.counters
    disks = _pairs(earlier.disks, counters.disks)
    read, write, read_requests, write_requests = _sums(disks, _DISK_FIGURES, _NO_DISK, seconds)
    interfaces = _pairs(earlier.interfaces, counters.interfaces)
    received, sent = _sums(interfaces, _INTERFACE_FIGURES, _NO_INTERFACE, seconds)
    return Rates(
        at=now.at,
        cpu=_cpu(earlier, counters, counters.vcpus or vcpus, seconds),
        memory=used,
        memory_total=total,
        read=read,
        write=write,
        read_requests=read_requests,
        write_requests=write_requests,
        received=received,
        sent=sent,
        vcpu_wait=_standing(earlier.vcpu_wait, counters.vcpu_wait, counters.vcpus, seconds),
        vcpu_delay=_standing(earlier.vcpu_delay, counters.vcpu_delay, counters.vcpus, seconds),
        disks=tuple([_of_disk(first, disk, seconds) for first, disk in disks]) if disks else (),
        hypervisor=own,
        partial=partial,
    )


def _pairs(before: Collection[D], now: Collection[D]) -> Collection[tuple[D, D]]:
    """Return the devices that are known at both ends, as they were and as they are."""
    if not (before and now):
        return ()
    earlier = {device.target: device for device in before}
    return [(earlier[device.target], device) for device in now if device.target in earlier]


def _standing(
    before: int | None, now: int | None, vcpus: int | None, seconds: float
) -> float | None:
    """Return the percent of its vCPUs' time in which they stood still for the host's sake."""
    more = _more(before, now)
    return None if more is None or not vcpus else min(100.0, more / 1e7 / (seconds * vcpus))


def _of_disk(first: DiskCounters, disk: DiskCounters, seconds: float) -> DiskRates:
    """Return what a disk did, and what its requests took."""
    if first == disk:  # most disks do nothing between two samples
        return DiskRates(
            disk.target,
            flushes=None if disk.flush_requests is None else 0.0,
            read=None if disk.read_bytes is None else 0.0,
            write=None if disk.write_bytes is None else 0.0,
        )
    return DiskRates(
        disk.target,
        _each(first.read_time, disk.read_time, first.read_requests, disk.read_requests),
        _each(first.write_time, disk.write_time, first.write_requests, disk.write_requests),
        _each(first.flush_time, disk.flush_time, first.flush_requests, disk.flush_requests),
        _a_second(first.flush_requests, disk.flush_requests, seconds),
        _a_second(first.read_bytes, disk.read_bytes, seconds),
        _a_second(first.write_bytes, disk.write_bytes, seconds),
    )


def _a_second(before: int | None, now: int | None, seconds: float) -> float | None:
    more = _more(before, now)
    return None if more is None else more / seconds


def _each(time: int | None, later: int | None, count: int | None, more: int | None) -> float | None:
    """Return the milliseconds per request; None where there was none in between."""
    took, requests = _more(time, later), _more(count, more)
    return None if took is None or not requests else took / requests / 1e6


def _more(before: int | None, now: int | None) -> int | None:
    """Return how far a counter went; None where it began anew."""
    return None if before is None or now is None or now < before else now - before


def _restarted(before: Counters, now: Counters) -> bool:
    return (
        before.cpu_time is not None and now.cpu_time is not None and now.cpu_time < before.cpu_time
    )


def _cpu(before: Counters, now: Counters, vcpus: int, seconds: float) -> float | None:
    """Percent of all vCPUs; the emulator's own threads can push it past 100, where it is cut."""
    if before.cpu_time is None or now.cpu_time is None or vcpus < 1:
        return None
    busy = (now.cpu_time - before.cpu_time) / 1e9
    return min(100.0, 100.0 * busy / (seconds * vcpus))


def _memory(counters: Counters) -> tuple[int | None, int | None]:
    """Return bytes in use and bytes given, as well as the balloon driver lets us know."""
    available = counters.memory_available
    free = counters.memory_usable if counters.memory_usable is not None else counters.memory_unused
    if available is None or free is None:
        # of a process that was passed over we do not know: not that it has no balloon figures
        return None if counters.partial else counters.balloon, counters.balloon
    return max(0, available - free), counters.balloon or available


def _sums(
    pairs: Collection[tuple[D, D]],
    read: Callable[[Any], tuple[int | None, ...]],
    none: Sequence[float | None],
    seconds: float,
) -> Sequence[float | None]:
    """Return, for each of the figures `read` gives, its sum over the devices, per second.

    `none` is what there is to say where there is no device.

    A device plugged anew in between (its counter fell) does not count.
    """
    if not pairs:
        return none
    totals: list[int | None] = [None] * len(none)
    for first, device in pairs:
        for place, (old, new) in enumerate(zip(read(first), read(device), strict=True)):
            if old is not None and new is not None and new >= old:
                totals[place] = (totals[place] or 0) + new - old
    return [None if total is None else total / seconds for total in totals]
