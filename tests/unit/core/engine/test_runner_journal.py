"""The journal cannot be written in mid-operation: nothing that takes effect goes without an entry.

What was begun is followed to its end, shown as not journalled, and written once that works again.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.cli.waiting import end_status
from console.shell.operations_watch import toast_of_many, toast_of_one
from core.clock import SystemClock
from core.engine.asking import answer
from core.engine.handle import Handle
from core.engine.progress import progress_of
from core.engine.runner import Runner
from core.errors import OperationFailedError, RefusedError
from core.journal.journal import Journal
from core.journal.ledger import Ledger
from core.journal.owner import NOBODY
from core.model import Instance, InstanceState, ObjectKey, OperationRecord, OperationStatus
from core.verbs.guest import Nmi, NmiCall
from core.verbs.power.calls import (
    CreateCall,
    DestroyCall,
    ResetCall,
    ShutdownCall,
    SuspendCall,
)
from core.verbs.power.requests import HardReboot, Pause, Shutdown, Start
from core.verbs.registry import VERBS
from core.verbs.situation import Sent
from tests.unit.core.engine.world import World, until

S = InstanceState
UNHEEDED = "web is shut off; its power was cut, for its guest had not obeyed"


@pytest.fixture
async def world(journal: Journal) -> AsyncIterator[World]:
    async for made in running(journal):
        yield made


async def running(journal: Journal) -> AsyncIterator[World]:
    made = World()
    made.runner = Runner(made, journal, SystemClock(), lambda: made.state, made.publish, "ann@desk")
    await made.runner.start(watch=False)
    yield made
    made.hold.set()
    await made.runner.close()


async def writable(journal: Journal, *, yes: bool) -> None:
    def turn() -> None:
        journal._ledger._connection.execute(f"PRAGMA query_only = {'OFF' if yes else 'ON'}")

    await journal._work.call(turn)


async def test_of_two_asked_for_at_once_on_one_console_the_second_has_its_turn_after_the_first(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    asked_for = (world.runner.submit(Pause(web)), world.runner.submit(Nmi(web)))
    first, second = await asyncio.gather(*asked_for)
    await until(lambda: bool(world.calls))
    await world.runner.catch_up()
    assert world.calls == [(web.id, SuspendCall())]
    assert second.record.status is OperationStatus.QUEUED
    world.hold.set()
    assert {(await each).status for each in (first, second)} == {OperationStatus.DONE}
    assert world.calls == [(web.id, SuspendCall()), (web.id, NmiCall())]


async def test_what_was_asked_on_another_console_after_the_last_look_is_in_the_way(
    world: World, journal: Journal
) -> None:
    """Of the other console's journal nothing was read when the request is checked."""
    web = world.add("web", S.RUNNING)
    others = await Journal.open(journal.path)
    async for other in running(others):
        other.add("web", S.RUNNING)
        other.hold.clear()
        await other.runner.submit(Pause(web))
        assert not world.runner.check(Nmi(web))
        with pytest.raises(RefusedError, match="pause of web is "):
            await world.runner.submit(Nmi(web))
    await others.close()
    assert world.calls == []


async def closed_and_read(world: World, journal: Journal) -> Sent:
    """What the journal has of the newest call of the only operation, once its console is closed."""
    await world.runner.close()
    (entry,) = await journal.recent()
    progress = progress_of(VERBS[entry.record.verb], entry.progress)
    assert progress is not None
    assert entry.owner == NOBODY, "the next console takes it over at once"
    return progress.sent[-1]


async def test_an_answer_that_came_is_written_before_the_console_is_closed(
    world: World, journal: Journal
) -> None:
    """Else the next console asks the operator whether the call was made."""
    web = world.add("web", S.RUNNING)
    looking = asyncio.Event()

    async def look(subject: ObjectKey, looks_at: object = ()) -> Instance | None:
        looking.set()
        return await asyncio.Future()

    world.before_call = lambda: setattr(world, "read", look)
    await world.runner.submit(Nmi(web))
    await looking.wait()  # the call was answered, and that is not written yet
    (before,) = await journal.recent()
    assert '"ended":null' in before.progress.replace(" ", "") or '"ended"' not in before.progress
    assert (await closed_and_read(world, journal)).accepted


async def test_an_answer_that_comes_as_the_console_is_closed_is_heard_and_nothing_more_is_sent(
    world: World, journal: Journal
) -> None:
    web = world.add("web", S.RUNNING)
    world.hold.clear()
    await world.runner.submit(HardReboot(web))
    await until(lambda: bool(world.calls))
    world.before_call = lambda: pytest.fail("a call was made as the console was closed")
    asyncio.get_running_loop().call_soon(world.hold.set)
    sent = await closed_and_read(world, journal)
    assert (sent.call, sent.accepted) == (DestroyCall(), True)


async def asked(world: World, **options: float) -> Handle:
    """A guest that ignores the power button is asked; its power is to be cut after a second."""
    web = world.add("web", S.RUNNING)
    world.obeys = False
    operation = await world.runner.submit(Shutdown(web, timeout=1.0, then_stop=True))
    await until(lambda: bool(world.calls) and operation.record.status is OperationStatus.VERIFYING)
    return operation


