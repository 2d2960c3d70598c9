"""The power calls on libvirt's test driver; tests/lab/test_events.py has them on real guests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import HypervisorError
from core.hypervisor.binding import libvirt
from core.hypervisor.power import CALLS, instance_state, power, reset, resume, start, stop, suspend
from core.model import InstanceState
from core.operations.port import PowerCall
from tests.driver.worlds import instance_xml, open_world, uuid_of

VM = uuid_of(1)


@pytest.fixture
def conn(tmp_path: Path) -> Any:
    found = open_world(tmp_path)
    found.defineXML(instance_xml(1))
    return found


def state(conn: Any) -> tuple[InstanceState, str]:
    found = instance_state(conn, VM)
    assert found is not None
    assert (found.id is not None) == found.state.active
    return found.state, found.reason


def test_every_call_of_the_port_is_there() -> None:
    assert set(CALLS) == {call.value for call in PowerCall}


def test_the_states_the_calls_leave(conn: Any) -> None:
    seen = [state(conn)]
    for call in ("create", "suspend", "resume", "reboot", "shutdown", "create", "destroy"):
        power(conn, call, VM)
        seen.append(state(conn))
    assert seen == [
        (InstanceState.SHUTOFF, ""),
        (InstanceState.RUNNING, "booted"),
        (InstanceState.PAUSED, "user"),
        (InstanceState.RUNNING, "unpaused"),
        (InstanceState.RUNNING, "booted"),
        (InstanceState.SHUTOFF, "shutdown"),
        (InstanceState.RUNNING, "booted"),
        (InstanceState.SHUTOFF, "destroyed"),
    ]


def test_each_start_has_a_number_of_its_own(conn: Any) -> None:
    numbers = []
    for _ in range(2):
        start(conn, VM)
        found = instance_state(conn, VM)
        assert found is not None
        numbers.append(found.id)
        stop(conn, VM)
    assert numbers[0] != numbers[1]


def test_a_start_restores_a_saved_image(conn: Any) -> None:
    start(conn, VM)
    conn.lookupByUUIDString(VM).managedSave(0)
    assert state(conn) == (InstanceState.SHUTOFF, "saved")
    start(conn, VM)
    assert not conn.lookupByUUIDString(VM).hasManagedSaveImage(0)
    assert state(conn)[0] is InstanceState.RUNNING


def test_cutting_the_power_of_an_instance_that_is_off_is_no_error(conn: Any) -> None:
    stop(conn, VM)
    assert state(conn)[0] is InstanceState.SHUTOFF


def test_a_transient_instance_is_gone_after_a_power_cut(conn: Any) -> None:
    conn.createXML(instance_xml(2), 0)
    stop(conn, uuid_of(2))
    assert instance_state(conn, uuid_of(2)) is None


@pytest.mark.parametrize("call", sorted(CALLS))
def test_what_does_not_exist_is_an_error_even_to_stop(conn: Any, call: str) -> None:
    with pytest.raises(libvirt.libvirtError) as caught:
        power(conn, call, uuid_of(7))
    assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


@pytest.mark.parametrize("call", [suspend, resume, reset])
def test_libvirts_refusal_comes_through(conn: Any, call: Any) -> None:
    with pytest.raises(libvirt.libvirtError, match=r"not (running|paused)"):
        call(conn, VM)


class Stubborn:
    """A connection to an instance whose process is stuck in the kernel, as libvirt reports one."""

    def lookupByUUIDString(self, _uuid: str) -> Stubborn:  # noqa: N802
        return self

    def destroyFlags(self, _flags: int) -> None:  # noqa: N802
        error = libvirt.libvirtError("failed to kill process 7 with SIGKILL")
        error.err = (libvirt.VIR_ERR_SYSTEM_ERROR, 10, "failed to kill", 2, "", "", "", 16, -1)
        raise error


def test_a_process_stuck_in_the_kernel_has_a_cure() -> None:
    with pytest.raises(HypervisorError, match="stuck in the kernel") as caught:
        stop(Stubborn(), VM)
    assert "storage" in caught.value.hint


class Sleeping:
    """A connection to an instance that sleeps, which the test driver cannot make one do."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def lookupByUUIDString(self, _uuid: str) -> Sleeping:  # noqa: N802
        return self

    def state(self) -> list[int]:
        return [7, 0]

    def pMWakeup(self, _flags: int) -> None:  # noqa: N802
        self.calls.append("wakeup")


def test_resuming_a_sleeping_guest_wakes_it() -> None:
    conn = Sleeping()
    resume(conn, VM)
    assert conn.calls == ["wakeup"]
