"""What is sent for limits, where no host here has it all.

libvirt limits CPUs and memory by control groups, which a session's daemon has none of, and its
test driver limits no CPUs: so the connection only notes what it is given.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.table import CALL_FUNCTIONS
from core.hypervisor.connection.binding import libvirt
from core.model import Host, Instance, ObjectKey, Request, State
from core.verbs.checks import check
from core.verbs.preview import planned
from core.verbs.tuning.limit_requests import (
    SetCpuLimits,
    SetDiskLimits,
    SetMemoryLimits,
    SetNetworkLimits,
)
from core.verbs.tuning.limits import LimitsCall
from core.verbs.tuning.link import LinkCall

KEY = ObjectKey("instance", "alpha", "u")
STATE = State(
    hosts={"alpha": Host("alpha", "test:///default")},
    instances={KEY: Instance("alpha", "u", "web", described=False)},
)
MAC = "52:54:00:00:00:01"
CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG


class Noting:
    """A connection, and the domain it finds."""

    def __init__(self, **now: Any) -> None:
        """`now` are the limits it has."""
        self.calls: list[tuple[Any, ...]] = []
        self._now = {key.replace("__", "."): value for key, value in now.items()}

    def blockIoTune(self, *_: Any) -> dict[str, Any]:  # noqa: N802
        return self._now

    interfaceParameters = blockIoTune  # noqa: N815

    def getType(self) -> str:  # noqa: N802 - libvirt's own
        return "QEMU"

    def lookupByUUIDString(self, _: str) -> Noting:  # noqa: N802
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, *given))


SENT: list[tuple[Request, tuple[Any, ...], str]] = [
    (
        SetCpuLimits(KEY, shares=512, cap=50),
        ("setSchedulerParametersFlags", {
            "cpu_shares": 512, "vcpu_period": 100_000, "vcpu_quota": 50_000,
        }, CONFIG),
        "schedinfo web --config --set cpu_shares=512 --set vcpu_period=100000 "
        "--set vcpu_quota=50000",
    ),
    (
        SetCpuLimits(KEY, cap=0),
        ("setSchedulerParametersFlags", {"vcpu_period": 100_000, "vcpu_quota": -1}, CONFIG),
        "schedinfo web --config --set vcpu_period=100000 --set vcpu_quota=-1",
    ),
    (
        SetMemoryLimits(KEY, hard=4096, soft=0),
        ("setMemoryParameters", {
            "hard_limit": 4 << 20, "soft_limit": 9_007_199_254_740_991,
        }, CONFIG),
        "memtune web --config --hard-limit 4194304 --soft-limit 9007199254740991",
    ),
    (
        SetDiskLimits(KEY, "vda", read_rate=8, total_iops=100),
        ("setBlockIoTune", "vda", {"total_iops_sec": 100, "read_bytes_sec": 8 << 20}, CONFIG),
        "blkdeviotune web vda --config --total-iops-sec 100 --read-bytes-sec 8388608",
    ),
    (
        SetNetworkLimits(KEY, MAC, inbound=1000, outbound=0),
        ("setInterfaceParameters", MAC, {"inbound.average": 1000, "outbound.average": 0}, CONFIG),
        f"domiftune web {MAC} --config --inbound 1000,0,0 --outbound 0,0,0",
    ),
    (
        SetNetworkLimits(KEY, MAC, inbound=1000, inbound_burst=64),
        ("setInterfaceParameters", MAC, {"inbound.average": 1000, "inbound.burst": 64}, CONFIG),
        f"domiftune web {MAC} --config --inbound 1000,0,64",
    ),
]  # fmt: skip


def test_bursts_and_a_group_are_sent_by_libvirts_names() -> None:
    burst = ("read_iops_sec=5", "read_iops_sec_max=9", "read_iops_sec_max_length=2")
    (send,) = planned(STATE, SetDiskLimits(KEY, "vda", limits=burst, limit_group="db"))
    assert isinstance(send.call, LimitsCall)
    assert " ".join(send.call.virsh("web")).endswith(
        "--read-iops-sec 5 --read-iops-sec-max 9 --read-iops-sec-max-length 2 --group-name db"
    )
    conn = Noting()
    CALL_FUNCTIONS[LimitsCall](conn, KEY, send.call)
    assert conn.calls[0][2]["group_name"] == "db"


@pytest.mark.parametrize(("request_", "given", "virsh"), SENT, ids=lambda one: type(one).__name__)
def test_what_is_asked_for_is_sent(request_: Request, given: tuple[Any, ...], virsh: str) -> None:
    (send,) = planned(STATE, request_)
    assert isinstance(send.call, LimitsCall)
    assert " ".join(send.call.virsh("web")) == virsh
    conn = Noting()
    CALL_FUNCTIONS[LimitsCall](conn, KEY, send.call)
    assert conn.calls == [given]


DISK: list[tuple[dict[str, int], dict[str, int], dict[str, int]]] = [
    # now, given, what has to be set
    (
        {"read_bytes_sec": 50, "read_iops_sec": 9, "total_bytes_sec": 0, "size_iops_sec": 4096},
        {"write_bytes_sec": 60},
        {"read_bytes_sec": 50, "write_bytes_sec": 60},
    ),
    (
        {"read_bytes_sec": 50, "read_bytes_sec_max": 90, "read_bytes_sec_max_length": 2},
        {"total_bytes_sec": 60},
        {"total_bytes_sec": 60, "read_bytes_sec": 0, "read_bytes_sec_max": 0,
         "read_bytes_sec_max_length": 0},
    ),
    (
        {"read_iops_sec": 5, "read_iops_sec_max": 9, "write_iops_sec": 6, "write_iops_sec_max": 8},
        {"read_iops_sec": 0},
        {"read_iops_sec": 0, "read_iops_sec_max": 0, "write_iops_sec": 6, "write_iops_sec_max": 8},
    ),
    (
        {"read_iops_sec": 5, "write_iops_sec": 6, "write_iops_sec_max": 8,
         "read_iops_sec_max_length": 1, "write_iops_sec_max_length": 3},
        {"read_iops_sec_max": 9, "read_iops_sec_max_length": 2},
        {"read_iops_sec_max": 9, "read_iops_sec_max_length": 2, "write_iops_sec_max": 8,
         "write_iops_sec_max_length": 3},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("now", "given", "wanted"), DISK)
def test_a_limit_of_a_disk_stays_that_is_not_named(
    now: dict[str, int], given: dict[str, int], wanted: dict[str, int]
) -> None:
    """libvirt lifts what is not named of a group of which anything is."""
    call = LimitsCall(True, True, "disk", "vda", tuple(given.items()))
    conn = Noting(**now)
    CALL_FUNCTIONS[LimitsCall](conn, KEY, call)
    flags = (libvirt.VIR_DOMAIN_AFFECT_LIVE, CONFIG)
    assert conn.calls == [("setBlockIoTune", "vda", wanted, flag) for flag in flags]


def test_a_limit_of_a_network_device_stays_that_is_not_named() -> None:
    now = {"inbound__average": 500, "inbound__peak": 900, "inbound__floor": 100,
           "outbound__average": 7, "outbound__burst": 8}  # fmt: skip
    for given, wanted in (
        ({"inbound.average": 600}, {"inbound.average": 600, "inbound.peak": 900,
                                    "inbound.floor": 100}),
        ({"outbound.average": 0}, {"outbound.average": 0}),
    ):  # fmt: skip
        conn = Noting(**now)
        call = LimitsCall(False, True, "network", MAC, tuple(given.items()))
        CALL_FUNCTIONS[LimitsCall](conn, KEY, call)
        assert conn.calls == [("setInterfaceParameters", MAC, wanted, CONFIG)]


def test_limits_that_exclude_each_other_are_refused() -> None:
    def why(request: Request) -> str:
        return " ".join(map(str, check(STATE, request)))

    assert "exclude each other: give either" in why(
        SetDiskLimits(KEY, "vda", total_rate=1, read_rate=1)
    )
    assert "has a total_iops_sec beside one of reads or writes" in why(
        SetDiskLimits(KEY, "vda", total_iops=1, limits=("write_iops_sec=1",))
    )
    assert "No limit is given: give one at least." in why(SetCpuLimits(KEY))
    assert "that of inbound is not given: give --inbound, too" in why(
        SetNetworkLimits(KEY, MAC, outbound=1, inbound_peak=5)
    )


class Half(Noting):
    """One that has a network device by its definition alone, and takes no change of that."""

    def XMLDesc(self, flags: int) -> str:  # noqa: N802
        card = f"<interface type='user'><mac address='{MAC}'/></interface>" if flags else ""
        return f"<domain><devices>{card}</devices></domain>"

    def setBlockIoTune(self, *given: Any) -> None:  # noqa: N802
        self.calls.append(("setBlockIoTune", *given))
        if given[-1] == CONFIG:
            raise libvirt.libvirtError("the definition cannot be written")


def test_a_link_that_what_runs_does_not_have_is_left_as_it_is_in_the_definition_too() -> None:
    conn = Half()
    with pytest.raises(HypervisorError, match="It has no network device"):
        CALL_FUNCTIONS[LinkCall](conn, KEY, LinkCall(True, True, MAC, False))
    assert conn.calls == []
    CALL_FUNCTIONS[LinkCall](conn, KEY, LinkCall(False, True, MAC, False))
    ((name, xml, flags),) = conn.calls
    assert (name, flags) == ("updateDeviceFlags", CONFIG)
    assert '<link state="down"/>' in xml


def test_a_change_of_what_runs_alone_is_told() -> None:
    both, alone = (LimitsCall(live, True, "disk", "vda", ()) for live in (True, False))
    with pytest.raises(HypervisorError, match="What runs was changed, and its definition was not"):
        CALL_FUNCTIONS[LimitsCall](Half(), KEY, both)
    with pytest.raises(libvirt.libvirtError):
        CALL_FUNCTIONS[LimitsCall](Half(), KEY, alone)
