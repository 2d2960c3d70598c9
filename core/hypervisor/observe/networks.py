"""The networks of one host: listed at once, their XML read afterwards, a chunk at a time.

A listing costs four calls, however many there are; the XML one for each, first of those that
somebody looks at. A later listing has only those described again that it shows otherwise, and
those in view: what virNetworkUpdate changes has no event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.clock import Clock
from core.hypervisor.observe import listing
from core.hypervisor.observe.describing import Calling, Descriptions
from core.hypervisor.observe.reading import describe_network
from core.model.base import ObjectKey
from core.model.network import Network
from core.model.observation import Listed, NetworksDescribed, Observation


class HostNetworks:
    """What is known of a host's networks, for one connection's life. On the core's loop."""

    def __init__(
        self, host: str, clock: Clock, sink: Callable[[Observation], None], *, deadline: float
    ) -> None:
        self._host = host
        self._clock = clock
        self._sink = sink
        self._listed: dict[ObjectKey, Network] = {}
        self._descriptions: Descriptions[Network] = Descriptions(
            lambda handle, named: describe_network(handle, named.host),
            self._take,
            deadline=deadline,
        )
        self.backlog = self._descriptions.backlog
        """Those whose XML is still to be read."""
        self.end = self._descriptions.end
        """Let go of every handle: the connection is lost."""
        self.step = self._descriptions.step
        """Describe one chunk."""

    async def list(self, call: Calling, deadline: float, stale: Iterable[ObjectKey]) -> None:
        """List them and hand them over; what is new or different is to be described.

        `stale` is what waits to be read after an event, when the listing has come.
        """
        at = self._clock.now()
        networks, handles = await call(
            lambda conn: listing.read_networks(conn, self._host), deadline=deadline
        )
        kinds = frozenset({"networks"})
        self._sink(Listed(self._host, at, networks=networks, kinds=kinds, overtaken=tuple(stale)))
        looked_at = self.backlog.looked_at
        wanted = [
            one
            for one in networks
            if self._listed.get(one.key) != one or one.key in looked_at or one.key in self.backlog
        ]
        self._listed = {one.key: one for one in networks}
        self._descriptions.end()  # the handles of before, and what is gone
        self._descriptions.want(wanted, handles)

    def _take(self, networks: tuple[Network, ...]) -> None:
        self._sink(NetworksDescribed(self._host, self._clock.now(), networks))
