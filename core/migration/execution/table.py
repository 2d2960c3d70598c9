"""Every migration that is followed here, ours or not, and who is told what of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.clock import Clock
from core.errors import VirtdeckError
from core.migration.execution.call_notes import Note
from core.migration.execution.port import MigrationHosts, MigrationLine, MigrationMessages
from core.migration.execution.record import Keep, Publish, RecordKeeper
from core.model import Delta, Migration, ObjectKey, State
from core.verbs.migration.requests import Migrate

if TYPE_CHECKING:
    from core.migration.execution.controls import Controls
    from core.migration.execution.tracker import Tracker

RETURN = 30.0
"""Seconds a call has to return once its end is known."""

_log = logging.getLogger(__name__)


class MigrationTable:
    """The migrations under way. On the core's asyncio loop only."""

    def __init__(
        self,
        hosts: MigrationHosts,
        clock: Clock,
        state: Callable[[], State],
        publish: Publish,
        messages: Callable[[], MigrationMessages | None] = lambda: None,
    ) -> None:
        self.messages = messages
        self.hosts = hosts
        self.clock = clock
        self.state = state
        self.publish = publish
        self.trackers: dict[str, Tracker] = {}
        """By migration id."""
        self.steered: dict[str, Controls] = {}
        """What steered migrations that nobody follows here yet, by migration id."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Follow nothing any more. What runs, runs on at its source."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def uri_of(self, host: str) -> str:
        """Return a host's address; empty for one that is not open."""
        found = self.state().hosts.get(host)
        return "" if found is None else found.uri

    def keeper(
        self, migration: Migration, keep: Keep | None = None, note: Note | None = None
    ) -> RecordKeeper:
        """Return the one place where a migration's value is replaced."""
        return RecordKeeper(
            *(migration, self.clock, self.publish, keep),
            uri_of=self.uri_of,
            note=note,
            messages=self.messages(),
        )

    def line(self, migration: Migration) -> MigrationLine:
        """Return new lanes for a migration."""
        return self.hosts.line(migration.host, migration.uuid, migration.id[-6:])

    def tracker(
        self,
        log: RecordKeeper,
        request: Migrate,
        *,
        elsewhere: bool = False,
    ) -> Tracker:
        """Return a tracker with lanes of its own; `follow` closes them."""
        from core.migration.execution.tracker import (
            Tracker,  # with all it takes to follow a migration
        )

        return Tracker(
            *(log, request, self.hosts, self.line(log.migration), self.state),
            elsewhere=elsewhere,
        )

    def follows(self, source: ObjectKey) -> bool:
        """Whether a migration of the instance `source` is followed already."""
        return any(tracker.migration.source_key == source for tracker in self.trackers.values())

    async def follow(self, tracker: Tracker, call: asyncio.Task[None] | None) -> Migration:
        """Follow a migration to its end, and let go of its lanes."""
        number = tracker.migration.id
        if (watching := self.trackers.get(number)) is not None:
            tracker.succeed(watching)  # it was another console's, and is ours now
        elif (steered := self.steered.pop(number, None)) is not None:
            tracker.controls.succeed(steered)
        for other in list(self.trackers.values()):
            if other.migration.uuid == tracker.migration.uuid and other.migration.over:
                await other.supersede()
        self.trackers[number] = tracker
        try:
            migration = await tracker.follow(call)
            # a call that broke in post-copy may never return, and what is left waits for hands
            if call is not None and not migration.followed:
                await asyncio.wait({call}, timeout=RETURN)
        finally:
            if self.trackers.get(number) is tracker:
                del self.trackers[number]
            await tracker.controls.line.close()
        self.begin(tracker.ending.check_agent)
        self.begin(tracker.ending.check_clean)
        return migration

    def observe(self, news: Delta) -> None:
        """Tell every tracker what concerns it. Cheap when nothing is under way."""
        for tracker in self.trackers.values():
            migration = tracker.migration
            keys = {migration.source_key, migration.destination_key}
            for event in news.events:
                if event.subject in keys:
                    tracker.saw(event)
            keys |= {ObjectKey("host", host, host) for host in (migration.host, migration.to)}
            if migration.key in news.changed:
                continue  # the tracker's own word, which marks the instance too: no news to it
            if not (keys.isdisjoint(news.changed) and keys.isdisjoint(news.gone)):
                tracker.wake()

    def begin(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do something beside; what fails in it is logged.

        It is a function: one that ends before it began leaves no coroutine behind.
        """
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except VirtdeckError as error:
        _log.info("beside a migration: %s", error)
    except Exception:
        _log.exception("beside a migration")
