"""Migrations that somebody else started: found, followed, steered like our own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from msgspec.structs import replace

from core.migration.execution.table import MigrationTable
from core.migration.judgement import discovery
from core.migration.judgement import recovery as recover
from core.model import Delta, LinkStatus, ObjectKey

LINK_SETTLES = 0.2
"""Seconds between the news that a link is up and the look at what runs there."""


class Foreign:
    """Reads for migrations that are not ours. On the core's asyncio loop only."""

    def __init__(self, table: MigrationTable, catch_up: Callable[[], Awaitable[None]]) -> None:
        """`catch_up` has the state know what other consoles have begun by now."""
        self._table = table
        self._catch_up = catch_up
        self._looking: set[ObjectKey] = set()
        self._scanning: set[str] = set()
        self._scanned: set[str] = set()

    def looked_at(self, host: str) -> bool | None:
        """Whether all that ran on a host has been looked at; None: it is being looked at."""
        looking = {key.host for key in self._looking if not self._table.follows(key)}
        if host in self._scanning or host in looking:
            return None
        return host in self._scanned

    def look_around(self) -> None:
        """Look at the hosts that were there before us."""
        for host in self._table.state().hosts.values():
            if host.link.status is LinkStatus.UP:
                self._begin_scan(host.name)

    def observe(self, news: Delta) -> None:
        """Look where news says that an instance may be migrating. Cheap without news."""
        if not news.events:
            return
        for key in discovery.hints(news, self._table.state()):
            self._suspect(key)
        for host in discovery.came_up(news):
            self._begin_scan(host)

    def _suspect(self, key: ObjectKey) -> None:
        if key not in self._looking and not self._table.follows(key):
            self._looking.add(key)
            self._table.begin(partial(self._look_at, key))

    def _begin_scan(self, host: str) -> None:
        self._scanned.discard(host)
        self._scanning.add(host)
        self._table.begin(partial(self._scan, host))

    async def _scan(self, host: str) -> None:
        """Look once for migrations under way on a host that has come into view."""
        try:
            await self._look_through(host)
            self._scanned.add(host)
        finally:
            self._scanning.discard(host)

    async def _look_through(self, host: str) -> None:
        # the news of its link comes a moment before the link takes calls
        await asyncio.sleep(LINK_SETTLES)
        left = discovery.active(self._table.state(), host)
        while left:
            found = await self._table.hosts.migrating(host, left)
            for uuid, migrates in found.items():
                if migrates:
                    self._suspect(ObjectKey("instance", host, uuid))
            left = left[len(found) :]

    async def _look_at(self, key: ObjectKey) -> None:
        try:
            if (await self._table.hosts.migrating(key.host, (key.id,))).get(key.id):
                # another console writes before it begins: else its own would pass for a stranger's
                await self._catch_up()
                await self._follow(key)
        finally:
            self._looking.discard(key)

    async def _follow(self, key: ObjectKey) -> None:
        table, state = self._table, self._table.state()
        instance = state.instances.get(key)
        if instance is None or table.follows(key):
            return
        theirs = recover.unfinished(state, key)
        elsewhere = theirs is not None
        if theirs is None:
            theirs = discovery.foreign(instance, table.clock.now())
            theirs = replace(theirs, to=discovery.destination(state, theirs))
        log = table.keeper(theirs)
        log.show()
        request = recover.request_of(theirs, state)
        await table.follow(table.tracker(log, request, elsewhere=elsewhere), None)
