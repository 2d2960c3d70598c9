"""The seam between the core and whoever shows it: a live fleet and a tape look the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Generator, Sequence
from typing import TYPE_CHECKING, Protocol

from core.model import (
    Delta,
    Instance,
    InstanceDetail,
    ObjectKey,
    OperationRecord,
    Preflight,
    Request,
    Snapshot,
    State,
    Steer,
    SteerRecord,
)
from core.model.checkpoint import Checkpoint

if TYPE_CHECKING:
    from core.model.console import ConsoleEnd, Consoles, LogTail
    from core.model.diagnostics import DiagnosticSample
    from core.model.kept import KeptHost
    from core.model.network import NetworkUse
    from core.verbs.answer import CallAnswer
    from core.verbs.call import Call
    from core.verbs.migration.requests import Migrate
    from core.verbs.refusal import Refusal


class Operation(Protocol):
    """A handle on a submitted operation. Use it on the loop of its source."""

    id: str
    result: CallAnswer | None
    """What it has brought, whole, once it is over; its record has what is written down of it."""

    @property
    def record(self) -> OperationRecord:
        """The operation as it stands."""
        ...

    def __aiter__(self) -> AsyncIterator[OperationRecord]:
        """Every change of the record, ending with the final one."""
        ...

    def __await__(self) -> Generator[object, None, OperationRecord]:
        """Wait for the end; the record when it is done, else raises a core.errors error."""
        ...


class Migrations(Protocol):
    """What is done about migrations, but for what is submitted. On the source's own loop."""

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        """Look, without touching anything, at all that speaks against a migration.

        `measure` takes a good second for the guest's dirty rate, which the forecast wants.
        Raises NotFoundError, UnreachableError, DeadlineError when not even that can be looked at.
        """
        ...

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Do one thing to a migration that runs, and return what came of it.

        Whatever speaks against it is the record's answer (refused, with the reason); raises
        NotFoundError for a migration that is not known, ReadOnlyError.
        """
        ...


class Definitions(Protocol):
    """The definitions of instances, networks and pools, to edit. On the source's own loop."""

    async def document(self, key: ObjectKey) -> str:
        """Read the XML of a definition now, by the kind of its key, without its secrets.

        Raises NotFoundError where it has none, UnreachableError, DeadlineError, ReadOnlyError.
        """
        ...


class OpenConsole(Protocol):
    """A console one reads from and types into. On the source's own loop."""

    @property
    def end(self) -> ConsoleEnd | None:
        """Why nothing comes any more; None while it is open."""
        ...

    @property
    def why(self) -> str:
        """The same in words."""
        ...

    @property
    def waiting(self) -> int:
        """Bytes that were typed and that the guest has not made room for."""
        ...

    async def read(self) -> bytes:
        """Wait for what the guest writes; b"" once it has ended."""
        ...

    async def write(self, data: bytes) -> None:
        """Have this typed, in its turn; raises UsageError when too much waits already."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class ConsoleAccess(Protocol):
    """The consoles of instances. On the source's own loop.

    Each raises NotFoundError, UnreachableError, DeadlineError, HypervisorError as libvirt says.
    """

    async def look(self, key: ObjectKey) -> Consoles:
        """Read what consoles and displays an instance has now."""
        ...

    async def open(self, key: ObjectKey, alias: str = "", *, force: bool = False) -> OpenConsole:
        """Open a console; "": the first one.

        `force` takes it from whoever has it, else that raises ConsoleInUseError. Raises
        ReadOnlyError.
        """
        ...

    async def tail(self, key: ObjectKey, name: str, since: int | None = None) -> LogTail:
        """Read the end of a file its host keeps of a console, or what came since a place in it."""
        ...

    async def picture(self, key: ObjectKey, screen: int = 0) -> bytes:
        """Take a picture of what a screen of an instance shows (PNG or PPM)."""
        ...


class Links(Protocol):
    """The links of a source to its hosts. On the source's own loop."""

    async def reconnect(self, host: str) -> None:
        """Try a host that is down at once instead of at its next attempt."""
        ...

    async def refresh(self) -> None:
        """List everything again, on every host that is up."""
        ...

    async def look(self, key: ObjectKey) -> None:
        """Read an object again now, and tell the state; raises UnreachableError, DeadlineError."""
        ...

    async def ask(self, subject: ObjectKey, calls: Sequence[Call]) -> None:
        """Make calls that change nothing (`Call.probe`); raises what speaks against them."""
        ...

    async def checkpoints(self, key: ObjectKey) -> tuple[Checkpoint, ...] | None:
        """Read the checkpoints of an instance now, and tell the state; None when it is gone.

        Raises UnreachableError, DeadlineError, HypervisorError, NotFoundError.
        """
        ...

    async def host_devices(self, host: str, names: Collection[str] = ()) -> object:
        """Read a host's devices now, or those of the `names` again, and tell the state."""
        ...

    async def network_use(self, key: ObjectKey) -> NetworkUse | None:
        """Read the leases and ports of a network now; None when it is gone. Raises likewise."""
        ...


