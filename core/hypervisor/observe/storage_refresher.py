"""Keeping the picture of one host's storage true, on a lane of its own.

The daemon may keep a call about a pool for as long as the pool's file system hangs. Then storage
is read no further until that call is back; nothing else of the host waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from core.clock import Clock
from core.errors import VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import Reading
from core.hypervisor.observe import listing, reading
from core.hypervisor.observe.backlog import Backlog
from core.hypervisor.observe.describing import Descriptions
from core.hypervisor.observe.staleness import stale_after
from core.model.base import ObjectKey
from core.model.event import Event
from core.model.host import Unread
from core.model.observation import (
    Listed,
    Observation,
    PoolGone,
    PoolRead,
    VolumesDescribed,
)
from core.model.storage import Pool, Volume

T = TypeVar("T")
AGAIN = 64
"""Volumes that each sweep describes again, in turn: a resize has no event."""
_log = logging.getLogger(__name__)


def due_again(
    volumes: Iterable[Volume], known: Iterable[ObjectKey], looked_at: Collection[ObjectKey]
) -> set[ObjectKey]:
    """Return the volumes of a pool that are described after it was read, each for a call. Pure.

    Those that never were, those that somebody looks at, and as many of the others as a sweep would,
    the ones described longest ago first: a pool of ten thousand that is refreshed costs no ten
    thousand calls. What a running instance writes to, its statistics tell; what an operation of
    ours has changed is read with that.
    """
    before = dict.fromkeys(known)
    here = {volume.key for volume in volumes}
    again = islice((key for key in before if key in here), AGAIN)
    return {key for key in here if key not in before or key in looked_at} | set(again)


class StorageRefresher:
    """The pools and volumes of one host, from when its events are registered. On the core's loop.

    For one connection's life. Whatever fails here costs the link nothing.
    """

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        sink: Callable[[Observation], None],
        make_lane: Callable[[str], Lane],
    ) -> None:
        self._make_lane = make_lane
        self._connector = connector
        self._host = connector.address.name
        self._options = connector.options
        self._clock = clock
        self._sink = sink
        self._lane: Lane | None = None
        self._listing_due = True
        self._stale = Backlog()
        self._known: dict[ObjectKey, None] = {}
        """The volumes that were described, those described longest ago first."""
        self._descriptions = Descriptions(
            reading.describe_volume, self._take, deadline=self._options.call_deadline
        )
        self._idle: asyncio.TimerHandle | None = None
        self._work = asyncio.Event()
        self._ended = False

    @property
    def unread(self) -> Unread:
        """What is still to be read."""
        return Unread(self._at_rest, len(self._stale) + len(self._descriptions.backlog))

    @property
    def _at_rest(self) -> bool:
        if Reading.STORAGE not in self._options.reads:
            return True
        return not (self._listing_due or self._work.is_set())

    def end(self) -> None:
        """Hand nothing over any more: the link is lost."""
        self._ended = True
        self._let_go()

    def notice(self, event: Event) -> None:
        """Queue the pool that an event made out of date."""
        key = stale_after(event)
        if key is not None and key.kind == "pool":
            self.read_again(key)

    def read_again(self, key: ObjectKey) -> None:
        """Queue a pool: it was changed."""
        self._stale.add((key,))
        self._work.set()

    def prefer(self, keys: tuple[ObjectKey, ...]) -> None:
        """Describe these volumes first, as far as they are not: somebody looks at them."""
        self._descriptions.backlog.prefer(keys)

    def told(self, volumes: Iterable[Volume]) -> None:
        """Note volumes that somebody else has read now: what is being read may be older."""
        self._descriptions.told(volume.key for volume in volumes)

    def relist(self) -> None:
        """Have the pools listed again soon."""
        self._listing_due = True
        self._work.set()

    async def run(self) -> None:
        """Read as need arises, until cancelled."""
        if Reading.STORAGE not in self._options.reads:
            await asyncio.Event().wait()
        self._work.set()
        while True:
            await self._work.wait()
            try:
                await self._step()
            except VirtdeckError as error:
                _log.info("the storage of %s cannot be read: %s", self._host, error)
                self._let_go()
                self._listing_due = True
                await asyncio.sleep(self._options.backoff_limit)

    @property
    def _hangs(self) -> bool:
        """Whether a call that was given up has not come back yet.

        It holds one of the daemon's workers (libvirtd.conf, max_workers): there is never a second.
        """
        return self._lane is not None and not self._lane.usable and not self._lane.ended

    async def _step(self) -> None:
        if self._hangs:
            await asyncio.sleep(self._options.backoff_limit)
        elif self._listing_due:
            await self._list()
        elif self._stale:
            await self._read_pool(*self._stale.take(1))
        elif self._descriptions.backlog:
            await self._descriptions.step(self._call)
        else:
            self._work.clear()

    async def _list(self) -> None:
        self._listing_due = False
        self._stale = Backlog()
        at = self._clock.now()
        volumes_too = Reading.VOLUMES in self._options.reads
        pools, volumes, handles = await self._call(
            lambda conn: listing.read_storage(conn, self._host, volumes_too=volumes_too),
            deadline=self._options.listing_deadline,
        )
        kinds = frozenset({"pools", "volumes"} if volumes_too else {"pools"})
        listed = Listed(self._host, at, pools=pools, volumes=volumes, kinds=kinds)
        read = await self._hand_over(listed)
        again = set(islice(self._known, AGAIN))
        keyed = {volume.key: volume for volume in volumes}
        self._known = {key: None for key in keyed if key in self._known and key not in again}
        of_read = {key.id for key in read}
        self._want(
            [v for key, v in keyed.items() if key not in self._known and v.pool not in of_read],
            handles,
        )

    async def _hand_over(self, listed: Listed) -> set[ObjectKey]:
        """Hand a listing over, after the pools that events told of meanwhile; returns those.

        They are read first, each once: an event shows nothing of a pool that is not known, and once
        the pools count as listed none may be missing. Of one that cannot be read the listing has
        the say, until it is made again.
        """
        read: set[ObjectKey] = set()
        try:
            while keys := [key for key in self._stale if key not in read]:
                self._stale.discard(keys[:1])
                await self._read_pool(keys[0])
                read.add(keys[0])
        except VirtdeckError:
            self._sink(replace(listed, overtaken=(*read, *self._stale)))
            raise
        self._sink(replace(listed, overtaken=(*read, *self._stale)))
        return read

    async def _read_pool(self, key: ObjectKey) -> None:
        at = self._clock.now()
        read = await self._call(
            lambda conn: reading.read_pool(conn, key.host, key.id),
            deadline=self._options.listing_deadline,
        )
        if read is None:
            self._sink(PoolGone(self._host, at, key.id))
            return
        pool, volumes, handles = read
        self._sink(PoolRead(self._host, at, pool, volumes))
        self._forget_gone(pool, volumes)
        looked_at = frozenset(self._descriptions.backlog.looked_at)
        due = due_again(volumes, self._known, looked_at)
        self._want((volume for volume in volumes if volume.key in due), handles)

    def _forget_gone(self, pool: Pool, volumes: Iterable[Volume]) -> None:
        """Have what is gone described anew, should one of its name be made."""
        there, prefix = {volume.key for volume in volumes}, f"{pool.uuid}/"
        for key in [key for key in self._known if key.id.startswith(prefix) and key not in there]:
            del self._known[key]

    def _want(self, volumes: Iterable[Volume], handles: reading.Handles) -> None:
        self._descriptions.want(volumes, handles)
        self._work.set()

    def _take(self, volumes: tuple[Volume, ...]) -> None:
        for volume in volumes:
            self._known.pop(volume.key, None)
            self._known[volume.key] = None
        if not self._ended:
            self._sink(VolumesDescribed(self._host, self._clock.now(), volumes))

    async def _call(self, function: Callable[[Connection], T], *, deadline: float) -> T:
        if self._lane is None or not self._lane.usable:
            self._lane = self._make_lane("storage")
        if self._idle is not None:
            self._idle.cancel()
        try:
            return await self._lane.call(
                function, deadline=self._connector.reading_deadline(deadline)
            )
        finally:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._options.lane_idle, self._rest)

    def _rest(self) -> None:
        """Close the lane: nobody needs it, and whoever does next has not to wait for its end."""
        if self._lane is not None and self._lane.usable:
            self._lane.close()
            self._lane = None

    def _let_go(self) -> None:
        self._descriptions.end()
        if self._idle is not None:
            self._idle.cancel()
        if self._lane is not None:
            self._lane.close()
