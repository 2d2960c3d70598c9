"""Counters to rates: what two samples of an instance say about a second of its life."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec.structs import replace

from core.model import Counters, DiskCounters, DiskRates, InterfaceCounters, Rates

SHORTEST = 0.2
"""Seconds between two samples below which a rate would be noise."""
LONGEST = 60.0
"""Seconds between two samples above which a rate would be an average of the unseen."""

_DISK_FIGURES = attrgetter("read_bytes", "write_bytes", "read_requests", "write_requests")
_INTERFACE_FIGURES = attrgetter("received_bytes", "sent_bytes")


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
    unknown = Rates(
        at=now.at,
        memory=used,
        memory_total=total,
        hypervisor=counters.hypervisor,
        partial=counters.partial,
    )
    if before is None:
        return unknown
    seconds = now.at - before.at
    if not SHORTEST <= seconds <= LONGEST or _restarted(before.counters, counters):
        return unknown
    read, write, read_requests, write_requests = _sums(
        before.counters.disks, counters.disks, _DISK_FIGURES, 4, seconds
    )
    received, sent = _sums(
        before.counters.interfaces, counters.interfaces, _INTERFACE_FIGURES, 2, seconds
    )
    return replace(
        unknown,
        cpu=_cpu(before.counters, counters, counters.vcpus or vcpus, seconds),
        read=read,
        write=write,
        read_requests=read_requests,
        write_requests=write_requests,
        received=received,
        sent=sent,
        **_standing(before.counters, counters, seconds),
        disks=tuple(_latencies(before.counters.disks, counters.disks, seconds)),
    )


def _standing(before: Counters, now: Counters, seconds: float) -> dict[str, float | None]:
    """Return the percent of its vCPUs' time in which they stood still for the host's sake."""
    found = {}
    for name in ("vcpu_wait", "vcpu_delay"):
        more = _more(getattr(before, name), getattr(now, name))
        share = None if more is None or not now.vcpus else more / 1e7 / (seconds * now.vcpus)
        found[name] = None if share is None else min(100.0, share)
    return found


def _latencies(
    before: Iterable[DiskCounters], now: Iterable[DiskCounters], seconds: float
) -> Iterator[DiskRates]:
    """Yield what the requests of each disk took that is known at both ends."""
    earlier = {disk.target: disk for disk in before}
    for disk in now:
        first = earlier.get(disk.target)
        if first is None:
            continue
        flushes = _more(first.flush_requests, disk.flush_requests)
        yield DiskRates(
            disk.target,
            _each(first.read_time, disk.read_time, first.read_requests, disk.read_requests),
            _each(first.write_time, disk.write_time, first.write_requests, disk.write_requests),
            _each(first.flush_time, disk.flush_time, first.flush_requests, disk.flush_requests),
            None if flushes is None else flushes / seconds,
        )


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
    before: Iterable[DiskCounters] | Iterable[InterfaceCounters],
    now: Iterable[DiskCounters] | Iterable[InterfaceCounters],
    read: Callable[[Any], tuple[int | None, ...]],
    figures: int,
    seconds: float,
) -> list[float | None]:
    """Return, for each of the figures `read` gives, its sum over the devices, per second.

    Only devices known at both ends count; one plugged anew in between (its counter fell) does not.
    """
    earlier = {device.target: read(device) for device in before}
    totals: dict[int, int] = {}
    for device in now:
        first = earlier.get(device.target)
        if first is None:
            continue
        for place, (old, new) in enumerate(zip(first, read(device), strict=True)):
            if old is not None and new is not None and new >= old:
                totals[place] = totals.get(place, 0) + new - old
    return [totals[place] / seconds if place in totals else None for place in range(figures)]
