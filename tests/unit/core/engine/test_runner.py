"""The runner's order, limits and deadlines, over a port that obeys the test.

The verbs themselves are tested on libvirt: tests/driver and tests/lab.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from core.clock import SystemClock
from core.engine.case import Case
from core.engine.runner import Runner
from core.engine.workflow import Keep
from core.errors import (
    DeadlineError,
    HypervisorError,
    JournalError,
    NotFoundError,
    NotSentError,
    OperationCancelledError,
    OperationFailedError,
    OutcomeUnknownError,
    ReadOnlyError,
    RefusedError,
)
from core.journal.journal import Journal
from core.journal.owner import NOBODY, Owner, this_process
from core.model import (
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationStatus,
)
from core.model.event import InstanceLifecycle
from core.model.observation import OperationChanged
from core.verbs.migration.requests import Migrate
from core.verbs.power.calls import CreateCall, DestroyCall, ShutdownCall, SuspendCall
from core.verbs.power.requests import Pause, Shutdown, Start, Stop
from core.verbs.situation import End, Sent, done, failed
from tests.unit.core.engine.world import World, left_by, until

S = InstanceState


async def test_from_request_to_outcome(world: World, journal: Journal) -> None:
    web = world.add("web", S.SHUTOFF)
    operation = await world.runner.submit(Start(web))
    seen = [record.status async for record in operation]
    record = await operation
    assert list(dict.fromkeys(seen)) == [
        OperationStatus.QUEUED,
        OperationStatus.RUNNING,
        OperationStatus.VERIFYING,
        OperationStatus.DONE,
    ]
    assert record.outcome == "web is running"
    assert record.author == "ann@desk"
    assert record.started is not None
    assert record.ended is not None
    assert [step.text for step in record.steps] == ["starting web", "web is running"]
    assert [entry.record for entry in await journal.recent()] == [record]
    assert world.operations[record.id] == record


async def test_an_end_that_an_event_proves_is_told_before_it_is_read_and_the_next_one_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DestroyCall, "told_by_event", True)
    web = world.add("web", S.RUNNING)
    told = InstanceLifecycle("alpha", 0.0, web.id, "web", "stopped", "destroyed")
    world.before_call = lambda: world.runner.observe(told)
    world.reading.clear()
    record = await (await world.runner.submit(Stop(web)))
    assert record.status is OperationStatus.DONE
    world.before_call = lambda: None
    asked = asyncio.create_task(world.runner.submit(Start(web)))
    await asyncio.sleep(0.05)
    assert not asked.done()
    assert world.calls == [("u-web", DestroyCall())]
    world.reading.set()
    assert (await (await asked)).outcome == "web is running"


async def test_a_refused_request_touches_nothing_and_is_on_record(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    with pytest.raises(RefusedError, match="already running"):
        await world.runner.submit(Start(web))
    assert world.calls == []
    (entry,) = await journal.recent()
    assert entry.record.status is OperationStatus.REFUSED


async def test_of_two_starts_of_one_instance_on_two_hosts_the_second_is_refused(
    world: World,
) -> None:
    first = world.add("web", S.SHUTOFF)
    world.hosts["beta"] = Host("beta", "test:///b", link=Link(LinkStatus.UP))
    second = ObjectKey("instance", "beta", first.id)
    world.put(Instance("beta", first.id, "web", S.SHUTOFF))
    world.hold.clear()
    asked = (world.runner.submit(Start(first)), world.runner.submit(Start(second)))
    one, two = await asyncio.gather(*asked)
    with pytest.raises(RefusedError, match=r"start is \w+ for it on alpha.*--second-copy web"):
        await two
    world.hold.set()
    assert (await one).outcome == "web is running"
    assert len(world.calls) == 1


async def test_a_read_only_link_refuses_without_a_record(world: World, journal: Journal) -> None:
    web = world.add("web", S.SHUTOFF)
    link = Link(LinkStatus.UP, read_only=True)
    world.hosts["alpha"] = Host("alpha", "test:///default", link=link)
    with pytest.raises(ReadOnlyError):
        await world.runner.submit(Start(web))
    assert await journal.recent() == []


async def test_it_is_on_the_disk_before_anything_is_touched(world: World, tmp_path: Path) -> None:
    web = world.add("web", S.SHUTOFF)
    kept: list[str] = []

    def look() -> None:
        import sqlite3

        reader = sqlite3.connect(tmp_path / "journal.sqlite3")
        kept.extend(row[0] for row in reader.execute("SELECT progress FROM operations"))
        reader.close()

    world.before_call = look
    await (await world.runner.submit(Start(web)))
    assert len(kept) == 1
    assert '"create"' in kept[0]


async def test_without_a_journal_nothing_is_touched_unless_asked(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.SHUTOFF)
    await journal._work.call(lambda: journal._ledger._connection.execute("PRAGMA query_only = ON"))
    with pytest.raises(JournalError):
        await world.runner.submit(Start(web))
    assert world.calls == []
    (record,) = world.operations.values()
    assert record.status is OperationStatus.FAILED
    without = Runner(world, None, SystemClock(), lambda: world.state, world.publish, "a@b")
    world.runner = without
    assert (await (await without.submit(Start(web)))).status is OperationStatus.DONE
    await without.close()


async def test_libvirts_refusal_is_raised_with_its_cure(world: World) -> None:
    web = world.add("web", S.SHUTOFF)
    world.errors[CreateCall()] = HypervisorError("no such file web.img.", "Make it.")
    operation = await world.runner.submit(Start(web))
    with pytest.raises(OperationFailedError, match=r"web\.img") as caught:
        await operation
    assert caught.value.hint == "Make it."
    assert operation.record.status is OperationStatus.FAILED


async def test_a_deadline_is_unknown_and_settled_when_the_state_shows_it(world: World) -> None:
    web = world.add("web", S.SHUTOFF)
    world.errors[CreateCall()] = DeadlineError("alpha did not answer in 40 s.")
    operation = await world.runner.submit(Start(web))
    with pytest.raises(OutcomeUnknownError):
        await operation
    world.change(web, S.RUNNING)
    await until(lambda: operation.record.status is OperationStatus.DONE)
    assert operation.record.outcome == "web is running (seen later)"
    assert world.operations[operation.id] == operation.record


async def test_a_call_that_was_never_sent_is_a_failure_and_nothing_unknown(world: World) -> None:
    web = world.add("web", S.SHUTOFF)
    world.obeys = False
    world.errors[CreateCall()] = NotSentError("alpha did not answer within 10 s.", "Check it.")
    operation = await world.runner.submit(Start(web))
    with pytest.raises(OperationFailedError, match="did not answer within 10 s"):
        await operation
    assert operation.record.hint == "Check it."


async def test_a_host_that_no_longer_tells_leaves_the_outcome_unknown(world: World) -> None:
    """Its link counts as up until the keepalive fails: that is no proof of anything."""
    web = world.add("web", S.RUNNING)
    world.before_call = lambda: setattr(world, "tells", False)
    operation = await world.runner.submit(Shutdown(web, timeout=1, then_stop=True))
    with pytest.raises(OutcomeUnknownError, match="was last seen running"):
        await operation
    assert DestroyCall() not in [call for _, call in world.calls]
    world.change(web, S.SHUTOFF)
    await until(lambda: world.operations[operation.id].status is OperationStatus.DONE)


async def test_unknown_is_settled_when_the_link_comes_back(world: World) -> None:
    web = world.add("web", S.RUNNING)
    world.obeys = False
    world.before_call = lambda: world.link(LinkStatus.DOWN)
    world.errors[SuspendCall()] = DeadlineError("the link broke.")
    operation = await world.runner.submit(Pause(web))
    with pytest.raises(OutcomeUnknownError):
        await operation
    world.put(msgspec.structs.replace(world.instances[web], state=S.PAUSED))
    world.link(LinkStatus.UP)
    await until(lambda: operation.record.status is OperationStatus.DONE)


async def test_the_outcome_of_a_later_operation_is_not_taken_for_an_earlier_ones(
    world: World,
) -> None:
    web = world.add("web", S.SHUTOFF)
    world.errors[CreateCall()] = DeadlineError("no answer.")
    first = await world.runner.submit(Start(web))
    with pytest.raises(OutcomeUnknownError):
        await first
    world.errors.clear()
    second = await world.runner.submit(Start(web))
    assert (await second).status is OperationStatus.DONE
    await asyncio.sleep(0)
    assert first.record.status is OperationStatus.UNKNOWN


async def test_calls_on_a_host_are_bounded_and_the_rest_can_be_cancelled(world: World) -> None:
    keys = [world.add(f"vm{number}", S.SHUTOFF) for number in range(8)]
    world.hold.clear()
    operations = [await world.runner.submit(Start(key)) for key in keys]
    await until(lambda: len(world.calls) == 4)
    waiting = [each for each in operations if each.record.status is OperationStatus.QUEUED]
    assert len(waiting) == 4
    await world.runner.cancel(waiting[0].id)
    with pytest.raises(OperationCancelledError, match="not sent"):
        await waiting[0]
    with pytest.raises(RefusedError, match="cannot be taken back"):
        await world.runner.cancel(operations[0].id)
    world.hold.set()
    for operation in operations:
        if operation is not waiting[0]:
            assert (await operation).status is OperationStatus.DONE
    assert world.most_in_flight == 4
    assert len(world.calls) == 7


async def test_stop_overtakes_a_shutdown_that_waits_for_its_guest(world: World) -> None:
    web = world.add("web", S.RUNNING)
    shutdown = await world.runner.submit(Shutdown(web))
    await until(lambda: shutdown.record.status is OperationStatus.VERIFYING)
    stop = await world.runner.submit(Stop(web))
    assert (await stop).status is OperationStatus.DONE
    await until(lambda: shutdown.record.status.final)
    assert shutdown.record.status in (OperationStatus.CANCELLED, OperationStatus.DONE)
    assert "too late" not in shutdown.record.outcome  # no operator cancelled it


@pytest.mark.parametrize("kind", [Shutdown, Pause])
async def test_stop_does_not_wait_for_a_call_that_hangs(
    world: World, kind: type[Shutdown] | type[Pause]
) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    await world.runner.submit(kind(web))
    await until(lambda: len(world.calls) == 1)
    await world.runner.submit(Stop(web))
    await until(lambda: world.calls[-1] == (web.id, DestroyCall()))
    with pytest.raises(RefusedError, match="stop of web is running"):
        await world.runner.submit(Stop(web))


async def test_two_submitted_in_the_same_moment_keep_their_order(world: World) -> None:
    web = world.add("web", S.RUNNING)
    world.publish = lambda observation: None  # type: ignore[method-assign]
    runner = Runner(
        world, None, SystemClock(), lambda: world.state, lambda observation: None, "a@b"
    )
    world.runner = runner
    first, second = await asyncio.gather(runner.submit(Pause(web)), runner.submit(Pause(web)))
    assert (await first).status is OperationStatus.DONE
    with pytest.raises(RefusedError, match="already paused"):
        await second
    assert len(world.calls) == 1
    await runner.close()


async def test_cancelling_what_is_not_there_over_or_sent_by_another_console(
    world: World, journal: Journal
) -> None:
    with pytest.raises(NotFoundError):
        await world.runner.cancel("nothing")
    web = world.add("web", S.SHUTOFF)
    operation = await world.runner.submit(Start(web))
    await operation
    await until(lambda: world.operations[operation.id].status.final)
    with pytest.raises(RefusedError, match="is over"):
        await world.runner.cancel(operation.id)
    theirs = msgspec.structs.replace(
        operation.record, id="other", status=OperationStatus.RUNNING, author="bob@desk"
    )
    world.operations["other"] = theirs
    with pytest.raises(RefusedError, match="cannot be taken back"):
        await world.runner.cancel("other")


async def test_a_shutdown_can_be_left_alone(world: World) -> None:
    web = world.add("web", S.RUNNING)
    shutdown = await world.runner.submit(Shutdown(web))
    await until(lambda: shutdown.record.status is OperationStatus.VERIFYING)
    await world.runner.cancel(shutdown.id)
    with pytest.raises(OperationCancelledError, match="may still obey"):
        await shutdown


async def test_what_was_only_listed_is_described_before_its_guest_is_asked(world: World) -> None:
    web = world.add("web", S.RUNNING)
    described = msgspec.structs.replace(world.instances[web], type="kvm")
    world.put(msgspec.structs.replace(world.instances[web], described=False))
    reads: list[str] = []

    async def read(subject: ObjectKey, looks_at: object) -> Instance | None:
        reads.append(subject.id)
        world.put(described)
        return described

    world.read = read  # type: ignore[method-assign]
    await world.runner.submit(Shutdown(web))
    await until(lambda: len(world.calls) == 1)
    assert reads
    assert world.calls == [(web.id, ShutdownCall("acpi"))]


async def test_what_a_dead_console_left_is_taken_over_and_waited_for(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    now = SystemClock().now()
    entry = left_by(NOBODY, web, Sent(ShutdownCall(), now - 2, now - 1.9))
    await journal.put(entry)
    await world.runner.start()

    def steps() -> list[str]:
        return [step.text for step in world.operations[entry.record.id].steps]

    await until(lambda: any("taken over" in text for text in steps()))
    assert world.calls == [], "it was asked two seconds ago: not again before ten"
    assert (await journal.recent())[0].owner == this_process()
    world.change(web, S.SHUTOFF)
    await until(lambda: world.operations[entry.record.id].status is OperationStatus.DONE)


async def test_what_a_living_console_runs_is_shown_and_left_alone(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    elsewhere = Owner(1, 1.0, "x", "another machine")
    await journal.put(left_by(elsewhere, web, Sent(ShutdownCall(), 0.0)))
    await world.runner.start()
    with pytest.raises(RefusedError, match="bob@desk"):
        await world.runner.submit(Shutdown(web))
    assert (await journal.recent())[0].owner == elsewhere


async def test_what_was_queued_by_a_dead_console_is_cancelled(
    world: World, journal: Journal
) -> None:
    entry = left_by(NOBODY, world.add("web", S.RUNNING))
    await journal.put(entry)
    await world.runner.start()
    await until(lambda: world.operations[entry.record.id].status is OperationStatus.CANCELLED)


async def test_taking_over_waits_for_the_link(world: World, journal: Journal) -> None:
    web = world.add("web", S.SHUTOFF)
    world.link(LinkStatus.DOWN)
    entry = left_by(NOBODY, web, Sent(ShutdownCall(), 0.0, 0.1))
    await journal.put(entry)
    await world.runner.start()
    assert world.operations[entry.record.id].status is OperationStatus.VERIFYING
    world.link(LinkStatus.UP)
    await until(lambda: world.operations[entry.record.id].status is OperationStatus.DONE)
    assert "had ended" in world.operations[entry.record.id].outcome


async def test_a_command_is_not_refused_because_of_what_a_dead_console_left(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.SHUTOFF)
    entry = left_by(NOBODY, web, Sent(ShutdownCall(), 0.0, 0.1))
    await journal.put(entry)
    await world.runner.start()
    record = await (await world.runner.submit(Start(web)))  # at once, as a short command does
    assert record.status is OperationStatus.DONE
    assert world.operations[entry.record.id].status is OperationStatus.DONE


async def test_two_consoles_show_each_others_operations_and_hand_over_on_leaving(
    world: World, tmp_path: Path
) -> None:
    web = world.add("web", S.RUNNING)
    other = World()
    other.instances = world.instances
    journal = await Journal.open(tmp_path / "journal.sqlite3")
    other.runner = Runner(
        other, journal, SystemClock(), lambda: other.state, other.publish, "bob@desk"
    )
    await other.runner.start()
    shutdown = await world.runner.submit(Shutdown(web))
    await until(lambda: shutdown.record.status is OperationStatus.VERIFYING)
    await until(lambda: shutdown.id in other.operations)
    await world.runner.close()
    await until(
        lambda: any("taken over" in step.text for step in other.operations[shutdown.id].steps)
    )
    other.change(web, S.SHUTOFF)
    await until(lambda: other.operations[shutdown.id].status is OperationStatus.DONE)
    assert world.calls == [(web.id, ShutdownCall())]
    assert other.calls == []
    await other.runner.close()
    await journal.close()


async def test_what_is_learnt_of_a_migration_after_its_end_does_not_open_it_again(
    journal: Journal,
) -> None:
    world = World()
    kept: list[Callable[[], Awaitable[None]]] = []

    class Moves:
        async def run(self, case: Case, keep: Keep) -> End:
            row = Migration(case.record.id, "alpha", case.record.subject.id, "web")
            case.advance(row, None, "running")

            async def later() -> None:
                case.advance(
                    msgspec.structs.replace(row, outcome="its agent answers"), None, "completed"
                )
                await keep(case)

            kept.append(later)
            return done("web runs on beta")

        async def cancel(self, case: Case) -> None: ...

    world.hosts["beta"] = Host("beta", "test:///other", link=Link(LinkStatus.UP))
    world.runner = Runner(
        *(world, journal, SystemClock(), lambda: world.state, world.publish, "ann@desk"),
        workflows={Migrate: Moves()},
    )
    handle = await world.runner.submit(Migrate(world.add("web", S.RUNNING), to="beta"))
    assert (await handle).status is OperationStatus.DONE
    await kept[0]()
    assert handle.record.status is OperationStatus.DONE
    (entry,) = await journal.recent()
    assert entry.record == handle.record
    assert "its agent answers" in entry.progress
    await world.runner.close()


BROKEN = Migration(
    "", "alpha", "u-web", "web", "beta", status=MigrationStatus.POST_COPY_FAILED, resumable=True,
    followed=True, outcome="both hosts say so",
)  # fmt: skip


class BreaksAndGoesOn:
    """A conduct whose migration fails, and goes on after all once the test says so."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.runs = 0

    async def run(self, case: Case, keep: Keep) -> End:
        self.runs += 1
        if case.progress.workflow is None:
            case.advance(msgspec.structs.replace(BROKEN, id=case.record.id), None, "it broke")
            await keep(case)
            return failed("both hosts say so")
        await self.goes_on.wait()
        row = case.progress.workflow
        arrived = {"status": MigrationStatus.COMPLETED, "resumable": False, "followed": False}
        case.advance(msgspec.structs.replace(row, **arrived), None, "it arrived")
        await keep(case)
        return done("web runs on beta")

    async def cancel(self, case: Case) -> None: ...


