"""The power calls on libvirt's test driver; tests/lab/test_events.py has them on real guests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import HypervisorError
from core.fleet_between import BETWEEN
from core.hypervisor.calls.power import instance_state, reset, resume, start, stop, suspend
from core.hypervisor.calls.table import CALL_FUNCTIONS, make
from core.hypervisor.connection.binding import libvirt
from core.model import InstanceState, ObjectKey
from core.verbs.call import Call
from core.verbs.power.calls import WITHOUT_ARGUMENTS, WakeupCall
from core.verbs.registry import VERBS
from tests.driver.worlds import instance_xml, open_world, uuid_of

VM = uuid_of(1)
KEY = ObjectKey("instance", "alpha", VM)


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
    kinds = {call for verb in VERBS.values() for call in verb.calls}
    assert kinds == {*CALL_FUNCTIONS, *BETWEEN}


def test_the_states_the_calls_leave(conn: Any) -> None:
    seen = [state(conn)]
    for word in ("create", "suspend", "resume", "reboot", "shutdown", "create", "destroy"):
        make(conn, KEY, WITHOUT_ARGUMENTS[word])
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


@pytest.mark.parametrize("call", WITHOUT_ARGUMENTS.values(), ids=WITHOUT_ARGUMENTS)
def test_what_does_not_exist_is_an_error_even_to_stop(conn: Any, call: Call) -> None:
    with pytest.raises(libvirt.libvirtError) as caught:
        make(conn, ObjectKey("instance", "alpha", uuid_of(7)), call)
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

    def pMWakeup(self, _flags: int) -> None:  # noqa: N802
        self.calls.append("wakeup")


def test_a_sleeping_guest_is_woken() -> None:
    conn = Sleeping()
    make(conn, KEY, WakeupCall())
    assert conn.calls == ["wakeup"]
