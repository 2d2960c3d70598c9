"""The migrations of a fleet: looked at before, planned, steered, and those of others found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from core.clock import Clock
from core.hypervisor.session import Hypervisor

if TYPE_CHECKING:
    from core.engine.runner import Runner
    from core.engine.workflow import WorkflowRunner
    from core.migration.execution.drain import DrainWorkflow
    from core.migration.execution.foreign import Foreign
    from core.migration.execution.preflights import Preflights
    from core.migration.execution.table import MigrationTable
    from core.migration.execution.workflow import MigrationWorkflow
    from core.migration.plan.plan import Plan
    from core.model import Delta, Observation, Preflight, Request, State, Steer, SteerRecord
    from core.verbs.migration.requests import Migrate


class FleetMigrations:
    """A `core.source.Migrations`. On the core's loop only.

    What carries out, or follows, a migration is loaded when there is one.
    """

    def __init__(
        self,
        hosts: Mapping[str, Hypervisor],
        clock: Clock,
        state: Callable[[], State],
        publish: Callable[[Observation], None],
        runner: Callable[[], Runner],
    ) -> None:
        """`runner` returns who carries operations out, or raises ReadOnlyError."""
        self._hosts = hosts
        self._clock = clock
        self._state = state
        self._publish = publish
        self._runner = runner
        self._author = ""
        self._table: MigrationTable | None = None
        self._foreign: Foreign | None = None
        self._workflow: MigrationWorkflow | None = None
        self._drains: DrainWorkflow | None = None
        self._preflights: Preflights | None = None

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        """Look, without touching anything, at all that speaks against a migration.

        `measure` takes a good second for the guest's dirty rate, for the forecast. A host that is
        not there or does not answer is a finding.
        """
        if self._preflights is None:
            from core.migration.execution.preflights import Preflights

            self._preflights = Preflights(self._hosts, self._state, self._clock)
        return await self._preflights.preflight(request, measure=measure, fresh=fresh)

    async def preflight_of(self, request: Request) -> Preflight:
        """Look, just before it is begun, at what speaks against a request that is a migration."""
        from core.verbs.migration.requests import Migrate

        assert isinstance(request, Migrate), "`Verb.preflight` makes it one"
        return await self.preflight(request, fresh=True)

    async def plan(self, request: Migrate) -> Plan:
        """Return what a migration would call, and touch nothing.

        Raises RefusedError and UsageError with the reasons, NotFoundError, UnreachableError.
        """
        return await self._migrating().plan(request)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Do one thing to a migration that runs, and return what came of it.

        Raises NotFoundError for a migration that is not known, ReadOnlyError.
        """
        return await self._migrating().steer(migration_id, steer)

    def known(self, host: str) -> bool | None:
        """Whether a host was looked through for migrations that others began; None: not yet."""
        return False if self._foreign is None else self._foreign.looked_at(host)

    # -- for the fleet ------------------------------------------------------------------------

    def open(self, author: str) -> dict[type[Request], WorkflowRunner]:
        """Make ready to follow migrations, and return who carries out the verbs about them.

        `author` signs what is done to a migration.
        """
        from core.engine.workflow import WorkflowOnDemand
        from core.fleet_migration_hosts import FleetMigrationHosts
        from core.migration.execution.foreign import Foreign
        from core.migration.execution.table import MigrationTable
        from core.verbs.migration.requests import Drain, Migrate, ResumeMigration

        hosts = FleetMigrationHosts(self._hosts)
        self._author = author
        self._table = MigrationTable(
            *(hosts, self._clock, self._state, self._publish), lambda: self._runner().messages
        )
        self._foreign = Foreign(self._table, lambda: self._runner().catch_up())
        migrations, drains = WorkflowOnDemand(self._migrating), WorkflowOnDemand(self._draining)
        return {Migrate: migrations, ResumeMigration: migrations, Drain: drains}

    def look_around(self) -> None:
        """Look for migrations on the hosts whose links were up before."""
        if self._foreign is not None:
            self._foreign.look_around()

    def observe(self, news: Delta) -> None:
        """Tell whoever waits for it what changed."""
        for told in (self._table, self._foreign, self._drains):
            if told is not None:
                told.observe(news)

    async def close(self) -> None:
        """Follow no migration any more."""
        self._foreign = None
        if self._table is not None:
            await self._table.close()

    def _migrating(self) -> MigrationWorkflow:
        if self._workflow is None:
            table = self._followed()
            from core.migration.execution.devices import MovedDevices
            from core.migration.execution.volumes import MovedVolumes
            from core.migration.execution.workflow import MigrationWorkflow

            runner = self._runner()
            volumes = MovedVolumes(runner.submit, self._state)
            devices = MovedDevices(runner, self._state)
            self._workflow = MigrationWorkflow(table, self._author, self._looked, volumes, devices)
        return self._workflow

    async def _looked(self, request: Migrate) -> Preflight:
        """Look at what speaks against one that is begun: what did a moment ago may be cured."""
        from core.model.preflight import Level

        found = await self.preflight(request, measure=True)
        return await self.preflight(request, fresh=True) if found.of(Level.BLOCKER) else found

    def _draining(self) -> DrainWorkflow:
        if self._drains is None:
            table = self._followed()
            from core.migration.execution.drain import DrainWorkflow

            self._drains = DrainWorkflow(table, self._runner().submit, self)
        return self._drains

    def _followed(self) -> MigrationTable:
        self._runner()  # raises where nothing can be changed
        assert self._table is not None, "it is opened with the runner"
        return self._table
