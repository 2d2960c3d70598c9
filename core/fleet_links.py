"""The links of a fleet to its hosts: opened, waited for, tried again, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from core.errors import NotFoundError, VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.session import Hypervisor
from core.model import LinkStatus, ObjectKey, Unread
from core.model.checkpoint import Checkpoint
from core.model.host_device import HostDevice, NetworkFilters
from core.model.network import NetworkUse
from core.model.text import clean

if TYPE_CHECKING:
    from core.verbs.call import Call


def host_named(hosts: Mapping[str, Hypervisor], name: str) -> Hypervisor:
    """Return a host of a fleet; raises NotFoundError for one that is not there."""
    try:
        return hosts[name]
    except KeyError:
        raise NotFoundError(
            f"There is no host {clean(name)!r}.", f"Known: {', '.join(hosts)}."
        ) from None


class FleetLinks:
    """A `core.source.Links`. On the core's asyncio loop only, but for `names` and `notices`."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the hosts, in their order; known before the fleet is entered."""
        return tuple(self._hosts)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the hosts' URIs."""
        return tuple(
            f"{name}: {note}" for name, host in self._hosts.items() for note in host.address.notes
        )

    @property
    def unread(self) -> dict[str, Unread | None]:
        """By host: what was listed and is not read yet; None while its link is not up."""
        return {name: host.unread for name, host in self._hosts.items()}

    async def open(self) -> None:
        """Begin to connect to every host; returns without waiting for any."""
        for host in self._hosts.values():
            await host.start()

    async def close(self) -> None:
        """Let go of every host, all at the same time."""
        await asyncio.gather(*(host.close() for host in self._hosts.values()))

    async def settled(self) -> None:
        """Wait until every host was listed, or its first attempt failed."""
        await asyncio.gather(*(host.settled() for host in self._hosts.values()))

    async def reconnect(self, host: str) -> None:
        """Try a host that is down now. Raises NotFoundError for a host that is not there."""
        await host_named(self._hosts, host).reconnect()

    async def look(self, key: ObjectKey) -> None:
        """Read an object again now, and tell the state; raises UnreachableError, DeadlineError."""
        from core.hypervisor.subject_reading import read_subject

        await read_subject(host_named(self._hosts, key.host), key)

    async def checkpoints(self, key: ObjectKey) -> tuple[Checkpoint, ...] | None:
        """Read the checkpoints of an instance now, and tell the state; None when it is gone.

        Raises UnreachableError, DeadlineError, HypervisorError.
        """
        return await host_named(self._hosts, key.host).looks.checkpoints(key.id)

    async def host_devices(
        self, host: str, names: Collection[str] = (), *, every: bool = False
    ) -> tuple[HostDevice, ...] | None:
        """Read the devices of a host now, and tell the state; None: its driver tells none.

        Those that an instance can be given; where `every` one is read, the state is not told. Of a
        host whose devices were read, those of the `names` are read again. Raises likewise.
        """
        devices = host_named(self._hosts, host).devices
        if names:
            await devices.read_some(names)
            return None
        return await devices.read(every=every)

    async def network_use(self, key: ObjectKey) -> NetworkUse | None:
        """Read the leases and ports of a network now; None when it is gone. Raises likewise."""
        from core.hypervisor.observe.network_use import read_network_use

        call = host_named(self._hosts, key.host).call
        return await call(lambda conn: read_network_use(conn, key.id))

    async def network_filters(self, host: str) -> NetworkFilters | None:
        """Read the network filters of a host now; None: its driver has none. Raises likewise."""
        from core.hypervisor.observe.host_devices import read_network_filters

        return await host_named(self._hosts, host).call(read_network_filters)

    async def ask(self, subject: ObjectKey, calls: Sequence[Call]) -> None:
        """Make calls that change nothing; raises what the host has against one of them."""
        from core.hypervisor.calls.table import make

        assert all(call.probe for call in calls), "one of them changes something"

        def ask_all(conn: Connection) -> None:
            for call in calls:
                make(conn, subject, call)

        await host_named(self._hosts, subject.host).call(ask_all)

    async def refresh(self) -> None:
        """List everything again, on every host whose link is up; one that fails stops no other."""
        up = [host for host in self._hosts.values() if host.link.status is LinkStatus.UP]
        for result in await asyncio.gather(
            *(host.refresh() for host in up), return_exceptions=True
        ):
            if isinstance(result, BaseException) and not isinstance(result, VirtdeckError):
                raise result
