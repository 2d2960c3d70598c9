"""A tape whose requests are checked as those of a live fleet are, and taken."""

from __future__ import annotations

import asyncio

from core.errors import VirtdeckError
from core.model import Instance, ObjectKey, Request, State
from core.verbs import checks
from core.verbs.refusal import Refusal
from tests.screens.migrate_source import Answering


class Checking(Answering):
    """`submitted` has what came through."""

    unread: State | None = None
    """What is known once an instance is read; None: all is."""
    reading: asyncio.Event | None = None
    """Keeps what is read back until it is set."""
    against_reading: VirtdeckError | None = None
    crowd: State | None = None
    """The picture with what is not on the tape."""

    @property
    def state(self) -> State:
        """The tape's picture, or the crowd."""
        return self.crowd or super().state

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        if self.reading is not None:
            await self.reading.wait()
        if self.against_reading is not None:
            raise self.against_reading
        self.crowd = self.unread or self.crowd
        return await super().read(key)

    def check(self, request: Request) -> tuple[Refusal, ...]:
        return checks.check(self.state, request)
