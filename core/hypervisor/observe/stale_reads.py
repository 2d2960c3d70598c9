"""What events made out of date, read again in the background, one reading after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from core.errors import VirtdeckError


class StaleReads:
    """The names of what is to be read again. On the core's loop.

    `read` gets all that waits at once. What it raises of ours is let go: the next event tells.
    """

    def __init__(self, task: str, read: Callable[[tuple[str, ...]], Awaitable[None]]) -> None:
        self._task = task
        self._read = read
        self._stale: dict[str, None] = {}
        self._work: asyncio.Task[None] | None = None

    def add(self, names: Iterable[str]) -> None:
        """Read these again, soon."""
        self._stale.update(dict.fromkeys(names))
        if self._stale and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._read_all(), name=self._task)

    def forget(self) -> None:
        """Read none of those that wait: the link is lost."""
        self._stale.clear()

    async def close(self) -> None:
        """Read nothing any more."""
        self.forget()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _read_all(self) -> None:
        while self._stale:
            names = tuple(self._stale)
            self._stale.clear()  # first: an event during the call makes one stale again
            with suppress(VirtdeckError):
                await self._read(names)
