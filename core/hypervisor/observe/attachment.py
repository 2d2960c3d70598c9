"""The main connection of a link, from its opening to its loss: events and short reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.clock import Clock
from core.errors import UnreachableError, VirtdeckError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.model.event import Event

if TYPE_CHECKING:
    from core.hypervisor.observe import events

_CLOSE_KEEPALIVE = 2  # VIR_CONNECT_CLOSE_REASON_KEEPALIVE


class Attachment:
    """One connection with every event registered, and the lane that makes its calls.

    Events are kept back until `go_live`, so that a listing can be put before what happened while it
    was read. Made, and used, on the core's loop, except where a method says otherwise. It serves as
    its lane's `Connecting`.
    """

    def __init__(
        self, connector: Connector, clock: Clock, on_event: Callable[[Event], None]
    ) -> None:
        self._connector = connector
        self._clock = clock
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Event] = deque()
        self._scheduled = False
        self._live = False
        self._released = False
        self._registration: events.Registration | None = None
        self._lost: asyncio.Future[VirtdeckError] = self._loop.create_future()
        self.lane = Lane(f"lane-{connector.address.name}-link", self)

    @property
    def refused(self) -> tuple[events.RefusedEvent, ...]:
        """The events the host does not offer, known once they were registered."""
        return () if self._registration is None else self._registration.refused

    def go_live(self) -> None:
        """Hand over the events kept back, in their order, and from now on each as it comes."""
        self._live = True
        self._drain()

    async def lost(self) -> VirtdeckError:
        """Wait until the connection is lost; returns why."""
        return await asyncio.shield(self._lost)

    def lose(self, error: VirtdeckError) -> None:
        """Count the connection as lost: it closed, or a short call did not return."""
        if not self._lost.done():
            self._lost.set_result(error)

    def release(self) -> None:
        """Hand over what came, take nothing more, free the connection as soon as it can be."""
        self._drain()
        self._released = True
        self.lane.close()

    def open(self) -> Connection:
        """Open, and learn of the connection's death from now on. On the lane's thread."""
        conn = self._connector.open()
        try:
            conn.registerCloseCallback(self._closed, None)
        except libvirt.libvirtError:
            self.close(conn)
            raise
        return conn

    def register(self, conn: Connection) -> None:
        """Register for the coming and going of instances: one round trip.

        On the lane's thread; raises libvirtError.
        """
        from core.hypervisor.observe import events  # most commands that read once want none

        host = self._connector.address.name
        self._registration = events.register(conn, host, self._clock, self._emit)

    def register_rest(self, _conn: Connection) -> None:
        """Register every other event: one round trip each. On the lane's thread."""
        if self._registration is not None:
            self._registration.complete()

    def close(self, conn: Connection) -> None:
        """Free the connection: callbacks first, or libvirt keeps it open. On the lane's thread."""
        if self._registration is not None:
            self._registration.deregister()
            self._registration = None
        with contextlib.suppress(libvirt.libvirtError):
            conn.unregisterCloseCallback()
        self._connector.close(conn)

    def alive(self, conn: Connection) -> bool:
        """Tell whether the connection stands. On the lane's thread."""
        return self._connector.alive(conn)

    def translate(self, error: Exception, *, broken: bool) -> Exception:
        """Turn a libvirt error into one of core.errors. On the lane's thread."""
        return self._connector.translate(error, broken=broken)

    def turn(self) -> Awaitable[Callable[[], None]] | None:
        """Return what to wait for before the connection opens."""
        return self._connector.turn()

    def too_late(self, seconds: float) -> VirtdeckError:
        """Return the error for an opening that did not end in time."""
        return self._connector.too_late(seconds)

    def interrupt_open(self, thread_id: int) -> None:
        """End the ssh an opening waits for."""
        self._connector.interrupt_open(thread_id)

    def _emit(self, event: Event) -> None:
        """Take an event. On the thread of libvirt's event loop."""
        if self._released:  # an abandoned connection lives, and talks, until its call returns
            return
        self._inbox.append(event)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._scheduled = False  # first: an event that comes while we empty the box wakes us again
        while self._live and not self._released and self._inbox:
            self._on_event(self._inbox.popleft())

    def _closed(self, _conn: Connection, reason: int, _opaque: None) -> None:
        """Note that libvirt found the connection dead. On the event loop's or the lane's thread."""
        with contextlib.suppress(RuntimeError):  # our loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self.lose, self._why(reason))

    def _why(self, reason: int) -> VirtdeckError:
        name = self._connector.address.name
        if reason == _CLOSE_KEEPALIVE:
            options = self._connector.options
            seconds = options.keepalive_interval * (options.keepalive_count + 1)
            return UnreachableError(
                f"{name} stopped answering: no keepalive reply for about {seconds} s.",
                "Check the host and the network; the link is opened again by itself.",
            )
        what = "ssh connection" if self._connector.address.uses_ssh else "connection"
        return UnreachableError(
            f"The {what} to {name} broke off.",
            "Check the host's libvirt and the network; the link is opened again by itself.",
        )