class Kept(Protocol):
    """The definitions that were read last, for the day a host is dead. On the source's own loop."""

    async def host(self, name: str) -> KeptHost:
        """Return what is kept of a host; raises NotFoundError, JournalError, ReadOnlyError."""
        ...

    async def knock(self, name: str) -> None:
        """Try a host that is down now; whether it answers is in the state then."""
        ...

    async def look_again(self, name: str, pools: Collection[str]) -> None:
        """Have a host look at what is in its pools, by their UUIDs, and wait until it was read."""
        ...


class Diagnostics(Protocol):
    """What is read of one instance because somebody asks why it is slow. On the source's loop."""

    async def sample(self, key: ObjectKey) -> DiagnosticSample:
        """Read all its figures, and the load of its host, now.

        Raises NotFoundError, UnreachableError, DeadlineError; UnsupportedError for a tape.
        """
        ...

    async def dirty_rate(self, key: ObjectKey, memory: int) -> float | None:
        """Measure for some seconds how fast a guest of so many bytes writes to its memory.

        Bytes a second, None where that cannot be measured. Raises NotFoundError, UnsupportedError.
        """
        ...


class Source(Protocol):
    """What a console needs: `core.fleet.Fleet` live, `core.journal.replay.Replay` from a tape.

    All coroutines run on the source's own asyncio loop; `state` may be read from any thread.
    """

    definitions: Definitions
    """The definitions of instances, to be edited."""
    consoles: ConsoleAccess
    """The consoles of the instances."""
    kept: Kept
    """The definitions that were read last, of hosts that are dead too."""
    diagnostics: Diagnostics
    """What is read of one instance because somebody asks why it is slow."""

    @property
    def state(self) -> State:
        """The newest picture."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether `submit` refuses everything."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the source itself, a sentence or two each."""
        ...

    @property
    def migrations(self) -> Migrations:
        """What is done about migrations: looked at before, steered."""
        ...

    @property
    def links(self) -> Links:
        """The links to the hosts."""
        ...

    def changes(self) -> AsyncIterator[Delta]:
        """Deltas as they come; those a slow reader missed come merged into one."""
        ...

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Why the request would be refused now, empty: it would be accepted."""
        ...

    def prefer(self, keys: Sequence[ObjectKey]) -> None:
        """Read these first, in this order, as far as they are not read: somebody looks at them."""
        ...

    async def submit(self, request: Request) -> Operation:
        """Journal, check and queue a request; raises RefusedError with the reasons."""
        ...

    async def cancel(self, operation_id: str) -> None:
        """Stop waiting for an operation where that is possible; raises RefusedError if not."""
        ...

    async def answer(self, operation_id: str, word: str) -> None:
        """Answer what an operation asks; raises RefusedError for what is no answer to it."""
        ...

    async def forget(self, operation_id: str) -> None:
        """Take an operation that is over from the list and the journal; else RefusedError."""
        ...

    async def detail(self, key: ObjectKey) -> InstanceDetail:
        """Read XML, snapshots and addresses; raises NotFoundError, UnreachableError."""
        ...

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        """Read an instance again now, `jobs` too: its block jobs; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        ...

    async def snapshots(self, key: ObjectKey) -> tuple[Snapshot, ...] | None:
        """Read the snapshots of an instance now, and tell the state; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        ...
