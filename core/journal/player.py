"""The playing of a tape: position, speed, pause and seek, and the store rebuilt to match."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import threading
from collections.abc import Callable

from msgspec.structs import replace

from core.clock import Clock
from core.journal.checkpoints import Checkpoints
from core.journal.tape import Tape
from core.model import Delta, ObjectKey, State, merge
from core.state.store import Store

SLOWEST, FASTEST = 0.25, 64.0
"""The limits of the speed, in seconds of tape per second."""
BATCH = 200
"""Observations applied between two turns of the loop while playing."""


class Player:
    """Applies a tape's observations to a store of its own. Positions are seconds from its start.

    Everything but `run` also works without a loop: until `run` the player stands where it was put.
    Runs on one thread; `state` may be read from any.
    """

    def __init__(self, tape: Tape, deliver: Callable[[Delta], None], clock: Clock) -> None:
        """Stand at the start of `tape`; `clock.monotonic()` paces the playing."""
        self._tape = tape
        self._deliver = deliver
        self._clock = clock
        self._store = Store()
        self._turn = threading.RLock()
        """Whose the store is: of who applies to it, or of who has its picture made (core.feed)."""
        self._checkpoints = Checkpoints()
        self._revisions = 0
        self._next = 0
        self._speed = 1.0
        self._paused = False
        self._running = False
        self._turned = asyncio.Event()
        self._anchor = (clock.monotonic(), 0.0)

    @property
    def state(self) -> State:
        """The picture at the position; its revision never falls, not even when seeking back."""
        with self._turn:
            state, revisions = self._store.state, self._revisions
        if not revisions:
            return state
        return dataclasses.replace(state, revision=state.revision + revisions)

    @property
    def duration(self) -> float:
        """How long the tape is."""
        return self._tape.duration

    @property
    def position(self) -> float:
        """Where it is."""
        since, position = self._anchor
        if self._running and not self._paused:
            position += (self._clock.monotonic() - since) * self._speed
        return min(max(position, 0.0), self.duration)

    @property
    def ended(self) -> bool:
        """Whether everything was played."""
        return self._next >= len(self._tape) and self.position >= self.duration

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._move_anchor(self.position)
        self._paused = paused
        self._turned.set()

    @property
    def speed(self) -> float:
        """Seconds of tape per second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._move_anchor(self.position)
        self._speed = min(max(speed, SLOWEST), FASTEST)
        self._turned.set()

    def seek(self, position: float) -> None:
        """Go to `position` (beyond the ends: to the end), forwards or backwards, at once.

        Readers get one delta that says what is different there.
        """
        position = min(max(position, 0.0), self.duration)
        before, jumped = self.state, self._jump(self._tape.due(position))
        deltas = self._apply_until(position)
        self._move_anchor(position)
        self._turned.set()
        delta = _difference(before, self.state) if jumped else merge(deltas)
        if delta is not None:
            self._deliver(delta)

    def _jump(self, line: int) -> bool:
        """Go to the checkpoint that is nearest before `line`, unless playing on is shorter."""
        if line == self._next:
            return False
        start = self._checkpoints.nearest(line)
        if start <= self._next <= line:
            return False
        with self._turn:
            self._revisions = self.state.revision + 1
            self._store, self._next = self._checkpoints.store_at(start), start
        return True

    async def run(self) -> None:
        """Play until cancelled; at the end it waits for somebody to seek back."""
        self._move_anchor(self.position)
        self._running = True
        while True:
            self._turned.clear()
            for delta in self._apply_until(self.position, BATCH):
                self._deliver(delta)
            await self._until_due()

    async def _until_due(self) -> None:
        if self._paused or self._next >= len(self._tape):
            await self._turned.wait()
            return
        due = self._tape.time(self._next)
        try:
            async with asyncio.timeout(max(0.0, (due - self.position) / self._speed)):
                await self._turned.wait()
        except TimeoutError:
            return

    def _apply_until(self, position: float, limit: int | None = None) -> list[Delta]:
        count = self._tape.due(position) - self._next
        if limit is not None:
            count = min(count, limit)
        deltas = []
        first = self._next
        for line, observation in enumerate(self._tape.read(first, count), first):
            with self._turn:
                self._checkpoints.pass_by(line, self._tape.offset(line), self._store)
                deltas.append(self._store.apply(observation))
        self._next += max(0, count)
        if self._store.waiting and self._next >= len(self._tape):
            with self._turn:
                deltas.append(self._store.elapse(math.inf))  # no event will come
        if self._revisions:
            return [replace(one, revision=one.revision + self._revisions) for one in deltas]
        return deltas

    def _move_anchor(self, position: float) -> None:
        self._anchor = (self._clock.monotonic(), position)


def _difference(before: State, after: State) -> Delta:
    """What a reader of `before` must read again to have `after`: everything that exists."""
    there = _keys(after)
    return Delta(
        revision=after.revision,
        at=after.at,
        changed=frozenset(there),
        gone=frozenset(_keys(before) - there),
    )


def _keys(state: State) -> set[ObjectKey]:
    keys = {host.key for host in state.hosts.values()}
    keys.update(state.instances, state.pools, state.volumes, state.networks)
    keys.update(operation.key for operation in state.operations.values())
    return keys
