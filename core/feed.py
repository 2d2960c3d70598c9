"""The picture of a fleet and those who follow it: observations in, deltas to every subscriber."""

from __future__ import annotations

import asyncio

from core.clock import Clock
from core.mailbox import Mailbox, Mailroom
from core.model import Delta, Observation, State
from core.state.findings import GRACE
from core.state.store import Store


class Feed:
    """A store whose deltas are posted. All methods run on one asyncio loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._store = Store()
        self._mailroom = Mailroom()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> State:
        """The newest picture; may be read from any thread."""
        return self._store.state

    def subscribe(self) -> Mailbox:
        """Return a mailbox that receives every delta from now on."""
        return self._mailroom.subscribe()

    def apply(self, observation: Observation) -> Delta:
        """Take in an observation, post what it changed and return it."""
        return self._post(self._store.apply(observation))

    def close(self) -> None:
        """End every subscriber's iteration."""
        if self._timer is not None:
            self._timer.cancel()
        self._mailroom.close()

    def _post(self, delta: Delta) -> Delta:
        self._mailroom.post(delta)
        if self._store.waiting and self._timer is None:
            # Where no statistics are read, the next observation may be a minute away.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GRACE, self._elapse)
        return delta

    def _elapse(self) -> None:
        self._timer = None
        self._post(self._store.elapse(self._clock.now()))
