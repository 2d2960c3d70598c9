"""Draining a host: looked at as a whole, then one ordinary migration after the other.

Each of them is an operation of its own: journalled, shown, steered and taken over by itself. The
drain only asks for them, waits for them and divides what they share; what it keeps of itself is
enough for another console to go on with it. What it decides comes from pure functions, in
`drain_plan` and `drain_turn`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from core.engine.case import Case
from core.engine.workflow import Keep
from core.errors import JournalError, RefusedError, VirtdeckError
from core.migration.drain import plan as drain_plan
from core.migration.drain import turn as drain_turn
from core.migration.drain.turn import DrainSeen, Turn
from core.migration.execution.survey import survey
from core.migration.execution.table import MigrationTable
from core.model import Answer, Delta, Request, Steer, SteerKind
from core.model.drain import DrainItem, DrainProgress, Stage
from core.source import Migrations, Operation
from core.verbs.migration.requests import Drain
from core.verbs.situation import End

SAFETY = 5.0
"""Seconds after which a drain looks again when it was told of nothing."""

_KINDS = frozenset({"operation", "migration", "host"})
_AGAIN = "Drain it again when that is mended: what has moved stays where it is."

_log = logging.getLogger(__name__)

Submit = Callable[[Request], Awaitable[Operation]]
"""Journals, checks and queues a request; raises RefusedError, JournalError."""


class DrainWorkflow:
    """A `core.engine.workflow.WorkflowRunner` for drains. On the core's asyncio loop only."""

    def __init__(self, table: MigrationTable, submit: Submit, migrations: Migrations) -> None:
        self._table = table
        self._submit = submit
        self._migrations = migrations
        self._courses: dict[str, _Drain] = {}
        """By operation id."""

    def observe(self, news: Delta) -> None:
        """Learn what changed; to be told of each delta. Cheap when no drain is under way."""
        if self._courses and any(key.kind in _KINDS for key in news.changed | news.gone):
            for course in self._courses.values():
                course.woken.set()

    async def run(self, case: Case, keep: Keep) -> End:
        """Empty a host, or go on where a dead console left it."""
        course = self._courses[case.record.id] = _Drain(
            case, keep, self._table, self._submit, self._migrations
        )
        try:
            return await course.run()
        finally:
            self._courses.pop(case.record.id, None)
            await course.close()

    async def cancel(self, case: Case) -> None:
        """Begin no further one; those under way go on. Raises RefusedError the second time."""
        course = self._courses.get(case.record.id)
        if course is None:
            raise RefusedError(f"The drain of {case.record.name} is over.")
        await course.stop()


