"""The seam between the core and whoever shows it: a live fleet and a tape look the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
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

if TYPE_CHECKING:
    from core.verbs.migration.requests import Migrate
    from core.verbs.refusal import Refusal


class Operation(Protocol):
    """A handle on a submitted operation. Use it on the loop of its source."""

    id: str

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


class Links(Protocol):
    """The links of a source to its hosts. On the source's own loop."""

    async def reconnect(self, host: str) -> None:
        """Try a host that is down at once instead of at its next attempt."""
        ...

    async def refresh(self) -> None:
        """List everything again, on every host that is up."""
        ...


class Source(Protocol):
    """What a console needs: `core.fleet.Fleet` live, `core.journal.replay.Replay` from a tape.

    All coroutines run on the source's own asyncio loop; `state` may be read from any thread.
    """

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

    async def read(self, key: ObjectKey) -> Instance | None:
        """Read an instance again now; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        ...

    async def snapshots(self, key: ObjectKey) -> tuple[Snapshot, ...] | None:
        """Read the snapshots of an instance now, and tell the state; None when it is gone.

        Raises NotFoundError for an unknown host, UnreachableError, DeadlineError.
        """
        ...
