"""Mailboxes: everything arrives, merged; nobody pays for a slow reader."""

from __future__ import annotations

import asyncio
import gc

from hypothesis import given
from hypothesis import strategies as st

from core.mailbox import COMPACT_AT, Mailbox, Mailroom
from core.model import Delta, ObjectKey, merge
from core.model.event import LinkEvent
from core.model.state import EVENTS_IN_A_DELTA

KEYS = [ObjectKey("instance", "alpha", str(number)) for number in range(6)]
SETS = st.frozensets(st.sampled_from(KEYS))


@st.composite
def deltas(draw: st.DrawFn) -> list[Delta]:
    result = []
    for revision in range(1, draw(st.integers(1, 12)) + 1):
        changed = draw(SETS)
        event = LinkEvent(host="alpha", at=revision, uuid="", name="", change="up")
        result.append(
            Delta(
                revision=revision,
                at=float(revision),
                changed=changed,
                gone=draw(SETS) - changed,
                events=(event,) * draw(st.integers(0, 2)),
            )
        )
    return result


async def take(box: Mailbox) -> Delta:
    async with asyncio.timeout(5):
        return await anext(box)


@given(deltas(), st.integers(1, 5))
def test_folding_early_changes_nothing(sequence: list[Delta], size: int) -> None:
    parts = [merge(sequence[at : at + size]) for at in range(0, len(sequence), size)]
    assert merge([part for part in parts if part is not None]) == merge(sequence)


@given(deltas())
def test_a_late_reader_gets_the_last_word_on_each_object(sequence: list[Delta]) -> None:
    async def scenario() -> Delta:
        box = Mailbox()
        for delta in sequence:
            box.put(delta)
        return await take(box)

    assert asyncio.run(scenario()) == merge(sequence)


async def test_a_reader_that_never_reads_holds_a_bounded_number_of_deltas() -> None:
    box = Mailbox()
    event = LinkEvent(host="alpha", at=1.0, uuid="", name="", change="up")
    total = COMPACT_AT * 40
    for revision in range(total):
        box.put(Delta(revision, 0.0, changed=frozenset([KEYS[revision % 6]]), events=(event,)))
        assert len(box._pending) < COMPACT_AT
    delta = await take(box)
    assert delta.revision == total - 1
    assert delta.changed == frozenset(KEYS)
    assert len(delta.events) == EVENTS_IN_A_DELTA
    assert delta.events_dropped == total - EVENTS_IN_A_DELTA


async def test_every_subscriber_hears_everything_from_its_subscription_on() -> None:
    room = Mailroom()
    early = room.subscribe()
    room.post(Delta(1, 1.0, changed=frozenset(KEYS[:1])))
    late = room.subscribe()
    room.post(Delta(2, 2.0, changed=frozenset(KEYS[1:2])))
    assert (await take(early)).changed == frozenset(KEYS[:2])
    assert (await take(late)).changed == frozenset(KEYS[1:2])


async def test_a_waiting_reader_is_woken_and_empty_deltas_are_not_delivered() -> None:
    room = Mailroom()
    box = room.subscribe()
    waiting = asyncio.create_task(take(box))
    await asyncio.sleep(0)
    room.post(Delta(1, 1.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.post(Delta(2, 2.0, gone=frozenset(KEYS[:1])))
    assert (await waiting).revision == 2


async def test_closing_lets_readers_finish_what_is_there() -> None:
    room = Mailroom()
    box = room.subscribe()
    room.post(Delta(1, 1.0, changed=frozenset(KEYS)))
    room.close()
    assert [delta.revision async for delta in box] == [1]
    assert [delta async for delta in room.subscribe()] == []


async def test_a_mailbox_nobody_holds_is_forgotten() -> None:
    room = Mailroom()
    box = room.subscribe()
    assert len(room._boxes) == 1
    del box
    gc.collect()
    assert len(room._boxes) == 0
