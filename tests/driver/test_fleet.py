"""The fleet on libvirt's test driver: one source over several real libvirt connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import core
from core.errors import JournalError, NotFoundError, ReadOnlyError, RefusedError, UsageError
from core.fleet import Fleet, LinkOptions
from core.fleet_operations import FleetOperations
from core.journal.record import Recorder
from core.journal.replay import Replay
from core.model import Instance, InstanceState, LinkStatus, ObjectKey, OperationStatus
from core.state.store import Store
from core.verbs.power.requests import Pause, Start, Stop
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.watching import until
from tests.driver.worlds import open_world
from tests.patience import PATIENCE

QUICK = LinkOptions(
    connect_timeout=5, statistics_interval=0.2, keepalive_interval=1, keepalive_count=1
)
REFUSING = "gone=qemu+unix:///session?socket=/nowhere/libvirt-sock"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def key(host: str, number: int) -> ObjectKey:
    return ObjectKey("instance", host, uuid_of(number))


def named(fleet: Fleet, name: str) -> Instance:
    return next(item for item in fleet.state.instances.values() if item.name == name)


def is_missing(path: Path) -> bool:
    return not path.exists()


def described(fleet: Fleet) -> bool:
    return all(item.described for item in fleet.state.instances.values())


async def test_it_lists_every_host_and_says_which_one_failed(
    daemon: PrivateDaemon, journal: Path
) -> None:
    uris = [f"alpha={daemon.uri}", REFUSING]
    async with Fleet.open(uris, options=QUICK, journal=journal) as fleet:
        assert await fleet.ready(10 * PATIENCE)
        state = fleet.state
        assert fleet.links.names == tuple(state.hosts) == ("alpha", "gone")
        assert state.hosts["alpha"].link.status is LinkStatus.UP
        assert state.hosts["gone"].link.status is LinkStatus.DOWN
        assert "/nowhere/libvirt-sock" in state.hosts["gone"].link.error
        names = {item.name for item in state.instances.values()}
        assert names == {"test", "vm0001", "vm0002", "vm0003"}


async def test_hosts_are_opened_before_what_operations_need_is_loaded(
    daemon: PrivateDaemon, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    async def begin(self: FleetOperations, *_: object, **__: object) -> None:
        begun.extend(name for name, host in self._hosts.items() if host._link.lanes)

    monkeypatch.setattr(FleetOperations, "open", begin)
    uris = [f"alpha={daemon.uri}", REFUSING]
    async with Fleet.open(uris, options=QUICK, journal=journal):
        assert begun == ["alpha", "gone"]


async def test_a_hung_host_delays_neither_another_nor_the_leaving(
    daemons: Callable[..., PrivateDaemon], journal: Path
) -> None:
    alpha, beta = daemons(instances=1), daemons(instances=1)
    beta.stop()
    uris = [f"alpha={alpha.uri}", f"beta={beta.uri}"]
    options = LinkOptions(connect_timeout=60)
    async with Fleet.open(uris, options=options, journal=journal) as fleet:
        await until(lambda: fleet.state.hosts["alpha"].link.status is LinkStatus.UP)
        assert not await fleet.ready(0.1)
        await (await fleet.submit(Start(subject=key("alpha", 1))))
        leaving = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - leaving < 20  # far from the 60 s of the hung one
    beta.resume()


async def test_what_is_done_from_outside_reaches_every_reader_as_a_delta(
    daemon: PrivateDaemon, journal: Path
) -> None:
    async with Fleet.open([f"alpha={daemon.uri}"], options=QUICK, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        changes, idle = fleet.changes(), fleet.changes()
        daemon.keeper.lookupByName("vm0002").create()
        async with asyncio.timeout(10 * PATIENCE):
            async for delta in changes:
                if key("alpha", 2) in delta.changed:
                    break
        await until(lambda: fleet.state.instances[key("alpha", 2)].state is InstanceState.RUNNING)
        assert key("alpha", 2) in (await anext(idle)).changed
    async with asyncio.timeout(10 * PATIENCE):
        async for _ in changes:  # ends with the fleet
            pass


async def test_an_operation_runs_is_verified_and_kept(daemon: PrivateDaemon, journal: Path) -> None:
    async with Fleet.open([f"alpha={daemon.uri}"], options=QUICK, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        operation = await fleet.submit(Start(subject=key("alpha", 1)))
        statuses = [record.status async for record in operation]
        assert statuses[0] is OperationStatus.QUEUED
        assert statuses[-1] is OperationStatus.DONE
        assert (await operation).outcome == "vm0001 is running"
        assert daemon.keeper.lookupByName("vm0001").isActive()
        assert fleet.state.operations[operation.id].status is OperationStatus.DONE
        (reason,) = fleet.check(Start(subject=key("alpha", 1)))
        assert str(reason) == "vm0001 is already running: reboot restarts it."
        with pytest.raises(RefusedError, match="already running"):
            await fleet.submit(Start(subject=key("alpha", 1)))
        await (await fleet.submit(Pause(subject=key("alpha", 1))))
        await (await fleet.submit(Stop(subject=key("alpha", 1))))
        assert not daemon.keeper.lookupByName("vm0001").isActive()
        with pytest.raises(RefusedError):
            await fleet.cancel(operation.id)
    async with Fleet.open([f"alpha={daemon.uri}"], options=QUICK, journal=journal) as fleet:
        assert fleet.state.operations[operation.id].status is OperationStatus.DONE


async def test_read_only_refuses_every_write(daemon: PrivateDaemon, journal: Path) -> None:
    uris = [f"alpha={daemon.uri}"]
    async with Fleet.open(uris, read_only=True, options=QUICK, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        assert fleet.read_only
        with pytest.raises(ReadOnlyError, match="read-only"):
            await fleet.submit(Start(subject=key("alpha", 1)))
        assert not daemon.keeper.lookupByName("vm0001").isActive()


async def test_without_operations_it_only_looks(daemon: PrivateDaemon, journal: Path) -> None:
    async with Fleet.open([daemon.uri], journal=journal, operations=False) as fleet:
        await fleet.ready(10 * PATIENCE)
        with pytest.raises(ReadOnlyError, match="look only"):
            await fleet.submit(Start(subject=key("alpha", 1)))
    assert is_missing(journal)


async def test_a_journal_that_cannot_be_used_leaves_a_console_that_looks(tmp_path: Path) -> None:
    broken = tmp_path / "journal.db"
    broken.mkdir()
    with pytest.raises(JournalError, match="is a directory"):
        async with Fleet.open(["test:///default"], options=QUICK, journal=broken):
            pass
    uris = ["test:///default"]
    async with Fleet.open(uris, options=QUICK, journal=broken, tolerant=True) as fleet:
        assert await fleet.ready(10 * PATIENCE)
        assert fleet.read_only
        (notice,) = fleet.notices
        assert "is a directory" in notice
        request = Start(next(iter(fleet.state.instances)))
        assert [str(reason) for reason in fleet.check(request)] == [notice]
        with pytest.raises(ReadOnlyError, match="is a directory"):
            await fleet.submit(request)


async def test_details_are_read_when_asked_for(daemon: PrivateDaemon, journal: Path) -> None:
    async with Fleet.open([f"alpha={daemon.uri}"], options=QUICK, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        assert "<name>vm0001</name>" in (await fleet.detail(key("alpha", 1))).xml
        read = await fleet.read(key("alpha", 1))
        assert read is not None
        assert read.described
        with pytest.raises(NotFoundError):
            await fleet.detail(key("alpha", 999))
        with pytest.raises(NotFoundError, match="no host"):
            await fleet.detail(key("beta", 1))
        assert await fleet.read(key("alpha", 999)) is None


async def test_a_host_that_died_is_back_when_asked_to_reconnect(
    daemon: PrivateDaemon, journal: Path
) -> None:
    options = LinkOptions(backoff_first=60, backoff_limit_local=60)
    async with Fleet.open([f"alpha={daemon.uri}"], options=options, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        daemon.kill()
        await until(lambda: fleet.state.hosts["alpha"].link.status is LinkStatus.DOWN)
        assert named(fleet, "vm0001").host == "alpha"  # still there, and known to be old
        daemon.start()
        await fleet.links.reconnect("alpha")
        await until(lambda: fleet.state.hosts["alpha"].link.status is LinkStatus.UP)
        with pytest.raises(NotFoundError, match="no host 'beta'"):
            await fleet.links.reconnect("beta")


async def test_refreshing_lists_the_hosts_that_are_up(tmp_path: Path, journal: Path) -> None:
    world = open_world(tmp_path, instances=2)
    uri = world.getURI()
    async with Fleet.open([f"w={uri}", REFUSING], options=QUICK, journal=journal) as fleet:
        await fleet.ready(10 * PATIENCE)
        before = fleet.state.revision
        await fleet.links.refresh()
        assert fleet.state.revision > before
        assert len(fleet.state.instances) == 2
    world.close()


async def test_a_tap_gets_everything_and_a_tape_of_it_shows_the_same(
    daemon: PrivateDaemon, journal: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "a.tape.gz"
    recorder = Recorder(tape, ["alpha"], virtdeck="1")
    mirror = Store()
    fleet = Fleet.open([f"alpha={daemon.uri}"], options=QUICK, journal=journal)

    def tap(observation: core.model.Observation) -> None:
        recorder.write(observation)
        mirror.apply(observation)

    fleet.tap = tap
    async with fleet:
        await fleet.ready(10 * PATIENCE)
        await (await fleet.submit(Start(subject=key("alpha", 1))))
        await fleet.detail(key("alpha", 1))
        await until(lambda: described(fleet) and fleet.state.rates)
        fleet.tap = None
        state = mirror.state
    recorder.close()
    replay = Replay.at(tape, 1e9)
    for table in ("hosts", "instances", "rates", "pools", "networks", "operations", "alerts"):
        assert getattr(replay.state, table) == getattr(state, table)
    assert replay.state.instances[key("alpha", 1)].state is InstanceState.RUNNING
    assert "<name>vm0001</name>" in (await replay.detail(key("alpha", 1))).xml
    replay.close()


def test_bad_hosts_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match="no driver"):
        Fleet.open(["nonsense"])
    with pytest.raises(UsageError, match="No host"):
        Fleet.open([])
    with pytest.raises(UsageError, match="called a"):
        Fleet.open(["a=test:///default", "a=qemu:///system"])


def test_the_public_names_are_there() -> None:
    for name in core.__all__:
        assert getattr(core, name)
    assert set(core.__all__) <= set(dir(core))
    with pytest.raises(AttributeError, match="nothing"):
        _ = core.nothing
