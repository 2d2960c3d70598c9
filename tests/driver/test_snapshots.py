"""Snapshots, from libvirt's test driver to the state and to a verb; and subjects of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core.fleet import Fleet
from core.fleet_hosts import FleetHosts
from core.hypervisor.calls import table
from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.observe.snapshots import list_snapshots, read_snapshots_of
from core.journal.record import Recorder
from core.journal.replay import Replay
from core.model import (
    Instance,
    Network,
    ObjectKey,
    OperationStatus,
    Pool,
    Request,
    Snapshot,
    Volume,
)
from core.state.subject import subject_of
from core.verbs.call import Call
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb
from tests.declared import declared
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import VOLUME, instance_xml, open_world, uuid_of
from tests.patience import PATIENCE

SNAPSHOT = "<domainsnapshot><name>{}</name></domainsnapshot>"


@pytest.fixture
def other() -> Any:
    """Somebody else's connection to the test driver that the fleet is on.

    The next test meets the same world where a connection to it is still being closed.
    """
    event_loop.ensure_running()
    conn = libvirt.open("test:///default")
    pool = conn.storagePoolLookupByName("default-pool")
    volume = pool.createXML(VOLUME.format(name="a.qcow2"))
    yield conn
    volume.delete()
    conn.close()


@pytest.fixture
async def fleet(other: Any, tmp_path: Path) -> AsyncIterator[Fleet]:
    del other  # opened before and closed after it
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "j.db") as found:
        assert await found.ready(10 * PATIENCE)
        await until(lambda: bool(found.state.volumes and found.state.networks))
        await until(lambda: all(row.described for row in found.state.instances.values()))
        yield found


@pytest.fixture
def guest(other: Any) -> Any:
    """The driver's own instance; without its snapshots afterwards: the next test has it again."""
    domain = other.lookupByName("test")
    yield domain
    for snapshot in domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS):
        snapshot.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN)


def names(fleet: Fleet, vm: ObjectKey) -> list[str] | None:
    known = fleet.state.snapshots.get(vm)
    return None if known is None else [one.name for one in known]


def current(fleet: Fleet, vm: ObjectKey) -> list[str]:
    return [one.name for one in fleet.state.snapshots[vm] if one.current]


def vm_of(guest: Any) -> ObjectKey:
    return ObjectKey("instance", "t", guest.UUIDString())


def test_they_are_read_with_parent_state_and_which_is_current(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    domain = conn.defineXML(instance_xml(1))
    assert read_snapshots_of(conn, "alpha", uuid_of(1)) == ()
    domain.snapshotCreateXML(SNAPSHOT.format("off"), 0)
    domain.create()
    domain.snapshotCreateXML(SNAPSHOT.format("on"), 0)
    read = read_snapshots_of(conn, "alpha", uuid_of(1))
    assert read is not None
    off, on = read
    assert (off.name, off.state, off.parent, off.current) == ("off", "shutoff", "", False)
    assert (on.name, on.state, on.parent, on.current) == ("on", "running", "off", True)
    assert on.key == ObjectKey("snapshot", "alpha", f"{uuid_of(1)}/on")
    assert on.created is not None
    assert not on.disk_only
    domain.snapshotLookupByName("on").delete(0)
    domain.snapshotLookupByName("off").delete(0)
    assert list_snapshots(domain, "alpha") == ()
    assert read_snapshots_of(conn, "alpha", uuid_of(999)) is None


def test_none_of_them_is_current_after_the_current_root_is_gone(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    domain = conn.defineXML(instance_xml(1))
    redefine = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
    told = f"<name>a</name><creationTime>1</creationTime><state>shutoff</state>{domain.XMLDesc(0)}"
    domain.snapshotCreateXML(f"<domainsnapshot>{told}</domainsnapshot>", redefine)
    (only,) = list_snapshots(domain, "alpha")
    assert not only.current


async def test_nobody_pays_for_them_who_does_not_look(fleet: Fleet, guest: Any) -> None:
    guest.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    vm = vm_of(guest)
    assert names(fleet, vm) is None
    await fleet.detail(vm)
    assert names(fleet, vm) == ["one"]


async def test_an_event_that_may_have_changed_them_has_them_read_again(
    fleet: Fleet, guest: Any
) -> None:
    vm = vm_of(guest)
    first = guest.snapshotCreateXML(SNAPSHOT.format("first"), 0)
    guest.snapshotCreateXML(SNAPSHOT.format("second"), 0)
    await fleet.detail(vm)
    assert current(fleet, vm) == ["second"]
    guest.destroy()
    guest.revertToSnapshot(first)  # it runs again: STARTED, FROM_SNAPSHOT
    await until(lambda: current(fleet, vm) == ["first"])


async def test_they_go_with_their_instance(fleet: Fleet, other: Any) -> None:
    domain = other.createXML(instance_xml(7), 0)
    vm = ObjectKey("instance", "t", domain.UUIDString())
    await until(lambda: vm in fleet.state.instances)
    domain.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    await fleet.detail(vm)
    snapshot = ObjectKey("snapshot", "t", f"{vm.id}/one")
    assert subject_of(fleet.state, snapshot) is not None
    domain.destroy()
    await until(lambda: vm not in fleet.state.instances)
    assert vm not in fleet.state.snapshots
    assert subject_of(fleet.state, snapshot) is None


class Note(Request, frozen=True):
    """A verb about a snapshot."""

    verb: ClassVar[str] = "note"


class Forget(Request, frozen=True):
    """A verb about an instance that looks at its snapshots."""

    verb: ClassVar[str] = "forget"


class ForgetCall(Call, frozen=True):
    """virDomainSnapshotDelete of all."""


def forget(conn: Connection, subject: ObjectKey, call: ForgetCall) -> None:
    del call
    domain = conn.lookupByUUIDString(subject.id.partition("/")[0])
    for one in domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS):
        one.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN)


