"""One host: its link, its statistics and its operation lanes behind one object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from msgspec.structs import replace

from core.clock import Clock
from core.errors import DeadlineError, NotFoundError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.lane_pool import LanePool
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.ssh_gate import SshGate
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.link import HostLink
from core.hypervisor.observe.device_looks import DeviceLooks
from core.hypervisor.observe.looks import InstanceLooks
from core.hypervisor.observe.pace import Pace
from core.hypervisor.observe.refresher import Sink
from core.hypervisor.observe.sampler import Sampler
from core.model.base import ObjectKey
from core.model.connected_volume import VolumeConnecting
from core.model.host import Link as LinkState
from core.model.host import Unread
from core.model.instance import Instance, InstanceDetail
from core.model.network import Network
from core.model.observation import (
    DetailRead,
    HostAdded,
    HostRead,
    InstanceRead,
    Listed,
    NetworkRead,
    Observation,
    VolumesDescribed,
)

T = TypeVar("T")
_GRACE = 0.5
"""How long `close` waits for connections to be freed before it leaves them to their threads."""
AGENT_SECONDS = 10.0
"""How long a guest's agent may take to name its addresses; libvirt itself waits for ever."""
AGENT_REST = 600.0
"""How long an agent that did not answer is left alone: every call to it keeps a lane."""


