"""The feed: what was found is told in time, also where nothing else is observed."""

from __future__ import annotations

import asyncio

import pytest

from core import feed as feeds
from core.clock import SystemClock
from core.feed import Feed
from core.model.event import Found
from core.model.observation import HostAdded, LinkChanged
from core.state import findings
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
