"""The figures of one instance as rows of words, for its page and for `diagnose`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console import format as fmt
from core.state.diagnosis import Diagnosis, DiskRate, HostRates, InterfaceRate, VcpuRates

Rows = list[tuple[str, ...]]
"""The titles first."""


def sections(found: Diagnosis) -> Iterator[tuple[str, Rows]]:
    """Yield what there are figures of, each with its title."""
    for title, rows in (
        ("vCPUs", _vcpus(found)),
        ("Memory", _memory(found)),
        ("Disks", _disks(found.disks)),
        ("Network", _interfaces(found.interfaces)),
        ("I/O threads", _iothreads(found)),
        ("Host", _host(found.host)),
        ("Perf events", _named(found.now.perf)),
        ("The hypervisor's own", _named(found.now.own)),
    ):
        if rows:
            yield title, rows


def figure_words(cells: Sequence[str]) -> Iterator[str]:
    """Pad the cells of a row for a page without columns of its own."""
    for number, cell in enumerate(cells):
        yield f"{cell:<12}" if number == 0 else f"{cell:>9}"


def _share(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else fmt.percent(value / 100, 1)


def _count(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else f"{value:,.0f}"


def _took(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else fmt.milliseconds(value)


def _vcpus(found: Diagnosis) -> Rows:
    rows: Rows = [
        (
            f"vCPU {one.number}", _stands(one), _share(one.busy), _share(one.wait),
            _share(one.delay), _share(one.polling), fmt.duration((time or 0) / 1e9)
            if (time := _time(found, one.number)) is not None else fmt.UNKNOWN,
        )
        for one in found.vcpus
    ]  # fmt: skip
    if not rows:
        return []
    return [("", "state", "busy", "wait", "steal", "polling", "time"), *rows]


def _time(found: Diagnosis, number: int) -> int | None:
    return next((one.time for one in found.now.vcpus if one.number == number), None)


def _stands(one: VcpuRates) -> str:
    if one.running is False:
        return "stopped"
    return "halted" if one.halted else "running" if one.running else fmt.UNKNOWN


def _memory(found: Diagnosis) -> Rows:
    balloon = found.now.balloon
    known = (
        ("given", fmt.size(balloon.current)),
        ("at most", fmt.size(balloon.maximum)),
        ("seen by it", fmt.size(balloon.available)),
        ("usable", fmt.size(balloon.usable)),
        ("unused", fmt.size(balloon.unused)),
        ("on the host", fmt.size(balloon.rss)),
        ("swap in", fmt.rate(found.swap_in)),
        ("swap out", fmt.rate(found.swap_out)),
        ("faults", fmt.UNKNOWN if found.major_faults is None else f"{found.major_faults:.0f}/s"),
    )
    return [row for row in known if row[1] != fmt.UNKNOWN]


def _disks(disks: Sequence[DiskRate]) -> Rows:
    rows: Rows = [
        (
            one.target, fmt.rate(one.read), fmt.rate(one.write), _count(one.reads),
            _count(one.writes), _took(one.read_latency), _took(one.write_latency),
            _took(one.flush_latency),
        )
        for one in disks
    ]  # fmt: skip
    if not rows:
        return []
    titles = ("", "read", "write", "reads/s", "writes/s", "a read", "a write", "a flush")
    held = [
        (one.target, f"held to {limits}") for one in disks if (limits := ", ".join(_limits(one)))
    ]
    return [titles, *rows, *held]


def _limits(disk: DiskRate) -> Iterator[str]:
    if disk.limits is None:
        return
    for name in disk.limits.__struct_fields__[1:]:
        if value := getattr(disk.limits, name):
            what, kind = name.split("_")
            each = fmt.rate(value) if kind == "bytes" else f"{value:,} requests/s"
            yield f"{each} ({'together' if what == 'total' else what})"


def _interfaces(interfaces: Sequence[InterfaceRate]) -> Rows:
    rows: Rows = [
        (
            one.target, fmt.rate(one.received), fmt.rate(one.sent), _count(one.packets),
            _count(one.dropped), _count(one.errors),
        )
        for one in interfaces
    ]  # fmt: skip
    return [("", "received", "sent", "packets/s", "dropped/s", "broken/s"), *rows] if rows else []


def _iothreads(found: Diagnosis) -> Rows:
    rows: Rows = [
        (f"thread {one.id}", _nanoseconds(one.poll_max), _plain(one.poll_grow),
         _plain(one.poll_shrink))
        for one in found.now.iothreads
    ]  # fmt: skip
    return [("", "polls", "grow", "shrink"), *rows] if rows else []


def _nanoseconds(value: int | None) -> str:
    return fmt.UNKNOWN if value is None else f"{value / 1000:.0f} us"


def _plain(value: int | None) -> str:
    return fmt.UNKNOWN if value is None else str(value)


def _host(host: HostRates) -> Rows:
    free = fmt.size(host.memory_free)
    known = (
        ("busy", _share(host.busy)),
        ("I/O wait", _share(host.iowait)),
        ("memory", fmt.UNKNOWN if host.memory is None else f"{free} of {fmt.size(host.memory)}"),
    )
    return [row for row in known if row[1] != fmt.UNKNOWN]


def _named(figures: Sequence[tuple[str, int]]) -> Rows:
    return [(name, f"{value:,}") for name, value in figures]
