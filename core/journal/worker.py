"""A thread for what blocks on the disk: the core's loop, links and screens never wait for it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from core.futures import hand_over

T = TypeVar("T")


class _Job(NamedTuple):
    function: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Worker:
    """One daemon thread: a stuck disk never blocks exit."""

    def __init__(self, name: str = "journal") -> None:
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._last: Callable[[], object] | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[[], T]) -> T:
        """Run a function on the thread, after those asked for before it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Job(function, loop, future))
        return await future

    def end(self, last: Callable[[], object] | None = None) -> None:
        """Let the thread end after what it has been asked, and `last`: nobody waits for that."""
        self._last = last
        self._queue.put(None)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                result, error = job.function(), None
            except Exception as caught:
                result, error = None, caught
            hand_over(job.loop, job.future, result, error)
        if self._last is not None:
            self._last()
