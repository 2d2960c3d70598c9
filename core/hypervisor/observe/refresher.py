"""Keeping the picture of one host true while its link is up: listing, describing, re-reading.

One call at a time, on the link's own lane, and its outcome is handed over before the next call
starts: so a read is never overtaken by an older one. Calls are short: a thousand instances to
describe delay a re-read by one chunk. Storage is kept elsewhere (`storage_refresher`), on a lane of
its own: a pool whose file system hangs costs only itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from core.clock import Clock
from core.errors import UnreachableError, VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import Reading
from core.hypervisor.observe import listing
from core.hypervisor.observe.attachment import Attachment
from core.hypervisor.observe.backlog import Backlog
from core.hypervisor.observe.describing import Chunk, InstanceDescriptions
from core.hypervisor.observe.networks import HostNetworks
from core.hypervisor.observe.rereading import read_each, read_object, undescribed
from core.hypervisor.observe.sizing import with_sizes
from core.hypervisor.observe.staleness import stale_after
from core.model.base import ObjectKey
from core.model.event import Event
from core.model.host import Unread
from core.model.instance import Instance
from core.model.observation import (
    HostRead,
    InstanceGone,
    InstanceRead,
    InstancesDescribed,
    Listed,
    Observation,
)

T = TypeVar("T")
Sink = Callable[[Observation], None]
MANY = 24
"""Instances to be read again from which one listing (five calls) is cheaper than each by itself."""
_CHUNK = 64
_log = logging.getLogger(__name__)


class Refresher:
    """What is known to be out of date on one host, and the calls that mend it.

    For one connection's life. All methods run on the core's loop and raise core.errors when the
    connection fails; that costs the link.
    """

    def __init__(
        self,
        attachment: Attachment,
        connector: Connector,
        clock: Clock,
        sink: Sink,
        make_lane: Callable[[str], Lane],
    ) -> None:
        self.registered = asyncio.Event()
        """Whether every event is registered: what is read now misses nothing."""
        self._attachment = attachment
        self._connector = connector
        self._host = connector.address.name
        self._clock = clock
        self._options = connector.options
        self._sink = sink
        self._reading = asyncio.Lock()
        self._stale = Backlog()
        self._listed: dict[ObjectKey, Instance] = {}
        self._due: set[Reading] = set()
        self._descriptions = InstanceDescriptions(
            self._host,
            self._take_descriptions,
            lambda: make_lane("describe"),
            lanes=self._options.describing_lanes,
            deadline=lambda: connector.reading_deadline(self._options.call_deadline),
        )
        self._networks = HostNetworks(self._host, clock, sink, deadline=self._options.call_deadline)
        self._work = asyncio.Event()
        self._work.set()  # what is to be read at all was not looked for yet
        self._ended = False

    @property
    def unread(self) -> Unread:
        """What is still to be read, and what cannot be."""
        described = self._descriptions
        left = len(self._stale) + described.left + len(self._networks.backlog)
        at_rest = not self._work.is_set() and not described.left
        return Unread(at_rest, left, tuple(described.failed))

    def end(self) -> None:
        """Hand nothing over any more, and let go of every handle: the link is lost."""
        self._ended = True
        self._descriptions.end()
        self._networks.end()

    async def list_instances(self, before: Callable[[], None] | None = None) -> None:
        """List the instances and hand them over; what is new or different gets described.

        `before` is called when the listing has come and before it is handed over.
        """
        await self._alone(lambda: self._list_instances(before))

    async def relist(self) -> None:
        """List instances and networks, as far as they are read; the host's facts soon."""
        if Reading.INSTANCES in self._options.reads:
            await self.list_instances()
        if Reading.NETWORKS in self._options.reads:
            await self._alone(self._list_networks)
        self._due |= {Reading.FACTS} & self._options.reads
        self._work.set()

    def notice(self, event: Event) -> None:
        """Queue what an event made out of date; once, however many events say so."""
        key = stale_after(event)
        if key is not None and key.kind != "pool":
            self._descriptions.outdated(key)
            self._stale.add((key,))
            self._work.set()

    def prefer(self, keys: tuple[ObjectKey, ...]) -> None:
        """Describe these first, as far as they are not: somebody looks at them."""
        self._descriptions.backlog.prefer(keys)
        self._networks.backlog.prefer(keys)

    async def reread(self, key: ObjectKey) -> Observation:
        """Read one object now, hand it over and return it; raises what libvirt says."""
        return await self._alone(lambda: self._reread(key))

    async def run(self) -> None:
        """Register the other events, then read as need arises, until cancelled or failed."""
        if Reading.EVENTS in self._options.reads:
            async with self._reading:
                await self._call(self._attachment.register_rest, self._options.listing_deadline)
        self._due |= self._options.reads
        self.registered.set()
        while True:
            await self._work.wait()
            async with self._reading:
                await self._step()

    async def _step(self) -> None:
        """Do the next thing that is due, the most urgent first; holding the lock."""
        if sum(key.kind == "instance" for key in self._stale) >= MANY:
            await self._list_instances()
        elif self._stale:
            await self._read_stale()
        elif Reading.NETWORKS in self._due:
            await self._list_networks()
        elif Reading.FACTS in self._due:
            await self._read_facts()
        elif self._networks.backlog.urgent:
            await self._networks.step(self._call)
        elif self._descriptions.backlog:
            await self._descriptions.step(self._call)
        elif self._networks.backlog:
            await self._networks.step(self._call)
        else:
            self._descriptions.rest()
            self._work.clear()

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do work between two steps, to its end even if the caller is cancelled.

        Half a call would cost the lane.
        """

        async def locked() -> T:
            async with self._reading:
                return await work()

        task = asyncio.ensure_future(locked())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _list_instances(self, before: Callable[[], None] | None = None) -> None:
        # Taken out first: an event that comes during the call must make it stale again.
        stale = [key for key in self._stale if key.kind == "instance"]
        self._stale.discard(stale)
        at = self._clock.now()
        instances, handles = await self._call(
            lambda conn: listing.read_instances(conn, self._host), self._options.listing_deadline
        )
        if Reading.SIZES in self._options.reads and Reading.DESCRIPTIONS not in self._options.reads:
            instances = await with_sizes(
                self._call, instances, handles, self._options.call_deadline
            )
        rows = {instance.key: instance for instance in instances}
        self._descriptions.listed(handles)
        self._plan_descriptions(rows, stale)
        if before is not None:
            before()
        overtaken = tuple(self._stale)
        for key in (key for key in stale if key not in overtaken):  # no finds of the listing
            row = rows.get(key)
            gone = InstanceGone(self._host, at, key.id)
            self._sink(gone if row is None else InstanceRead(self._host, at, row))
        kinds = frozenset({"instances"})
        self._sink(Listed(self._host, at, instances=instances, kinds=kinds, overtaken=overtaken))

    def _plan_descriptions(self, rows: dict[ObjectKey, Instance], stale: list[ObjectKey]) -> None:
        """Describe what the listing shows for the first time or otherwise than the last one did.

        A sweep thus costs no call for an instance that stayed as it was.
        """
        descriptions = self._descriptions
        descriptions.backlog.retain(rows)
        wanted = [key for key in stale if key in rows]
        wanted += [
            key
            for key, row in rows.items()
            if self._listed.get(key) != row or key in descriptions.failed
        ]
        descriptions.failed.clear()
        if Reading.DESCRIPTIONS in self._options.reads:
            descriptions.backlog.add(wanted)
        self._listed = rows
        self._work.set()

    def _take_descriptions(self, instances: tuple[Instance, ...]) -> None:
        self._sink(InstancesDescribed(self._host, self._clock.now(), instances))

    async def _list_networks(self) -> None:
        self._due.discard(Reading.NETWORKS)
        deadline = self._options.listing_deadline
        await self._networks.list(self._call, deadline, self._stale, self._read)
        self._work.set()

    async def _reread(self, key: ObjectKey) -> Observation:
        # First: an event during the call must make it stale again.
        self._stale.discard((key,))
        observation = await self._call(
            lambda conn: read_object(conn, key, self._clock), self._options.call_deadline
        )
        self._descriptions.dealt_with((key,), undescribed(observation))
        self._sink(observation)
        return observation

    async def _read_stale(self) -> None:
        """Read a chunk of what events made out of date."""
        await self._read(self._stale.take(_CHUNK))

    async def _read(self, keys: Sequence[ObjectKey]) -> Chunk[Observation]:
        """Read what was taken out of what is stale, as far as a chunk goes, and hand it over.

        A network that cannot be read is listed again; an instance with the next listing.
        """
        chunk = await self._call(
            lambda conn: read_each(conn, keys, self._clock), self._options.call_deadline
        )
        self._stale.put_back(keys[len(chunk.keys) :])
        networks = [key for key in chunk.failed if key.kind == "network"]
        self._descriptions.dealt_with(chunk.keys, set(chunk.failed).difference(networks))
        if networks:
            self._networks.not_read(networks)
            self._due |= {Reading.NETWORKS} & self._options.reads
        for observation in chunk.described:
            self._sink(observation)
        return chunk

    async def _read_facts(self) -> None:
        """Read what the host says of itself; after a daemon's start that may take seconds."""
        from core.hypervisor.observe.facts import read_facts

        self._due.discard(Reading.FACTS)
        try:
            facts = await self._call(
                lambda conn: read_facts(conn, self._attachment.refused),
                self._options.listing_deadline,
            )
        except Exception:
            if self._ended or not self._attachment.lane.usable:
                raise
            _log.exception("the description of %s cannot be read", self._host)
        else:
            self._sink(HostRead(self._host, self._clock.now(), facts))

    async def _call(self, function: Callable[[Connection], T], deadline: float) -> T:
        lane = self._attachment.lane
        try:
            result = await lane.call(function, deadline=self._connector.reading_deadline(deadline))
        except VirtdeckError as error:
            if not lane.usable:
                self._attachment.lose(error)
            raise
        if self._ended:  # a picture of before the loss must not come after it
            raise UnreachableError(f"The link to {self._host} was lost meanwhile.")
        return result
