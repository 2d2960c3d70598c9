"""Who says what a migration has come to, and when: the owner, once, and amended if it changes."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.errors import HypervisorError
from core.migration.execution import completion as ending
from core.migration.execution.record import RecordKeeper
from core.migration.execution.table import MigrationTable
from core.migration.execution.tracker import Tracker
from core.model import (
    Answer,
    Host,
    Instance,
    InstanceState,
    JobSample,
    Limits,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    Observation,
    State,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.model.observation import MigrationChanged
from core.verbs.migration.requests import Migrate
from tests.unit.migration_builders import migration

M, S = MigrationStatus, InstanceState
ROW = migration(uuid="u", policy="manual", iterations=(1.0,))


class World:
    """A `core.migration.execution.port.MigrationHosts` as a test sets it, and the state."""

    def __init__(self, row: Migration = ROW) -> None:
        self.migrations = {row.id: row}
        self.instances: dict[Any, Instance] = {}
        self.job_now: JobSample | None = JobSample(at=1.0, type="unbounded", memory_total=9)
        self.abort_answer = asyncio.Event()

    def put(self, host: str, state: S | None, reason: str = "") -> None:
        """Have the instance on a host so; None: it is not there."""
        found = Instance(host, "u", "web", S.RUNNING if state is None else state, reason=reason)
        self.instances.pop(found.key, None)
        if state is not None:
            self.instances[found.key] = found

    def state(self) -> State:
        up = Link(LinkStatus.UP)
        return State(
            hosts=MappingProxyType({n: Host(n, "", link=up) for n in ("alpha", "beta")}),
            instances=MappingProxyType(self.instances),
            migrations=MappingProxyType(self.migrations),
        )

    def publish(self, observation: Observation) -> None:
        if isinstance(observation, MigrationChanged):
            self.migrations[observation.migration.id] = observation.migration

    async def job(self, host: str, uuid: str) -> JobSample | None:
        return self.job_now

    async def completed_job(self, host: str, uuid: str) -> None:
        return None

    async def read(self, host: str, uuid: str) -> Instance | None:
        return next((i for i in self.instances.values() if i.host == host), None)

    async def limits(self) -> Limits:
        return Limits()

    async def abort(self, *, post_copy: bool = False) -> None:
        await self.abort_answer.wait()

    async def set_max_downtime(self, milliseconds: float) -> None:
        return

    async def close(self) -> None:
        return

    def tracker(self, **fields: Any) -> Tracker:
        async def keep(row: Migration) -> None:
            self.migrations[row.id] = row

        (row,) = self.migrations.values()
        log = RecordKeeper(row, SystemClock(), self.publish, keep)
        hosts: Any = self
        return Tracker(log, Migrate(row.source_key, to="beta"), hosts, hosts, self.state, **fields)


async def soon(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)


async def test_a_watching_console_says_what_the_owner_says() -> None:
    world = World()
    world.put("alpha", S.RUNNING)
    world.job_now = JobSample(at=1.0, type="none")  # to a watcher it looks as if it had failed
    watching = asyncio.create_task(world.tracker(elsewhere=True).follow(None))
    for _ in range(3):
        await asyncio.sleep(0.6)
        assert world.migrations[ROW.id].status is M.RUNNING
        assert not watching.done()
    world.migrations[ROW.id] = replace(ROW, status=M.ABORTED, outcome="the owner says so")
    assert (await asyncio.wait_for(watching, 10)).outcome == "the owner says so"


async def test_a_watching_console_steers_what_the_owner_says_it_is() -> None:
    world = World(replace(ROW, status=M.PREPARING))
    world.put("alpha", S.RUNNING)
    tracker = world.tracker(elsewhere=True)
    world.migrations[ROW.id] = replace(ROW, status=M.RUNNING)  # not yet looked at here
    record = await tracker.steer(Steer(SteerKind.MAX_DOWNTIME, 500.0), "me")
    assert "preparing" not in record.detail
    assert world.migrations[ROW.id].status is M.RUNNING


async def test_what_was_done_from_a_watching_console_stays_when_the_owner_writes() -> None:
    world = World()
    world.put("alpha", S.RUNNING)
    tracker = world.tracker(elsewhere=True)
    watching = asyncio.create_task(tracker.follow(None))
    world.abort_answer.set()
    await tracker.controls.steer(Steer(SteerKind.ABORT), "me")
    world.migrations[ROW.id] = replace(ROW, progress=0.5)  # the journal has none of it
    tracker.wake()
    await soon(lambda: len(world.migrations[ROW.id].steering) == 1)
    assert world.migrations[ROW.id].progress == 0.5
    world.migrations[ROW.id] = replace(ROW, status=M.ABORTED)
    await asyncio.wait_for(watching, 10)


async def test_an_abort_that_races_a_dying_link_has_one_outcome() -> None:
    world = World()
    world.put("alpha", S.RUNNING)
    tracker, gone = world.tracker(), asyncio.Event()

    async def call() -> None:
        await gone.wait()
        raise HypervisorError("client socket is closed", code=1)

    following = asyncio.create_task(tracker.follow(asyncio.create_task(call())))
    steering = asyncio.create_task(tracker.controls.steer(Steer(SteerKind.ABORT), "me"))
    await soon(lambda: tracker.controls.abort_pending)
    world.job_now = JobSample(at=1.0, type="none")
    gone.set()  # the call is over before the abort is answered
    await asyncio.sleep(1.2)
    assert not following.done()
    assert not world.migrations[ROW.id].status.final
    world.abort_answer.set()
    record: SteerRecord = await steering
    ended = await asyncio.wait_for(following, 10)
    assert record.answer is Answer.DONE
    assert ended.status is M.ABORTED
    assert "still runs on alpha" in ended.outcome


@pytest.mark.parametrize("answered", ["before it is watched", "after it is adopted"])
async def test_an_abort_counts_though_whoever_sent_it_was_followed_twice(answered: str) -> None:
    """Sent while nobody followed the migration here, which was watched then, and then adopted."""
    world = World()
    world.put("alpha", S.RUNNING)
    hosts: Any = world
    table = MigrationTable(hosts, SystemClock(), world.state, world.publish)
    sender = world.tracker(elsewhere=True).controls
    table.steered[ROW.id] = sender
    steering = asyncio.create_task(sender.steer(Steer(SteerKind.ABORT), "me"))
    if answered == "before it is watched":
        world.abort_answer.set()
        await steering
    await asyncio.sleep(0)
    world.migrations[ROW.id] = ROW  # read anew from the journal, which has none of it
    watching = asyncio.create_task(table.follow(world.tracker(elsewhere=True), None))
    await soon(lambda: bool(table.trackers))
    world.job_now = JobSample(at=1.0, type="none")
    world.migrations[ROW.id] = ROW
    adopted = asyncio.create_task(table.follow(world.tracker(), None))
    await asyncio.sleep(0.1)
    world.abort_answer.set()
    assert (await asyncio.wait_for(adopted, 10)).status is M.ABORTED
    await asyncio.wait_for(watching, 10)
    await table.close()


async def test_what_libvirt_cleans_up_later_is_no_failed_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "CLEAN_WITHIN", 0.0)  # it takes longer than one is patient
    world = World()
    world.put("alpha", S.RUNNING)
    world.put("beta", S.PAUSED, "migrating")
    tracker = world.tracker()

    async def call() -> None:
        raise HypervisorError("no route to host", code=38)

    ended = await tracker.follow(asyncio.create_task(call()))
    assert ended.status is M.FAILED
    (clean,) = ended.checks
    assert clean.passed is None
    assert "looked at again" in clean.text
    checking = asyncio.create_task(tracker.ending.check_clean())
    await soon(lambda: world.migrations[ROW.id].checks[0].passed is False)
    world.put("beta", None)
    await soon(lambda: world.migrations[ROW.id].checks[0].passed is True)
    await asyncio.wait_for(checking, 10)


async def test_a_failed_post_copy_is_followed_until_it_is_settled() -> None:
    failed = replace(ROW, status=M.POST_COPY_FAILED, followed=True, resumable=True, outcome="x")
    world = World(failed)
    world.put("alpha", S.PAUSED, "post-copy failed")
    world.put("beta", S.RUNNING, "post-copy failed")
    tracker = world.tracker()
    following = asyncio.create_task(tracker.follow(None))
    await asyncio.sleep(0.1)
    world.put("alpha", S.PAUSED, "post-copy")
    world.put("beta", S.RUNNING, "post-copy")
    tracker.wake()
    await soon(lambda: world.migrations[ROW.id].status is M.POST_COPY)
    assert not world.migrations[ROW.id].outcome
    assert world.migrations[ROW.id].ended is None
    world.put("alpha", None)
    world.put("beta", S.RUNNING, "migrated")
    tracker.wake()
    ended = await asyncio.wait_for(following, 10)
    assert ended.status is M.COMPLETED
    assert ended.settled


async def test_a_failure_is_no_less_known_while_a_daemon_is_down() -> None:
    failed = replace(ROW, status=M.POST_COPY_FAILED, followed=True, resumable=True, outcome="x")
    world = World(failed)
    world.put("alpha", S.PAUSED, "post-copy failed")
    tracker = world.tracker()
    tracker.observer.link_up = lambda host: host == "alpha"  # type: ignore[method-assign]
    following = asyncio.create_task(tracker.follow(None))
    await asyncio.sleep(0.2)
    assert world.migrations[ROW.id] == failed
    following.cancel()


async def test_another_migration_of_it_settles_a_failed_one() -> None:
    failed = replace(ROW, status=M.POST_COPY_FAILED, followed=True, resumable=True, outcome="x")
    world = World(failed)
    world.put("alpha", S.PAUSED, "post-copy failed")
    world.put("beta", S.RUNNING, "post-copy failed")
    hosts: Any = world
    table = MigrationTable(hosts, SystemClock(), world.state, world.publish)
    old = world.tracker()
    following = asyncio.create_task(table.follow(old, None))
    await soon(lambda: bool(table.trackers))
    again = World(replace(ROW, id="again", status=M.POST_COPY))
    again.put("alpha", S.PAUSED, "post-copy")
    resumed = asyncio.create_task(table.follow(again.tracker(), None))
    ended = await asyncio.wait_for(following, 10)
    assert ended.settled
    assert ended.status is M.POST_COPY_FAILED
    assert "another migration goes on" in ended.timeline[-1].text
    resumed.cancel()
    await table.close()
