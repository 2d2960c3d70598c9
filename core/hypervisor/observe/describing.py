"""Reading the XML of what a listing named: one call each, a chunk at a time.

A chunk holds its connection about 30 ms, so whatever somebody waits for comes soon after. Over a
slow link one call fills a chunk; where describing everything would then take long, lanes of its
own help, which close when there is nothing left.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from core import xml as xml_of
from core.errors import VirtdeckError, XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.tolerance import gone
from core.hypervisor.observe.backlog import Backlog
from core.hypervisor.observe.reading import Handles, process_hangs, xml_may_wait
from core.model.base import ObjectKey
from core.model.instance import Instance
from core.model.network import Network
from core.model.storage import Volume

CHUNK_SECONDS = 0.03
"""How long one chunk may hold a connection: well under what a person notices."""
_CHUNK = 256
"""Keys of a chunk at the most."""
_PATIENCE = 2.0
"""Seconds that describing everything may take on the link's own lane before others help."""
_SLOW_CALL = 0.005
"""Seconds a call takes at least where lanes help: below, the two processors are the limit."""

T = TypeVar("T")
Named = TypeVar("Named", Volume, Network)
_log = logging.getLogger(__name__)


class Chunk(msgspec.Struct, Generic[T]):
    """What one chunk brought, and what it cost."""

    described: list[T] = []
    keys: list[ObjectKey] = []
    """All that were dealt with, those too that are gone or cannot be read."""
    failed: list[ObjectKey] = []
    seconds: float = 0.0


class Calling(Protocol):
    """How a function gets to a connection: a lane's call, or one that watches over it."""

    def __call__(self, function: Callable[[Connection], T], *, deadline: float) -> Awaitable[T]:
        """Run `function(conn)` on the connection's thread."""
        ...


def describe_each(
    keys: Iterable[ObjectKey],
    describe: Callable[[ObjectKey], T | None],
    alive: Callable[[], bool],
    seconds: float = CHUNK_SECONDS,
) -> Chunk[T]:
    """Describe objects one after the other until the time is over; at least one. On a lane.

    One that is gone is left out, one that cannot be read is `failed`. Raises libvirtError only
    when the connection is dead.
    """
    chunk: Chunk[T] = Chunk()
    begin = time.monotonic()
    for key in keys:
        chunk.keys.append(key)
        try:
            described = describe(key)
            if described is not None:
                chunk.described.append(described)
        except libvirt.libvirtError as error:
            if not alive():
                raise
            if not gone(error):
                chunk.failed.append(key)
                _log.info("%s %s cannot be read: %s", key.kind, key.id, error)
        except XmlError as error:
            chunk.failed.append(key)
            _log.info("%s %s cannot be read: %s", key.kind, key.id, error)
        except Exception:  # one object nobody foresaw must not cost the link to its host
            chunk.failed.append(key)
            _log.exception("%s %s cannot be read", key.kind, key.id)
        chunk.seconds = time.monotonic() - begin
        if chunk.seconds >= seconds:
            break
    return chunk


def describe_instance(
    conn: Connection, handles: Mapping[ObjectKey, Any], key: ObjectKey, *, may_wait: bool
) -> Instance:
    """Read an instance's XML: one call, and one more each without a handle and if it `may_wait`.

    On a lane. Raises XmlError for XML that cannot be read or would have to be waited for.
    """
    domain = handles.get(key) or conn.lookupByUUIDString(key.id)
    if may_wait and process_hangs(domain):
        raise XmlError("a call to its hypervisor process hangs")
    return xml_of.read_instance(domain.XMLDesc(0), host=key.host)


