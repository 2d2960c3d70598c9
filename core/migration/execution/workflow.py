"""Migrations carried out: prepared, called, followed, resumed; those of dead consoles adopted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from core.engine.case import Case
from core.engine.noting import note_call
from core.engine.workflow import Keep
from core.errors import JournalError, NotFoundError, RefusedError, VirtdeckError
from core.migration.execution import preparation
from core.migration.execution.controls import Controls
from core.migration.execution.devices import MovedDevices
from core.migration.execution.ending import end_of, not_started, stopped
from core.migration.execution.others import noting_others
from core.migration.execution.port import MigrateArguments
from core.migration.execution.record import RecordKeeper
from core.migration.execution.resumed_call import resumed
from core.migration.execution.secrets import leave_secrets
from core.migration.execution.table import MigrationTable
from core.migration.execution.tracker import Tracker
from core.migration.execution.volumes import MovedVolumes
from core.migration.judgement import recovery as recover
from core.migration.judgement.words import against_not_open
from core.migration.plan.plan import Plan
from core.model import (
    Answer,
    Migration,
    OperationStep,
    Preflight,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.model.detached_device import DetachedDevice
from core.model.lists import listed
from core.verbs.migration.requests import Migrate, ResumeMigration
from core.verbs.situation import End, cancelled, failed

Look = Callable[[Migrate], Awaitable[Preflight]]
"""The preflight, as `Fleet.migrations.preflight` makes it, with the guest's dirty rate."""


