"""The networks of one host: listed at once, their XML read afterwards, a chunk at a time.

A listing costs four calls, however many there are; the XML one for each, first of those that
somebody looks at. A later listing has only those described again that it shows otherwise, and
those in view: what virNetworkUpdate changes has no event. And those that could not be read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from core.clock import Clock
from core.hypervisor.observe import listing
from core.hypervisor.observe.backlog import Backlog
from core.hypervisor.observe.describing import Calling, Chunk, Descriptions
from core.hypervisor.observe.reading import describe_network
from core.model.base import ObjectKey
from core.model.network import Network
from core.model.observation import Listed, NetworksDescribed, Observation

Reading = Callable[[Sequence[ObjectKey]], Awaitable[Chunk[Observation]]]


class HostNetworks:
    """What is known of a host's networks, for one connection's life. On the core's loop."""

    def __init__(
        self, host: str, clock: Clock, sink: Callable[[Observation], None], *, deadline: float
    ) -> None:
        self._host = host
        self._clock = clock
        self._sink = sink
        self._listed: dict[ObjectKey, Network] = {}
        self._unread: set[ObjectKey] = set()
        """Those whose XML is wanted and has not come: it waits, or could not be read."""
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

    def not_read(self, keys: Iterable[ObjectKey]) -> None:
        """Have networks described after the next listing: they could not be read."""
        self._unread.update(keys)

    async def list(self, call: Calling, deadline: float, stale: Backlog, read: Reading) -> None:
        """List them and hand them over; what is new or different is to be described.

        `stale` is what waits to be read after an event, and `read` reads of it, puts back what it
        did not come to, and hands over. What overtook the listing is read first: an event shows
        nothing of a network that is not known, and once they count as listed none may be missing.
        Of one that cannot be read the listing has the say.
        """
        at = self._clock.now()
        networks, handles = await call(
            lambda conn: listing.read_networks(conn, self._host), deadline=deadline
        )
        overtaken = await _read_overtaken(stale, read)
        kinds = frozenset({"networks"})
        self._sink(Listed(self._host, at, networks=networks, kinds=kinds, overtaken=overtaken))
        looked_at = self.backlog.looked_at
        wanted = [
            one
            for one in networks
            if self._listed.get(one.key) != one or one.key in looked_at or one.key in self._unread
        ]
        self._listed = {one.key: one for one in networks}
        self._unread = {one.key for one in wanted}
        self._descriptions.end()  # the handles of before, and what is gone
        self._descriptions.want(wanted, handles)

    def _take(self, networks: tuple[Network, ...]) -> None:
        self._unread.difference_update(one.key for one in networks if one.described)
        self._sink(NetworksDescribed(self._host, self._clock.now(), networks))


async def _read_overtaken(stale: Backlog, read: Reading) -> tuple[ObjectKey, ...]:
    """Read the networks that are stale, each once; return what a listing has no say in then."""
    told: dict[ObjectKey, bool] = {}
    while keys := [key for key in stale if key.kind == "network" and key not in told]:
        stale.discard(keys)
        chunk = await read(keys)
        told |= {key: key not in chunk.failed for key in chunk.keys}
    return (*(key for key, was_read in told.items() if was_read), *stale)
