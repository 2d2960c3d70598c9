"""What nobody can tell is asked, and answered from any console: kept, and never doubled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.errors import NotFoundError, RefusedError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import this_process
from core.model import ObjectKey, OperationRecord, OperationStatus
from core.model.operation import AnswerChoice, OperationQuestion
from core.verbs.guest import Nmi
from tests.driver.command import Virtdeck
from tests.driver.killed_console import KILLED, Errand, starter
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import uuid_of

QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)
SENDING, SENT = 4, 5
"""Points of the journal: right after the entry of the call, and after the call itself."""
KEY = ObjectKey("instance", "alpha", uuid_of(1))


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(1, 1, log_calls=True) as private:
        yield private


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


def sent(daemon: PrivateDaemon) -> int:
    """How many interrupts the daemon was asked for."""
    return len(re.findall(r" : virDomainInjectNMI:\d+ : ", daemon.calls.read_text()))


async def interrupt_and_die(daemon: PrivateDaemon, virtdeck: Virtdeck, point: int) -> None:
    journal = str(virtdeck.home / "journal.db")
    with starter() as consoles:
        errand = Errand(daemon.uri, journal, "nmi", KEY.id, {}, point)
        assert await consoles.run(errand) == KILLED


@asynccontextmanager
async def opened(daemon: PrivateDaemon, virtdeck: Virtdeck) -> AsyncIterator[Fleet]:
    journal = virtdeck.home / "journal.db"
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal, options=QUIET) as fleet:
        yield fleet


async def asking(fleet: Fleet) -> OperationRecord:
    def found() -> bool:
        return any(one.question is not None for one in fleet.state.operations.values())

    await until(found)
    return next(one for one in fleet.state.operations.values() if one.question is not None)


@pytest.mark.parametrize(("point", "before"), [(SENDING, 0), (SENT, 1)], ids=["not yet", "sent"])
async def test_it_is_asked_and_sent_again_when_another_console_says_so(
    daemon: PrivateDaemon, virtdeck: Virtdeck, point: int, before: int
) -> None:
    await interrupt_and_die(daemon, virtdeck, point)
    async with opened(daemon, virtdeck) as fleet:
        record = await asking(fleet)
        assert record.status is OperationStatus.ASKING
        assert sent(daemon) == before, "nothing is sent unasked"
    async with opened(daemon, virtdeck) as fleet:  # the question survives the console
        assert (await asking(fleet)).question == record.question
        with pytest.raises(RefusedError, match="no answer"):
            await fleet.answer(record.id, "perhaps")
        with pytest.raises(NotFoundError):
            await fleet.answer("0-0", "again")
        told = virtdeck("operations")
        assert f"virtdeck operations answer {record.id} again" in told.err
        wrong = virtdeck("operations", "answer", record.id, "maybe")
        assert (wrong.status, "Answer again or leave" in wrong.err) == (1, True)
        answered = virtdeck("operations", "answer", record.id, "again")
        assert answered.status == 0, answered.err
        await until(lambda: fleet.state.operations[record.id].status is OperationStatus.DONE)
        assert sent(daemon) == before + 1
        done = fleet.state.operations[record.id]
        assert [step.took is None for step in done.steps if step.call] == [True, False]
        with pytest.raises(RefusedError, match="asks nothing"):
            await fleet.answer(record.id, "again")


async def test_what_nobody_runs_is_answered_all_the_same_and_left(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    await interrupt_and_die(daemon, virtdeck, SENT)
    assert "is run by no console now: the next one that opens alpha" in virtdeck("operations").err
    async with opened(daemon, virtdeck) as fleet:
        record = await asking(fleet)
    answered = virtdeck("operations", "answer", record.id, "leave")
    assert answered.status == 0, answered.err
    assert "The next console that opens alpha" in answered.err
    async with opened(daemon, virtdeck) as fleet:
        await until(lambda: fleet.state.operations[record.id].status.final)
        left = fleet.state.operations[record.id]
    assert left.status is OperationStatus.UNKNOWN
    assert "left as it is" in left.outcome
    assert sent(daemon) == 1


async def test_a_question_keeps_nobody_from_anything(
    daemon: PrivateDaemon, virtdeck: Virtdeck
) -> None:
    await interrupt_and_die(daemon, virtdeck, SENDING)
    async with opened(daemon, virtdeck) as fleet:
        record = await asking(fleet)
        with pytest.raises(RefusedError, match="waits for an answer"):
            await fleet.cancel(record.id)
        assert (await (await fleet.submit(Nmi(KEY)))).status is OperationStatus.DONE
        assert fleet.state.operations[record.id].status is OperationStatus.ASKING
    assert sent(daemon) == 1


LOSS = "Cuts the power of web: what its guest has not written to disk is lost."
WAITS = OperationQuestion(
    "wait-1", "wait on for the guest of web, or force it now?",
    (AnswerChoice("wait-on", "nothing forces it"), AnswerChoice("force-now", "cut it", LOSS)),
)  # fmt: skip


async def test_what_takes_something_away_is_answered_after_a_yes(virtdeck: Virtdeck) -> None:
    """A guest that is waited for goes on meanwhile: nothing waits for the answer."""
    record = OperationRecord(
        *("0-1", "shutdown", "alpha", KEY, "web", "ann@desk", 1.0, OperationStatus.VERIFYING),
        question=WAITS,
    )
    journal = await Journal.open(virtdeck.home / "journal.db")
    await journal.put(Entry(record, this_process()))
    assert f"{record.id} goes on, and may be told: {WAITS.text}" in virtdeck("operations").err
    refused = virtdeck("operations", "answer", record.id, "force-now")
    assert (refused.status, LOSS in refused.err) == (1, True)
    assert await journal.messages(record.id) == []
    for words in (["wait-on"], ["force-now", "--yes"]):
        assert virtdeck("operations", "answer", record.id, *words).status == 0
    told = await journal.messages(record.id)
    await journal.close()
    assert [(one.text, one.about) for one in told] == [
        ("wait-on", "wait-1"), ("force-now", "wait-1"),
    ]  # fmt: skip
