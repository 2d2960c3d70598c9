"""Live migrations between two real hosts: those that arrive, those that are steered or aborted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core.errors import RefusedError
from core.fleet import Fleet
from core.lab import Lab, Wanted
from core.model import Answer, OperationStatus, Steer, SteerKind, Verdict
from core.state.event_text import describe, severity
from core.verbs.migration.requests import Migrate
from core.verbs.power.requests import Pause, Shutdown, Start
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, found, opened, other, passed, said, start, states, told, until
from tests.patience import PATIENCE

BUSY = Burner("busy", memory=96, writes=48, rate=30)
"""At 20 MiB/s it never converges."""


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture(scope="module")
def busy(lab: Lab) -> Iterator[str]:
    """A guest that writes all the time; the tests of this module send it to and fro."""
    yield burner.start(lab, "alpha", BUSY)
    burner.remove(lab, BUSY.name)


async def test_an_idle_guest_arrives_and_everything_is_verified(
    fleet: Fleet, lab: Lab, guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = guest("alpha", "mover")
    virsh("alpha", "autostart", name)
    key = await found(fleet, name)
    await fleet.read(key)  # autostart has no event
    moved = await start(fleet, name)
    record = await moved.ends()
    assert record.status is OperationStatus.DONE, told(moved.now)
    migration = await moved.reaches(M.COMPLETED)
    assert passed(migration), told(migration)
    assert {check.name for check in migration.checks} >= {
        "there", "gone", "uuid", "persistent", "autostart",
    }  # fmt: skip
    assert migration.result is not None
    assert migration.result.total is not None
    assert migration.progress == 1.0
    assert states(lab.hosts, name) == {"beta": "running"}
    assert "enable" in virsh("beta", "dominfo", name).split("Autostart:")[1]
    with pytest.raises(RefusedError, match="on beta already"):
        await fleet.submit(Migrate(await found(fleet, name), to="beta"))


async def test_a_paused_guest_arrives_paused(
    fleet: Fleet, lab: Lab, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "still")
    key = await found(fleet, name)
    await (await fleet.submit(Pause(key)))
    operation = await fleet.submit(Migrate(key, to="beta", post_copy="allow"))
    await operation
    migration = fleet.state.migrations[operation.id]
    assert passed(migration), told(migration)
    assert migration.post_copy == "never"  # libvirt refuses post-copy of a paused guest
    assert states(lab.hosts, name) == {"beta": "paused"}


async def test_a_busy_guest_converges_within_the_limit(fleet: Fleet, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=200, auto_converge=False)
    migration = await moved.reaches(M.COMPLETED)
    assert passed(migration), told(migration)
    assert migration.result is not None
    assert migration.result.downtime is not None
    # What QEMU was allowed: what it then took is a matter of how busy the machine is.
    assert migration.limits.max_downtime is not None
    assert migration.limits.max_downtime <= 500, told(migration)


async def test_a_verdict_then_a_raised_downtime_finishes_it(fleet: Fleet, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=20, policy="manual", max_downtime=200)
    await moved.passes(3)
    await until(
        lambda: moved.now.forecast is not None and moved.now.forecast.verdict is Verdict.NOT,
        "the verdict",
    )
    forecast = moved.now.forecast
    assert forecast is not None
    assert forecast.needed_downtime is not None
    assert moved.now.limits.max_downtime == 200
    too_much = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.MAX_DOWNTIME, 3e6))
    assert too_much.answer is Answer.REFUSED
    slower = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.BANDWIDTH, 10))
    assert slower.answer is Answer.DONE, said(slower)
    faster = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.BANDWIDTH, 20))
    assert faster.answer is Answer.DONE
    assert "migrate-setspeed busy 20" in faster.virsh
    needed = 3 * forecast.needed_downtime
    raised = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.MAX_DOWNTIME, needed))
    assert raised.answer is Answer.DONE, said(raised)
    migration = await moved.reaches(M.COMPLETED)
    assert sum(record.by == migration.author for record in migration.steering) == 4
    advice = [record for record in migration.steering if record.by == "policy manual"]
    assert {record.answer for record in advice} <= {Answer.ADVISED}  # it never acts
    assert passed(migration), told(migration)


async def test_post_copy_by_hand_and_no_abort_in_it(fleet: Fleet, busy: str) -> None:
    options = {"bandwidth": 10, "post_copy_bandwidth": 10, "post_copy": "allow"}
    moved = await start(fleet, busy, policy="manual", **options)
    await moved.reaches(M.RUNNING)
    switched = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POST_COPY))
    assert switched.answer is Answer.DONE, said(switched)
    await moved.reaches(M.POST_COPY)
    refused = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    assert refused.answer is Answer.REFUSED
    assert "post-copy" in refused.detail
    with pytest.raises(RefusedError):
        await fleet.cancel(moved.now.id)
    migration = await moved.reaches(M.COMPLETED)
    assert passed(migration), told(migration)
    assert migration.result is not None
    assert migration.result.post_copy is not None
    assert migration.result.downtime_seen is not None


async def test_the_policy_switches_what_does_not_converge(fleet: Fleet, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=20, post_copy="allow", max_downtime=300)
    migration = await moved.reaches(M.COMPLETED)
    by_policy = [r for r in migration.steering if r.steer.kind is SteerKind.POST_COPY]
    assert by_policy
    assert by_policy[0].by == "policy adaptive"
    assert by_policy[0].steer.reason
    assert migration.switched is not None
    assert passed(migration), told(migration)


async def test_without_post_copy_the_policy_asks_and_does_not_stop(fleet: Fleet, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=12, auto_converge=False, max_downtime=100)
    asked = await until(
        lambda: [r for r in moved.now.steering if r.answer is Answer.ADVISED], "the question"
    )
    assert asked[0].steer.reason
    assert (
        await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POST_COPY))
    ).answer is Answer.REFUSED
    policy = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POLICY, text="manual"))
    assert policy.answer is Answer.DONE
    assert moved.now.policy == "manual"
    paused = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.PAUSE))
    assert paused.answer is Answer.DONE, said(paused)  # a guest that stands still writes nothing
    migration = await moved.reaches(M.COMPLETED)
    assert next(check for check in migration.checks if check.name == "gone").passed


async def test_an_abort_leaves_it_running_at_the_source(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=4, policy="manual")
    await moved.reaches(M.RUNNING)
    pressed = time.monotonic()
    record = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    assert record.answer is Answer.DONE, said(record)
    migration = await moved.reaches(M.ABORTED)
    seconds = time.monotonic() - pressed
    assert "still runs" in migration.outcome, f"{seconds}: {told(migration)}"
    assert (await moved.ends()).status is OperationStatus.CANCELLED
    assert states(lab.hosts, busy) == {moved.source.host: "running"}
    there = [event for event in fleet.state.events if event.host == other(moved.source.host)]
    assert there
    assert not [describe(event) for event in there if severity(event) != "info"]
    again = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    assert again.answer is Answer.REFUSED


async def test_an_abort_while_it_prepares_is_not_lost(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=4, policy="manual")
    await moved.reaches(M.PREPARING)
    await until(lambda: moved.now.started is not None, "the call")
    record = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    assert record.answer is Answer.DONE, said(record)
    await moved.reaches(M.ABORTED)
    await moved.ends()
    assert states(lab.hosts, busy) == {moved.source.host: "running"}


async def test_an_abort_while_it_is_written_down_ends_it(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=4, policy="manual")
    async with asyncio.timeout(60.0 * PATIENCE):
        # the journal takes longer than a turn of the loop
        while moved.now.started is None:  # noqa: ASYNC110 - sooner than any event tells
            await asyncio.sleep(0)
        record = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
        assert record.answer is Answer.DONE, said(record)
        assert (await moved.ends()).status is OperationStatus.CANCELLED
    assert moved.now.status is M.ABORTED
    assert "before it began" in moved.now.outcome
    assert states(lab.hosts, busy) == {moved.source.host: "running"}
    again = await start(fleet, busy, bandwidth=4, policy="manual")
    await again.reaches(M.PREPARING, M.RUNNING)
    assert (
        await fleet.migrations.steer(again.now.id, Steer(SteerKind.ABORT))
    ).answer is Answer.DONE
    await again.reaches(M.ABORTED)
    await again.ends()


async def test_an_abort_before_anything_was_sent(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=4)
    assert moved.now.started is None
    assert (
        await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    ).answer is Answer.DONE
    migration = await moved.reaches(M.ABORTED, seconds=1.0)
    assert "before it began" in migration.outcome
    assert (await moved.ends()).status is OperationStatus.CANCELLED
    assert states(lab.hosts, busy) == {moved.source.host: "running"}


async def test_what_is_queued_can_be_cancelled(fleet: Fleet, guest: Callable[..., str]) -> None:
    key = await found(fleet, guest("alpha", "deaf", "vd.noshutdown"))
    asked = await fleet.submit(Shutdown(key, timeout=60))
    with pytest.raises(RefusedError, match="shutdown of deaf is"):
        await fleet.submit(Migrate(key, to="beta"))
    await fleet.cancel(asked.id)


async def test_a_migration_that_virsh_started_appears_and_is_steered(
    fleet: Fleet, lab: Lab, busy: str
) -> None:
    key = await found(fleet, busy)
    destination = lab.host(other(key.host))
    command = [
        *("virsh", "-q", "-c", lab.host(key.host).uri, "migrate", busy, destination.uri),
        *("--live", "--p2p", "--persistent", "--undefinesource", "--postcopy"),
        *("--bandwidth", "8", "--migrateuri", "tcp://127.0.0.1"),
        *("--listen-address", "127.0.0.1"),
    ]
    process = await asyncio.create_subprocess_exec(*command)
    seen = await until(
        lambda: [m for m in fleet.state.migrations.values() if m.foreign], "somebody's migration"
    )
    number = seen[0].id
    await until(lambda: fleet.state.migrations[number].status is M.RUNNING, "it runs")
    await until(lambda: fleet.state.migrations[number].sample is not None, "its job is read")
    assert fleet.state.migrations[number].to == destination.name
    await until(lambda: fleet.state.migrations[number].iterations, "its first pass")
    faster = await fleet.migrations.steer(number, Steer(SteerKind.BANDWIDTH, 100))
    assert faster.answer is Answer.DONE, said(faster)
    switched = await fleet.migrations.steer(number, Steer(SteerKind.POST_COPY))
    assert switched.answer is Answer.DONE, said(switched)
    await until(lambda: fleet.state.migrations[number].status.final, "its end")
    migration = fleet.state.migrations[number]
    assert migration.status is M.COMPLETED, told(migration)
    assert passed(migration), told(migration)
    assert await process.wait() == 0


async def test_one_that_is_off_is_migrated_offline(
    fleet: Fleet, lab: Lab, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "asleep", wanted=Wanted.SHUT_OFF)
    key = await until(
        lambda: next((i.key for i in fleet.state.instances.values() if i.name == name), None),
        "the definition",
    )
    with pytest.raises(RefusedError, match="offline"):
        await fleet.submit(Migrate(key, to="beta"))
    operation = await fleet.submit(Migrate(key, to="beta", offline=True))
    record = await operation
    assert record.status is OperationStatus.DONE
    assert states(lab.hosts, name) == {"beta": "shut off"}
    there = await until(
        lambda: next((i.key for i in fleet.state.instances.values() if i.host == "beta"
                      and i.name == name), None),
        "the definition at its new host",
    )  # fmt: skip
    assert (await (await fleet.submit(Start(there)))).status is OperationStatus.DONE