class _Drain:
    """One drain under way."""

    def __init__(
        self,
        case: Case,
        keep: Keep,
        table: MigrationTable,
        submit: Submit,
        migrations: Migrations,
    ) -> None:
        assert isinstance(case.request, Drain)
        self.woken = asyncio.Event()
        self._case = case
        self._request = case.request
        self._keep = keep
        self._table = table
        self._submit = submit
        self._migrations = migrations
        self._steering: set[asyncio.Task[None]] = set()
        self._inherited: frozenset[str] = frozenset()
        self._idle_since: float | None = None

    @property
    def _progress(self) -> DrainProgress:
        return self._case.progress.workflow or DrainProgress()

    async def close(self) -> None:
        """Steer nothing any more."""
        for task in self._steering:
            task.cancel()
        await asyncio.gather(*self._steering, return_exceptions=True)

    async def stop(self) -> None:
        """Begin no further one; the operation ends with those that are under way."""
        if self._progress.stopped:
            raise RefusedError(
                f"The drain of {self._case.record.name} is stopping already: it ends with those "
                "that are under way.",
                "Abort those one by one if they are not to go on.",
            )
        names = ", ".join(item.name for item in self._progress.at(Stage.MOVING))
        goes_on = f"under way, and going on to the end: {names}" if names else "none is under way"
        stopped = replace(self._progress, stopped="stopped by the operator")
        await self._note(stopped, f"stopped by the operator: no further one is begun; {goes_on}")
        self.woken.set()

    async def run(self) -> End:
        """Plan it unless that was done, then take turns until it is over."""
        if self._case.progress.workflow is None:
            await self._note(DrainProgress(), "looking at everything that runs here first")
        else:
            self._inherited = frozenset(item.uuid for item in self._progress.at(Stage.MOVING))
            await self._note(self._progress, "taken over from a console that ended: going on")
        if not self._progress.planned:
            await self._plan()
        while True:
            self.woken.clear()
            turn = drain_turn.take_turn(self._progress, self._seen())
            if turn.progress != self._progress:
                found = drain_turn.found(self._progress, turn.progress)
                await self._note(turn.progress, *turn.lines)
                for item in found:  # the console that asked for it died as it did
                    text = f"{item.name}: was asked to move to {item.to}"
                    await self._note(turn.progress, text, asked=item.operation)
            if turn.over:
                return await self._end()
            await self._act(turn)
            await self._wait(turn)

    def _seen(self) -> DrainSeen:
        now = self._case.now()
        idle = 0.0 if self._idle_since is None else now - self._idle_since
        return DrainSeen(
            self._table.state(), self._request, self._case.record.created, idle, self._inherited
        )

    # -- before -------------------------------------------------------------------------------

    async def _plan(self) -> None:
        """Look at the whole set, and settle who goes where."""
        await self._describe()
        plan = await survey(
            self._migrations.preflight,
            self._table.state,
            self._request,
            wanted=lambda: not self._progress.stopped,
        )
        planned = replace(plan, planned=True, stopped=self._progress.stopped)
        await self._note(planned, *drain_plan.in_words(planned))

    async def _describe(self) -> None:
        """Read what was only listed so far: nothing is known of its size."""
        for row in drain_plan.in_order(self._table.state(), self._request):
            if not row.described:
                with suppress(VirtdeckError):
                    await self._table.hosts.read(row.host, row.uuid)

    # -- a turn -------------------------------------------------------------------------------

    async def _act(self, turn: Turn) -> None:
        for item in turn.give:
            self._put(item)
            task = asyncio.create_task(self._give(item))
            self._steering.add(task)
            task.add_done_callback(self._steering.discard)
        for item in turn.begin:
            if not self._progress.stopped:  # while the one before was asked for
                await self._begin(item)

    async def _begin(self, item: DrainItem) -> None:
        """Ask for the migration of one; written down before, so that none is asked for twice."""
        item = replace(item, stage=Stage.MOVING)
        self._inherited -= {item.uuid}  # from now on it is ours: withdrawn, it stays withdrawn
        if not await self._note(self._with(item)):
            stays = replace(item, stage=Stage.STAYS, reason="it could not be journalled")
            await self._note(self._with(stays), f"{item.name} stays: {stays.reason}")
            self.woken.set()
            return
        try:
            operation = await self._submit(drain_plan.migrate_request(self._request, item))
        except VirtdeckError as error:
            stays = replace(item, stage=Stage.STAYS, reason=error.message)
            await self._note(self._with(stays), f"{item.name} stays: {error.message}")
            self.woken.set()  # its place is free
            return
        part = "" if item.bandwidth is None else f" with {item.bandwidth} MiB/s"
        begun = replace(item, operation=operation.id)
        text = f"{item.name}: asked to move to {item.to}{part}"
        await self._note(self._with(begun), text, asked=operation.id)

    async def _give(self, item: DrainItem) -> None:
        """Give a running migration its new part of the bandwidth."""
        sharing = len([one for one in self._progress.at(Stage.MOVING) if one.bandwidth])
        reason = f"the drain of {self._case.record.name} divides its bandwidth by {sharing}"
        steer = Steer(SteerKind.BANDWIDTH, float(item.bandwidth or 0), reason=reason)
        try:
            record = await self._migrations.steer(item.operation, steer)
        except VirtdeckError as error:
            _log.info("the bandwidth of %s was not changed: %s", item.name, error)
            return
        if record.answer is Answer.DONE:
            await self._note(self._progress, f"{item.name}: {item.bandwidth} MiB/s from now on")
        else:
            _log.info("the bandwidth of %s was not changed: %s", item.name, record.detail)

    async def _wait(self, turn: Turn) -> None:
        """Wait for news; remember since when there was nothing else to do."""
        waits = not self._progress.at(Stage.MOVING) and not turn.begin
        if not waits:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._case.now()
            hosts = dict.fromkeys(item.to for item in self._progress.at(Stage.WAITING))
            text = f"waiting for {self._case.record.host} or {', '.join(hosts)} to be in reach"
            await self._note(self._progress, text)
        with suppress(TimeoutError):
            async with asyncio.timeout(SAFETY):  # wait_for may lose a cancellation (Python < 3.12)
                await self.woken.wait()

    async def _end(self) -> End:
        host = self._case.record.host
        last = drain_turn.newcomers(self._progress, self._seen())
        await self._note(last)
        status = drain_turn.status(last)
        hint = _AGAIN if last.at(Stage.STAYS) else ""
        return End(status, drain_turn.outcome(last, host), hint)

    # -- what is kept -------------------------------------------------------------------------

    def _with(self, item: DrainItem) -> DrainProgress:
        progress = self._progress
        items = tuple(item if one.uuid == item.uuid else one for one in progress.items)
        return replace(progress, items=items)

    def _put(self, item: DrainItem) -> None:
        self._case.advance(self._with(item), self._case.record.progress)

    async def _note(self, progress: DrainProgress, *lines: str, asked: str = "") -> bool:
        """Keep how it stands, with lines for its log; whether the journal took it."""
        self._case.advance(progress, drain_turn.share_done(progress), *lines, asked=asked)
        try:
            await self._keep(self._case)
        except JournalError:
            return False  # the operation itself says so
        return True
