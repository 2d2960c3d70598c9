"""Keeping the picture of one host true while its link is up: listing, describing, re-reading.

One call at a time, on the link's own lane, and its outcome is handed over before the next call
starts: so a read is never overtaken by an older one. Calls are short batches: a thousand instances
to describe delay a re-read by one batch.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from core.clock import Clock
from core.errors import UnreachableError, VirtdeckError
from core.hypervisor import listing, reading
from core.hypervisor.binding import Connection, libvirt
from core.hypervisor.events import Refusal
from core.hypervisor.facts import read_facts
from core.hypervisor.lane import Lane
from core.hypervisor.options import LinkOptions
from core.hypervisor.staleness import stale_after
from core.model.base import ObjectKey
from core.model.event import Event
from core.model.host import Unread
from core.model.instance import Instance
from core.model.observation import (
    HostRead,
    InstanceGone,
    InstanceRead,
    Listed,
    NetworkGone,
    NetworkRead,
    Observation,
    PoolGone,
    PoolRead,
)

T = TypeVar("T")
Sink = Callable[[Observation], None]
_BATCH_SECONDS = 0.03
"""How long one batch of reads may hold the connection: well under what a person notices."""
_log = logging.getLogger(__name__)


class Upkeep:
    """What is known to be out of date on one host, and the calls that mend it.

    For one connection's life. All methods run on the core's loop and raise core.errors when the
    connection fails.
    """

    def __init__(
        self,
        host: str,
        lane: Lane,
        clock: Clock,
        options: LinkOptions,
        sink: Sink,
        on_failure: Callable[[VirtdeckError], None],
        refused: tuple[Refusal, ...] = (),
    ) -> None:
        """`on_failure` is told when a call cost the lane, and with it the link.

        `refused` are the events this connection does not bring.
        """
        self._host = host
        self._lane = lane
        self._clock = clock
        self._options = options
        self._sink = sink
        self._on_failure = on_failure
        self._refused = refused
        self._facts_due = False
        self._reading = asyncio.Lock()
        self._stale: dict[ObjectKey, None] = {}
        self._undescribed: dict[ObjectKey, None] = {}
        self._failed: dict[ObjectKey, None] = {}
        self._listed: dict[ObjectKey, Instance] = {}
        self._work = asyncio.Event()
        self._ended = False

    @property
    def unread(self) -> Unread:
        """What is still to be read, and what cannot be."""
        left = len(self._stale.keys() | self._undescribed.keys())
        return Unread(not self._work.is_set(), left, tuple(self._failed))

    def end(self) -> None:
        """Hand nothing over any more: the link is lost."""
        self._ended = True

    async def relist(self, before: Callable[[], None] | None = None) -> None:
        """List the host and hand the listing over; what is new or different gets described.

        `before` is called when the listing has come and before it is handed over.
        """
        await _whole(self._relist(before))

    def notice(self, event: Event) -> None:
        """Queue what an event made out of date; once, however many events say so."""
        key = stale_after(event)
        if key is not None:
            self._stale[key] = None
            self._work.set()

    async def reread(self, key: ObjectKey) -> Observation:
        """Read one object now, hand it over and return it; raises what libvirt says."""
        return await _whole(self._reread(key))

    async def run(self) -> None:
        """Re-read and describe as need arises, until cancelled or the connection fails."""
        while True:
            await self._work.wait()
            async with self._reading:
                if self._facts_due and not self._stale:
                    await self._read_facts()
                elif batch := self._next_batch():
                    await self._read(batch)
                else:
                    self._work.clear()

    async def sweep(self) -> None:
        """List again every `sweep_interval`, for changes no event told of, until cancelled."""
        while True:
            # No interval: for ever, as this task's end would be taken for the link's.
            await asyncio.sleep(self._options.sweep_interval or math.inf)
            await self.relist()

    async def _relist(self, before: Callable[[], None] | None) -> None:
        async with self._reading:
            listed = await self._call(
                lambda conn: listing.read_listing(conn, self._host, self._clock.now()),
                self._options.listing_deadline,
            )
            self._plan_descriptions(listed)
            if before is not None:
                before()
            self._sink(listed)

    async def _reread(self, key: ObjectKey) -> Observation:
        async with self._reading:
            self._stale.pop(key, None)  # first: an event during the call must make it stale again
            observation = await self._call(
                lambda conn: read_object(conn, key, self._clock), self._options.call_deadline
            )
            self._note(key, observation)
            self._sink(observation)
            return observation

    async def _call(self, function: Callable[[Connection], T], deadline: float) -> T:
        try:
            result = await self._lane.call(function, deadline=deadline)
        except VirtdeckError as error:
            if not self._lane.usable:
                self._on_failure(error)
            raise
        if self._ended:  # a picture of before the loss must not come after it
            raise UnreachableError(f"The link to {self._host} was lost meanwhile.")
        return result

    def _next_batch(self) -> tuple[ObjectKey, ...]:
        return tuple(self._stale) or tuple(self._undescribed)

    async def _read(self, keys: tuple[ObjectKey, ...]) -> None:
        """Read as many of the keys, from the first, as fit a batch; holding the lock."""
        # Taken out first: an event that comes during the call must make its object stale again.
        stale = {key for key in keys if key in self._stale}
        for key in stale:
            del self._stale[key]
        read = await self._call(
            lambda conn: read_batch(conn, keys, self._clock), self._options.call_deadline
        )
        self._stale = {key: None for key in keys if key in stale - read.keys()} | self._stale
        for key, observation in read.items():
            self._undescribed.pop(key, None)
            self._note(key, observation)
            if observation is not None:
                self._sink(observation)

    def _note(self, key: ObjectKey, observation: Observation | None) -> None:
        """Note whether an object was read; what was not, or not wholly, the next sweep tries."""
        whole = not isinstance(observation, InstanceRead) or observation.instance.described
        if observation is not None and whole:
            self._failed.pop(key, None)
        else:
            self._listed.pop(key, None)
            self._failed[key] = None

    async def _read_facts(self) -> None:
        """Read what the host says of itself; after a daemon's start that may take seconds."""
        self._facts_due = False
        try:
            facts = await self._call(
                lambda conn: read_facts(conn, self._refused), self._options.listing_deadline
            )
        except Exception:
            if self._ended or not self._lane.usable:
                raise
            _log.exception("the description of %s cannot be read", self._host)
        else:
            self._sink(HostRead(self._host, self._clock.now(), facts))

    def _plan_descriptions(self, listed: Listed) -> None:
        """Describe what the listing shows for the first time or otherwise than the last one did.

        A sweep thus costs no call for an instance that stayed as it was.
        """
        now = {instance.key: instance for instance in listed.instances}
        for key, instance in now.items():
            if not instance.described and self._listed.get(key) != instance:
                self._undescribed[key] = None
        for key in self._undescribed.keys() - now.keys():
            del self._undescribed[key]
        for key in [key for key in self._failed if key.kind == "instance" and key not in now]:
            del self._failed[key]
        self._listed = now
        self._facts_due = True
        pools = listing.pools_to_read(listed)
        self._stale.update({ObjectKey("pool", self._host, uuid): None for uuid in pools})
        self._work.set()


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end even if the caller is cancelled: half a call would cost the lane."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(task)


