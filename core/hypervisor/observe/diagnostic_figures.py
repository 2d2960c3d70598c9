"""virConnectGetAllDomainStats' record of one instance, with all its groups, as values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.hypervisor.observe.stats_counters import read_counters
from core.model.diagnostics import (
    BalloonFigures,
    DiagnosticSample,
    HostLoad,
    InstanceLimits,
    InterfaceFigures,
    IoThread,
    VcpuCounters,
)
from core.model.text import clean, printable_name

Record = Mapping[str, Any]
_KIB = 1024
_MOST = 512
"""vCPUs, interfaces and I/O threads that are read."""


def read_sample(
    record: Record, at: float, *, active: bool, asked: bool, host: HostLoad, limits: InstanceLimits
) -> DiagnosticSample:
    """Return the record of an instance; what it does not hold is None.

    `asked` says whether its process was to answer.
    """
    common = read_counters(record, asked=asked)
    return DiagnosticSample(
        at=at,
        active=active,
        answers=active and not common.partial,
        cpu_time=common.cpu_time,
        vcpus=tuple(_vcpus(record)),
        poll_success=_number(record, "cpu.haltpoll.success.time"),
        poll_fail=_number(record, "cpu.haltpoll.fail.time"),
        balloon=_balloon(record),
        disks=common.disks,
        interfaces=tuple(_interfaces(record)),
        iothreads=tuple(_iothreads(record)),
        perf=tuple(_perf(record)),
        own=common.hypervisor,
        host=host,
        limits=limits,
    )


def read_host_load(cpu: Record, memory: Record) -> HostLoad:
    """Return virNodeGetCPUStats' and virNodeGetMemoryStats' answers."""
    times = {name: _number(cpu, name) for name in ("user", "kernel", "idle", "iowait")}
    known = [times[name] for name in ("user", "kernel")]
    free = [_number(memory, name) for name in ("free", "buffers", "cached")]
    total = _number(memory, "total")
    return HostLoad(
        busy=None if None in known else sum(one or 0 for one in known),
        idle=times["idle"],
        iowait=times["iowait"],
        memory=None if total is None else total * _KIB,
        memory_free=None if free[0] is None else sum(one or 0 for one in free) * _KIB,
    )


def _vcpus(record: Record) -> Iterator[VcpuCounters]:
    for number in _numbers(record, "vcpu.maximum"):
        at = f"vcpu.{number}."
        if not any(name.startswith(at) for name in record):
            continue  # it is not plugged
        state, halted = _number(record, f"{at}state"), record.get(f"{at}halted")
        yield VcpuCounters(
            number,
            running=None if state is None else state == 1,
            halted=None if halted is None else bool(halted),
            time=_number(record, f"{at}time"),
            wait=_number(record, f"{at}wait"),
            delay=_number(record, f"{at}delay"),
            poll_success=_number(record, f"{at}halt_poll_success_ns.sum"),
            poll_fail=_number(record, f"{at}halt_poll_fail_ns.sum"),
        )


def _balloon(record: Record) -> BalloonFigures:
    def size(name: str) -> int | None:
        kib = _number(record, f"balloon.{name}")
        return None if kib is None else kib * _KIB

    return BalloonFigures(
        *(size("current"), size("maximum"), size("available"), size("usable"), size("unused")),
        *(size("swap_in"), size("swap_out")),
        _number(record, "balloon.major_fault"),
        size("rss"),
    )


def _interfaces(record: Record) -> Iterator[InterfaceFigures]:
    for place in _numbers(record, "net.count"):
        at = f"net.{place}."
        if f"{at}name" not in record:
            continue  # no device on the host (user-mode networking): nothing is counted
        yield InterfaceFigures(
            printable_name(str(record[f"{at}name"])),
            received_bytes=_number(record, f"{at}rx.bytes"),
            sent_bytes=_number(record, f"{at}tx.bytes"),
            received_packets=_number(record, f"{at}rx.pkts"),
            sent_packets=_number(record, f"{at}tx.pkts"),
            dropped=_sum(record, f"{at}rx.drop", f"{at}tx.drop"),
            errors=_sum(record, f"{at}rx.errs", f"{at}tx.errs"),
        )


def _iothreads(record: Record) -> Iterator[IoThread]:
    """Yield them: libvirt's ids begin with 1, and `iothread.count` says how many there are."""
    seen = sorted(
        {
            int(part)
            for name in record
            if name.startswith("iothread.") and (part := name.split(".")[1]).isdecimal()
        }
    )
    for number in seen[:_MOST]:
        at = f"iothread.{number}.poll-"
        figures = (_number(record, f"{at}{name}") for name in ("max-ns", "grow", "shrink"))
        yield IoThread(number, *figures)


def _perf(record: Record) -> Iterator[tuple[str, int]]:
    for name, value in sorted(record.items()):
        if name.startswith("perf.") and isinstance(value, int):
            yield clean(name.removeprefix("perf.")), value


def _sum(record: Record, *names: str) -> int | None:
    known = [value for name in names if (value := _number(record, name)) is not None]
    return sum(known) if known else None


def _number(record: Record, name: str) -> int | None:
    value = record.get(name)
    return int(value) if isinstance(value, int | float) else None


def _numbers(record: Record, count: str) -> range:
    return range(min(_number(record, count) or 0, _MOST))