def steps_of(seen: list[Situation]) -> Any:
    def steps(now: Situation) -> list[Step]:
        seen.append(now)
        return [Step(ForgetCall(), f"forgetting {now.name}", lambda then: then.snapshots == ())]

    return steps


def verb(request: type[Request], seen: list[Situation], **more: Any) -> Verb:
    steps = steps_of(seen)
    return Verb(
        request,
        *("Forget", "Forget them.", "forgetting", "snapshots"),
        decide=sequence(steps, lambda now: f"{now.name}: forgotten"),
        steps=steps,
        calls=(ForgetCall,),
        **more,
    )


async def test_a_verb_sees_them_before_it_begins_and_after_its_call(
    fleet: Fleet, guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "CALL_FUNCTIONS", {**table.CALL_FUNCTIONS, ForgetCall: forget})
    guest.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    vm, seen = vm_of(guest), list[Situation]()
    with declared(verb(Forget, seen, looks_at=frozenset({"snapshots", "block-jobs"}))):
        record = await (await fleet.submit(Forget(vm)))
    assert record.status is OperationStatus.DONE
    assert [one.name for one in seen[0].snapshots or ()] == ["one"]
    assert seen[-1].snapshots == ()
    assert names(fleet, vm) == []


async def test_a_snapshot_is_the_subject_of_a_verb(
    fleet: Fleet, guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "CALL_FUNCTIONS", {**table.CALL_FUNCTIONS, ForgetCall: forget})
    guest.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    vm, seen = vm_of(guest), list[Situation]()
    await fleet.detail(vm)
    key = fleet.state.snapshots[vm][0].key
    with declared(verb(Note, seen, subject="snapshot", looks_at=frozenset({"snapshots"}))):
        (reason,) = fleet.check(Note(ObjectKey("snapshot", "t", f"{vm.id}/none")))
        assert str(reason) == "t has no such snapshot now: see `virtdeck show INSTANCE`."
        assert fleet.check(Note(key)) == ()
        record = await (await fleet.submit(Note(key)))
        assert (record.status, record.name) == (OperationStatus.DONE, "test/one")
        assert fleet.check(Note(key)), "it is gone"
    assert isinstance(seen[0].subject, Snapshot)
    assert seen[0].instance == fleet.state.instances[vm]
    assert seen[-1].subject is None


async def test_every_kind_of_subject_is_read_by_its_key(fleet: Fleet, guest: Any) -> None:
    guest.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    vm, state = vm_of(guest), fleet.state
    hosts = FleetHosts(fleet._hosts, fleet._kept)
    kinds = {
        vm: Instance,
        next(iter(state.pools)): Pool,
        next(iter(state.volumes)): Volume,
        next(iter(state.networks)): Network,
        ObjectKey("snapshot", "t", f"{vm.id}/one"): Snapshot,
    }
    for key, kind in kinds.items():
        read = await hosts.read(key)
        assert isinstance(read, kind), key
        assert read.key == key
        assert subject_of(fleet.state, key) is not None
    for key in kinds:
        head, _, name = key.id.rpartition("/")
        nobody = f"{head}/no-{name}" if head else uuid_of(999)
        assert await hosts.read(key._replace(id=nobody)) is None, key


async def test_a_tape_has_them(fleet: Fleet, guest: Any, tmp_path: Path) -> None:
    guest.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    vm = vm_of(guest)
    await fleet.links.refresh()
    recorder = Recorder(tmp_path / "a.tape", ["t"], virtdeck="1")
    fleet.tap = recorder.write
    await fleet.links.refresh()
    await fleet.detail(vm)
    guest.snapshotCreateXML(SNAPSHOT.format("two"), 0)
    await fleet._hosts["t"].looks.snapshots(vm.id)
    fleet.tap = None
    recorder.close()
    replay = Replay.at(tmp_path / "a.tape", 1e9)
    assert [one.name for one in replay.state.snapshots[vm]] == ["one", "two"]
    assert replay.state.snapshots == fleet.state.snapshots
    replay.close()


def test_the_command_line_shows_them_and_finds_one_by_its_instance(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    domain = daemon.keeper.lookupByName("vm0001")
    for name in ("one", "two"):
        domain.snapshotCreateXML(SNAPSHOT.format(name), 0)
    on = ("-c", f"alpha={daemon.uri}", "show")
    (told,) = virtdeck(*on, "vm0001", "--json").rows
    snapshots = told["detail"]["snapshots"]
    assert [(one["name"], one["parent"], one["current"]) for one in snapshots] == [
        ("one", "", False),
        ("two", "one", True),
    ]
    for word in ("vm0001/two", "alpha/vm0001/two", f"snapshot:{uuid_of(1)}/two"):
        (found,) = virtdeck(*on, word, "--json").rows
        assert (found["kind"], found["name"], found["current"]) == ("snapshot", "two", True)
    text = virtdeck(*on, "vm0001/one")
    assert text.out.startswith("snapshot one\n")
    assert "parent" not in text.out
    missing = virtdeck(*on, "vm0001/three")
    assert missing.status == 1
    assert "There is no object 'vm0001/three'" in missing.err
