"""The links of a fleet to its hosts: opened, waited for, tried again, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from core.errors import NotFoundError, VirtdeckError
from core.hypervisor.session import Hypervisor
from core.model import LinkStatus, Unread
from core.model.text import clean


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

    async def refresh(self) -> None:
        """List everything again, on every host whose link is up; one that fails stops no other."""
        up = [host for host in self._hosts.values() if host.link.status is LinkStatus.UP]
        for result in await asyncio.gather(
            *(host.refresh() for host in up), return_exceptions=True
        ):
            if isinstance(result, BaseException) and not isinstance(result, VirtdeckError):
                raise result
