"""The picture of a fleet and those who follow it: observations in, deltas to every subscriber."""

from __future__ import annotations

import asyncio
import threading

from core.clock import Clock
from core.mailbox import Mailbox, Mailroom
from core.model import Delta, Observation, State
from core.state.findings import GRACE
from core.state.store import Store


class Feed:
    """A store whose deltas are posted. All methods run on one asyncio loop; `state` on any thread.

    A picture is made when it is asked for. One made by another thread in the midst of an
    observation would be half of two, and stay: what its table got meanwhile would be seen by
    nobody until that table changed again, for no later reading of it differs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._store = Store()
        self._turn = threading.Lock()
        """Whose the store is: of who applies to it, or of who has its picture made."""
        self._mailroom = Mailroom()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> State:
        """The newest picture; any thread."""
        with self._turn:
            return self._store.state

    def subscribe(self) -> Mailbox:
        """Return a mailbox that receives every delta from now on."""
        return self._mailroom.subscribe()

    def apply(self, observation: Observation) -> Delta:
        """Take in an observation, post what it changed and return it."""
        with self._turn:
            delta = self._store.apply(observation)
        return self._post(delta)

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
        with self._turn:
            delta = self._store.elapse(self._clock.now())
        self._post(delta)