async def test_the_power_is_not_cut_without_its_entry(world: World, journal: Journal) -> None:
    operation = await asked(world)
    await writable(journal, yes=False)
    with pytest.raises(OperationFailedError, match="cutting its power: not done: The journal"):
        await operation
    assert [call for _, call in world.calls] == [ShutdownCall()]
    assert operation.record.unjournalled
    toast = toast_of_one(operation.record)
    assert "Not journalled" in toast.text
    await writable(journal, yes=True)
    await world.runner._executor.catch_up()
    (entry,) = await journal.recent()
    assert entry.record.status is OperationStatus.FAILED
    assert '"destroy"' not in entry.progress, "it was never sent"
    assert entry.record.unjournalled == world.operations[operation.id].unjournalled == ""


async def test_once_the_journal_is_back_the_power_is_cut(world: World, journal: Journal) -> None:
    operation = await asked(world)
    await writable(journal, yes=False)
    await asyncio.sleep(0.1)
    await writable(journal, yes=True)
    world.obeys = True
    assert (await operation).outcome == UNHEEDED
    assert operation.record.unjournalled == ""


async def test_what_is_offered_while_a_guest_is_waited_for_is_chosen_and_nothing_waits_for_it(
    world: World,
) -> None:
    web = world.add("web", S.RUNNING)
    world.obeys = False
    operation = await world.runner.submit(Shutdown(web, timeout=3600.0))
    await until(lambda: operation.record.question is not None)
    assert operation.record.status is OperationStatus.VERIFYING
    await answer(world.state, world.runner.messages, operation.id, "wait-on")
    await until(lambda: _endless(operation.record))
    world.obeys = True
    await answer(world.state, world.runner.messages, operation.id, "force-now")
    outcome = (await operation).outcome
    assert outcome.startswith("web is shut off; its power was cut, as ")
    assert [call for _, call in world.calls] == [ShutdownCall(), DestroyCall()]
    assert not any("asked:" in step.text for step in operation.record.steps)


def _endless(record: OperationRecord) -> bool:
    return record.countdown is not None and record.countdown.until is None


async def test_what_was_begun_is_followed_and_said(world: World, journal: Journal) -> None:
    web = world.add("web", S.SHUTOFF)
    world.hold.clear()
    operation = await world.runner.submit(Start(web))
    await until(lambda: bool(world.calls))
    await writable(journal, yes=False)
    world.hold.set()
    record = await operation
    assert record.status is OperationStatus.DONE
    assert "attempt to write a readonly database" in record.unjournalled
    assert "writable" in record.unjournalled, "with its cure"
    assert sum(step.text.startswith("not journalled") for step in record.steps) == 1
    assert toast_of_one(record).severity == "warning"
    assert toast_of_many([record, record]).severity == "warning"
    (behind,) = await journal.recent()
    assert not behind.record.status.final
    await writable(journal, yes=True)
    await world.runner.close()
    (entry,) = await journal.recent()
    assert entry.record.status is OperationStatus.DONE, "written at the latest when it closes"


def test_only_what_a_guest_decides_on_may_go_without_an_entry() -> None:
    assert not any(call.asks for call in (DestroyCall(), ResetCall(), CreateCall()))


async def test_a_journal_that_is_removed_is_not_written_to(
    world: World, journal: Journal, tmp_path: Path
) -> None:
    """SQLite itself goes on writing to a file that nobody finds any more."""
    operation = await asked(world)
    (tmp_path / "journal.sqlite3").rename(tmp_path / "elsewhere")
    with pytest.raises(OperationFailedError, match="removed or replaced"):
        await operation
    assert [call for _, call in world.calls] == [ShutdownCall()]


async def test_a_console_that_holds_the_journal_for_long_is_waited_for(
    world: World, journal: Journal, tmp_path: Path
) -> None:
    operation = await asked(world)
    other = sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    world.obeys = True
    await asyncio.sleep(1.5)  # past the time at which the power is to be cut
    assert [call for _, call in world.calls] == [ShutdownCall()], "not before it is written"
    other.execute("COMMIT")
    other.close()
    assert (await operation).outcome == UNHEEDED
    assert operation.record.unjournalled == ""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    if os.geteuid() != 0:
        pytest.skip("file systems are mounted by root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    """Leave not a byte free."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


async def test_a_file_system_that_fills_up(small: Path) -> None:
    journal = await Journal.open(small / "journal.sqlite3")
    async for world in running(journal):
        operation = await asked(world)
        filler = fill(small)
        with pytest.raises(OperationFailedError, match="not done: The journal") as caught:
            await operation
        assert "room" in caught.value.hint
        assert [call for _, call in world.calls] == [ShutdownCall()]
        filler.unlink()
        await world.runner.close()
        (entry,) = await journal.recent()
        assert entry.record.status is OperationStatus.FAILED
    await journal.close()
    Ledger.open(small / "journal.sqlite3").close()


def test_the_command_line_says_it_and_its_exit_status_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = ObjectKey("instance", "alpha", "u")
    record = OperationRecord("1", "stop", "alpha", key, "web", "ann@desk", 0.0)
    done = replace(record, status=OperationStatus.DONE)
    assert end_status(done) == 0
    assert capsys.readouterr().err == ""
    assert end_status(replace(done, unjournalled="The disk is full. Make room.")) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert "does not hold how stop of web ended: The disk is full. Make room." in told.err
    lost = replace(record, status=OperationStatus.FAILED, unjournalled="The disk is full.")
    assert end_status(lost) == 1
