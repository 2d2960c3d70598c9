"""Whether rewrites make sense, whatever the XML they are for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator

import msgspec

from core.model.rewrites import InterfaceRewrite, Move, Rewrites, Scheduler
from core.model.text import clean
from core.xml.cpusets import read_set
from core.xml.rewrite.host_devices import read_pci

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
_EVENT = re.compile(r"[a-z0-9_]+", re.ASCII)
_CHOICES = {
    "source": ("file", "memfd", "anonymous"),
    "access": ("shared", "private"),
    "allocation": ("immediate", "ondemand"),
}
_MOST = 2**31 - 1
_WITH_PRIORITY = ("fifo", "rr")
_SCHEDULERS = ("batch", "idle", *_WITH_PRIORITY)


def problems(rewrites: Rewrites) -> tuple[str, ...]:
    """Return what is wrong with rewrites, a sentence each; empty: they can be carried out."""
    rules = (
        _unprintable(msgspec.to_builtins(rewrites), ""),
        _addresses(rewrites),
        _interfaces(rewrites.interfaces),
        _volumes(rewrites),
        _memory(rewrites),
        _pinning(rewrites),
        _devices(rewrites),
    )
    return tuple(sentence for rule in rules for sentence in rule)


def _unprintable(value: object, key: str) -> Iterator[str]:
    """Yield for each text with control characters; whole elements are parsed anyway."""
    if isinstance(value, str):
        if key != "xml" and not value.isprintable():
            yield f"{clean(value)!r} ({key}) has control characters."
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unprintable(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _unprintable(item, key)


def _addresses(rewrites: Rewrites) -> Iterator[str]:
    hosts = [(f"{listen.type} console", listen.address) for listen in rewrites.graphics]
    ports: list[int] = []
    if rewrites.serial is not None:
        ports += rewrites.serial.ports
        if rewrites.serial.host:
            hosts.append(("serial port", rewrites.serial.host))
    for monitor in rewrites.rbd_monitors:
        hosts.append(("monitor", monitor.host))
        ports.append(monitor.port)
    for what, host in hosts:
        if not _HOST.fullmatch(host):
            yield f"{clean(host)!r} is no address for a {clean(what)}."
    yield from (f"{port} is no port." for port in ports if not 1 <= port <= 65535)
    yield from _twice("console type", (listen.type for listen in rewrites.graphics))


def _interfaces(entries: tuple[InterfaceRewrite, ...]) -> Iterator[str]:
    for entry in entries:
        if not _MAC.fullmatch(entry.mac):
            yield f"{clean(entry.mac)!r} is no MAC."
        if sum(map(bool, (entry.network, entry.bridge, entry.dev, entry.xml))) > 1:
            yield f"The interface {clean(entry.mac)} can be plugged into one thing only."
    yield from _twice("interface", (entry.mac.lower() for entry in entries))


def _volumes(rewrites: Rewrites) -> Iterator[str]:
    for volume in rewrites.volumes:
        if not volume.serial:
            yield "A volume has no serial to be found by."
        if not volume.xml and not volume.secret:
            yield f"The volume {clean(volume.serial)} says neither a disk nor a secret."
        if volume.secret and not _UUID.fullmatch(volume.secret):
            yield f"The secret of the volume {clean(volume.serial)} is no UUID."
    yield from _twice("volume", (volume.serial for volume in rewrites.volumes))


def _memory(rewrites: Rewrites) -> Iterator[str]:
    for name in rewrites.perf or ():
        if not _EVENT.fullmatch(name):
            yield f"{clean(name)!r} is no performance event."
    if rewrites.memory_backing is None:
        return
    for key, known in _CHOICES.items():
        value = getattr(rewrites.memory_backing, key)
        if value and value not in known:
            yield f"The memory's {key} is {clean(value)!r}: it must be {', '.join(known)}."


def _pinning(rewrites: Rewrites) -> Iterator[str]:
    sets = [("cpuset", rewrites.cpuset or "")]
    numa = rewrites.numa
    if numa is not None:
        sets += [("vCPU", pin.cpuset or "?") for pin in numa.vcpus]
        sets += [("I/O thread", pin.cpuset or "?") for pin in numa.iothreads]
        sets += [("cell", cell.nodes or "?") for cell in numa.cells]
        sets.append(("emulator", numa.emulator))
        yield from _twice("vCPU", (str(pin.id) for pin in numa.vcpus))
        yield from _twice("I/O thread", (str(pin.id) for pin in numa.iothreads))
        yield from _twice("cell", (str(cell.cell) for cell in numa.cells))
        for scheduler in numa.schedulers:
            yield from _scheduler(scheduler)
        numbers = [pin.id for pin in (*numa.vcpus, *numa.iothreads)]
        numbers += [cell.cell for cell in numa.cells]
        yield from (
            f"{number} is no number of a vCPU, I/O thread or cell."
            for number in numbers
            if not 0 <= number <= _MOST
        )
    for what, value in sets:
        if value and read_set(value) is None:
            yield f"{clean(value)!r} ({what}) is no set of numbers such as 0-3,8."


def _scheduler(scheduler: Scheduler) -> Iterator[str]:
    """Both halves are looked at: Nova's test saw only the priority (nova-map 2.3, rule 10)."""
    if read_set(scheduler.vcpus) is None:
        yield f"{clean(scheduler.vcpus)!r} is no set of vCPUs to schedule."
    if scheduler.scheduler not in _SCHEDULERS:
        known = ", ".join(_SCHEDULERS)
        yield f"There is no scheduler {clean(scheduler.scheduler)!r}: known are {known}."
    needs = scheduler.scheduler in _WITH_PRIORITY
    if needs and not (scheduler.priority is not None and 1 <= scheduler.priority <= 99):
        yield f"The scheduler {scheduler.scheduler} needs a priority of 1 to 99."
    if not needs and scheduler.priority is not None:
        yield f"The scheduler {clean(scheduler.scheduler)} takes no priority."


def _devices(rewrites: Rewrites) -> Iterator[str]:
    for what, moves, identity in (
        ("UUID of a mediated device", rewrites.mdev, _uuid),
        ("PCI address such as 0000:06:02.0", rewrites.pci, read_pci),
        ("path of persistent memory", rewrites.pmem, _path),
        ("path of a disk", rewrites.disks, _path),
    ):
        yield from _moves(what, moves, identity)


def _moves(
    what: str, moves: tuple[Move, ...], identity: Callable[[str], Hashable]
) -> Iterator[str]:
    """Yield for names that are none, and where two devices would become one."""
    for side in ("source", "destination"):
        names = [getattr(move, side) for move in moves]
        wrong = [name for name in names if not identity(name)]
        yield from (f"{clean(name)!r} is no {what}." for name in wrong)
        counts = Counter(identity(name) for name in names if name not in wrong)
        if any(count > 1 for count in counts.values()):
            yield f"A {what} is twice the {side} of a move."


def _uuid(text: str) -> str:
    return text.lower() if _UUID.fullmatch(text) else ""


def _path(text: str) -> str:
    return text if text.startswith("/") else ""


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"The {what} {clean(name)} is there {count} times."
