"""The feed: what was found is told in time, also where nothing else is observed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from core import feed as feeds
from core.clock import SystemClock
from core.feed import Feed
from core.model import Pool
from core.model.event import Found
from core.model.observation import HostAdded, LinkChanged, PoolRead
from core.state import findings, tables
from tests.patience import PATIENCE
from tests.unit.state_builders import HOST, SHUTOFF, UP, instance, listed


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    for module in (feeds, findings):
        monkeypatch.setattr(module, "GRACE", 0.05)
    made = Feed(SystemClock())
    for one in (HostAdded(HOST, 1.0, "x"), LinkChanged(HOST, 1.0, UP), listed(instance())):
        made.apply(one)
    return made


async def test_what_was_found_is_told_though_nothing_follows(feed: Feed) -> None:
    feed.apply(listed(instance(state=SHUTOFF), at=SystemClock().now()))
    box = feed.subscribe()
    async with asyncio.timeout(5):
        delta = await anext(box)
    assert [one.change for one in delta.events if isinstance(one, Found)] == ["running -> shutoff"]
    assert feed.state.revision == delta.revision


async def test_a_closed_feed_wakes_nobody(feed: Feed) -> None:
    box = feed.subscribe()
    feed.apply(listed(instance(state=SHUTOFF), at=SystemClock().now()))
    before = feed.state
    feed.close()
    async with asyncio.timeout(5):
        told = [one async for delta in box for one in delta.events]
    await asyncio.sleep(0.1)
    assert told == []
    assert feed.state is before


class Turn:
    """A lock that tells when somebody comes who has to wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.wanted = threading.Event()

    def __enter__(self) -> None:
        if self._lock.locked():
            self.wanted.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_what_comes_while_another_thread_has_a_picture_made_is_in_the_next(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was in none, until something else of its kind changed: no sweep found it otherwise."""
    being_made, turn = threading.Event(), Turn()
    feed._turn = turn  # type: ignore[assignment]

    def slowly(rows: dict[Any, Any]) -> Mapping[Any, Any]:
        if threading.current_thread() is reader and any(key[0] == "pool" for key in rows):
            being_made.set()
            assert turn.wanted.wait(10 * PATIENCE)
        return MappingProxyType(rows)

    monkeypatch.setattr(tables, "MappingProxyType", slowly)
    feed.apply(PoolRead(HOST, 3.0, Pool(HOST, "one", "one")))
    reader = threading.Thread(target=lambda: feed.state)
    reader.start()
    assert being_made.wait(10 * PATIENCE)
    feed.apply(PoolRead(HOST, 4.0, Pool(HOST, "two", "two")))
    turn.wanted.set()  # whoever needs no lock has done its worst by now
    reader.join()
    feed.apply(PoolRead(HOST, 5.0, Pool(HOST, "two", "two")))
    assert [pool.name for pool in feed.state.pools.values()] == ["one", "two"]
