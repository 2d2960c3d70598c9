"""Why an instance is slow: what two samples of its figures speak for, the gravest first. Pure.

Each finding is a rule of its own, with the figure it goes by. None is a proof: the figures are of
the host and of the hypervisor, and no one knows from there what the guest waits for inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.model.base import Value
from core.model.instance import Instance, InstanceState
from core.model.run import BlockJobState
from core.model.sizes import percent, rate_words, size_words
from core.model.state import State
from core.state.diagnosis import Diagnosis, DiskRate

STEAL = 5.0
"""Percent of its vCPUs' time in the host's run queue."""
BUSY = 90.0
"""Percent of a processor's time."""
REACHED = 0.92
"""The share of a limit from which it counts as reached: bursts are averaged away."""
IOWAIT = 15.0
"""Percent of the host's processors' time."""
LATENCY = 20.0
"""Milliseconds for a request: what a disk that turns takes when it has little to do."""
FLUSH_LATENCY = 50.0
QUEUE = 16.0
"""Requests at a time."""
SWAPPING = 32 << 10
"""Bytes per second."""
FAULTS = 50.0
"""Major faults per second: each is a read of the guest's."""
LITTLE_MEMORY = 0.06
"""The share of a guest's, or a host's, memory below which little is left."""
DROPS = 1.0
"""Packets per second."""


class SlowReason(Value, frozen=True):
    """One reason, with its figure."""

    code: str
    """For programs: `steal`."""
    weight: float
    """0 to 1: how much it may explain."""
    text: str
    """A sentence."""
    figure: float | None = None
    unit: str = ""
    """Of the figure: `%`, `ms`, `B/s`, `B`, `/s`; empty: it counts, or there is none."""


class Slowness(Value, frozen=True):
    """All there is to say."""

    findings: tuple[SlowReason, ...] = ()
    """The gravest first."""
    unknown: tuple[str, ...] = ()
    """What could not be judged, and what would have it told, a sentence each."""

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.findings:
            return "Nothing that these figures show makes it slow."
        first = self.findings[0].text
        more = len(self.findings) - 1
        return first if not more else f"{first.rstrip('.')}; and {more} more."


def slowness(instance: Instance, found: Diagnosis, *, frozen: bool = False) -> Slowness:
    """Return why an instance may be slow; `frozen` says that its file systems are."""
    reasons = [
        *_state(instance, found, frozen),
        *_jobs(found),
        *_cpu(instance, found),
        *_memory(found),
        *_disks(found),
        *_network(found),
        *_host(instance, found),
    ]
    ordered = sorted(reasons, key=lambda one: -one.weight)
    return Slowness(tuple(ordered), tuple(_unknown(found)))


def judged(state: State, instance: Instance, found: Diagnosis) -> Slowness:
    """Return why an instance may be slow, with what the operations of a state do to it."""
    frozen = any(
        one.subject == instance.key and one.doing == FROZEN and not one.status.final
        for one in state.operations.values()
    )
    return slowness(instance, found, frozen=frozen)


FROZEN = "frozen"
"""What an instance does whose file systems an operation has frozen (`OperationRecord.doing`)."""


def _state(instance: Instance, found: Diagnosis, frozen: bool) -> Iterator[SlowReason]:
    if not instance.state.active:
        yield SlowReason("off", 1.0, f"It does not run: it is {instance.state.value}.")
    elif instance.state is not InstanceState.RUNNING:
        why = f" ({instance.reason})" if instance.reason else ""
        yield SlowReason("paused", 1.0, f"It stands still: it is {instance.state.value}{why}.")
    elif not found.now.answers:
        text = "Its hypervisor process does not answer: it hangs, or waits for its storage."
        yield SlowReason("silent", 1.0, text)
    if frozen:
        text = "Its file systems are frozen: whatever writes stands still until they are thawed."
        yield SlowReason("frozen", 0.95, text)


def _jobs(found: Diagnosis) -> Iterator[SlowReason]:
    if job := found.now.job:
        yield SlowReason("job", 0.6, f"A job of libvirt's is under way: {job}.")
    for one in found.now.block_jobs:
        if not one.state.over:
            far = "" if one.progress is None else f", {percent(one.progress)} done"
            text = f"A block job reads and writes {one.disk} beside the guest: {one.type}{far}."
            weight = 0.55 if one.state is BlockJobState.RUNNING else 0.3
            yield SlowReason("block-job", weight, text, one.progress)


def _cpu(instance: Instance, found: Diagnosis) -> Iterator[SlowReason]:
    delays = [one.delay if one.delay is not None else one.wait for one in found.vcpus]
    known = [one for one in delays if one is not None]
    if known and (mean := sum(known) / len(known)) >= STEAL:
        text = (
            f"Its vCPUs stood in the run queue of {instance.host} for {mean:.0f} % of the time: "
            "others have its processors (steal)."
        )
        yield SlowReason("steal", min(1.0, 0.4 + mean / 60), text, mean, "%")
    cap = found.now.limits.cpu
    busy = [one.busy for one in found.vcpus if one.busy is not None]
    if cap is not None and busy and max(busy) >= 100 * cap * REACHED:
        text = f"Its vCPUs are held to {percent(min(cap, 1.0))} of a processor each, and use that."
        yield SlowReason("cpu-limit", 0.85, text, max(busy), "%")
    elif found.cpu is not None and found.cpu >= BUSY:
        text = f"It uses {found.cpu:.0f} % of its vCPUs: what runs in it has no more to use."
        yield SlowReason("cpu", 0.5, text, found.cpu, "%")
    elif busy and max(busy) >= BUSY and len(busy) > 1:
        which = max(found.vcpus, key=lambda one: one.busy or 0.0)
        text = (
            f"Its vCPU {which.number} is busy for {which.busy:.0f} % of the time, the others are "
            "not: something in it uses only one."
        )
        yield SlowReason("one-vcpu", 0.4, text, which.busy, "%")