def moving(journal: Journal, conduct: BreaksAndGoesOn) -> World:
    """A world with two hosts and an instance, whose migrations the conduct carries out."""
    world = World()
    world.hosts["beta"] = Host("beta", "test:///other", link=Link(LinkStatus.UP))
    world.add("web", S.RUNNING)

    def told(observation: object) -> None:
        if isinstance(observation, OperationChanged):
            world.publish(observation)

    world.runner = Runner(
        *(world, journal, SystemClock(), lambda: world.state, told, "ann@desk"),
        workflows={Migrate: conduct},
    )
    return world


WEB = ObjectKey("instance", "alpha", "u-web")


async def test_a_failure_that_is_taken_back_amends_the_record(journal: Journal) -> None:
    conduct = BreaksAndGoesOn()
    world = moving(journal, conduct)
    handle = await world.runner.submit(Migrate(WEB, to="beta"))
    with pytest.raises(OperationFailedError, match="both hosts say so"):
        await handle
    await until(lambda: conduct.runs == 2)  # it is followed on
    assert world.operations[handle.id].status is OperationStatus.FAILED
    pause = await world.runner.submit(Pause(WEB))  # in nobody's way
    assert (await pause).status is OperationStatus.DONE
    conduct.goes_on.set()
    await until(lambda: world.operations[handle.id].status is OperationStatus.DONE)
    assert world.operations[handle.id].outcome == "web runs on beta (seen later)"
    await world.runner.close()
    assert conduct.runs == 2


async def test_the_next_console_follows_a_failure_that_may_be_taken_back(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite3")
    world = moving(journal, BreaksAndGoesOn())
    handle = await world.runner.submit(Migrate(WEB, to="beta"))
    with pytest.raises(OperationFailedError):
        await handle
    await world.runner.close()
    later = BreaksAndGoesOn()
    later.goes_on.set()
    world = moving(journal, later)
    await world.runner.start()
    await until(lambda: world.operations[handle.id].status is OperationStatus.DONE)
    entries = {entry.record.id: entry.record for entry in await journal.recent()}
    assert entries[handle.id].status is OperationStatus.DONE
    await world.runner.close()
    third = BreaksAndGoesOn()
    world = moving(journal, third)
    await world.runner.start()
    await world.runner.close()
    assert third.runs == 0  # what is settled is left alone
    await journal.close()
