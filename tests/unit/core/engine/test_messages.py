"""What consoles tell each other through their journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.engine.messages import Messages
from core.errors import JournalError
from core.journal.journal import Journal
from core.model import OperationStep

ABORT = OperationStep(5.0, "aborting it", "abort", "virsh domjobabort web")


@pytest.fixture
async def consoles(tmp_path: Path) -> AsyncIterator[tuple[Messages, Messages]]:
    path = tmp_path / "journal.sqlite3"
    one, other = await Journal.open(path), await Journal.open(path)
    clock = SystemClock()
    yield Messages(one, clock, "ann@desk"), Messages(other, clock, "bob@desk")
    await one.close()
    await other.close()


async def test_an_abort_is_known_to_the_other_console_until_it_is_refused(
    consoles: tuple[Messages, Messages],
) -> None:
    ours, theirs = consoles
    assert not await ours.abort_was_sent("0-1")
    await theirs.abort_is_sent("0-1", ABORT)
    assert await ours.abort_was_sent("0-1")
    assert not await ours.abort_was_sent("0-2"), "of another operation"
    await theirs.abort_was_refused("0-1")
    assert not await ours.abort_was_sent("0-1")


async def test_answers_come_in_their_order_with_who_gave_them(
    consoles: tuple[Messages, Messages],
) -> None:
    ours, theirs = consoles
    await theirs.send("0-1", "answer", "leave")
    await ours.send("0-1", "answer", "again")
    await theirs.abort_is_sent("0-1", ABORT)
    told = await ours.answers("0-1")
    assert [(one.text, one.author) for one in told] == [
        ("leave", "bob@desk"), ("again", "ann@desk"),
    ]  # fmt: skip


async def test_an_abort_is_sent_though_the_journal_takes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    journal = await Journal.open(path)
    path.unlink()
    messages = Messages(journal, SystemClock(), "ann@desk")
    await messages.abort_is_sent("0-1", ABORT)
    with pytest.raises(JournalError):
        await messages.send("0-1", "answer", "again")
    await journal.close()
    assert not await Messages(None, SystemClock(), "ann@desk").abort_was_sent("0-1")


async def test_the_calls_of_another_console_are_known_an_abort_before_its_answer(
    consoles: tuple[Messages, Messages],
) -> None:
    ours, theirs = consoles
    slower = OperationStep(4.0, "slower", "bandwidth", "virsh migrate-setspeed web 3", 0.1)
    await theirs.call_was_made("0-1", slower)
    await theirs.abort_is_sent("0-1", ABORT)
    assert await ours.calls_made("0-1", over=True) == [ABORT, slower]
    assert await ours.calls_made("0-1", over=False) == [slower]
    answered = OperationStep(5.1, "aborting it", "abort", "virsh domjobabort web", 0.2)
    await theirs.call_was_made("0-1", answered)
    assert await ours.calls_made("0-1", over=True) == [slower, answered]
    assert await ours.calls_made("0-2", over=True) == []