def read_batch(
    conn: Connection, keys: Iterable[ObjectKey], clock: Clock
) -> dict[ObjectKey, Observation | None]:
    """Read objects one after the other for about 30 ms; at least one. On a lane's thread.

    Returns what was read of those dealt with: None for one that cannot be read, which is logged.
    Raises libvirtError only when the connection is dead.
    """
    end = time.monotonic() + _BATCH_SECONDS
    read: dict[ObjectKey, Observation | None] = {}
    for key in keys:
        read[key] = None
        try:
            read[key] = read_object(conn, key, clock)
        except libvirt.libvirtError as error:
            if not conn.isAlive():
                raise
            _log.info("%s %s cannot be read: %s", key.kind, key.id, error)
        except Exception:  # one object nobody foresaw must not cost the link to its host
            _log.exception("%s %s cannot be read", key.kind, key.id)
        if time.monotonic() >= end:
            break
    return read


def read_object(conn: Connection, key: ObjectKey, clock: Clock) -> Observation:
    """Read an instance, pool or network. On a lane's thread; raises libvirtError."""
    _kind, host, uuid = key
    if key.kind == "pool":
        pool = reading.read_pool(conn, host, uuid)
        if pool is None:
            return PoolGone(host, clock.now(), uuid)
        return PoolRead(host, clock.now(), *pool)
    if key.kind == "network":
        network = reading.read_network(conn, host, uuid)
        if network is None:
            return NetworkGone(host, clock.now(), uuid)
        return NetworkRead(host, clock.now(), network)
    instance = reading.read_instance(conn, host, uuid)
    if instance is None:
        return InstanceGone(host, clock.now(), uuid)
    return InstanceRead(host, clock.now(), instance)
