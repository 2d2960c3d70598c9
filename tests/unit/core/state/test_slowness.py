"""Why an instance is slow: each finding by the figures that speak for it, none without them.

`RECORD`, `CPU` and `MEMORY` are what libvirt 9.0 told of a guest of the lab, on a machine with two
processors that eight others used at the same time.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.hypervisor.observe.diagnostic_figures import read_host_load, read_sample
from core.model import Instance, InstanceState, OperationRecord, OperationStatus, State
from core.model.diagnostics import (
    BalloonFigures,
    DiagnosticSample,
    DiskLimits,
    HostLoad,
    InstanceLimits,
    InterfaceFigures,
    VcpuCounters,
)
from core.model.run import BlockJob, BlockJobState
from core.model.stats import DiskCounters
from core.state.diagnosis import Diagnosis, diagnosis
from core.state.slowness import judged, slowness

T = 1000.0
MIB = 1 << 20
WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, vcpus=2, memory=512 * MIB)

RECORD = {
    "state.state": 1, "state.reason": 1, "cpu.time": 2180000000, "cpu.haltpoll.success.time": 0,
    "cpu.haltpoll.fail.time": 0, "balloon.current": 98304, "balloon.maximum": 98304,
    "balloon.rss": 181092, "vcpu.current": 1, "vcpu.maximum": 1, "vcpu.0.state": 1,
    "vcpu.0.time": 1620000000, "vcpu.0.wait": 0, "vcpu.0.delay": 27428605059, "net.count": 1,
    "block.count": 1, "block.0.name": "vda", "block.0.path": "/p/web.qcow2", "block.0.rd.reqs": 1,
    "block.0.rd.bytes": 512, "block.0.rd.times": 63596279, "block.0.wr.reqs": 0,
    "block.0.wr.bytes": 0, "block.0.wr.times": 0, "block.0.fl.reqs": 0, "block.0.fl.times": 0,
    "block.0.capacity": 67108864,
}  # fmt: skip
LATER = {**RECORD, "cpu.time": 2350000000, "vcpu.0.time": 1770000000, "vcpu.0.delay": 29589180000}
CPU = {"kernel": 2 * 10**12, "user": 4 * 10**12, "idle": 9 * 10**11, "iowait": 4 * 10**10}
CPU_LATER = {**CPU, "user": CPU["user"] + 4_650_000_000}
MEMORY = {"total": 24684084, "free": 9000000, "buffers": 235284, "cached": 7000000}


def sample(at: float = T, **more: Any) -> DiagnosticSample:
    """A sample of an instance that has nothing to complain of."""
    seconds = at - T
    busy = int(seconds * 1e9)
    usual: dict[str, Any] = {
        "cpu_time": busy // 2,
        "vcpus": tuple(
            VcpuCounters(number, True, False, time=busy // 4, wait=0, delay=busy // 100)
            for number in range(2)
        ),
        "balloon": BalloonFigures(512 * MIB, 512 * MIB, 500 * MIB, 300 * MIB, 250 * MIB, 0, 0, 0),
        "disks": (disk(at),),
        "interfaces": (InterfaceFigures("vnet0", 0, 0, 0, 0, 0, 0),),
        "host": HostLoad(busy, 3 * busy, 0, 16 << 30, 8 << 30),
    }
    return DiagnosticSample(at, **({"active": True} | usual | more))


def disk(at: float, rate: int = MIB, took: float = 1.0, **more: Any) -> DiskCounters:
    """A disk that reads and writes so many bytes a second, ten requests each, of `took` ms."""
    seconds = at - T
    usual: dict[str, Any] = {
        "read_bytes": int(rate * seconds), "write_bytes": int(rate * seconds),
        "read_requests": int(10 * seconds), "write_requests": int(10 * seconds),
        "read_time": int(10 * seconds * took * 1e6), "write_time": int(10 * seconds * took * 1e6),
        "flush_requests": 0, "flush_time": 0,
    }  # fmt: skip
    return DiskCounters("vda", **(usual | more))


def between(before: DiagnosticSample | None = None, **more: Any) -> Diagnosis:
    return diagnosis(sample() if before is None else before, sample(T + 2, **more))


def codes(found: Diagnosis, instance: Instance = WEB) -> list[str]:
    return [one.code for one in slowness(instance, found).findings]


def test_one_that_is_well_has_no_finding() -> None:
    slow = slowness(WEB, between())
    assert (slow.findings, slow.unknown) == ((), ())
    assert slow.verdict == "Nothing that these figures show makes it slow."


def test_a_guest_on_a_crowded_machine_as_libvirt_told_it() -> None:
    before, now = (
        read_sample(
            *(record, at), active=True, asked=True, host=read_host_load(cpu, MEMORY),
            limits=InstanceLimits(),
        )
        for record, at, cpu in ((RECORD, T, CPU), (LATER, T + 2.3256, CPU_LATER))
    )  # fmt: skip
    found = diagnosis(before, now)
    assert found.vcpus[0].delay == pytest.approx(92.9, abs=0.1)
    assert found.vcpus[0].busy == pytest.approx(6.45, abs=0.05)
    assert found.host.busy == 100.0
    assert found.host.memory_free == (9000000 + 235284 + 7000000) * 1024
    slow = slowness(WEB, found)
    assert [one.code for one in slow.findings] == ["steal", "host-cpu"]
    assert slow.verdict == (
        "Its vCPUs stood in the run queue of alpha for 93 % of the time: others have its "
        "processors (steal); and 1 more."
    )
    (unknown,) = slow.unknown
    assert "dommemstat" in unknown


def vcpus(*busy: float, delay: float = 0.0) -> tuple[VcpuCounters, ...]:
    """vCPUs that were so busy since `T`, percent of two seconds."""
    return tuple(
        VcpuCounters(number, True, False, int(share * 2e7), 0, int(delay * 2e7))
        for number, share in enumerate(busy)
    )


@pytest.mark.parametrize(("more", "code", "words"), [
    ({"vcpus": vcpus(50, 50, delay=30.0)}, "steal", "for 30 % of the time"),
    ({"cpu_time": 3_900_000_000, "vcpus": vcpus(97, 98)}, "cpu", "uses 98 % of its vCPUs"),
    ({"vcpus": vcpus(99, 3)}, "one-vcpu", "vCPU 0 is busy for 99 % of the time"),
    ({"vcpus": vcpus(49, 48), "limits": InstanceLimits(cpu=0.5)}, "cpu-limit", "held to 50% of a"),
    ({"balloon": BalloonFigures(swap_in=4 * MIB, swap_out=0)}, "swap", "2.0 MiB/s in, 0 B/s out"),
    ({"balloon": BalloonFigures(swap_in=0, swap_out=0, major_faults=400)}, "faults", "200 pages"),
    ({"balloon": BalloonFigures(256 * MIB, 512 * MIB, 250 * MIB, 5 * MIB, swap_in=0, swap_out=0)},
     "balloon", "5.0 MiB of 250 MiB left, and its balloon holds 256 MiB back"),
    ({"balloon": BalloonFigures(512 * MIB, 512 * MIB, 500 * MIB, 5 * MIB, swap_in=0, swap_out=0)},
     "memory", "5.0 MiB of 500 MiB of memory left"),
    ({"disks": (disk(T + 2, took=85.0),)}, "latency", "A read from vda takes 85 ms"),
    ({"disks": (disk(T + 2, flush_requests=2, flush_time=200_000_000),)}, "latency",
     "A flush of vda takes 100 ms"),
    ({"disks": (disk(T + 2, read_time=40_000_000_000, read_requests=4000),)}, "queue",
     "20 requests to vda are under way"),
    ({"limits": InstanceLimits((DiskLimits("vda", write_bytes=MIB),))}, "throttle",
     "vda writes 1.0 MiB/s: it is held to 1.0 MiB/s (iotune)"),
    ({"limits": InstanceLimits((DiskLimits("vda", total_bytes=2 * MIB),))}, "throttle",
     "vda reads and writes 2.0 MiB/s"),
    ({"limits": InstanceLimits((DiskLimits("vda", read_requests=10),))}, "throttle",
     "10 requests a second"),
    ({"interfaces": (InterfaceFigures("vnet0", 0, 0, 0, 0, 20, 0),)}, "packets-dropped",
     "10 packets a second of vnet0 are dropped"),
    ({"interfaces": (InterfaceFigures("vnet0", 0, 0, 0, 0, 0, 20),)}, "packets-broken", "broken"),
    ({"host": HostLoad(39 * 10**9, 10**9, 0, 16 << 30, 8 << 30)}, "host-cpu", "busy for 98 %"),
    ({"host": HostLoad(10**9, 10**9, 2 * 10**9, 16 << 30, 8 << 30)}, "host-iowait", "for 50 %"),
    ({"host": HostLoad(10**9, 9 * 10**9, 0, 16 << 30, 512 * MIB)}, "host-memory",
     "alpha has 512 MiB of 16 GiB of memory left"),
    ({"job": "backup"}, "job", "libvirt's is under way: backup"),
    ({"block_jobs": (BlockJob("vda", "copy", BlockJobState.RUNNING, T, T, 1, 4),)}, "block-job",
     "beside the guest: copy, 25% done"),
    ({"answers": False}, "silent", "does not answer"),
])  # fmt: skip
def test_each_reason_is_found_by_its_figures(more: dict[str, Any], code: str, words: str) -> None:
    slow = slowness(WEB, between(**more))
    assert any(words in one.text for one in slow.findings if one.code == code), slow
    assert {one.code for one in slow.findings} <= {code, "latency"}


def test_a_limit_that_is_not_reached_is_no_reason() -> None:
    assert (
        codes(between(limits=InstanceLimits((DiskLimits("vda", write_bytes=4 * MIB),), 1.0))) == []
    )


def test_the_latency_that_a_limit_makes_is_told_after_it() -> None:
    limits = InstanceLimits((DiskLimits("vda", write_bytes=MIB),))
    found = slowness(WEB, between(disks=(disk(T + 2, took=300.0),), limits=limits)).findings
    assert [one.code for one in found] == ["throttle", "latency", "latency"]
    assert all("which its limit explains" in one.text for one in found[1:])


@pytest.mark.parametrize(("state", "code"), [
    (InstanceState.SHUTOFF, "off"), (InstanceState.PAUSED, "paused"),
    (InstanceState.CRASHED, "paused"),
])  # fmt: skip
def test_one_that_does_not_run_is_told_so_first(state: InstanceState, code: str) -> None:
    instance = replace(WEB, state=state, reason="I/O error")
    active = state.active
    found = diagnosis(sample(active=active), sample(T + 2, active=active, job="backup"))
    assert codes(found, instance)[0] == code


def test_a_guest_that_an_operation_has_frozen_is_told_so() -> None:
    record = OperationRecord(
        "1", "freeze", "alpha", WEB.key, "web", "ann@desk", T,
        status=OperationStatus.RUNNING, doing="frozen",
    )  # fmt: skip
    state = State(operations={"1": record})
    assert [one.code for one in judged(state, WEB, between()).findings] == ["frozen"]
    over = State(operations={"1": replace(record, status=OperationStatus.DONE)})
    assert judged(over, WEB, between()).findings == ()


@pytest.mark.parametrize("before", [
    sample(cpu_time=10**15),
    sample(answers=False),
    sample(active=False),
    sample(T + 1.9),
])  # fmt: skip
def test_of_another_run_and_of_no_time_nothing_is_known(before: DiagnosticSample) -> None:
    found = diagnosis(before, sample(T + 2))
    assert found.cpu is None
    assert [one.busy for one in found.vcpus] == [None, None]
    assert found.disks[0].read is None
    assert "was started" in slowness(WEB, found).unknown[0]


def test_what_is_not_told_is_unknown_and_not_zero() -> None:
    bare = read_sample(
        {}, T, active=True, asked=True, host=read_host_load({}, {}), limits=InstanceLimits()
    )
    found = diagnosis(bare, replace(bare, at=T + 2))
    assert (found.cpu, found.vcpus, found.disks, found.swap_in) == (None, (), (), None)
    assert (found.host.busy, found.host.iowait) == (None, None)
    assert slowness(WEB, found).findings == ()


NUMBERS = sorted(name for name in RECORD if isinstance(RECORD[name], int))
MORE = ["iothread.1.poll-max-ns", "iothread.x.y", "perf.cmt", "vcpu.0.halted", "net.0.rx.drop",
        "vcpu.0.halt_poll_success_ns.sum", "balloon.swap_in", "balloon.usable"]  # fmt: skip


@given(st.dictionaries(st.sampled_from([*NUMBERS, *MORE]), st.integers(-1, 1 << 62)))
def test_any_figures_are_judged(figures: dict[str, int]) -> None:
    before = read_sample(
        RECORD, T, active=True, asked=True, host=HostLoad(), limits=InstanceLimits()
    )
    record = {**RECORD, "net.0.name": "vnet0", **figures}
    now = read_sample(
        record, T + 2, active=True, asked=True, host=HostLoad(), limits=InstanceLimits()
    )
    slow = slowness(WEB, diagnosis(before, now))
    assert list(slow.findings) == sorted(slow.findings, key=lambda one: -one.weight)
    assert all(0.0 <= one.weight <= 1.0 for one in slow.findings)
