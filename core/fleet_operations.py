"""What changes things in a fleet: operations and migrations, and the journal of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from core.clock import Clock
from core.errors import JournalError, NotFoundError, ReadOnlyError, RefusedError
from core.fleet_kept import FleetKept
from core.fleet_migrations import FleetMigrations
from core.hypervisor.session import Hypervisor
from core.model.text import clean

if TYPE_CHECKING:
    from core.engine.handle import Handle
    from core.engine.runner import Runner
    from core.journal.journal import Journal
    from core.model import Delta, Observation, OperationRecord, Request, State
    from core.verbs.refusal import Refusal

ONLY_LOOKING = (
    "This fleet was opened to look only.",
    "Open it with operations to change anything.",
)


class FleetOperations:
    """The operations of a fleet. On the core's loop only.

    A fleet that only looks loads nothing of what only operations need.
    """

    def __init__(
        self,
        hosts: Mapping[str, Hypervisor],
        clock: Clock,
        state: Callable[[], State],
        publish: Callable[[Observation], None],
        kept: FleetKept,
    ) -> None:
        """`publish` takes every version of every record."""
        self._hosts = hosts
        self._clock = clock
        self._state = state
        self._publish = publish
        self._kept = kept
        self.migrations = FleetMigrations(hosts, clock, state, publish, self._running)
        self.refusal: tuple[str, str] | None = None
        """Why nothing can be changed, and the cure; None: it can, once this was opened."""
        self._journal: Journal | None = None
        self._runner: Runner | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the journal."""
        if self.refusal is not None:
            return (" ".join(self.refusal),)
        return () if self._journal is None else self._journal.notices

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Why the request would be refused now; empty: it would be accepted."""
        if self._runner is None:
            from core.verbs.refusal import Refusal, RefusalCode

            return (Refusal(RefusalCode.READ_ONLY, " ".join(self.refusal or ONLY_LOOKING)),)
        return self._runner.check(request)

    async def submit(
        self, request: Request, waiting: Callable[[OperationRecord], None] | None = None
    ) -> Handle:
        """Journal, check and queue a request; raises as `Fleet.submit` does."""
        return await self._running().submit(request, waiting)

    async def cancel(self, operation_id: str) -> None:
        """Have an operation stopped, whichever console runs it; raises as `Fleet.cancel` does."""
        await self._running().cancel(operation_id)

    async def answer(self, operation_id: str, word: str) -> None:
        """Answer what an operation asks; raises as `Fleet.answer` does."""
        from core.engine.asking import answer

        await answer(self._state(), self._running().messages, operation_id, word)

    async def forget(self, operation_id: str) -> None:
        """Take an operation that is over from the list and the journal, as `Fleet.forget` does."""
        from core.model.observation import OperationForgotten
        from core.verbs.undoing import against_forgetting

        self._running()
        record = self._state().operations.get(operation_id)
        if record is None:
            raise NotFoundError(
                f"There is no operation {operation_id}.", "See `virtdeck operations`."
            )
        if against := against_forgetting(record):
            raise RefusedError(against)
        if self._journal is not None:
            await self._journal.forget(operation_id)
        self._publish(OperationForgotten(record.host, self._clock.now(), operation_id))

    async def open(
        self, stack: AsyncExitStack, journal: Path | None, *, tolerant: bool, watch: bool
    ) -> None:
        """Open the journal, and go on with what it holds; closed with `stack`.

        Raises JournalError when operations cannot be kept; where it is `tolerant`, that becomes
        the `refusal`. With `watch` what other consoles of the journal do is followed.
        """
        try:
            await self._open_runner(stack, journal, watch=watch)
        except JournalError as error:
            if not tolerant:
                raise
            self._runner = None
            await self.migrations.close()
            self.refusal = f"Nothing can be changed: {error.message}", error.hint

    def observe(self, news: Delta) -> None:
        """Tell whoever waits for it what changed; to be told of each delta, in order."""
        if self._runner is not None:
            self._runner.observe(news)
        self.migrations.observe(news)

    async def _open_runner(
        self, stack: AsyncExitStack, journal: Path | None, *, watch: bool
    ) -> None:
        from core.engine.runner import Runner
        from core.fleet_hosts import FleetHosts
        from core.journal.journal import Journal

        self._journal = kept = await Journal.open(journal)
        stack.push_async_callback(kept.close)
        signed = author()
        workflows = self.migrations.open(signed)
        stack.push_async_callback(self.migrations.close)
        self._runner = Runner(
            *(
                FleetHosts(self._hosts, self._kept),
                kept,
                self._clock,
                self._state,
                self._publish,
                signed,
            ),
            workflows=workflows,
            preflights=self.migrations.preflight_of,
        )
        stack.push_async_callback(self._runner.close)
        await self._runner.start(watch=watch)
        self.migrations.look_around()

    def _running(self) -> Runner:
        if self._runner is None:
            raise ReadOnlyError(*(self.refusal or ONLY_LOOKING))
        return self._runner


def author() -> str:
    """USER@MACHINE, as operations are signed."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = "unknown"
    return clean(f"{user}@{socket.gethostname()}")
