"""Operations of dead consoles taken over: asked once and no longer than needed, tried again."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.engine import takeover
from core.engine.runner import Runner
from core.errors import JournalError
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import NOBODY
from core.model import (
    Delta,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    OperationStatus,
)
from core.verbs.power import immediate
from core.verbs.power.calls import ResetCall, ShutdownCall
from core.verbs.situation import Sent
from tests.unit.core.engine.world import World, left_by, until

S = InstanceState


def left_unanswered(key: ObjectKey) -> Entry:
    """A reset of which nothing tells what became of it."""
    entry = left_by(NOBODY, key, Sent(ResetCall(), SystemClock().now() - 2))
    return replace(entry, record=replace(entry.record, verb="reset", options={}))


async def test_what_was_asked_is_asked_no_longer_once_the_state_tells(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immediate, "VERIFY", 0.0)
    web = world.add("web", S.RUNNING)
    entry = left_unanswered(web)
    await journal.put(entry)
    await world.runner.start()
    asked = OperationStatus.ASKING
    await until(lambda: world.operations[entry.record.id].status is asked)
    world.put(replace(world.instances[web], id=8))
    world.runner.observe(Delta(1, 0.0, frozenset({web})))
    await until(lambda: world.operations[entry.record.id].status is OperationStatus.DONE)
    (kept,) = await journal.recent()
    assert kept.record.question is None


async def test_a_question_is_put_once_however_many_consoles_take_it_over(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immediate, "VERIFY", 0.0)
    entry = left_unanswered(world.add("web", S.RUNNING))
    await journal.put(entry)
    for _ in range(3):
        runner = Runner(
            world, journal, SystemClock(), lambda: world.state, world.publish, "bob@desk"
        )
        await runner.start()
        await until(lambda: world.operations[entry.record.id].status is OperationStatus.ASKING)
        await until(lambda taken=runner: bool(taken._cases))
        await runner.close()
    (kept,) = await journal.recent()
    assert sum(step.text.startswith("asking") for step in kept.record.steps) == 1


async def test_what_the_journal_does_not_hand_over_is_taken_over_later(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "AFTER_TROUBLE", 0.0)
    entry = left_by(NOBODY, world.add("web", S.SHUTOFF), Sent(ShutdownCall(), 0.0, 0.1))
    await journal.put(entry)
    claim, refused = journal.claim, asyncio.Event()

    async def full(*_: object) -> bool:
        refused.set()
        raise JournalError("The journal is full.", "Make room.")

    monkeypatch.setattr(journal, "claim", full)
    await world.runner.start()
    await refused.wait()
    monkeypatch.setattr(journal, "claim", claim)
    await until(lambda: world.operations[entry.record.id].status is OperationStatus.DONE)
    assert journal.notices == (
        "What other consoles do is not followed: The journal is full. Make room.",
    )


async def test_a_journal_that_is_removed_is_said_to_be_before_anything_is_asked_for(
    world: World, journal: Journal
) -> None:
    await world.runner.start()
    journal.path.unlink()
    await until(lambda: bool(journal.notices))
    assert "removed or replaced while it was open. Open virtdeck again" in journal.notices[0]


class Hanging(World):
    """A world in which alpha answers nothing any more, and beta does."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts["beta"] = Host("beta", "test:///other", link=Link(LinkStatus.UP))
        self.asked = asyncio.Event()

    async def read(self, subject: ObjectKey, looks_at: object = ()) -> Instance | None:
        if subject.host == "alpha":
            self.asked.set()
            await asyncio.Event().wait()
        return await super().read(subject, looks_at)


async def test_a_host_that_hangs_delays_what_is_taken_over_on_no_other(journal: Journal) -> None:
    world = Hanging()
    world.runner = Runner(
        world, journal, SystemClock(), lambda: world.state, world.publish, "ann@desk"
    )
    hung = left_by(NOBODY, world.add("web", S.SHUTOFF), Sent(ShutdownCall(), 0.0, 0.1))
    world.put(Instance("beta", "u-db", "db", S.SHUTOFF))
    key = ObjectKey("instance", "beta", "u-db")
    there = replace(hung.record, id="000000000002-bbbbbb", host="beta", subject=key)
    await journal.put(hung)
    await world.runner.start()
    await world.asked.wait()
    other = await Journal.open(journal.path)
    await other.put(replace(hung, record=there, uri="test:///other"))
    await other.close()
    await until(
        lambda: (
            there.id in world.operations
            and world.operations[there.id].status is OperationStatus.DONE
        )
    )
    assert world.operations[hung.record.id].status is OperationStatus.VERIFYING
    await world.runner.close()