class InstanceDescriptions:
    """The instances of one host whose XML is still to be read. On the core's loop.

    `sink` gets the instances of each chunk; `make_lane` gives a lane that helps.
    """

    def __init__(
        self,
        host: str,
        sink: Callable[[tuple[Instance, ...]], None],
        make_lane: Callable[[], Lane],
        *,
        lanes: int,
        deadline: Callable[[], float],
    ) -> None:
        self.backlog = Backlog()
        self.failed: dict[ObjectKey, None] = {}
        """Those that could not be read: a later listing has them tried again."""
        self._host = host
        self._sink = sink
        self._make_lane = make_lane
        self._lanes = lanes
        self._deadline = deadline
        self._handles: Handles = {}
        self._underway: dict[ObjectKey, bool] = {}
        """What is being read, and whether it has been made out of date meanwhile."""
        self._helpers: set[asyncio.Task[None]] = set()
        self._may_wait: bool | None = None
        """Whether the daemon's XMLDesc may wait; None before it was asked."""
        self._ended = False

    @property
    def left(self) -> int:
        """How many are still to be described."""
        return len(self.backlog) + len(self._underway)

    def dealt_with(self, keys: Iterable[ObjectKey], failed: Iterable[ObjectKey]) -> None:
        """Note instances that were read otherwise, and those of them that could not be.

        What a lane is reading of them just now may be older: it is not handed over then.
        """
        unread = set(failed)
        for key in keys:
            self.failed.pop(key, None)
            self.backlog.discard((key,))
            if key not in unread:
                self.outdated(key)
        self.failed.update(dict.fromkeys(unread))

    def listed(self, handles: Handles) -> None:
        """Take the handles of a new listing, of the link's own connection."""
        self._handles = handles

    def outdated(self, key: ObjectKey) -> None:
        """Note that what is being read of an instance is out of date: by an event, or by now."""
        if key in self._underway:
            self._underway[key] = True

    def rest(self) -> None:
        """Let go of the handles: nothing is left to be described."""
        self._handles = {}

    def end(self) -> None:
        """Let go of every handle and lane: the link is lost."""
        self._ended = True
        self._handles = {}
        for helper in self._helpers:
            helper.cancel()

    async def step(self, call: Calling) -> None:
        """Describe one chunk on the link's own lane."""
        pace = await self._chunk(call, self._handles)
        if pace >= _SLOW_CALL:
            wanted = min(self._lanes, math.ceil(len(self.backlog) * pace / _PATIENCE) - 1)
            while len(self._helpers) < wanted:
                helper = asyncio.create_task(self._help(), name="describe")
                self._helpers.add(helper)
                helper.add_done_callback(self._helpers.discard)

    async def _chunk(self, call: Calling, handles: Handles) -> float:
        """Describe one chunk; returns the seconds a call took. Raises what the lane raises."""
        may_wait = self._may_wait
        if may_wait is None:
            may_wait = self._may_wait = await call(xml_may_wait, deadline=self._deadline())
        keys = self.backlog.take(_CHUNK)
        if not keys:
            return 0.0
        self._underway.update((key, False) for key in keys)
        try:
            chunk = await call(
                lambda conn: describe_each(
                    keys,
                    lambda key: describe_instance(conn, handles, key, may_wait=may_wait),
                    lambda: bool(conn.isAlive()),
                ),
                deadline=self._deadline(),
            )
        except BaseException:
            self.backlog.put_back(keys)
            raise
        finally:
            outdated = {key for key in keys if self._underway.pop(key, False)}
        self.backlog.put_back(keys[len(chunk.keys) :])
        self.failed.update(dict.fromkeys(chunk.failed))
        for key in chunk.keys:
            handles.pop(key, None)
        found = tuple(item for item in chunk.described if item.key not in outdated)
        if found and not self._ended:
            self._sink(found)
        return chunk.seconds / len(chunk.keys)

    async def _help(self) -> None:
        """Describe on a lane of its own until nothing is left."""
        lane = self._make_lane()
        handles: Handles = {}
        try:
            await lane.call(
                lambda conn: handles.update(handles_of(conn, self._host)), deadline=self._deadline()
            )
            while self.backlog:
                await self._chunk(lane.call, handles)
        except VirtdeckError as error:  # the link has its own eyes for a dead host
            _log.info("a lane that helped describing ended: %s", error)
        finally:
            handles.clear()
            lane.close()


def handles_of(conn: Connection, host: str) -> Handles:
    """Return the handle of every instance, by its key: one call. On a lane."""
    return {
        ObjectKey("instance", host, domain.UUIDString()): domain
        for domain in conn.listAllDomains(0)
    }


class Descriptions(Generic[Named]):
    """The volumes or networks of one host whose XML is still to be read. On the core's loop."""

    def __init__(
        self,
        describe: Callable[[Any, Named], Named | None],
        sink: Callable[[tuple[Named, ...]], None],
        *,
        deadline: float,
    ) -> None:
        """`describe` reads what a handle says of what was named; on a lane."""
        self.backlog = Backlog()
        self._describe: Callable[[Any, Named], Named | None] = describe
        self._named: dict[ObjectKey, Named] = {}
        self._handles: Handles = {}
        self._sink: Callable[[tuple[Named, ...]], None] = sink
        self._deadline = deadline
        self._told: set[ObjectKey] = set()
        self.told = self._told.update
        """Note what others have read now: the chunk that is being read may be older."""

    def want(self, named: Iterable[Named], handles: Handles) -> None:
        """Have these described, whose handles are of the connection `step` gets to."""
        for one in named:
            self._named[key := one.key] = one
            self._handles[key] = handles[key]
        self.backlog.add(self._named)

    def end(self) -> None:
        """Let go of every handle: the connection is lost."""
        self._named, self._handles = {}, {}
        self.backlog.retain(())

    async def step(self, call: Calling) -> None:
        """Describe one chunk."""
        keys = self.backlog.take(_CHUNK)
        named, handles = self._named, self._handles
        self._told.clear()
        chunk = await call(
            lambda conn: describe_each(
                keys,
                lambda key: self._describe(handles[key], named[key]),
                lambda: bool(conn.isAlive()),
            ),
            deadline=self._deadline,
        )
        self.backlog.put_back(keys[len(chunk.keys) :])
        for key in chunk.keys:
            named.pop(key, None)
            handles.pop(key, None)
        if found := tuple(item for item in chunk.described if item.key not in self._told):
            self._sink(found)
