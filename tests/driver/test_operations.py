"""Every power verb on libvirt's test driver, through the fleet: real calls, real events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from core.engine.executor import Executor
from core.engine.handle import Handle
from core.errors import (
    OperationFailedError,
    OutcomeUnknownError,
    ReadOnlyError,
    RefusedError,
)
from core.fleet import Fleet
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.options import LinkOptions
from core.journal.ledger import Ledger
from core.model import Instance, InstanceState, LinkStatus, ObjectKey, OperationStatus
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.snapshot.create import SnapshotCreate
from core.verbs.wording import summary
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.patience import PATIENCE

QUICK = LinkOptions(
    keepalive_interval=1,
    keepalive_count=2,
    connect_timeout=1.0,
    statistics_interval=0.2,
    sweep_interval=0,
    backoff_first=0.02,
    backoff_limit_local=0.2,
)
S = InstanceState


@asynccontextmanager
async def opened(
    daemon: PrivateDaemon, tmp_path: Path, *, read_only: bool = False
) -> AsyncIterator[Fleet]:
    fleet = Fleet.open(
        [f"alpha={daemon.uri}"],
        read_only=read_only,
        options=QUICK,
        journal=tmp_path / "journal.sqlite3",
    )
    async with fleet:
        assert await fleet.ready(10.0 * PATIENCE)
        yield fleet


@pytest.fixture
async def fleet(daemon: PrivateDaemon, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(daemon, tmp_path) as made:
        yield made


def named(fleet: Fleet, name: str) -> Instance:
    return next(each for each in fleet.state.instances.values() if each.name == name)


async def test_a_step_that_sent_something_says_how_virsh_would(tmp_path: Path) -> None:
    async with Fleet.open(["t=test:///default"], journal=tmp_path / "j.db") as fleet:
        assert await fleet.ready(10 * PATIENCE)
        vm = next(iter(fleet.state.instances))
        record = await (await fleet.submit(Pause(vm)))
        sent, end = record.steps
        assert (sent.call, sent.virsh) == ("suspend", "virsh -c test:///default suspend test")
        assert sent.took is not None
        assert (sent.error, end.call, end.virsh) == ("", "", "")


async def test_the_whole_life_of_an_instance(fleet: Fleet, daemon: PrivateDaemon) -> None:
    vm = named(fleet, "vm0001").key
    life = [
        (Start(vm), S.RUNNING),
        (Pause(vm), S.PAUSED),
        (Resume(vm), S.RUNNING),
        (Shutdown(vm), S.SHUTOFF),
        (Start(vm), S.RUNNING),
        (Stop(vm), S.SHUTOFF),
    ]
    domain = daemon.keeper.lookupByName("vm0001")
    for request, state in life:
        record = await (await fleet.submit(request))
        assert record.status is OperationStatus.DONE, record
        assert fleet.state.instances[vm].state is state
        assert bool(domain.isActive()) == state.active
    assert [each.verb for each in fleet.state.operations.values()] == [
        request.verb for request, _ in life
    ]


@pytest.mark.parametrize("kind", [Reboot, Reset])
async def test_what_the_test_driver_does_not_confirm_is_not_claimed(
    fleet: Fleet, kind: type[Reboot] | type[Reset]
) -> None:
    record = await (await fleet.submit(kind(named(fleet, "test").key)))
    assert record.status is OperationStatus.DONE
    assert "the test driver confirms nothing" in record.outcome


async def test_libvirts_own_refusal_is_told_with_its_words(
    fleet: Fleet, daemon: PrivateDaemon
) -> None:
    vm = named(fleet, "vm0001")
    operation = await fleet.submit(Start(vm.key))
    daemon.keeper.lookupByName("vm0001").undefine()  # before the runner's task had its turn
    with pytest.raises(OperationFailedError, match="start of vm0001 failed"):
        await operation


async def test_whatever_breaks_before_the_first_call_ends_the_operation(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("no such module")

    monkeypatch.setattr(Executor, "look", broken)
    operation = await fleet.submit(SnapshotCreate(named(fleet, "vm0001").key, name="one"))
    with pytest.raises(OperationFailedError, match="nothing was sent: virtdeck itself failed"):
        await operation
    assert operation.record.status is OperationStatus.FAILED
    assert "no such module" in caplog.text


async def test_another_was_faster_and_nobody_pretends_otherwise(
    fleet: Fleet, daemon: PrivateDaemon
) -> None:
    operation = await fleet.submit(Start(named(fleet, "vm0001").key))
    daemon.keeper.lookupByName("vm0001").create()
    record = await operation
    assert record.status is OperationStatus.DONE
    assert record.outcome == "vm0001 is running, though not by this operation"


async def test_many_at_once_and_their_summary(tmp_path: Path) -> None:
    with PrivateDaemon(instances=40) as big:
        async with opened(big, tmp_path) as fleet:
            keys = [key for key, each in fleet.state.instances.items() if each.name != "test"]
            operations = [await fleet.submit(Start(key)) for key in keys]
            records = await asyncio.gather(*operations)
            assert summary(records) == "40 done"
            assert all(each.state is S.RUNNING for each in fleet.state.instances.values())
            journal = Ledger.open(tmp_path / "journal.sqlite3")
            assert [each.record for each in journal.recent(100)] == sorted(
                records, key=lambda record: record.id
            )
            journal.close()


async def test_a_read_only_fleet_refuses_and_keeps_nothing(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    async with opened(daemon, tmp_path, read_only=True) as fleet:
        vm = named(fleet, "vm0001").key
        assert "read-only" in str(fleet.check(Start(vm))[0])
        with pytest.raises(ReadOnlyError):
            await fleet.submit(Start(vm))
        assert not fleet.state.operations


TRIES = 3
"""A reading of the console's own may have the lane, or open one: then it is tried once more."""


