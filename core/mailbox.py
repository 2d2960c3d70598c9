"""Mailboxes: how deltas reach subscribers without a slow one costing anybody memory or time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakSet

from core.model import Delta, merge

COMPACT_AT = 128
"""Deltas a mailbox holds before it folds them into one: keeps a put cheap and memory bounded."""


class Mailbox(AsyncIterator[Delta]):
    """One subscriber's mailbox: what it has not read yet, merged into one delta when it looks.

    All methods run on the source's asyncio loop. It has one reader at a time.
    """

    def __init__(self) -> None:
        self._pending: list[Delta] = []
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, delta: Delta) -> None:
        """Add a delta; never blocks; memory is bounded by the objects that exist."""
        self._pending.append(delta)
        if len(self._pending) >= COMPACT_AT:
            self._fold()
        self._wake.set()

    def close(self) -> None:
        """End the reader's iteration once it has read what is there."""
        self._closed = True
        self._wake.set()

    async def __anext__(self) -> Delta:
        """Wait for news; everything since the last read comes as one delta."""
        while not self._pending:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        self._fold()
        return self._pending.pop()

    def _fold(self) -> None:
        merged = merge(self._pending)
        self._pending = [merged] if merged is not None else []


class Mailroom:
    """Hands every delta to every living subscriber. Runs on the source's asyncio loop.

    A subscriber is forgotten as soon as nobody holds its mailbox any more.
    """

    def __init__(self) -> None:
        self._boxes: WeakSet[Mailbox] = WeakSet()
        self._closed = False

    def subscribe(self) -> Mailbox:
        """Return a mailbox that receives every delta posted from now on."""
        box = Mailbox()
        self._boxes.add(box)
        if self._closed:
            box.close()
        return box

    def post(self, delta: Delta) -> None:
        """Give a delta to every subscriber; an empty one is not delivered."""
        if delta.empty:
            return
        for box in tuple(self._boxes):
            box.put(delta)

    def close(self) -> None:
        """End every subscriber's iteration, also of those who come later."""
        self._closed = True
        for box in tuple(self._boxes):
            box.close()
