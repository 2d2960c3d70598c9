"""Submitting migrations from the command line and following them to their ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from console.cli import interrupts
from console.cli.migration_progress import ProgressPrinter
from console.cli.migration_text import EXIT
from console.cli.output import complain, json_line, note, plain, say
from console.cli.waiting import STATUS, end_status, say_what_is_in_the_way
from console.format import listed
from core.errors import VirtdeckError
from core.model import (
    Delta,
    Migration,
    OperationRecord,
    OperationStatus,
    Request,
    State,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.model.text import clean
from core.source import Operation
from core.verbs.wording import name_of

INTERRUPTED = 130
"""Exit status after Ctrl-C, when what runs was left running."""
TICK = 0.5
"""Seconds between two repaints when nothing is new."""
QUESTION = "Abort, leave it running, or go on watching? [a/l/c]"


class Steers(Protocol):
    """What is needed of a fleet's migrations."""

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Do one thing to a migration that runs."""
        ...


class Follows(Protocol):
    """What is needed of a fleet."""

    @property
    def state(self) -> State:
        """The newest picture."""
        ...

    def changes(self) -> AsyncIterator[Delta]:
        """Deltas as they come."""
        ...

    async def submit(
        self, request: Request, waiting: Callable[[OperationRecord], None]
    ) -> Operation:
        """Journal, check and queue a request, once what it says it is waiting for is over."""
        ...

    async def cancel(self, operation_id: str) -> None:
        """Stop waiting for an operation."""
        ...

    @property
    def migrations(self) -> Steers:
        """What is done about migrations."""
        ...


@dataclass
class Following:
    """Migrations that one command started, or looks at, until all are over."""

    fleet: Follows
    progress: ProgressPrinter
    also: Callable[[Migration], bool] = lambda _: False
    """Which others belong to it: those of a drain."""
    operations: dict[str, OperationRecord] = field(default_factory=dict)
    ask: Callable[[str, asyncio.Event], Awaitable[str]] = interrupts.choice
    question: str = QUESTION
    """What Ctrl-C asks."""
    told: Callable[[OperationRecord], None] = lambda _: None
    """Is given every version of the operations."""

    async def carry_out(self, requests: Sequence[Request]) -> int:
        """Submit requests and follow them; returns the worst exit status of any.

        On a terminal Ctrl-C asks; elsewhere what was sent goes on and is named.
        """
        watching = asyncio.create_task(self._watch(self.fleet.changes()))
        ticking = asyncio.create_task(self._tick())
        working = asyncio.create_task(self._all(requests))
        try:
            with interrupts.caught() as pressed:
                return await self._until_done(working, pressed)
        except asyncio.CancelledError:
            self.leave()
            raise
        finally:
            for task in (working, watching, ticking):
                task.cancel()
            await asyncio.gather(working, watching, ticking, return_exceptions=True)
            self.progress.erase()

    async def look_on(self, migration: Migration) -> int:
        """Follow a migration that somebody else runs; returns the exit status of its end."""
        changes = self.fleet.changes()
        self.also = lambda row: row.id == migration.id
        ticking = asyncio.create_task(self._tick())
        try:
            self._see(migration)
            while not (now := self._newest(migration)).over:
                self._look(await anext(changes))
            self._see(now)
            return EXIT.get(now.status, STATUS[OperationStatus.UNKNOWN])
        finally:
            ticking.cancel()
            self.progress.erase()

    def _newest(self, migration: Migration) -> Migration:
        return self.fleet.state.migrations.get(migration.id, migration)

    async def _until_done(self, working: asyncio.Task[int], pressed: asyncio.Event) -> int:
        while not working.done():
            pressing = asyncio.create_task(pressed.wait())
            await asyncio.wait({working, pressing}, return_when=asyncio.FIRST_COMPLETED)
            pressing.cancel()
            if working.done() or not pressed.is_set():
                continue
            chosen = await self._choice(working, pressed)
            pressed.clear()
            if chosen == interrupts.ABORT:
                await self.abort()
            elif chosen == interrupts.STOP:
                await self.stop()
            elif chosen == interrupts.LEAVE:
                self.leave()
                return INTERRUPTED
        return working.result()

    async def _choice(self, working: asyncio.Task[int], pressed: asyncio.Event) -> str:
        """The operator's answer; what ends meanwhile needs none."""
        self.progress.erase()
        self.progress.held = True
        asking = asyncio.ensure_future(self.ask(self.question, pressed))
        try:
            await asyncio.wait({asking, working}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else interrupts.CONTINUE
        finally:
            asking.cancel()
            self.progress.held = False

    async def abort(self) -> None:
        """Drop what is still queued, then abort every migration that is not over."""
        await self.stop()  # first: else a drain would begin the next instead
        for migration in self.progress.running:
            try:
                await self.fleet.migrations.steer(migration.id, Steer(SteerKind.ABORT))
            except VirtdeckError as error:
                note(error.message)

    async def stop(self) -> None:
        """Drop what is still queued, and have a drain begin no more."""
        begun = {migration.id for migration in self.progress.running}
        for id_ in self.operations.keys() - begun:
            try:
                await self.fleet.cancel(id_)
            except VirtdeckError as error:
                note(error.message)

    def leave(self) -> None:
        """Say what goes on without us."""
        self.progress.erase()
        for migration in self.progress.running:
            note(
                f"No longer watching {migration.name}: its migration to {migration.to} goes on. "
                f"`virtdeck migration show {migration.host}/{migration.name}` tells how it is; "
                "until a console or command of virtdeck runs, no policy acts on it."
            )
        begun = {migration.id for migration in self.progress.running}
        if left := [record.name for id_, record in self.operations.items() if id_ not in begun]:
            note(
                f"No longer waiting for {listed(left, 3)}: `virtdeck operations` tells what became."
            )

    # -- following -----------------------------------------------------------------------------

    async def _all(self, requests: Sequence[Request]) -> int:
        statuses = await asyncio.gather(*(self._one(request) for request in requests))
        return max(statuses, default=0)

    async def _one(self, request: Request) -> int:
        name = name_of(self.fleet.state, request)
        try:
            operation = await self.fleet.submit(request, say_what_is_in_the_way)
        except VirtdeckError as error:
            complain(error, name)
            return error.exit_status
        record = operation.record
        self.operations[record.id] = record
        self._see(self.fleet.state.migrations.get(record.id))
        async for record in operation:
            self.told(record)
            if not record.status.final:
                self.operations[record.id] = record
        self.operations.pop(record.id, None)
        self._ended(record)
        return end_status(record)

    def _ended(self, record: OperationRecord) -> None:
        """Tell the end: the migration's own word, else the operation's."""
        migration = self.fleet.state.migrations.get(record.id)
        if migration is not None:
            self.progress.tell(migration)
        if self.progress.as_json:
            say(json_line({"kind": "operation", **plain(record)}))
        elif migration is None or not migration.status.final:
            self.progress.erase()
            say(clean(f"{record.name}: {record.status.value}: {record.outcome}"))
            if record.hint and record.status is not OperationStatus.DONE:
                note(f"  {record.hint}")
        self.progress.drop(record.id)

    async def _watch(self, changes: AsyncIterator[Delta]) -> None:
        async for delta in changes:
            self._look(delta)

    def _look(self, delta: Delta) -> None:
        for key in delta.changed:
            if key.kind == "migration":
                self._see(self.fleet.state.migrations.get(key.id))

    def _see(self, migration: Migration | None) -> None:
        if migration is not None and (migration.id in self.operations or self.also(migration)):
            self.progress.tell(migration)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.progress.draw()