async def started_on_what_hangs(fleet: Fleet, daemon: PrivateDaemon, vm: ObjectKey) -> Handle:
    """Have a start sent to a daemon that is frozen; it stays so."""
    for _ in range(TRIES):
        await until(lambda: not fleet.check(Start(vm)))
        await fleet.detail(vm)  # leaves an open lane behind: the call is sent, and not answered
        daemon.stop()
        operation = await fleet.submit(Start(vm))
        try:
            with pytest.raises(OutcomeUnknownError, match="is not known") as caught:
                await asyncio.wait_for(operation, 15 * PATIENCE)
        except OperationFailedError:
            daemon.resume()
        else:
            assert caught.value.hint
            return operation
    raise AssertionError("nothing was sent")


async def test_a_host_that_hangs_leaves_the_outcome_unknown_until_it_is_back(
    fleet: Fleet, daemon: PrivateDaemon
) -> None:
    vm = named(fleet, "vm0001").key
    await until(lambda: fleet.state.instances[vm].described)
    try:
        operation = await started_on_what_hangs(fleet, daemon, vm)
        await until(lambda: fleet.state.hosts["alpha"].link.status is not LinkStatus.UP)
        assert "not reachable" in str(fleet.check(Start(vm))[0])
    finally:
        daemon.resume()
    # Whether the daemon carries out what it was sent before it hung is a race; both are settled.
    with suppress(libvirt.libvirtError):
        daemon.keeper.lookupByName("vm0001").create()
    await until(lambda: operation.record.status is OperationStatus.DONE)
    assert "seen later" in operation.record.outcome
    assert fleet.state.instances[vm].state is S.RUNNING


async def test_what_a_hanging_host_was_never_sent_has_failed_and_says_so(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    for nth in range(TRIES):
        directory = tmp_path / str(nth)
        directory.mkdir()
        async with opened(daemon, directory) as fleet:
            vm = named(fleet, f"vm{nth + 1:04}").key
            await until(lambda: fleet.state.instances[vm].described)  # noqa: B023
            hint = None
            daemon.stop()  # before any lane is open
            try:
                operation = await fleet.submit(Start(vm))
                await asyncio.wait_for(operation, 15 * PATIENCE)
            except OperationFailedError as failed:
                hint = failed.hint
            except OutcomeUnknownError:
                continue
            finally:
                daemon.resume()
            assert hint
            return
    raise AssertionError("it was sent each time")


async def test_an_operation_on_a_host_that_is_down_is_refused_with_the_cause(
    fleet: Fleet, daemon: PrivateDaemon
) -> None:
    vm = named(fleet, "vm0001").key
    daemon.kill()
    await until(lambda: fleet.state.hosts["alpha"].link.status is not LinkStatus.UP)
    with pytest.raises(RefusedError, match="alpha is not reachable"):
        await fleet.submit(Start(vm))


async def test_an_unknown_host_is_refused(fleet: Fleet) -> None:
    with pytest.raises(RefusedError, match="no host gamma"):
        await fleet.submit(Start(ObjectKey("instance", "gamma", "x")))


async def test_the_next_console_sees_what_this_one_did(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    async with opened(daemon, tmp_path) as fleet:
        await (await fleet.submit(Start(named(fleet, "vm0001").key)))
        before = dict(fleet.state.operations)
    async with opened(daemon, tmp_path) as fleet:
        assert dict(fleet.state.operations) == before
