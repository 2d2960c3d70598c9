"""The readings that follow the ends of operations which an event alone has proven.

Such an end is shown at once; what is known of its subject is as it was before until it is read.
What is asked of its host next waits for that: it would be refused for what is no longer so.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from core.engine.case import Case
from core.engine.executor import Executor


class LaterReads:
    """The readings under way, by host. On the core's loop."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._by_host: defaultdict[str, set[asyncio.Task[bool]]] = defaultdict(set)

    def begin(self, case: Case) -> None:
        """Read the subject of an operation that is over, where only an event told its end."""
        if not (case.unread and any(sent.call.told_by_event for sent in case.progress.sent)):
            return
        tasks = self._by_host[case.record.host]
        task = asyncio.create_task(self._executor.look(case), name=f"read-{case.handle.id}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def over(self, host: str) -> None:
        """Wait until nothing of a host is being read. Never raises."""
        if tasks := self._by_host.get(host):
            await asyncio.wait(tuple(tasks))

    async def close(self) -> None:
        """Read nothing more."""
        tasks = [task for of_host in self._by_host.values() for task in of_host]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