class Hypervisor:
    """A libvirt host, kept connected. All methods on the core's asyncio loop.

    `looks` and `devices` read what nobody needs before somebody looks: snapshots and block jobs,
    and the devices of the host.

    `sink` is called on that loop with every observation, in order: `HostAdded`, then `LinkChanged`
    whenever the link's state, error or next attempt changes; after each `up` at once a `Listed`,
    then events, re-read objects and samples as they come. It must not raise.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        *,
        sink: Sink,
        clock: Clock,
        options: LinkOptions | None = None,
        gate: SshGate | None = None,
        pace: Pace | None = None,
        groups: tuple[str, ...] = (),
        connecting: VolumeConnecting | None = None,
    ) -> None:
        """Raises UsageError for a URI that makes no sense. Opens nothing."""
        self.address = replace(parse_uri(uri), name=name)
        self.name = name
        self._added = groups, connecting or VolumeConnecting()
        self._options = options or LinkOptions()
        self._sink = sink
        self._clock = clock
        self._connector = Connector(
            self.address, self._options, gate, waits=lambda what: self._link.wait_for(what)
        )
        self._pace = pace or Pace()
        self._link = HostLink(self._connector, clock, self._seen, self._link_changed, self._pace)
        self._lanes = LanePool(
            name,
            self._connector,
            limit=self._options.operation_lanes,
            idle=self._options.lane_idle,
        )
        self._sampler = Sampler(self._connector, clock, sink, self._pace)
        self._hung_agents: dict[str, float] = {}
        """By UUID: until when (monotonic) the guest's agent is not asked."""
        self._preferred: tuple[ObjectKey, ...] = ()
        self.looks = InstanceLooks(name, self.call, self.reread, clock, self._seen)
        self.devices = DeviceLooks(name, self.call, clock, self._seen)
        self._own: list[Lane] = []
        """Lanes that were handed out for good."""
        self._running: asyncio.Task[None] | None = None

    @property
    def link(self) -> LinkState:
        """The link as it was last handed over."""
        return self._link.state

    @property
    def unread(self) -> Unread | None:
        """What was listed and is not read yet; None while the link is not up."""
        unread = self._link.unread
        return unread and replace(unread, sampling=not self._sampler.ended)

    async def start(self) -> None:
        """Begin to keep the link up; returns at once. Observations follow."""
        self._sink(HostAdded(self.name, self._clock.now(), self.address.shown, *self._added))
        self._running = asyncio.create_task(self._link.run(), name=f"link-{self.name}")

    async def settled(self) -> None:
        """Wait until the first attempt is over: listed, or down with the reason in `link`."""
        await self._link.settled()

    async def close(self) -> None:
        """Let go of everything; at most about half a second, whatever hangs."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.looks.close()
        await self.devices.close()
        self._link.finish()  # a link that was closed before it began never ran
        for lane in self._own:
            lane.close()
        busy = [lane for lane in self._own if not lane.ended and lane.idle]
        lanes = (*self._link.lanes, *self._lanes.close(), *self._sampler.close(), *busy)
        await asyncio.gather(_wait_ended(lanes, self._clock), self._connector.log_in_anew())

    async def reconnect(self) -> None:
        """Try a host that is down now instead of at its next attempt."""
        self._link.hurry()

    async def refresh(self) -> None:
        """List the host now, its storage soon; raises UnreachableError when the link is down."""
        await self._link.relist()

    def prefer(self, keys: tuple[ObjectKey, ...]) -> None:
        """Read these instances and volumes first: somebody looks at them."""
        self._sampler.prefer(keys)
        self._preferred = keys
        if self._link.storage is not None:
            self._link.refresher.prefer(keys)
            self._link.storage.prefer(keys)

    async def reread(self, uuid: str) -> Instance | None:
        """Read an instance now, hand it over and return it; None when it is gone.

        Raises UnreachableError, DeadlineError, or HypervisorError when libvirt refused to tell.
        """
        read = await self._link.refresher.reread(ObjectKey("instance", self.name, uuid))
        return read.instance if isinstance(read, InstanceRead) else None

    async def reread_network(self, uuid: str) -> Network | None:
        """Read a network now, hand it over and return it; None when it is gone; raises likewise."""
        read = await self._link.refresher.reread(ObjectKey("network", self.name, uuid))
        return read.network if isinstance(read, NetworkRead) else None

    def list_again(self, pool: ObjectKey) -> None:
        """Read a pool and its volumes again soon; nothing while the link is down."""
        if self._link.storage is not None:
            self._link.storage.read_again(pool)

    def hand_over(self, read: Callable[[float], Observation]) -> None:
        """Hand over what somebody read by `call`; `read` takes the time."""
        observation = read(self._clock.now())
        if isinstance(observation, VolumesDescribed) and self._link.storage is not None:
            self._link.storage.told(observation.volumes)
        self._seen(observation)

    async def detail(self, uuid: str) -> InstanceDetail:
        """Read XML, snapshots and addresses of an instance, and hand them over as `DetailRead`.

        A guest's agent that never answers costs 10 s, its call stays stuck, and it is not asked
        again for ten minutes. Raises NotFoundError, UnreachableError, DeadlineError.
        """
        with self.looks.reading(uuid):
            detail = await self._look(uuid)
            if any(one.external for one in detail.snapshots or ()):
                await self.reread(uuid)  # no event tells that its disks go on in other files
            self._seen(DetailRead(self.name, detail.at, detail))
        return detail

    async def _look(self, uuid: str) -> InstanceDetail:
        deadline = self._options.call_deadline
        if self._clock.monotonic() < self._hung_agents.get(uuid, 0.0):
            detail = await self._read_detail(uuid, deadline, ask_agent=False)
        else:
            try:
                detail = await self._read_detail(uuid, min(deadline, AGENT_SECONDS), ask_agent=True)
            except DeadlineError:
                self._hung_agents[uuid] = self._clock.monotonic() + AGENT_REST
                detail = await self._read_detail(uuid, deadline, ask_agent=False)
        if detail is None:
            raise NotFoundError(f"There is no such instance on {self.name} any more.")
        return detail

    async def _read_detail(
        self, uuid: str, deadline: float, *, ask_agent: bool
    ) -> InstanceDetail | None:
        from core.hypervisor.observe.detail import read_detail

        at = self._clock.now()
        return await self.call(
            lambda conn: read_detail(conn, self.name, uuid, at, ask_agent=ask_agent),
            deadline=deadline,
        )

    async def call(
        self,
        function: Callable[[Connection], T],
        *,
        uuid: str | None = None,
        deadline: float | None = None,
        urgent: bool = False,
        undisturbed: bool = False,
    ) -> T:
        """Run `function(conn)` on an operation lane; it must return plain values, no handles.

        Calls with the same `uuid` are made in order. `deadline` is seconds from when it is its
        turn. An urgent call (abort, cut the power) waits for no other. While an undisturbed one is
        made, no statistics are read. Raises NotSentError when the link is down, UnreachableError
        when it breaks and DeadlineError when no answer came in time (the call may yet take effect),
        ReadOnlyError, NotFoundError or HypervisorError as libvirt says.
        """
        _ = self._link.refresher  # raises when the link is down
        return await self._lanes.call(
            function,
            uuid=uuid,
            deadline=self._options.call_deadline if deadline is None else deadline,
            urgent=urgent,
            around=self._sampler.held() if undisturbed else None,
        )

    def lane(self, label: str, *, let_go: Callable[[Connection], None] | None = None) -> Lane:
        """Return a lane of the caller's own, to be closed by it: for calls that take hours.

        `let_go` as `Lane` says. Nothing is opened before its first call. Raises NotSentError when
        the link is down.
        """
        _ = self._link.refresher
        lane = Lane(f"lane-{self.name}-{label}", self._connector, let_go=let_go)
        self._own = [*(other for other in self._own if not other.ended), lane]
        return lane

    def _seen(self, observation: Observation) -> None:
        """Hand an observation over; what it says of the host's size and libvirt is heeded here."""
        if isinstance(observation, Listed) and "instances" in observation.kinds:
            self._pace.listed(self.name, len(observation.instances))
        elif isinstance(observation, HostRead):
            self._sampler.libvirt = observation.facts.libvirt_number
        self.looks.notice(observation)
        self.devices.notice(observation)
        self._sink(observation)

    def _link_changed(self, up: bool) -> None:
        if up:
            self.prefer(self._preferred)
            self._sampler.start()
        else:
            self._sampler.stop()
            self.looks.forget()
            self.devices.forget()
            self._pace.forget(self.name)
            self._lanes.drop()


async def _wait_ended(lanes: Iterable[Lane], clock: Clock) -> None:
    """Wait until the lanes have freed their connections, half a second at most."""
    end = clock.monotonic() + _GRACE
    pending = list(lanes)
    while pending and clock.monotonic() < end:
        await asyncio.sleep(0.005)
        pending = [lane for lane in pending if not lane.ended]
