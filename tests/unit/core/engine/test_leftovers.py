"""What other consoles run or have left: waited for, cancelled, let go of between its calls."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.engine import leftovers, takeover
from core.engine.runner import Runner
from core.errors import OperationCancelledError, RefusedError
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import NOBODY, Owner, this_process
from core.model import InstanceState, ObjectKey, OperationRecord, OperationStatus
from core.verbs.guest import Nmi, SyncTimeCall
from core.verbs.power.calls import ShutdownCall
from core.verbs.power.requests import Shutdown, Start
from core.verbs.situation import Sent
from tests.unit.core.engine.world import World, left_by, until

S = InstanceState
ID = "000000000001-aaaaaa"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "POLL", 0.01)


def asked_for(ago: float = 2.0) -> Sent:
    now = SystemClock().now()
    return Sent(ShutdownCall(), now - ago, now - ago + 0.1)


async def test_a_request_waits_for_what_a_console_left_that_ended(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    await journal.put(left_by(NOBODY, web, asked_for()))
    await world.runner.start()
    told: list[OperationRecord] = []
    asking = asyncio.create_task(world.runner.submit(Start(web), told.append))
    await until(lambda: bool(told))
    assert not asking.done()
    world.change(web, S.SHUTOFF)
    assert (await (await asking)).status is OperationStatus.DONE
    assert [record.id for record in told] == [ID]


async def test_it_waits_no_longer_than_that_gets_on_and_names_the_command_then(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE", 0.2)
    web = world.add("web", S.RUNNING)
    await journal.put(left_by(NOBODY, web, asked_for()))
    await world.runner.start()
    told: list[OperationRecord] = []
    cure = f"wait for it, or cancel it: `virtdeck operations cancel {ID}`"
    with pytest.raises(RefusedError, match=cure):
        await world.runner.submit(Nmi(web), told.append)
    assert len(told) == 1
    with pytest.raises(RefusedError, match=cure):
        await world.runner.submit(Nmi(web))


async def test_an_operation_of_another_console_is_cancelled_by_it(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    world.obeys = False
    await world.runner.start()
    theirs = await world.runner.submit(Shutdown(web, timeout=600.0))
    await until(lambda: theirs.record.status is OperationStatus.VERIFYING)
    others = await Journal.open(journal.path)
    here = World()
    here.instances, here.operations = world.instances, {}
    here.runner = Runner(here, others, SystemClock(), lambda: here.state, here.publish, "bob@sofa")
    await here.runner.start()
    await until(lambda: theirs.id in here.operations)
    await here.runner.cancel(theirs.id)
    with pytest.raises(OperationCancelledError, match="may still obey"):
        await theirs
    assert any("bob@sofa" in step.text for step in theirs.record.steps) or (
        "bob@sofa" in theirs.record.outcome
    )
    await until(lambda: here.operations[theirs.id].status is OperationStatus.CANCELLED)
    with pytest.raises(RefusedError, match="is over: cancelled"):
        await here.runner.cancel(theirs.id)
    await here.runner.close()
    await others.close()


async def test_what_nobody_runs_is_cancelled_by_whoever_takes_it_over(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    dead = Owner(2**22 + 1, 1.0, this_process().boot, this_process().machine)
    await journal.put(left_by(dead, web, asked_for()))
    await world.runner.start(watch=False)
    await world.runner.cancel(ID)
    await world.runner.start()
    await until(lambda: world.operations[ID].status is OperationStatus.CANCELLED)
    assert world.calls == []


def half_done(web: ObjectKey) -> Entry:
    """A call that may be made again, of which nobody heard what came of it."""
    entry = left_by(NOBODY, web, Sent(SyncTimeCall(), SystemClock().now() - 2))
    return replace(entry, record=replace(entry.record, verb="set-time", options={"from_rtc": True}))


async def test_what_was_taken_over_is_let_go_of_between_its_calls(
    world: World, journal: Journal
) -> None:
    """Its console died as it made the call: it is made once more, and ours is closed then."""
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    await journal.put(half_done(web))
    await world.runner.start()
    await until(lambda: world.in_flight == 1)
    closing = asyncio.create_task(world.runner.close())
    _, pending = await asyncio.wait([closing], timeout=0.2)
    assert pending
    world.hold.set()
    await closing
    (entry,) = await journal.recent()
    assert entry.record.status is OperationStatus.DONE, "its answer is written"
    assert [call for _, call in world.calls] == [SyncTimeCall()]


async def test_a_call_that_does_not_return_keeps_nobody_from_leaving(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "GOODBYE", 0.1)
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    await journal.put(half_done(web))
    await world.runner.start()
    await until(lambda: world.in_flight == 1)
    await world.runner.close()
    (entry,) = await journal.recent()
    assert entry.owner == NOBODY