def _memory(found: Diagnosis) -> Iterator[SlowReason]:
    balloon = found.now.balloon
    swapped = [one for one in (found.swap_in, found.swap_out) if one is not None]
    if swapped and sum(swapped) >= SWAPPING:
        text = (
            f"The guest swaps: {rate_words(found.swap_in)} in, {rate_words(found.swap_out)} out. "
            "It has too little memory."
        )
        yield SlowReason("swap", 0.9, text, sum(swapped), "B/s")
    elif found.major_faults is not None and found.major_faults >= FAULTS:
        text = (
            f"The guest reads {found.major_faults:.0f} pages a second back from its disks: it has "
            "too little memory for what runs in it, or starts a lot."
        )
        yield SlowReason("faults", 0.45, text, found.major_faults, "/s")
    usable = balloon.usable if balloon.usable is not None else balloon.unused
    if usable is None or not balloon.available or usable / balloon.available >= LITTLE_MEMORY:
        return
    left = f"{size_words(usable)} of {size_words(balloon.available)}"
    held = (balloon.maximum or 0) - (balloon.current or balloon.maximum or 0)
    if held > 0:
        text = f"The guest has {left} left, and its balloon holds {size_words(held)} back."
        yield SlowReason("balloon", 0.7, text, float(held), "B")
    else:
        yield SlowReason("memory", 0.5, f"The guest has {left} of memory left.", float(usable), "B")


def _disks(found: Diagnosis) -> Iterator[SlowReason]:
    for disk in found.disks:
        limited = list(_limits(disk))
        yield from limited
        for what, took, slow in (
            ("A read from", disk.read_latency, LATENCY),
            ("A write to", disk.write_latency, LATENCY),
            ("A flush of", disk.flush_latency, FLUSH_LATENCY),
        ):
            if took is not None and took >= slow:
                known = ", which its limit explains" if limited else ""
                text = f"{what} {disk.target} takes {took:.0f} ms on average{known}."
                weight = 0.3 if limited else min(0.85, 0.45 + took / 500)
                yield SlowReason("latency", weight, text, took, "ms")
        if disk.waiting is not None and disk.waiting >= QUEUE and not limited:
            text = f"{disk.waiting:.0f} requests to {disk.target} are under way at a time."
            yield SlowReason("queue", 0.4, text, disk.waiting)


def _limits(disk: DiskRate) -> Iterator[SlowReason]:
    limits = disk.limits
    if limits is None:
        return
    total = None if disk.read is None or disk.write is None else disk.read + disk.write
    count = None if disk.reads is None or disk.writes is None else disk.reads + disk.writes
    for what, does, limit, words in (
        ("reads and writes", total, limits.total_bytes, rate_words),
        ("reads", disk.read, limits.read_bytes, rate_words),
        ("writes", disk.write, limits.write_bytes, rate_words),
        ("does", count, limits.total_requests, _requests),
        ("does", disk.reads, limits.read_requests, _requests),
        ("does", disk.writes, limits.write_requests, _requests),
    ):
        if does is not None and limit and does >= limit * REACHED:
            text = f"{disk.target} {what} {words(does)}: it is held to {words(limit)} (iotune)."
            unit = "B/s" if words is rate_words else "/s"
            yield SlowReason("throttle", 0.9, text, does, unit)


def _requests(count: float | None) -> str:
    return f"{count or 0:,.0f} requests a second"


def _network(found: Diagnosis) -> Iterator[SlowReason]:
    for one in found.interfaces:
        for what, count in (("dropped", one.dropped), ("broken", one.errors)):
            if count is not None and count >= DROPS:
                text = f"{count:.0f} packets a second of {one.target} are {what}."
                yield SlowReason(f"packets-{what}", 0.45, text, count, "/s")


def _host(instance: Instance, found: Diagnosis) -> Iterator[SlowReason]:
    host = found.host
    if host.busy is not None and host.busy >= BUSY:
        text = f"The processors of {instance.host} are busy for {host.busy:.0f} % of the time."
        yield SlowReason("host-cpu", 0.35, text, host.busy, "%")
    if host.iowait is not None and host.iowait >= IOWAIT:
        text = (
            f"The processors of {instance.host} wait for its disks for {host.iowait:.0f} % of the "
            "time."
        )
        yield SlowReason("host-iowait", 0.5, text, host.iowait, "%")
    if host.memory and host.memory_free is not None:
        free = host.memory_free / host.memory
        if free < LITTLE_MEMORY:
            text = (
                f"{instance.host} has {size_words(host.memory_free)} of "
                f"{size_words(host.memory)} of memory left: it may swap its guests out."
            )
            yield SlowReason("host-memory", 0.65, text, float(host.memory_free), "B")


def _unknown(found: Diagnosis) -> Iterator[str]:
    if not found.now.active or not found.now.answers:
        return
    if found.cpu is None:
        yield "What it uses is not known: it was started, or its process came back, just now."
        return
    if all(one.delay is None and one.wait is None for one in found.vcpus):
        yield "Whether its vCPUs wait for the host is not known: its kernel tells no schedstat."
    if found.swap_in is None:
        yield (
            "Whether the guest swaps is not known: it tells no memory statistics. `virsh dommemstat"
            " NAME --period 5 --live` asks its balloon for them."
        )
