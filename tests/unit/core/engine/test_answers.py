"""What calls answer: through the engine to who asked, to the journal, to the next console."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.clock import SystemClock
from core.engine.progress import progress_of
from core.engine.runner import Runner
from core.errors import HypervisorError
from core.journal.journal import Journal
from core.model import InstanceState, ObjectKey, OperationStatus
from core.verbs.agent import execute
from core.verbs.agent.execute import (
    EXEC,
    KEPT_BYTES,
    Exec,
    ExecCall,
    ExecStarted,
    ExecStatus,
    ExecStatusCall,
)
from core.verbs.answer import ANSWER_BYTES, CallAnswer, kept
from core.verbs.call import Call
from core.verbs.situation import Sent
from tests.unit.core.engine.world import World, until

OUTPUT = b"x" * (KEPT_BYTES + 1)


class Guest(World):
    """A world whose guest runs a command until it was asked three times, or is let go."""

    asked = 0
    ends_at = 3
    silent = False

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> CallAnswer | None:  # type: ignore[override]
        await super().call(subject, call, deadline)
        if isinstance(call, ExecCall):
            return ExecStarted(42)
        assert isinstance(call, ExecStatusCall)
        self.asked += 1
        if self.silent:
            raise HypervisorError("not available for now.")
        over = self.asked >= self.ends_at
        return ExecStatus(42, over, 0 if over else None, out=OUTPUT if over else b"")


def runner(world: World, journal: Journal) -> Runner:
    return Runner(world, journal, SystemClock(), lambda: world.state, world.publish, "ann@desk")


@pytest.fixture
async def world(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Guest]:
    monkeypatch.setattr(execute, "SOONEST", 0.01)
    monkeypatch.setattr(execute, "LATEST", 0.01)
    made = Guest()
    made.runner = runner(made, journal)
    yield made
    await made.runner.close()


async def test_an_answer_comes_whole_to_who_asked_and_short_to_the_journal(
    world: Guest, journal: Journal
) -> None:
    web = world.add("web", InstanceState.RUNNING)
    operation = await world.runner.submit(Exec(web, "ls"))
    versions = [record async for record in operation]
    assert operation.result is not None
    assert operation.result.told()["stdout"] == OUTPUT.decode()
    record = versions[-1]
    assert record.result["stdout"] == OUTPUT[:KEPT_BYTES].decode()
    assert record.result["stdout_whole"] is False
    assert world.operations[record.id].result == record.result

    (entry,) = await journal.recent()
    assert entry.record.result == record.result
    progress = progress_of(EXEC, entry.progress)
    assert progress is not None
    started, last = progress.sent
    assert started.answer == ExecStarted(42)
    assert last.answer.out == OUTPUT[:KEPT_BYTES]


async def test_asking_again_and_again_is_in_no_log(world: Guest) -> None:
    web = world.add("web", InstanceState.RUNNING)
    world.ends_at = 20
    operation = await world.runner.submit(Exec(web, "ls"))
    versions = [record async for record in operation]
    record = versions[-1]
    assert [step.text for step in record.steps] == [
        "running ls in web",
        "ls in web ended with exit status 0",
    ]
    assert record.steps[0].took is not None
    assert len(versions) < 8, "each question makes a version of its own"
    assert world.asked == 20


async def test_a_console_that_takes_over_asks_the_process_it_finds_in_the_journal(
    world: Guest, journal: Journal
) -> None:
    web = world.add("web", InstanceState.RUNNING)
    world.silent = True
    await world.runner.submit(Exec(web, "ls"))
    await until(lambda: world.asked > 1)
    await world.runner.close()  # leaves it to the next one

    after = Guest()
    after.ends_at = 1
    after.instances = world.instances
    after.runner = runner(after, journal)
    await after.runner.start()
    try:
        await until(lambda: any(one.status.final for one in after.operations.values()))
    finally:
        await after.runner.close()
    (record,) = after.operations.values()
    assert record.status is OperationStatus.DONE
    assert record.result["stdout"].startswith("xxx")
    assert {type(call) for _, call in after.calls} == {ExecStatusCall}


class _Long(CallAnswer, frozen=True):
    text: str


def test_an_answer_that_is_too_long_is_not_written_down() -> None:
    assert kept(_Long("x" * ANSWER_BYTES)) is None
    assert kept(_Long("x")) == _Long("x")
    assert Sent(ExecCall(("ls",)), 0.0).answer is None
