"""The fleet: live libvirt hosts as one source of state, changes and operations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from core.clock import Clock, SystemClock
from core.errors import NotFoundError, UsageError, VirtdeckError
from core.feed import Feed
from core.fleet_operations import ONLY_LOOKING, FleetOperations
from core.hypervisor.connection.options import LinkOptions, Reading
from core.hypervisor.connection.ssh_gate import SshGate
from core.hypervisor.connection.uri import HostAddress, parse_uri, unique_names
from core.hypervisor.observe.pace import Pace
from core.hypervisor.session import Hypervisor
from core.mailbox import Mailbox
from core.model import (
    Instance,
    InstanceDetail,
    LinkStatus,
    ObjectKey,
    Observation,
    Snapshot,
    State,
    Unread,
)
from core.model.text import clean

__all__ = ["Fleet", "LinkOptions", "Reading"]


class Fleet(FleetOperations):
    """Several libvirt hosts, watched and operated: `async with Fleet.open(uris) as fleet`.

    A `core.source.Source`. Everything runs on the caller's asyncio loop; `state` may be read from
    any thread. A host that hangs or cannot be reached delays no other, nor the leaving.
    """

    def __init__(
        self,
        addresses: Iterable[HostAddress],
        *,
        options: LinkOptions,
        journal: Path | None,
        operations: bool,
        tolerant: bool,
        clock: Clock,
        groups: Mapping[str, Collection[str]],
    ) -> None:
        """Use `Fleet.open`."""
        gate, pace = SshGate(), Pace()
        hosts = {
            address.name: Hypervisor(
                *(address.name, address.uri),
                sink=self._observe,
                clock=clock,
                options=options,
                gate=gate,
                pace=pace,
                groups=tuple(sorted(name for name in groups if address.name in groups[name])),
            )
            for address in addresses
        }
        super().__init__(hosts, clock, None if operations else ONLY_LOOKING)
        self._options = options
        self._journal_path = journal
        self._operations = operations
        self._tolerant = tolerant
        self.tap: Callable[[Observation], None] | None = None
        """Is given every observation before it is applied: a recorder. It must not raise."""
        self._feed = Feed(clock)
        self._exit = AsyncExitStack()

    @classmethod
    def open(
        cls,
        uris: Iterable[str],
        *,
        read_only: bool = False,
        options: LinkOptions | None = None,
        journal: Path | None = None,
        operations: bool = True,
        tolerant: bool = False,
        clock: Clock | None = None,
        groups: Mapping[str, Collection[str]] | None = None,
    ) -> Self:
        """Return a fleet of the hosts at `uris`, libvirt URIs or `NAME=URI`; enter it to connect.

        `journal` is the file operations are kept in, None the user's own; without `operations` it
        is not opened and `submit` refuses. A `tolerant` fleet does the same when the journal
        cannot be used, and says so in `notices`. `groups` are names of hosts by the group's name;
        a name that is not open means nothing. Raises UsageError for a URI that makes no sense,
        two hosts of one name, and none at all.
        """
        options = options or LinkOptions()
        addresses = unique_names(parse_uri(uri) for uri in uris)
        if not addresses:
            raise UsageError("No host was named.", "Name one such as qemu:///system.")
        return cls(
            addresses,
            options=replace(options, read_only=options.read_only or read_only),
            journal=journal,
            operations=operations,
            tolerant=tolerant,
            clock=clock or SystemClock(),
            groups=groups or {},
        )

    async def __aenter__(self) -> Self:
        """Begin to connect to every host; returns without waiting for any. See `ready`.

        Raises JournalError when operations cannot be kept, unless it is `tolerant`.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._feed.close)
            stack.push_async_callback(self._close_hosts)
            for host in self._hosts.values():
                await host.start()
            await asyncio.sleep(0)  # they connect while what operations need is loaded
            if self._operations:
                await self._begin_operations(
                    *(stack, self._journal_path, self._observe),
                    tolerant=self._tolerant,
                    watch=not self.read_only,
                )
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of every host, all at the same time: at most about half a second."""
        await self._exit.aclose()

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of its hosts, in their order; known before it is entered."""
        return tuple(self._hosts)

    async def ready(self, timeout: float | None = None) -> bool:
        """Wait until every host was listed, or its first attempt failed; False after `timeout` s.

        What failed and why is in `state.hosts[name].link`.
        """
        try:
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(host.settled() for host in self._hosts.values()))
        except TimeoutError:
            return False
        return True

    @property
    def unread(self) -> dict[str, Unread | None]:
        """By host: what was listed and is not read yet; None while its link is not up."""
        return {name: host.unread for name, host in self._hosts.items()}

    # -- the source ---------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The newest picture."""
        return self._feed.state

    @property
    def read_only(self) -> bool:
        """Whether `submit` refuses everything."""
        return self._options.read_only or self._refusal is not None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know: of URIs, and of a journal that is damaged or of no use."""
        notes = [
            f"{name}: {note}" for name, host in self._hosts.items() for note in host.address.notes
        ]
        if self._operations and self._refusal is not None:
            return (*notes, " ".join(self._refusal))
        return (*notes, *(() if self._journal is None else self._journal.notices))

    def changes(self) -> Mailbox:
        """Deltas from now on; those a slow reader missed come merged into one."""
        return self._feed.subscribe()

    def prefer(self, keys: Sequence[ObjectKey]) -> None:
        """Read these first, in this order, as far as they are not read: somebody looks at them."""
        by_host: dict[str, list[ObjectKey]] = {name: [] for name in self._hosts}
        for key in keys:
            if key.host in by_host:
                by_host[key.host].append(key)
        for name, host in self._hosts.items():
            host.prefer(tuple(by_host[name]))

    async def detail(self, key: ObjectKey) -> InstanceDetail:
        """Read XML, snapshots and addresses of an instance, on a lane of its own.

        Raises NotFoundError, UnreachableError, DeadlineError.
        """
        return await self._host(key.host).detail(key.id)

    async def read(self, key: ObjectKey) -> Instance | None:
        """Read an instance again now, past everything that is remembered; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        return await self._host(key.host).reread(key.id)

    async def snapshots(self, key: ObjectKey) -> tuple[Snapshot, ...] | None:
        """Read the snapshots of an instance now, and tell the state; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        return await self._host(key.host).looks.snapshots(key.id)

    async def reconnect(self, host: str) -> None:
        """Try a host that is down now. Raises NotFoundError for a host that is not there."""
        await self._host(host).reconnect()

    async def refresh(self) -> None:
        """List everything again, on every host whose link is up; one that fails stops no other."""
        up = [host for host in self._hosts.values() if host.link.status is LinkStatus.UP]
        for result in await asyncio.gather(
            *(host.refresh() for host in up), return_exceptions=True
        ):
            if isinstance(result, BaseException) and not isinstance(result, VirtdeckError):
                raise result

    # -- inside -------------------------------------------------------------------------------

    async def _close_hosts(self) -> None:
        await asyncio.gather(*(host.close() for host in self._hosts.values()))

    def _host(self, name: str) -> Hypervisor:
        try:
            return self._hosts[name]
        except KeyError:
            raise NotFoundError(
                f"There is no host {clean(name)!r}.", f"Known: {', '.join(self._hosts)}."
            ) from None

    def _observe(self, observation: Observation) -> None:
        """The sink of every host and of the runner: on the loop, in order."""
        if self.tap is not None:
            self.tap(observation)
        delta = self._feed.apply(observation)
        self._tell_operations(delta)
