"""Every verb that libvirt's test driver can carry out, from the request to what shows then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.fleet_between import BETWEEN
from core.hypervisor.calls.table import CALL_FUNCTIONS, make
from core.hypervisor.connection.binding import libvirt
from core.model import ObjectKey, OperationStatus, PoolState, State
from core.verbs.danger import danger
from core.verbs.preview import planned, virsh_line
from core.verbs.registry import VERBS
from core.verbs.screenshot import ScreenshotCall
from tests.driver.watching import until
from tests.driver.worlds import instance_xml, open_world, uuid_of
from tests.patience import PATIENCE

VM, POOL, NETWORK = "instance", "pool", "network"


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "j.db") as found:
        assert await found.ready(10 * PATIENCE)
        await until(lambda: bool(found.state.pools and found.state.networks))
        await until(lambda: all(row.described for row in found.state.instances.values()))
        yield found


def key_of(state: State, kind: str) -> ObjectKey:
    tables: dict[str, Any] = {VM: state.instances, POOL: state.pools, NETWORK: state.networks}
    return next(iter(tables[kind]))


async def carry_out(fleet: Fleet, verb: str, kind: str = VM, **options: Any) -> str:
    request = VERBS[verb].request(subject=key_of(fleet.state, kind), **options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE
    assert record.doing == VERBS[verb].doing
    return record.outcome


def test_every_call_can_be_made_and_every_function_has_a_verb() -> None:
    assert {call for verb in VERBS.values() for call in verb.calls} == {
        *CALL_FUNCTIONS,
        *BETWEEN,
    }


async def test_keys_and_interrupts_reach_the_guest(fleet: Fleet) -> None:
    assert await carry_out(fleet, "nmi") == "test was sent the interrupt"
    assert "alt+sysrq+s was pressed" in await carry_out(fleet, "send-key", keys="alt+sysrq+s")
    request = VERBS["send-key"].request(subject=key_of(fleet.state, VM), keys="ctrl+wombat")
    with pytest.raises(RefusedError, match="no key called 'wombat'"):
        await fleet.submit(request)


async def test_texts_and_autostart_are_set_and_seen(fleet: Fleet) -> None:
    vm = key_of(fleet.state, VM)
    await carry_out(fleet, "title", text="the web server")
    await carry_out(fleet, "description", text="two\nlines")
    await carry_out(fleet, "autostart")
    row = fleet.state.instances[vm]
    assert (row.title, row.description, row.autostart) == ("the web server", "two\nlines", True)
    await carry_out(fleet, "title", text="")
    await carry_out(fleet, "autostart", off=True)
    row = fleet.state.instances[vm]
    assert (row.title, row.autostart) == ("", False)


async def test_an_instance_that_is_off_is_renamed(fleet: Fleet) -> None:
    vm = key_of(fleet.state, VM)
    request = VERBS["rename"].request(subject=vm, to="neu")
    (reason,) = fleet.check(request)
    assert str(reason) == "test is on: shut it down first."
    await carry_out(fleet, "stop")
    await carry_out(fleet, "rename", to="neu")
    assert fleet.state.instances[vm].name == "neu"
    (reason,) = fleet.check(request)
    assert "has an instance called neu" in str(reason)


async def test_the_maximum_of_vcpus_is_put_back_where_the_number_is_refused(fleet: Fleet) -> None:
    vm = key_of(fleet.state, VM)
    await carry_out(fleet, "set-vcpus", count=3, maximum=4, when="next-start")
    await until(lambda: fleet.state.instances[vm].vcpus_maximum > 0)
    request = VERBS["set-vcpus"].request(subject=vm, count=9, maximum=9, when="now")
    with pytest.raises((OperationFailedError, RefusedError)):
        await (await fleet.submit(request))


async def test_pools_are_stopped_started_refreshed_and_marked(fleet: Fleet) -> None:
    pool = key_of(fleet.state, POOL)
    await carry_out(fleet, "pool-refresh", POOL)
    await carry_out(fleet, "pool-stop", POOL)
    await until(lambda: fleet.state.pools[pool].state is PoolState.INACTIVE)
    (reason,) = fleet.check(VERBS["pool-refresh"].request(subject=pool))
    assert "is not active: start it first." in str(reason)
    await carry_out(fleet, "pool-start", POOL)
    await carry_out(fleet, "pool-autostart", POOL)
    await until(lambda: fleet.state.pools[pool].autostart)
    assert fleet.state.pools[pool].state is PoolState.ACTIVE


async def test_networks_are_stopped_started_and_marked(fleet: Fleet) -> None:
    network = key_of(fleet.state, NETWORK)
    await carry_out(fleet, "network-stop", NETWORK)
    assert not fleet.state.networks[network].active
    await carry_out(fleet, "network-start", NETWORK)
    await carry_out(fleet, "network-autostart", NETWORK)
    row = fleet.state.networks[network]
    assert (row.active, row.autostart) == (True, True)


async def test_stopping_a_network_names_who_is_on_it(fleet: Fleet) -> None:
    asked = danger(fleet.state, VERBS["network-stop"].request(subject=key_of(fleet.state, NETWORK)))
    assert asked.text.startswith("Stops the network default on t: instances on it lose")


async def test_the_subject_of_a_pool_operation_is_the_pool(fleet: Fleet) -> None:
    await carry_out(fleet, "pool-refresh", POOL)
    (record,) = fleet.state.operations.values()
    assert (record.subject.kind, record.name) == ("pool", "default-pool")
    missing = VERBS["pool-start"].request(subject=ObjectKey("pool", "t", "nowhere"))
    (reason,) = fleet.check(missing)
    assert str(reason) == "t has no such pool now: see `virtdeck pools`."


@pytest.mark.parametrize(
    ("verb", "kind", "options", "line"),
    [
        ("nmi", VM, {}, "inject-nmi test"),
        ("title", VM, {"text": "a b"}, "desc test --live --config --title --new-desc 'a b'"),
        ("pool-stop", POOL, {}, "pool-destroy default-pool"),
        ("network-autostart", NETWORK, {"off": True}, "net-autostart default --disable"),
        ("shutdown", VM, {}, "shutdown test"),
        ("set-memory", VM, {"size": 512, "when": "now"}, "setmem test 512MiB --live"),
    ],
)
async def test_a_preview_says_what_virsh_would_do(
    fleet: Fleet, verb: str, kind: str, options: dict[str, Any], line: str
) -> None:
    key = key_of(fleet.state, kind)
    names: dict[str, Callable[[], str]] = {
        VM: lambda: fleet.state.instances[key].name,
        POOL: lambda: fleet.state.pools[key].name,
        NETWORK: lambda: fleet.state.networks[key].name,
    }
    (send,) = planned(fleet.state, VERBS[verb].request(subject=key, **options))
    assert virsh_line("test:///default", names[kind](), key, send.call) == (
        f"virsh -c test:///default {line}"
    )
    assert not fleet.state.operations


async def test_a_picture_is_written_to_a_new_file_only(fleet: Fleet, tmp_path: Path) -> None:
    vm, file = key_of(fleet.state, VM), tmp_path / "shown.png"
    assert await carry_out(fleet, "screenshot", to=str(file)) == f"what test shows is in {file}"
    assert file.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OperationFailedError, match="exists already"):
        await (await fleet.submit(VERBS["screenshot"].request(subject=vm, to=str(file))))
    nowhere = tmp_path / "no" / "such"
    with pytest.raises(OperationFailedError, match="cannot be written: No such file"):
        await (await fleet.submit(VERBS["screenshot"].request(subject=vm, to=str(nowhere))))


def test_of_a_picture_that_fails_nothing_is_left(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.createXML(instance_xml(1), 0)
    file = tmp_path / "shown.png"
    missing = ObjectKey("instance", "t", uuid_of(7))
    with pytest.raises(libvirt.libvirtError):
        make(conn, missing, ScreenshotCall(str(file), 0))
    assert not file.exists()
    make(conn, ObjectKey("instance", "t", uuid_of(1)), ScreenshotCall(str(file), 0))
    assert file.stat().st_size > 0


async def test_the_number_of_vcpus_changes_what_runs_also_where_the_maximum_is_raised(
    fleet: Fleet,
) -> None:
    vm = key_of(fleet.state, VM)
    await until(lambda: fleet.state.instances[vm].vcpus_maximum > 0)
    request = VERBS["set-vcpus"].request(subject=vm, count=1, maximum=4)
    record = await (await fleet.submit(request))
    assert record.outcome == "test has 1 vCPU"
    assert [step.virsh for step in record.steps if step.call] == [
        "virsh -c test:///default setvcpus test 4 --config --maximum",
        "virsh -c test:///default setvcpus test 1 --live --config",
    ]
    now = VERBS["set-vcpus"].request(subject=vm, count=1, maximum=8, when="now")
    assert any("leave out --when now" in str(reason) for reason in fleet.check(now))


@pytest.mark.parametrize(
    ("defined", "done"), [(8, True), (2, False)], ids=["it may have more", "it may have less"]
)
async def test_the_next_start_has_what_its_definition_may_have(
    fleet: Fleet, defined: int, done: bool
) -> None:
    vm = key_of(fleet.state, VM)
    await until(lambda: fleet.state.instances[vm].vcpus_maximum > 0)
    running = fleet.state.instances[vm].vcpus_maximum
    await carry_out(fleet, "set-vcpus", count=1, maximum=defined, when="next-start")
    await fleet.read(vm)
    assert fleet.state.instances[vm].vcpus_maximum == running, "what runs may have what it had"
    count = 3
    request = VERBS["set-vcpus"].request(subject=vm, count=count, when="next-start")
    assert fleet.check(request) == ()
    operation = await fleet.submit(request)
    if done:
        assert (await operation).outcome == "test has 3 vCPUs from its next start on"
        return
    with pytest.raises(
        RefusedError, match="may have 2 vCPUs from its next start on, not 3"
    ) as told:
        await operation
    assert "give it a larger maximum as well" in str(told.value)
    assert not [step for step in operation.record.steps if step.call], "nothing was sent"
