"""The half of a fleet that changes things: operations and migrations, and the journal of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.clock import Clock
from core.errors import JournalError, ReadOnlyError
from core.hypervisor.session import Hypervisor
from core.model.text import clean

if TYPE_CHECKING:
    from core.engine.handle import Handle
    from core.engine.runner import Runner
    from core.journal.journal import Journal
    from core.migration.execution.drain import DrainWorkflow
    from core.migration.execution.foreign import Foreign
    from core.migration.execution.preflights import Preflights
    from core.migration.execution.table import MigrationTable
    from core.migration.execution.workflow import MigrationWorkflow
    from core.migration.plan.plan import Plan
    from core.model import Delta, Observation, Preflight, Request, State, Steer, SteerRecord
    from core.verbs.migration.requests import Migrate
    from core.verbs.refusal import Refusal

ONLY_LOOKING = (
    "This fleet was opened to look only.",
    "Open it with operations to change anything.",
)


class FleetOperations(ABC):
    """What a fleet can be asked to do. `core.fleet.Fleet` is one; on the core's loop only.

    A fleet that only looks loads nothing of what only operations need, and no fleet loads what
    carries out, or follows, a migration before there is one.
    """

    def __init__(
        self, hosts: Mapping[str, Hypervisor], clock: Clock, refusal: tuple[str, str] | None
    ) -> None:
        """`refusal` says why nothing can be changed, and the cure; None: it can."""
        self._hosts = hosts
        self._clock = clock
        self._refusal = refusal
        self._journal: Journal | None = None
        self._runner: Runner | None = None
        self._table: MigrationTable | None = None
        self._foreign: Foreign | None = None
        self._migrations: MigrationWorkflow | None = None
        self._drains: DrainWorkflow | None = None
        self._preflights: Preflights | None = None

    @property
    @abstractmethod
    def state(self) -> State:
        """The newest picture."""

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Why the request would be refused now; empty: it would be accepted."""
        if self._runner is None:
            from core.verbs.refusal import Refusal, RefusalCode

            return (Refusal(RefusalCode.READ_ONLY, " ".join(self._refusal or ONLY_LOOKING)),)
        return self._runner.check(request)

    async def submit(self, request: Request) -> Handle:
        """Journal, check and queue a request.

        Raises RefusedError or ReadOnlyError with the reasons, JournalError when it cannot be kept.
        """
        return await self._running().submit(request)

    async def cancel(self, operation_id: str) -> None:
        """Stop waiting for an operation; raises RefusedError, NotFoundError when that cannot be."""
        await self._running().cancel(operation_id)

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        """Look, without touching anything, at all that speaks against a migration.

        `measure` takes a good second for the guest's dirty rate, for the forecast. A host that is
        not there or does not answer is a finding.
        """
        if self._preflights is None:
            from core.migration.execution.preflights import Preflights

            self._preflights = Preflights(self._hosts, lambda: self.state, self._clock)
        return await self._preflights.preflight(request, measure=measure, fresh=fresh)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Do one thing to a migration that runs, and return what came of it.

        Raises NotFoundError for a migration that is not known, ReadOnlyError.
        """
        return await self._migrating().steer(migration_id, steer)

    async def plan(self, request: Migrate) -> Plan:
        """Return what a migration would call, and touch nothing.

        Raises RefusedError and UsageError with the reasons, NotFoundError, UnreachableError.
        """
        return await self._migrating().plan(request)

    def migrations_known(self, host: str) -> bool | None:
        """Whether a host was looked through for migrations that others began; None: not yet."""
        return False if self._foreign is None else self._foreign.looked_at(host)

    # -- for the fleet ------------------------------------------------------------------------

    async def _begin_operations(
        self,
        stack: AsyncExitStack,
        journal: Path | None,
        publish: Callable[[Observation], None],
        *,
        tolerant: bool,
        watch: bool,
    ) -> None:
        """Open the journal, and go on with what it holds; closed with `stack`."""
        try:
            await self._open_runner(stack, journal, publish, watch=watch)
        except JournalError as error:
            if not tolerant:
                raise
            self._runner = self._table = self._foreign = None
            self._refusal = f"Nothing can be changed: {error.message}", error.hint

    async def _open_runner(
        self,
        stack: AsyncExitStack,
        journal: Path | None,
        publish: Callable[[Observation], None],
        *,
        watch: bool,
    ) -> None:
        from core.engine.runner import Runner
        from core.engine.workflow import WorkflowOnDemand
        from core.fleet_hosts import FleetHosts
        from core.fleet_migration import FleetMigrations
        from core.journal.journal import Journal
        from core.migration.execution.foreign import Foreign
        from core.migration.execution.table import MigrationTable
        from core.verbs.migration.requests import Drain, Migrate, ResumeMigration

        self._journal = kept = await Journal.open(journal)
        stack.push_async_callback(kept.close)
        hosts = FleetMigrations(self._hosts)
        self._table = MigrationTable(hosts, self._clock, lambda: self.state, publish)
        stack.push_async_callback(self._table.close)
        migrations, drains = WorkflowOnDemand(self._migrating), WorkflowOnDemand(self._draining)
        self._runner = Runner(
            *(FleetHosts(self._hosts), kept, self._clock, lambda: self.state, publish, _author()),
            workflows={Migrate: migrations, ResumeMigration: migrations, Drain: drains},
        )
        self._foreign = Foreign(self._table, self._runner.catch_up)
        stack.push_async_callback(self._runner.close)
        await self._runner.start(watch=watch)
        self._foreign.look_around()

    def _tell_operations(self, news: Delta) -> None:
        """Tell whoever waits for it what changed."""
        for told in (self._runner, self._table, self._foreign, self._drains):
            if told is not None:
                told.observe(news)

    def _running(self) -> Runner:
        if self._runner is None:
            raise ReadOnlyError(*(self._refusal or ONLY_LOOKING))
        return self._runner

    def _migrating(self) -> MigrationWorkflow:
        if self._migrations is None:
            table = self._followed()
            from core.migration.execution.workflow import MigrationWorkflow

            self._migrations = MigrationWorkflow(
                table, _author(), partial(self.preflight, measure=True)
            )
        return self._migrations

    def _draining(self) -> DrainWorkflow:
        if self._drains is None:
            table = self._followed()
            from core.migration.execution.drain import DrainWorkflow

            self._drains = DrainWorkflow(table, self)
        return self._drains

    def _followed(self) -> MigrationTable:
        if self._table is None:
            raise ReadOnlyError(*(self._refusal or ONLY_LOOKING))
        return self._table


def _author() -> str:
    """USER@MACHINE, as operations are signed."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = "unknown"
    return clean(f"{user}@{socket.gethostname()}")
