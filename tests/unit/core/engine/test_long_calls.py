"""Calls that take long: told how far they are, ended by another call, never in anybody's way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.engine import executor
from core.engine.runner import Runner
from core.errors import (
    HypervisorError,
    OperationCancelledError,
    OperationFailedError,
    RefusedError,
)
from core.journal.journal import Journal
from core.model import InstanceState, ObjectKey, OperationStatus
from core.verbs.call import Call
from core.verbs.dumping import CoreDump, CoreDumpCall
from core.verbs.power.requests import Pause, Start, Stop
from core.verbs.saved import AbortJobCall, Save, SaveCall
from core.verbs.situation import Sent
from tests.unit.core.engine.world import World, until

S = InstanceState


class Saving(World):
    """A world in which saving takes until it is let go, or aborted."""

    far: float | None = 0.4
    aborted = False
    late = False
    """What is aborted has happened by then."""

    async def share(self, subject: ObjectKey) -> float | None:
        del subject
        return self.far

    def moved(self, subject: ObjectKey) -> tuple[int, int] | None:
        del subject
        return None

    async def document(self, subject: ObjectKey) -> str | None:
        del subject
        return None

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> None:
        if isinstance(call, AbortJobCall):
            self.calls.append((subject.id, call))
            self.aborted = True
            self.hold.set()
            return
        await super().call(subject, call, deadline)
        if isinstance(call, SaveCall):
            if self.aborted and not self.late:
                raise HypervisorError("operation aborted.")
            self.change(subject, S.SHUTOFF)
            self.put(replace(self.instances[subject], managed_save=True))


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Saving]:
    monkeypatch.setattr(executor, "SHARE_EVERY", 0.01)
    journal = await Journal.open(tmp_path / "journal.sqlite3")
    made = Saving()
    made.runner = Runner(made, journal, SystemClock(), lambda: made.state, made.publish, "ann@desk")
    yield made
    made.hold.set()
    await made.runner.close()
    await journal.close()


async def test_how_far_it_is_is_told_and_it_ends_when_the_call_does(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    operation = await world.runner.submit(Save(web))
    await until(lambda: world.operations[operation.id].progress == 0.4)
    assert world.operations[operation.id].status is OperationStatus.RUNNING
    world.far = 0.9
    await until(lambda: world.operations[operation.id].progress == 0.9)
    world.hold.set()
    assert (await operation).outcome == "web is off, its memory is saved"
    assert [call for _, call in world.calls] == [SaveCall()]


async def test_cancelling_sends_what_ends_it_once(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    operation = await world.runner.submit(Save(web))
    await until(lambda: bool(world.calls))
    await world.runner.cancel(operation.id)
    with pytest.raises(OperationCancelledError, match="was cancelled: operation aborted"):
        await operation
    assert [call for _, call in world.calls] == [SaveCall(), AbortJobCall()]


async def test_a_cancel_that_comes_too_late_says_so(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    world.late = True
    operation = await world.runner.submit(Save(web))
    await until(lambda: bool(world.calls))
    await world.runner.cancel(operation.id)
    outcome = (await operation).outcome
    assert outcome == "the cancel came too late: web is off, its memory is saved"


async def test_a_failure_of_its_own_is_a_failure_that_tells_the_state(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.errors[SaveCall()] = HypervisorError("No space left on device.", "Make room.")
    operation = await world.runner.submit(Save(web))
    with pytest.raises(OperationFailedError) as caught:
        await operation
    assert str(caught.value.message) == (
        "save of web failed: No space left on device; web is running."
    )
    assert operation.record.outcome == "No space left on device; web is running"
    step = operation.record.steps[1].text
    assert step == "saving the memory of web failed: No space left on device."


async def test_it_keeps_no_other_instance_waiting(world: Saving) -> None:
    keys = [world.add(f"db{number}", S.RUNNING) for number in range(executor.PER_HOST + 1)]
    other = world.add("web", S.SHUTOFF)
    world.hold.clear()
    for key in keys:
        await world.runner.submit(Save(key))
    await until(lambda: world.in_flight == len(keys))
    started = await world.runner.submit(Start(other))
    await until(lambda: world.in_flight == len(keys) + 1)
    world.hold.set()
    assert (await started).status is OperationStatus.DONE


async def test_its_entry_says_that_it_is_under_way_and_then_its_answer(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    operation = await world.runner.submit(CoreDump(web, "/var/crash/web"))
    await until(lambda: bool(world.calls))
    (case,) = world.runner._cases.values()
    (sent,) = case.progress.sent
    assert (sent.call, sent.ended) == (CoreDumpCall("/var/crash/web", "elf", False), None)
    world.hold.set()
    await operation
    (answered,) = case.progress.sent
    assert isinstance(answered, Sent)
    assert answered.accepted


async def test_a_power_cut_waits_for_no_memory_dump_that_may_hang(world: Saving) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    dumped = await world.runner.submit(CoreDump(web, "/var/crash/web"))
    await until(lambda: bool(world.calls))
    refused = r"core-dump of web is running \(by ann@desk\): wait for it\."
    with pytest.raises(RefusedError, match=refused):
        await world.runner.submit(Pause(web))
    world.errors[CoreDumpCall("/var/crash/web", "elf", False)] = HypervisorError("QEMU ended.")
    cut = await world.runner.submit(Stop(web))
    await until(lambda: len(world.calls) == 2)
    world.hold.set()
    assert (await cut).status is OperationStatus.DONE
    with pytest.raises(OperationCancelledError, match="was cancelled: QEMU ended"):
        await dumped