class MigrationWorkflow:
    """A `core.engine.workflow.WorkflowRunner` for migrations. On the core's asyncio loop only."""

    def __init__(
        self,
        table: MigrationTable,
        author: str,
        look: Look,
        volumes: MovedVolumes,
        devices: MovedDevices,
    ) -> None:
        self._table = table
        self._volumes = volumes
        self._devices = devices
        self._author = author
        self._look = look
        self._preparing: dict[str, Case] = {}
        """By operation id: those of which nothing has been sent."""
        self._writing = set[str]()
        """Those of them whose call is being written down."""

    async def plan(self, request: Migrate) -> Plan:
        """Return what would be called, and touch nothing. Raises RefusedError, UsageError."""
        request = preparation.vouched(request, await self._look(request))
        return await preparation.read_plan(self._table.hosts, self._table.state(), request)

    async def run(self, case: Case, keep: Keep) -> End:
        """Carry a migration out, or follow the one a dead console began.

        One that is over and not settled is followed until it is: its end may be another then.
        """
        before = case.record.status
        try:
            end = await self._carry_out(case, keep)
        except asyncio.CancelledError:
            if not case.cancelled:
                raise
            end = await self._settled(case, cancelled(case.cancelled))
            if not case.progress.begun:
                raise
            return end
        if before.final and end.status is before:
            return end  # what is connected since is for another try
        return await self._settled(case, end)

    async def _settled(self, case: Case, end: End) -> End:
        """Have the host that it is not on let go of its volumes, and of their secrets."""
        if isinstance(case.progress.workflow, Migration):
            end = await self._devices.settle(case.progress.workflow, end)
            source, to = case.progress.workflow.source_key, case.progress.workflow.to
        elif isinstance(case.request, Migrate):
            source, to = case.request.subject, case.request.to
        else:
            return end
        end = await self._volumes.settle(source, to, end)
        return await leave_secrets(self._table.hosts, self._table.state(), source, to, end)

    async def _carry_out(self, case: Case, keep: Keep) -> End:
        if case.progress.workflow is not None:
            return await self._adopt(case, case.progress.workflow, keep)
        if isinstance(case.request, ResumeMigration):
            return await self._resume(case, case.request, keep)
        request, state = case.request, self._table.state()
        assert isinstance(request, Migrate)
        log = self._logbook(preparation.begun(case.record, request, state), case, keep)
        log.show()
        self._preparing[case.record.id] = case
        try:
            tracker, plan, step = await self._prepare(case, keep, log, request)
        except asyncio.CancelledError:
            stopped(log, case.cancelled or "its console ended")
            raise
        except (VirtdeckError, JournalError) as error:
            return not_started(log, error)
        finally:
            del self._preparing[case.record.id]
            self._writing.discard(case.record.id)
        if case.cancelled:  # while it was written down
            log.calls.take_back(step)
            await tracker.controls.line.close()
            return cancelled(stopped(log, case.cancelled))
        return await self._call(case, tracker, plan, step, keep)

    async def _prepare(
        self, case: Case, keep: Keep, log: RecordKeeper, request: Migrate
    ) -> tuple[Tracker, Plan, OperationStep]:
        """Look, plan, set the limits and write it down; raises RefusedError with the reasons."""
        table = self._table
        found = await self._look(request)
        preparation.require(found)
        if await self._volumes.connect(request, log.change):
            found = await self._look(request)
            preparation.require(found)
        if found.leaving:
            await self._release(case, keep, log, found.leaving)
        request = preparation.vouched(request, found)
        plan, migration = await preparation.prepare(
            table.hosts, table.state(), request, log.migration
        )
        log.put(migration)
        log.change(use=found.memory)
        tracker = table.tracker(log, request)
        try:
            await preparation.set_limits(tracker.controls.line, log, request)
            step = await self._commit(case, keep, log, plan)
        except BaseException:
            await tracker.controls.line.close()
            raise
        return tracker, plan, step

    async def _release(
        self, case: Case, keep: Keep, log: RecordKeeper, leaving: tuple[DetachedDevice, ...]
    ) -> None:
        """Write down what is to leave its guest, then have that let go of it."""
        names = listed([one.word for one in leaving])
        log.change(f"having its guest let go of {names}", released=leaving)
        _note(case, log.migration, "")
        await keep(case)
        await self._devices.release(log.migration.source_key)

    async def _commit(self, case: Case, keep: Keep, log: RecordKeeper, plan: Plan) -> OperationStep:
        """Write the call down before it is made: from here on it is followed, whoever dies."""
        migration, text = log.migration, f"migrating to {log.migration.to}"
        self._writing.add(case.record.id)
        step = log.calls.begin(migration.host, "migrate", text, plan.virsh)
        log.change(started=log.clock.now())
        _note(case, log.migration, text)
        try:
            await keep(case)
        except JournalError:
            log.calls.take_back(step)
            raise
        return step

    async def _call(
        self, case: Case, tracker: Tracker, plan: Plan, step: OperationStep, keep: Keep
    ) -> End:
        made = MigrateArguments(plan.uri, plan.flags, plan.parameters)
        again = tracker.observer.recovering
        work = (
            resumed(tracker.controls.line, made) if again else tracker.controls.line.migrate(made)
        )
        call = asyncio.create_task(
            tracker.log.calls.answer(step, work), name=f"migrate-{case.record.id}"
        )
        try:
            return await self._follow(case, tracker, call, keep)
        finally:
            call.cancel()
            with suppress(asyncio.CancelledError, VirtdeckError):
                await call

    async def _follow(
        self, case: Case, tracker: Tracker, call: asyncio.Task[None] | None, keep: Keep
    ) -> End:
        async with noting_others(case, self._table.messages(), keep):
            migration = await self._table.follow(tracker, call)
        return end_of(migration)

    async def _adopt(self, case: Case, migration: Migration, keep: Keep) -> End:
        if migration.settled:
            return end_of(migration)
        if migration.started is None:  # its guest was letting go of what holds it there
            log = self._logbook(migration, case, keep)
            return cancelled(stopped(log, "its console ended"))
        request = case.request
        if not isinstance(request, Migrate):
            request = recover.request_of(migration, self._table.state())
        log = self._logbook(migration, case, keep)
        if not case.record.status.final:
            log.change("taken over from a console that ended")
        return await self._follow(case, self._table.tracker(log, request), None, keep)

    async def _resume(self, case: Case, request: ResumeMigration, keep: Keep) -> End:
        state = self._table.state()
        try:
            old = recover.failed(state, request.subject)
            original = recover.request_of(old, state)
            plan = await preparation.read_plan(self._table.hosts, state, original, resume=True)
        except VirtdeckError as error:
            return failed(error.message, error.hint)
        again = recover.again(old, case.record, self._table.clock.now())
        tracker = self._table.tracker(self._logbook(again, case, keep), original)
        tracker.observer.recovering = True
        try:
            step = await self._commit(case, keep, tracker.log, plan)
        except JournalError as error:
            await tracker.controls.line.close()
            return not_started(tracker.log, error)
        return await self._call(case, tracker, plan, step, keep)

    async def cancel(self, case: Case) -> None:
        """Abort; raises RefusedError where that would lose the instance, or comes too late."""
        record = await self.steer(case.record.id, Steer(SteerKind.ABORT))
        if record.detail:
            raise RefusedError(record.detail)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Do one thing to a migration, whoever runs it. Raises NotFoundError, RefusedError."""
        tracker: Tracker | None = self._table.trackers.get(migration_id)
        if tracker is not None:
            record = await tracker.steer(steer, self._author)
            tracker.wake()
            return record
        migration = self._table.state().migrations.get(migration_id)
        preparing = self._preparing.get(migration_id)
        if preparing is not None and preparing.task is not None and steer.kind is SteerKind.ABORT:
            now = self._table.clock.now()
            preparing.cancelled = f"aborted by {self._author}"
            if migration_id not in self._writing:  # else it looks by itself
                preparing.task.cancel()
            return SteerRecord(now, steer, self._author, Answer.DONE, now)
        if migration is None:
            raise NotFoundError(
                f"There is no migration {migration_id!r}.", "See `virtdeck migrations`."
            )
        if migration.not_open:
            raise RefusedError(against_not_open(migration))
        log = self._table.keeper(migration)
        line = self._table.line(migration)
        controls = Controls(log, line, Migrate(migration.source_key), elsewhere=True)
        if (earlier := self._table.steered.get(migration_id)) is not None:
            controls.succeed(earlier)
        self._table.steered[migration_id] = controls
        try:
            return await controls.steer(steer, self._author)
        finally:
            await line.close()

    def _logbook(self, migration: Migration, case: Case, keep: Keep) -> RecordKeeper:
        async def keep_it(migration: Migration) -> None:
            status, outcome = migration.status, migration.outcome
            _note(case, migration, f"{status}: {outcome}" if outcome else str(status))
            try:
                await keep(case)
            except JournalError as error:
                text = f"not journalled: {error}"
                if all(step.text != text for step in log.migration.timeline):
                    log.change(text)

        def note(step: OperationStep, begun: OperationStep | None) -> None:
            note_call(case, step, begun)
            if case.progress.begun:  # else it is kept with what begins it
                self._table.begin(partial(keep, case))  # beside: no abort waits for a disk

        log = self._table.keeper(migration, keep_it, note)
        return log


def _note(case: Case, migration: Migration, text: str) -> None:
    """Note how the migration stands, with a line for the log where it is not there already."""
    said = any(step.text == text for step in case.record.steps)
    case.advance(migration, migration.part_done, "" if said else text)
