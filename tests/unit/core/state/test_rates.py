"""Rates from counters: never negative, never a zero for what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import Counters, DiskCounters, DiskRates, InterfaceCounters
from core.state.rates import Sample, rates_between
from tests.unit.state_builders import counters

FIELDS = ("cpu", "read", "write", "read_requests", "write_requests", "received", "sent")


def rates(before, now, seconds=2.0, vcpus=2):
    return rates_between(Sample(100.0, before), Sample(100.0 + seconds, now), vcpus)


def nothing_known(result):
    return all(getattr(result, field) is None for field in FIELDS)


def test_plain_rates():
    before = Counters(
        cpu_time=0, disks=(DiskCounters("vda", "", 0, 100, 1, 2), DiskCounters("vdb", "", 5, 5)),
        interfaces=(InterfaceCounters("tap0", 10, 20),),
    )  # fmt: skip
    now = Counters(
        cpu_time=2 * 10**9,
        disks=(DiskCounters("vda", "", 200, 100, 5, 2), DiskCounters("vdb", "", 205, 5)),
        interfaces=(InterfaceCounters("tap0", 30, 20),),
    )
    found = rates(before, now)
    assert found.cpu == 50.0
    assert (found.read, found.write) == (200.0, 0.0)
    assert (found.read_requests, found.write_requests) == (2.0, 0.0)
    assert [(one.read, one.write) for one in found.disks] == [(100.0, 0.0), (100.0, 0.0)]
    assert (found.received, found.sent) == (10.0, 0.0)


def test_what_a_request_took_and_how_long_the_vcpus_stood():
    before = Counters(
        vcpus=2, vcpu_wait=0, vcpu_delay=10**9,
        disks=(DiskCounters("vda", read_requests=1, read_time=10**6, flush_requests=3,
                            flush_time=0, write_requests=7, write_time=5),
               DiskCounters("vdb")),
    )  # fmt: skip
    now = Counters(
        vcpus=2, vcpu_wait=10**9, vcpu_delay=10**9, hypervisor=(("pages_2m", 5),),
        disks=(DiskCounters("vda", read_requests=5, read_time=9 * 10**6, flush_requests=4,
                            flush_time=5 * 10**6, write_requests=7, write_time=5),
               DiskCounters("vdb"), DiskCounters("vdc")),
    )  # fmt: skip
    found = rates(before, now)
    assert (found.vcpu_wait, found.vcpu_delay) == (25.0, 0.0)
    assert found.disks == (DiskRates("vda", 2.0, None, 5.0, 0.5), DiskRates("vdb"))
    assert found.hypervisor == (("pages_2m", 5),)
    again = rates(now, before)
    assert (again.vcpu_wait, again.disks[0]) == (None, DiskRates("vda"))


def test_the_counters_know_the_vcpus_better():
    assert rates(Counters(cpu_time=0), Counters(cpu_time=2 * 10**9, vcpus=1)).cpu == 100.0


def test_no_earlier_sample():
    assert nothing_known(rates_between(None, Sample(1.0, Counters(cpu_time=1)), 1))


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.1, 61.0, 9999.0])
def test_too_short_or_too_long(seconds):
    assert nothing_known(rates(Counters(cpu_time=0), Counters(cpu_time=10**9), seconds))


def test_a_restart_makes_all_unknown():
    before = Counters(cpu_time=9 * 10**9, disks=(DiskCounters("vda", "", 5),))
    now = Counters(cpu_time=10**9, disks=(DiskCounters("vda", "", 900),))
    assert nothing_known(rates(before, now))


def test_a_device_that_came_went_or_was_plugged_anew_takes_no_part():
    disks = [DiskCounters("vda", "", 10), DiskCounters("vdb", "", 999), DiskCounters("vdc", "", 1)]
    now = (DiskCounters("vda", "", 30), DiskCounters("vdb", "", 5), DiskCounters("vdd", "", 777))
    assert rates(Counters(disks=tuple(disks)), Counters(disks=now)).read == 10.0
    assert rates(Counters(disks=(disks[1],)), Counters(disks=now)).read is None


def test_no_devices_is_not_zero():
    assert rates(Counters(), Counters()).read is None


def test_emulator_threads_do_not_push_it_past_a_hundred():
    assert rates(Counters(cpu_time=0), Counters(cpu_time=9 * 10**9)).cpu == 100.0


def test_memory():
    full = Counters(balloon=1000, memory_available=900, memory_unused=300, memory_usable=400)
    assert (rates(full, full).memory, rates(full, full).memory_total) == (500, 1000)
    no_guest_driver = Counters(balloon=1000)
    assert rates(no_guest_driver, no_guest_driver).memory == 1000
    assert rates(Counters(), Counters()).memory is None
    passed_over = Counters(balloon=1000, partial=True)
    assert rates(full, passed_over).memory is None
    assert rates(full, passed_over).memory_total == 1000


@given(counters, counters, st.floats(-100, 100), st.integers(0, 4))
def test_never_negative_and_cpu_never_above_a_hundred(before, now, seconds, vcpus):
    found = rates(before, now, seconds, vcpus)
    for field in (*FIELDS, "memory"):
        value = getattr(found, field)
        assert value is None or value >= 0
    assert found.cpu is None or found.cpu <= 100


@given(counters)
def test_unknown_counters_give_unknown_rates(known):
    assert nothing_known(rates(Counters(), known))
    assert nothing_known(rates(known, Counters()))


NUMBER = st.one_of(st.none(), st.integers(0, 20))
DISKS = st.lists(
    st.builds(
        DiskCounters,
        target=st.sampled_from(["vda", "vdb", "vdc"]),
        read_bytes=NUMBER,
        read_time=NUMBER,
        read_requests=NUMBER,
        flush_requests=NUMBER,
    ),
    unique_by=lambda disk: disk.target,
).map(tuple)


@given(DISKS, DISKS, st.booleans())
def test_disks_are_counted_as_one_by_one(before, now, still):
    before = now if still else before
    found = rates(Counters(disks=before), Counters(disks=now))
    earlier = {disk.target: disk for disk in before}
    both = [(earlier[disk.target], disk) for disk in now if disk.target in earlier]

    def more(name, first, disk):
        one, other = getattr(first, name), getattr(disk, name)
        return None if one is None or other is None or other < one else other - one

    grown = [more("read_bytes", *pair) for pair in both]
    known = [bytes_read for bytes_read in grown if bytes_read is not None]
    assert found.read == (sum(known) / 2.0 if known else None)
    assert [disk.target for disk in found.disks] == [disk.target for _, disk in both]
    for pair, disk in zip(both, found.disks, strict=True):
        flushes, took = more("flush_requests", *pair), more("read_time", *pair)
        requests = more("read_requests", *pair)
        assert disk.flushes == (None if flushes is None else flushes / 2.0)
        known_latency = took is not None and bool(requests)
        assert disk.read_latency == (took / requests / 1e6 if known_latency else None)
