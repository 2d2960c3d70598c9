"""How much of its host an instance may use: limits that libvirt sets of what runs, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.model import Instance, Request, State
from core.model.text import clean
from core.verbs.applied import KNOWN, Applied, affects, against_when
from core.verbs.limit_parameter import pairs_of
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.tuning.limit_requests import (
    SetCpuLimits,
    SetDiskLimits,
    SetMemoryLimits,
    SetNetworkLimits,
)
from core.verbs.verb import Verb

PERIOD = 100_000
"""Microseconds over which a cap is kept (libvirt's own default)."""
NO_QUOTA = -1
UNLIMITED = 9_007_199_254_740_991
"""KiB (VIR_DOMAIN_MEMORY_PARAM_UNLIMITED)."""
MIB = 1 << 20

Kind = Literal["cpu", "memory", "disk", "network"]


class LimitsCall(Applied, frozen=True):
    """virDomainSetSchedulerParametersFlags, virDomainSetMemoryParameters and their like."""

    repeatable: ClassVar[bool] = True
    kind: Kind
    device: str
    """The target of a disk, the MAC address of a network device; else empty."""
    values: tuple[tuple[str, int], ...]
    """libvirt's names, and what they are set to."""
    group: str = ""
    """The disks that share the limits of a disk; empty: as it is."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh schedinfo`, `memtune`, `blkdeviotune`, `domiftune`."""
        command = _COMMANDS[self.kind]
        device = (self.device,) if self.device else ()
        return (command, name, *device, *self.affected(), *self._words())

    def _words(self) -> Iterator[str]:
        for key, value in self.values:
            if self.kind == "cpu":
                yield from ("--set", f"{key}={value}")
            elif self.kind != "network":
                yield from (f"--{key.replace('_', '-')}", str(value))
        if self.group:
            yield from ("--group-name", self.group)
        if self.kind == "network":
            for way in ("inbound", "outbound"):
                set_ = {key: str(value) for key, value in self.values if key.startswith(way)}
                found = [set_.get(f"{way}.{part}", "0") for part in ("average", "peak", "burst")]
                yield from (f"--{way}", ",".join(found)) if set_ else ()


_COMMANDS: dict[Kind, str] = {
    "cpu": "schedinfo",
    "memory": "memtune",
    "disk": "blkdeviotune",
    "network": "domiftune",
}


def _cpu(request: SetCpuLimits) -> Iterator[tuple[str, int]]:
    if request.shares is not None:
        yield "cpu_shares", request.shares
    if request.cap is not None:
        yield "vcpu_period", PERIOD
        yield "vcpu_quota", request.cap * PERIOD // 100 or NO_QUOTA


def _memory(request: SetMemoryLimits) -> Iterator[tuple[str, int]]:
    for name, given in (("hard_limit", request.hard), ("soft_limit", request.soft)):
        if given is not None:
            yield name, given * 1024 or UNLIMITED


def _disk(request: SetDiskLimits) -> Iterator[tuple[str, int]]:
    for way in ("total", "read", "write"):
        rate, iops = getattr(request, f"{way}_rate"), getattr(request, f"{way}_iops")
        if rate is not None:
            yield f"{way}_bytes_sec", rate * MIB
        if iops is not None:
            yield f"{way}_iops_sec", iops
    yield from pairs_of(request.limits)


def _network(request: SetNetworkLimits) -> Iterator[tuple[str, int]]:
    for way in ("inbound", "outbound"):
        for name, field in ((f"{way}.average", way), (f"{way}.peak", f"{way}_peak"),
                            (f"{way}.burst", f"{way}_burst")):  # fmt: skip
            if (value := getattr(request, field)) is not None:
                yield name, value


DEVICE_FIELDS: dict[str, str] = {"disk": "disk", "network": "interface"}
"""Kind -> the field of its request that names the device."""


@dataclass(frozen=True, slots=True)
class LimitsOfKind:
    """Limits of one kind: all in which the verbs differ."""

    kind: Kind
    title: str
    values: Callable[[Any], Iterator[tuple[str, int]]]
    """Returns what a request sets, by libvirt's names."""

    def steps(self, now: Situation) -> list[Step]:
        """Set them, in one call."""
        request = now.request
        device = str(getattr(request, DEVICE_FIELDS.get(self.kind, ""), ""))
        when = getattr(request, "when", "both")
        group = getattr(request, "limit_group", "")
        values = tuple(self.values(request))
        call = LimitsCall(*affects(now, when), self.kind, device, values, group)
        return [Step(call, f"setting the {self.title.lower()} of {now.name}")]

    def outcome(self, now: Situation) -> str:
        """Say since when they count."""
        live, config = affects(now, getattr(now.request, "when", "both"))
        from_ = " now" if not config else "" if live else " from its next start on"
        return f"the {self.title.lower()} of {now.name} are set{from_}"

    def refusals(self, state: State, request: Request, but: str) -> Iterator[Refusal]:
        """Tell of limits that exclude each other, and of devices that are not there."""
        yield from against_when(state, request, but)
        if not tuple(self.values(request)):
            yield Refusal(RefusalCode.PARAMETER, "No limit is given", "give one at least")
        yield from _against_both(request)
        yield from against_device(state, request, self.kind)


def _limits(
    kind: Kind,
    request: type[Request],
    values: Callable[[Any], Iterator[tuple[str, int]]],
    *,
    title: str,
    help_: str,
    key: str,
) -> Verb:
    what = LimitsOfKind(kind, title, values)
    return Verb(
        request,
        title=title,
        help=help_,
        doing=f"setting its {title.lower()}",
        group="tuning",
        key=key,
        decide=sequence(what.steps, what.outcome),
        steps=what.steps,
        resumable=True,
        calls=(LimitsCall,),
        states=KNOWN,
        refusals=what.refusals,
        needs_description=kind in DEVICE_FIELDS,
        single=kind in DEVICE_FIELDS,
    )


def _against_both(request: Request) -> Iterator[Refusal]:
    """Tell of a total beside its parts: QEMU takes either; and of a peak without its average."""
    for way in ("inbound", "outbound") if isinstance(request, SetNetworkLimits) else ():
        more = [one for one in (f"{way}_peak", f"{way}_burst") if getattr(request, one)]
        if more and not getattr(request, way):
            text = f"A limit has an average: that of {way} is not given"
            yield Refusal(RefusalCode.PARAMETER, text, f"give --{way}, too", more[0])
    if not isinstance(request, SetDiskLimits):
        return
    from core.volumes.quality import against_totals

    if request.limits and (why := against_totals(dict(_disk(request)))):
        cure = "give either"
        yield Refusal(RefusalCode.PARAMETER, f"What it is limited to {why}", cure, "limits")
    for what in ("rate", "iops"):
        parts = [getattr(request, f"{way}_{what}") for way in ("read", "write")]
        if getattr(request, f"total_{what}") and any(parts):
            text = "A limit of the total and one of reads or writes exclude each other"
            yield Refusal(RefusalCode.PARAMETER, text, "give either", f"total_{what}")


LIMITED = ("network", "bridge", "direct", "ethernet")
"""Types of interfaces that libvirt gives a bandwidth (virNetDevSupportsBandwidth)."""


def against_device(state: State, request: Request, kind: Kind) -> Iterator[Refusal]:
    """Tell of a disk or network device that an instance does not have."""
    instance = state.instances.get(request.subject)
    if instance is None or not instance.described or kind not in DEVICE_FIELDS:
        return
    field = DEVICE_FIELDS[kind]
    known = _devices_of(instance, kind)
    if (named := str(getattr(request, field))).lower() not in known:
        what = "disk" if kind == "disk" else "network device"
        text = f"{instance.name} has no {what} {clean(named)}"
        has = f"it has {', '.join(known)}" if known else "it has none"
        yield Refusal(RefusalCode.PARAMETER, text, has, field)
    elif known.count(named.lower()) > 1:  # of a failover pair both have one
        text = f"{instance.name} has {known.count(named.lower())} network devices {clean(named)}"
        cure = f"change the one that is meant in its XML: `virtdeck edit {clean(instance.name)}`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif isinstance(request, SetNetworkLimits):
        device = next(one for one in instance.interfaces if one.mac.lower() == named.lower())
        if device.type and device.type not in LIMITED:
            text = f"libvirt limits no interface of the type {device.type}"
            yield Refusal(RefusalCode.UNSUPPORTED, text, "limit it in the guest", field)


def _devices_of(instance: Instance, kind: Kind) -> list[str]:
    if kind == "disk":
        return [disk.target for disk in instance.disks]
    return [one.mac.lower() for one in instance.interfaces]


SET_CPU_LIMITS = _limits(
    *("cpu", SetCpuLimits, _cpu),
    title="CPU limits",
    help_="Set its share of the host's CPUs, and a cap on each vCPU.",
    key="C",
)
SET_MEMORY_LIMITS = _limits(
    *("memory", SetMemoryLimits, _memory),
    title="Memory limits",
    help_="Limit what its process may take of the host's memory.",
    key="M",
)
SET_DISK_LIMITS = _limits(
    *("disk", SetDiskLimits, _disk),
    title="Disk limits",
    help_="Limit how fast one of its disks is read and written.",
    key="D",
)
SET_NETWORK_LIMITS = _limits(
    *("network", SetNetworkLimits, _network),
    title="Network limits",
    help_="Limit what one of its network devices carries.",
    key="N",
)
VERBS = (SET_CPU_LIMITS, SET_MEMORY_LIMITS, SET_DISK_LIMITS, SET_NETWORK_LIMITS)
