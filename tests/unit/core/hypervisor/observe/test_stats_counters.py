"""Records of virConnectGetAllDomainStats, as libvirt 9.0 with QEMU 7.2 gave them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.observe.events import RefusedEvent
from core.hypervisor.observe.limits import Abilities, limitations
from core.hypervisor.observe.stats_counters import read_counters
from core.model import Counters, DiskCounters, InstanceState, InterfaceCounters
from core.model.state_code import decode_state

FULL: dict[str, Any] = {
    "state.state": 1,
    "state.reason": 1,
    "cpu.time": 5940000000,
    "balloon.current": 98304,
    "balloon.unused": 21760,
    "balloon.available": 61736,
    "balloon.usable": 28704,
    "balloon.rss": 206304,
    "vcpu.current": 1,
    "vcpu.maximum": 2,
    "vcpu.0.time": 5250000000,
    "net.count": 2,
    "net.1.name": "vnet3",
    "net.1.rx.bytes": 10,
    "net.1.rx.drop": 0,
    "net.1.tx.bytes": 20,
    "net.1.tx.drop": 1,
    "block.count": 2,
    "block.0.name": "vda",
    "block.0.path": "/images/web.qcow2",
    "block.0.backingIndex": 1,
    "block.0.rd.reqs": 3,
    "block.0.rd.bytes": 20992,
    "block.0.wr.reqs": 0,
    "block.0.wr.bytes": 0,
    "block.0.allocation": 0,
    "block.0.capacity": 67108864,
    "block.0.physical": 200704,
    "block.1.name": "sda",
}
FROM_THE_PROCESS = (
    *("balloon.unused", "balloon.available", "balloon.usable", "balloon.rss"),
    *("block.0.rd.reqs", "block.0.rd.bytes", "block.0.wr.reqs", "block.0.wr.bytes"),
    *("block.0.allocation", "block.0.capacity", "block.0.physical"),
)


def test_a_full_record() -> None:
    assert read_counters(FULL, asked=True) == Counters(
        state=1,
        reason=1,
        cpu_time=5940000000,
        vcpus=1,
        balloon=96 << 20,
        memory_unused=21760 << 10,
        memory_available=61736 << 10,
        memory_usable=28704 << 10,
        rss=206304 << 10,
        disks=(
            DiskCounters("vda", "/images/web.qcow2", 20992, 0, 3, 0, 67108864, 200704),
            DiskCounters("sda"),
        ),
        # the first one, of user-mode networking, has no device on the host to count at
        interfaces=(InterfaceCounters("vnet3", 10, 20),),
    )


def test_what_requests_and_vcpus_waited_for() -> None:
    record = {
        **FULL,
        "vcpu.maximum": 3,
        "vcpu.0.wait": 5, "vcpu.0.delay": 70,
        "vcpu.2.wait": 6, "vcpu.2.delay": 80,
        "block.0.rd.times": 900, "block.0.wr.times": 0,
        "block.0.fl.reqs": 4, "block.0.fl.times": 44,
    }  # fmt: skip
    counters = read_counters(record, asked=True)
    assert (counters.vcpu_wait, counters.vcpu_delay) == (11, 150)
    first, second = counters.disks
    assert (first.read_time, first.write_time) == (900, 0)
    assert (first.flush_requests, first.flush_time) == (4, 44)
    assert (second.read_time, second.flush_requests) == (None, None)
    assert (read_counters(FULL, asked=True).vcpu_wait, counters.hypervisor) == (None, ())


def test_the_hypervisors_own_figures_are_taken_by_their_names() -> None:
    """As qemu_driver.c writes the VM group: `vm.NAME.TYPE`, numbers and booleans."""
    own = {"vm.pages_2m.cur": 512, "vm.remote_tlb_flush.sum": 44, "vm.nested_run.cur": True,
           "vm.odd\x1b[2J.max": 1}  # fmt: skip
    counters = read_counters({**FULL, **own}, asked=True)
    names = [name for name, _ in counters.hypervisor]
    assert dict(counters.hypervisor)["pages_2m"] == 512
    assert dict(counters.hypervisor)["remote_tlb_flush"] == 44
    assert len(names) == 3
    assert not any("\x1b" in name for name in names)
    many = {f"vm.figure{number}.cur": number for number in range(500)}
    assert len(read_counters({**FULL, **many}, asked=True).hypervisor) == 64


def test_a_process_that_was_passed_over_is_partial_and_its_figures_unknown() -> None:
    record = {name: value for name, value in FULL.items() if name not in FROM_THE_PROCESS}
    counters = read_counters(record, asked=True)
    assert counters.partial
    assert (counters.rss, counters.memory_unused) == (None, None)
    assert counters.disks[0] == DiskCounters("vda", "/images/web.qcow2")
    assert counters.balloon == 96 << 20
    assert counters.interfaces[0].received_bytes == 10


def test_what_was_not_asked_is_partial() -> None:
    counters = read_counters({"state.state": 3, "state.reason": 5}, asked=False)
    assert counters == Counters(state=3, reason=5, partial=True)


def test_a_driver_without_such_groups_hides_nothing() -> None:
    assert not read_counters({"state.state": 1, "state.reason": 0}, asked=True).partial


def test_without_cgroups_the_vcpus_are_summed() -> None:
    record = {"vcpu.maximum": 3, "vcpu.0.time": 5, "vcpu.2.time": 7}
    assert read_counters(record, asked=True).cpu_time == 12
    assert read_counters({"vcpu.maximum": 1}, asked=True).cpu_time is None


@given(st.sets(st.sampled_from(sorted(FULL))))
def test_whatever_is_missing_is_unknown_never_zero(missing: set[str]) -> None:
    record = {name: value for name, value in FULL.items() if name not in missing}
    counters = read_counters(record, asked=True)
    for field, name in (
        ("balloon", "balloon.current"),
        ("rss", "balloon.rss"),
        ("state", "state.state"),
    ):
        assert (getattr(counters, field) is None) == (name in missing)
    for disk in counters.disks[:1]:
        assert (disk.read_bytes is None) == ("block.0.rd.bytes" in missing)


def test_names_are_cleaned() -> None:
    record = {"block.count": 1, "block.0.name": "vd\x1ba", "block.0.path": "/a\nb"}
    (disk,) = read_counters(record, asked=True).disks
    assert (disk.target, disk.path) == ("vd\\u001ba", "/a\\u000ab")


def test_states_have_words_and_unknown_ones_say_so() -> None:
    assert decode_state(3, 5) == (InstanceState.PAUSED, "I/O error")
    assert decode_state(5, 3) == (InstanceState.SHUTOFF, "crashed")
    assert decode_state(6, 1) == (InstanceState.CRASHED, "panicked")
    assert decode_state(1, 77) == (InstanceState.RUNNING, "unknown-77")
    assert decode_state(77, 1) == (InstanceState.UNKNOWN, "unknown-77")


def test_only_what_is_known_is_claimed_as_a_limitation() -> None:
    assert limitations(Abilities(driver="QEMU")) == ()
    able = Abilities(
        driver="QEMU",
        libvirt=11_001_000,
        guest_types=("kvm x86_64", "qemu x86_64"),
        migration_transports=("tcp",),
        storage=True,
        networks=True,
        secrets=True,
        efi=True,
        tpm=True,
    )
    assert limitations(able) == ()


def test_what_a_driver_in_the_library_lacks_nothing_installs() -> None:
    lacking = limitations(Abilities(driver="TEST", secrets=False))
    found = next(one for one in lacking if one.what.startswith("manage secrets"))
    assert (found.why, found.cure) == ("libvirt's TEST driver has none of them.", "")


@pytest.mark.parametrize(("driver", "newer"), [("QEMU", True), ("TEST", False), ("LXC", False)])
def test_a_newer_libvirt_is_no_cure_for_a_driver_that_has_no_such_events(
    driver: str, newer: bool
) -> None:
    refused = RefusedEvent(
        "secret", "VIR_SECRET_EVENT_ID_LIFECYCLE", "this function is not supported"
    )
    found = limitations(Abilities(driver=driver, refused=(refused,)))
    cure = next(one.cure for one in found if "events of secrets" in one.what)
    assert cure.startswith("Changes are not shown")
    assert ("a newer libvirt" in cure) is newer


def test_limitations_have_a_reason_and_a_cure() -> None:
    found = limitations(
        Abilities(
            driver="QEMU",
            libvirt=8_004_000,
            session=True,
            guest_types=("qemu x86_64",),
            storage=False,
            efi=False,
            tpm=False,
        )
    )
    whats = [limitation.what for limitation in found]
    assert "recover a migration that failed in its post-copy phase" in whats
    assert "copy disks along with a migration by synchronous writes" not in whats
    assert "run guests at full speed" in whats
    assert "manage storage pools and volumes" in whats
    assert len(found) == 8
    assert all(limitation.why and limitation.cure for limitation in found)
