"""The operation lanes of one host: opened when needed, bounded, in order per instance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar
from weakref import WeakValueDictionary

from core.errors import NotSentError, UnreachableError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.lane import Connecting, Lane

T = TypeVar("T")
STUCK_LIMIT = 8
"""Calls that never returned beyond which no further one is sent: each may hold one of the daemon's
workers, of which it has 20 by default (libvirtd.conf, max_workers)."""
_URGENT_RESERVE = 4


class LanePool:
    """Lanes for whatever may take long. All methods on the core's loop.

    Calls about one instance are made one after the other, in their order; calls about different
    instances side by side, `limit` at a time. An urgent call waits for nobody.
    """

    def __init__(self, host: str, connecting: Connecting, *, limit: int, idle: float) -> None:
        self._host = host
        self._connecting = connecting
        self._idle_for = idle
        self._slots = asyncio.Semaphore(limit)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._idle: dict[Lane, asyncio.TimerHandle] = {}
        self._busy: set[Lane] = set()
        self._stuck: set[Lane] = set()
        self._opened = 0
        self._generation = 0

    async def call(
        self,
        function: Callable[[Connection], T],
        *,
        uuid: str | None,
        deadline: float,
        urgent: bool = False,
        around: AbstractAsyncContextManager[object] | None = None,
    ) -> T:
        """Make a call on a lane of its own; `deadline` (s) counts from when it is its turn.

        `around` is entered once it is, and left when the call is over; an urgent call has none.
        Raises as `Lane.call` does, and NotSentError when too many earlier calls are stuck.
        """
        if urgent:
            return await self._make(function, deadline, STUCK_LIMIT + _URGENT_RESERVE)
        async with self._turn(uuid), self._slots, around or nullcontext():
            return await self._make(function, deadline, STUCK_LIMIT)

    def drop(self) -> None:
        """The link is lost: close what is idle, give up what is still being opened.

        Calls that were sent end by themselves: their connections have their own keepalive.
        """
        self._generation += 1
        lost = NotSentError(
            f"The link to {self._host} was lost; nothing was sent.", "Ask again when it is back."
        )
        for lane in self._busy:
            lane.stop_opening(lost)
        while self._idle:
            self._expire(next(iter(self._idle)))

    def close(self) -> tuple[Lane, ...]:
        """Close every lane, stuck ones included; returns those whose threads still run."""
        self.drop()
        closed = UnreachableError(f"The link to {self._host} was closed during a call.")
        for lane in self._busy:
            lane.give_up(closed)
        return tuple(lane for lane in self._busy | self._stuck if not lane.ended)

    def _turn(self, uuid: str | None) -> AbstractAsyncContextManager[object]:
        if uuid is None:
            return nullcontext()
        return self._turns.setdefault(uuid, asyncio.Lock())

    async def _make(
        self, function: Callable[[Connection], T], deadline: float, stuck_limit: int
    ) -> T:
        self._stuck = {lane for lane in self._stuck if not lane.ended}
        if len(self._stuck) >= stuck_limit:
            raise NotSentError(
                f"{self._host} has not answered {len(self._stuck)} earlier calls.",
                "Find the instance whose hypervisor process hangs, and stop it.",
            )
        lane = self._take()
        generation = self._generation
        self._busy.add(lane)
        try:
            return await lane.call(function, deadline=deadline)
        finally:
            self._busy.discard(lane)
            self._give_back(lane, generation)

    def _take(self) -> Lane:
        if self._idle:
            lane, timer = self._idle.popitem()
            timer.cancel()
            return lane
        self._opened += 1
        return Lane(f"lane-{self._host}-{self._opened}", self._connecting)

    def _give_back(self, lane: Lane, generation: int) -> None:
        if not lane.usable:
            self._stuck.add(lane)
        elif generation != self._generation:
            lane.close()
        else:
            loop = asyncio.get_running_loop()
            self._idle[lane] = loop.call_later(self._idle_for, self._expire, lane)

    def _expire(self, lane: Lane) -> None:
        self._idle.pop(lane).cancel()
        lane.close()
