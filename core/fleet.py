"""The fleet: live libvirt hosts as one source of state, changes and operations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from core.clock import Clock, SystemClock
from core.errors import UsageError
from core.feed import Feed
from core.fleet_consoles import FleetConsoles
from core.fleet_definitions import FleetDefinitions
from core.fleet_diagnostics import FleetDiagnostics
from core.fleet_kept import FleetKept
from core.fleet_links import FleetLinks, host_named
from core.fleet_operations import FleetOperations
from core.hypervisor.connection.options import LinkOptions, Reading
from core.hypervisor.connection.ssh_gate import SshGate
from core.hypervisor.connection.uri import HostAddress, parse_uri, unique_names
from core.hypervisor.observe.pace import Pace
from core.hypervisor.session import Hypervisor
from core.mailbox import Mailbox
from core.model import (
    Instance,
    InstanceDetail,
    ObjectKey,
    Observation,
    OperationRecord,
    Request,
    Snapshot,
    State,
)
from core.model.connected_volume import EVERY_HOST, VolumeConnecting

if TYPE_CHECKING:
    from core.engine.handle import Handle
    from core.source import ConsoleAccess, Definitions, Diagnostics, Kept
    from core.verbs.refusal import Refusal

__all__ = ["Fleet", "LinkOptions", "Reading"]


class Fleet:
    """Several libvirt hosts, watched and operated: `async with Fleet.open(uris) as fleet`.

    A `core.source.Source`. Everything runs on the caller's asyncio loop; `state` may be read from
    any thread. A host that hangs or cannot be reached delays no other, nor the leaving.
    """

    tap: Callable[[Observation], None] | None
    """Is given every observation before it is applied: a recorder. It must not raise."""

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
        connecting: Mapping[str, VolumeConnecting],
    ) -> None:
        """Use `Fleet.open`."""
        gate, pace = SshGate(), Pace()
        self._hosts = {
            address.name: Hypervisor(
                *(address.name, address.uri),
                sink=self._observe,
                clock=clock,
                options=options,
                gate=gate,
                pace=pace,
                groups=tuple(sorted(name for name in groups if address.name in groups[name])),
                connecting=connecting.get(address.name, connecting.get(EVERY_HOST)),
            )
            for address in addresses
        }
        self._options, self._changing, self._tolerant = options, operations, tolerant
        self.tap = None
        self._feed, self._exit, self._journal_path = Feed(clock), AsyncExitStack(), journal
        self._kept = FleetKept(self._hosts, clock, self._picture)
        self.kept: Kept = self._kept
        seams = self._picture, self._observe, self._kept
        self._operations = FleetOperations(self._hosts, clock, *seams)
        self.migrations = self._operations.migrations
        self.definitions: Definitions = FleetDefinitions(self._hosts)
        self._consoles = FleetConsoles(self._hosts, read_only=options.read_only)
        self.consoles: ConsoleAccess = self._consoles
        self.links = FleetLinks(self._hosts)
        self.diagnostics: Diagnostics = FleetDiagnostics(self._hosts, clock)

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
        connecting: Mapping[str, VolumeConnecting] | None = None,
    ) -> Self:
        """Return a fleet of the hosts at `uris`, libvirt URIs or `NAME=URI`; enter it to connect.

        `journal` is the file operations are kept in, None the user's own; without `operations` it
        is not opened and `submit` refuses. A `tolerant` fleet does the same when the journal
        cannot be used, and says so in `notices`. `groups` are names of hosts by the group's name;
        a name that is not open means nothing. `connecting` is how hosts connect volumes, by their
        names, `EVERY_HOST` for those that are not named.

        Raises UsageError for a URI that makes no sense, two hosts of one name, and none at all.
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
            connecting=connecting or {},
        )

    async def __aenter__(self) -> Self:
        """Begin to connect to every host; returns without waiting for any. See `ready`.

        Raises JournalError when operations cannot be kept, unless it is `tolerant`.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._feed.close)
            stack.push_async_callback(self.links.close)
            stack.push_async_callback(self._consoles.close)
            await self.links.open()
            await asyncio.sleep(0)  # they connect while what operations need is loaded
            if self._changing:
                await self._operations.open(
                    stack, self._journal_path, tolerant=self._tolerant, watch=not self.read_only
                )
                if not self.read_only:
                    self._kept.open(self._journal_path)
                    stack.push_async_callback(self._kept.close)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of every host, all at the same time: at most about half a second."""
        await self._exit.aclose()

    async def ready(self, timeout: float | None = None) -> bool:
        """Wait until every host was listed, or its first attempt failed; False after `timeout` s.

        What failed and why is in `state.hosts[name].link`.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.links.settled()
        except TimeoutError:
            return False
        return True

    def _picture(self) -> State:
        return self._feed.state

    # -- the source ---------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The newest picture."""
        return self._feed.state

    @property
    def read_only(self) -> bool:
        """Whether `submit` refuses everything."""
        return self._options.read_only or not self._changing or self._operations.refusal is not None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know: of URIs, and of a journal that is damaged or of no use."""
        return (*self.links.notices, *self._operations.notices)

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Why the request would be refused now; empty: it would be accepted."""
        return self._operations.check(request)

    async def submit(
        self, request: Request, waiting: Callable[[OperationRecord], None] | None = None
    ) -> Handle:
        """Journal, check and queue a request.

        With `waiting`, which is told of each, it waits for what consoles that ended have left in
        its way, as long as that gets on. Raises RefusedError or ReadOnlyError with the reasons,
        JournalError when it cannot be kept.
        """
        return await self._operations.submit(request, waiting)

    async def cancel(self, operation_id: str) -> None:
        """Have an operation stopped, whichever console runs it.

        Raises RefusedError, NotFoundError when that cannot be, JournalError.
        """
        await self._operations.cancel(operation_id)

    async def answer(self, operation_id: str, word: str) -> None:
        """Answer what an operation asks, whichever console of the journal runs it.

        Raises NotFoundError, RefusedError for what is no answer to it, and JournalError.
        """
        await self._operations.answer(operation_id, word)

    async def forget(self, operation_id: str) -> None:
        """Take an operation that is over from the list and the journal.

        Raises NotFoundError, RefusedError for one that goes on, and JournalError.
        """
        await self._operations.forget(operation_id)

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
        return await host_named(self._hosts, key.host).detail(key.id)

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        """Read an instance again now, past everything that is remembered; None when it is gone.

        With `jobs` its block jobs before. Raises NotFoundError for an unknown host,
        UnreachableError, DeadlineError.
        """
        host = host_named(self._hosts, key.host)
        if jobs:
            await host.looks.block_jobs(key.id)
        return await host.reread(key.id)

    async def snapshots(self, key: ObjectKey) -> tuple[Snapshot, ...] | None:
        """Read the snapshots of an instance now, and tell the state; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        return await host_named(self._hosts, key.host).looks.snapshots(key.id)

    # -- inside -------------------------------------------------------------------------------

    def _observe(self, observation: Observation) -> None:
        """The sink of every host and of the runner: on the loop, in order."""
        if self.tap is not None:
            self.tap(observation)
        delta = self._feed.apply(observation)
        self._operations.observe(delta)
        self._kept.observe(delta)
