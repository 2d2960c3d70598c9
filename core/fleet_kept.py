"""What is kept of the hosts of a fleet for the day one is dead, and looks at one that may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec.structs import replace

from core.clock import Clock
from core.definitions_file import DefinitionsFile
from core.fleet_links import host_named
from core.hypervisor.connection.uri import normalised
from core.hypervisor.session import Hypervisor
from core.keeping import Keeper
from core.model import Delta, Link, LinkStatus, ObjectKey, State
from core.model.kept import KeptHost

KNOCK = 15.0
"""Seconds that a host which is tried may take to answer, or to fail."""
TRIED = 20.0
"""Seconds for which a try counts: a host's instances are evacuated together."""
LOOK = 0.05
REFRESHING = 600.0
"""Seconds: libvirt opens every image of a pool."""


class FleetKept:
    """A `core.source.Kept`. On the core's asyncio loop only."""

    def __init__(
        self, hosts: Mapping[str, Hypervisor], clock: Clock, state: Callable[[], State]
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self._file = DefinitionsFile()
        self._keeper = Keeper(hosts, clock, state, self._file)
        self._knocking = asyncio.Lock()
        self._tried: dict[str, float] = {}
        """When a host was last tried, monotonic."""

    def open(self, journal: Path | None) -> None:
        """Begin to keep, beside that journal."""
        self._file.begin(journal)
        self._keeper.start()

    async def close(self) -> None:
        """Write what was seen, and let go; waits two seconds at the most. Never raises."""
        await self._keeper.close()
        self._file.end()

    def observe(self, news: Delta) -> None:
        """Learn what changed."""
        self._keeper.observe(news)

    async def host(self, name: str) -> KeptHost:
        """Return what is kept of a host; raises NotFoundError, JournalError, ReadOnlyError."""
        uri = self._uri(name)
        names = {self._uri(one): one for one in self._hosts}
        found, later = await self._file.ask(lambda store: (store.host(uri), store.elsewhere(uri)))
        definitions = tuple(
            replace(one, later=names.get(other, other)) if (other := later.get(one.uuid)) else one
            for one in found.definitions
        )
        return replace(found, definitions=definitions)

    async def look_again(self, name: str, pools: Collection[str]) -> None:
        """Have a host look at what is in its pools, by their UUIDs, and wait until that was read.

        Raises NotFoundError, UnreachableError, DeadlineError.
        """
        from core.hypervisor.observe.definitions import refresh_pools

        host, wanted = host_named(self._hosts, name), tuple(pools)
        await host.call(lambda conn: refresh_pools(conn, wanted), deadline=REFRESHING)
        for uuid in wanted:
            host.list_again(ObjectKey("pool", name, uuid))
        end = self._clock.monotonic() + KNOCK
        while True:
            unread = host.unread
            if unread is None or unread.at_rest or self._clock.monotonic() >= end:
                return
            await asyncio.sleep(LOOK)

    async def knock(self, name: str) -> None:
        """Try a host that is down now, unless it was tried just now; waits until that has failed.

        Whether it answers is in the state then. Raises NotFoundError.
        """
        host = host_named(self._hosts, name)
        async with self._knocking:
            tried = self._tried.get(name)
            if tried is not None and self._clock.monotonic() - tried < TRIED:
                return
            before = host.link
            await host.reconnect()
            end = self._clock.monotonic() + KNOCK
            while True:
                if self._clock.monotonic() >= end or _tried_again(before, host.link):
                    break
                await asyncio.sleep(LOOK)
            self._tried[name] = self._clock.monotonic()

    def _uri(self, name: str) -> str:
        return normalised(host_named(self._hosts, name).address.shown)


def _tried_again(before: Link, now: Link) -> bool:
    """Whether another attempt has come to its end: each that fails plans the next."""
    if now.status is LinkStatus.UP:
        return True
    return now.status is LinkStatus.DOWN and now.next_attempt != before.next_attempt
