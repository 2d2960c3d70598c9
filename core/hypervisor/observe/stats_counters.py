"""One instance's record of virConnectGetAllDomainStats as `Counters`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.model.paths import plain_path
from core.model.stats import Counters, DiskCounters, InterfaceCounters
from core.model.text import clean, printable_name

Record = Mapping[str, Any]
_KIB = 1024
_MOST_DEVICES = 1 << 13
"""vCPUs, disks and interfaces that are read at most: libvirt itself has no more."""
_MOST_OWN = 64
"""Figures of the hypervisor's own that are taken at most."""


def read_counters(record: Record, *, asked: bool) -> Counters:
    """Return a record's figures; what it does not hold is None.

    `asked` says whether the groups were asked for that only the hypervisor process can answer. If
    so and it did not (with VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT a busy or hung process is
    passed over), or if it was not asked at all, the counters are `partial`.
    """
    return Counters(
        state=record.get("state.state"),
        reason=record.get("state.reason"),
        cpu_time=_cpu_time(record),
        vcpus=record.get("vcpu.current"),
        vcpu_wait=_of_vcpus(record, "wait"),
        vcpu_delay=_of_vcpus(record, "delay"),
        balloon=_bytes(record, "balloon.current"),
        memory_unused=_bytes(record, "balloon.unused"),
        memory_available=_bytes(record, "balloon.available"),
        memory_usable=_bytes(record, "balloon.usable"),
        rss=_bytes(record, "balloon.rss"),
        disks=tuple(_disks(record)),
        interfaces=tuple(_interfaces(record)),
        hypervisor=tuple(_hypervisor(record)),
        partial=not asked or _passed_over(record),
    )


def _passed_over(record: Record) -> bool:
    """Whether a driver that knows memory figures gave none of those its process would tell.

    `balloon.current` comes from libvirt's own notes, `balloon.rss` and a disk's requests only with
    the process's job. A driver without such groups at all (libvirt's test driver) hides nothing.
    """
    if "balloon.current" not in record or "balloon.rss" in record:
        return False
    return not any(name.endswith(".rd.bytes") for name in record)


def _cpu_time(record: Record) -> int | None:
    """Return nanoseconds of CPU; on a host without cgroups the sum of the vCPUs'."""
    total = record.get("cpu.time")
    if total is not None:
        return int(total)
    return _of_vcpus(record, "time")


def _of_vcpus(record: Record, name: str) -> int | None:
    """Return the sum of one figure over the vCPUs that have it; None: none has."""
    figures = [record.get(f"vcpu.{number}.{name}") for number in _numbers(record, "vcpu.maximum")]
    known = [int(figure) for figure in figures if figure is not None]
    return sum(known) if known else None


def _hypervisor(record: Record) -> Iterator[tuple[str, int]]:
    """Yield the figures of the VM group, `vm.NAME.TYPE` (libvirt 8.9, QEMU 7.1), by name.

    Which there are is up to the hypervisor and its kernel.
    """
    found = ((name, value) for name, value in record.items() if name.startswith("vm."))
    for name, value in sorted(found)[:_MOST_OWN]:
        if isinstance(value, int) and not isinstance(value, bool):
            yield clean(name.removeprefix("vm.").removesuffix(".sum").removesuffix(".cur")), value


def _bytes(record: Record, name: str) -> int | None:
    kib = record.get(name)
    return None if kib is None else int(kib) * _KIB


def _numbers(record: Record, count: str) -> range:
    return range(min(int(record.get(count, 0)), _MOST_DEVICES))


def _disks(record: Record) -> Iterator[DiskCounters]:
    for number in _numbers(record, "block.count"):
        at = f"block.{number}."
        yield DiskCounters(
            target=printable_name(record.get(at + "name", "")),
            path=plain_path(printable_name(record.get(at + "path", ""))),
            read_bytes=record.get(at + "rd.bytes"),
            write_bytes=record.get(at + "wr.bytes"),
            read_requests=record.get(at + "rd.reqs"),
            write_requests=record.get(at + "wr.reqs"),
            capacity=record.get(at + "capacity"),
            physical=record.get(at + "physical"),
            read_time=record.get(at + "rd.times"),
            write_time=record.get(at + "wr.times"),
            flush_requests=record.get(at + "fl.reqs"),
            flush_time=record.get(at + "fl.times"),
        )


def _interfaces(record: Record) -> Iterator[InterfaceCounters]:
    for number in _numbers(record, "net.count"):
        at = f"net.{number}."
        if at + "name" not in record:
            continue  # no device on the host (user-mode networking): nothing is counted
        yield InterfaceCounters(
            target=printable_name(record.get(at + "name", "")),
            received_bytes=record.get(at + "rx.bytes"),
            sent_bytes=record.get(at + "tx.bytes"),
        )
