"""One migration, ours or somebody else's, followed until it is over: look, judge, act.

The events of both hosts wake it; half a second is the safety net. What it decides comes from pure
functions: `monitor.judge` says where the migration stands, its policy what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from core.hypervisor.job_stats import read_sample
from core.migration.execution.completion import Completion
from core.migration.execution.controls import Controls
from core.migration.execution.estimator import Estimator
from core.migration.execution.observer import Observer
from core.migration.execution.port import MigrationHosts, MigrationLine
from core.migration.execution.record import TIMELINE, RecordKeeper
from core.migration.judgement import monitor
from core.migration.judgement.discovery import destination
from core.migration.judgement.seen import Judgement
from core.model import Event, Migration, MigrationStatus, State, Steer, SteerRecord
from core.model.event import InstanceLifecycle, JobCompleted, MigrationIteration
from core.verbs.migration.requests import Migrate

POLL = 0.5
"""Seconds between two looks when no event comes."""
CALM = 10.0
"""The same where nothing is copied: events of both hosts tell when it goes on."""
HURRY = 0.05
"""The same between an accepted abort and its effect."""

_STATUS = {
    MigrationStatus.RUNNING: "the copying has begun",
    MigrationStatus.UNKNOWN: "out of sight",
}
_WAITS = (MigrationStatus.POST_COPY_INTERRUPTED, MigrationStatus.POST_COPY_FAILED)
_LESS = (MigrationStatus.POST_COPY_INTERRUPTED, MigrationStatus.UNKNOWN)
"""What does not replace "failed", which both sides said: a daemon may be down for a moment."""


class Tracker:
    """Follows one migration. On the core's asyncio loop only."""

    def __init__(
        self,
        log: RecordKeeper,
        request: Migrate,
        hosts: MigrationHosts,
        line: MigrationLine,
        state: Callable[[], State],
        *,
        elsewhere: bool = False,
    ) -> None:
        """`elsewhere`: another console runs it, and its policy; here it is only watched."""
        self._elsewhere = elsewhere
        self._retired = False
        self.log = log
        self.observer = Observer(hosts, log.clock, state)
        self.estimator = Estimator()
        self.controls = Controls(log, line, request, elsewhere=elsewhere)
        self.ending = Completion(log, self.observer, self.estimator, hosts, request)
        self._request = request
        self._state = state
        self._woken = asyncio.Event()

    @property
    def migration(self) -> Migration:
        """The migration as it stands."""
        return self.log.migration

    def wake(self) -> None:
        """Look again now: something about it changed."""
        self._woken.set()

    def retire(self) -> None:
        """Follow it no longer: somebody else here does now."""
        self._retired = True
        self.wake()

    def succeed(self, before: Tracker) -> None:
        """Take the place of one that only watched this migration, and what was done from there."""
        before.retire()
        self.controls.succeed(before.controls)

    async def supersede(self) -> None:
        """Amend it no longer: another migration of the instance goes on from where it is."""
        self.retire()
        self.log.change("another migration goes on from here", followed=False, resumable=False)
        await self.log.keep()

    async def steer(self, steer: Steer, by: str) -> SteerRecord:
        """Do one thing; returns when it is answered: done, refused, or no answer in time."""
        self._heed_owner()  # what is known of it may be older than what the state shows
        return await self.controls.steer(steer, by)

    def saw(self, event: Event) -> None:
        """Take an event of the instance, of either host."""
        self._heed_owner()
        migration = self.migration
        at_source = event.host == migration.host
        self.observer.saw(event, migration.host)
        if isinstance(event, MigrationIteration) and at_source:
            self.log.change(
                f"iteration {event.iteration} began", iterations=(*migration.iterations, event.at)
            )
        elif isinstance(event, JobCompleted) and at_source:
            self.estimator.final = read_sample(event.values, event.at)
        elif isinstance(event, InstanceLifecycle):
            self._saw_lifecycle(event, at_source=at_source)
        self.wake()

    def _saw_lifecycle(self, event: InstanceLifecycle, *, at_source: bool) -> None:
        text = TIMELINE.get((at_source, event.change, event.detail), "")
        switched = at_source and (event.change, event.detail) == ("suspended", "postcopy")
        if switched and self.migration.switched is None:
            self.log.change(text.format(host=event.host), switched=event.at)
        elif text:
            self.log.change(text.format(host=event.host))

    async def follow(self, call: asyncio.Task[None] | None) -> Migration:
        """Follow to the end; `call` is ours, None: somebody else's, or that of a dead console.

        One that is over for whoever waits, and not settled, is followed until it is.
        """
        self.observer.call = call
        again = self.migration.over
        try:
            while True:
                await self._look()
                if self._retired:
                    return self.migration
                self._heed_owner()
                if not self._elsewhere:
                    self.controls.inherit()
                    await self._decide()
                migration = self.migration
                if migration.settled if again else migration.over:
                    return migration
                if not (self._elsewhere or migration.over):
                    self._act()
                await self._wait()
        finally:
            self.controls.close()

    def _heed_owner(self) -> None:
        """Take the word of the console that runs it, where another does: two would say two things.

        When that one ends, the migration is adopted, and this tracker retired. What was done to it
        from here is not in the owner's journal, and what was sent not in its operation.
        """
        ours, theirs = self.migration, self._state().migrations.get(self.migration.id)
        if not self._elsewhere or theirs is None or theirs is ours:
            return
        missing = [record for record in ours.steering if record not in theirs.steering]
        calls = tuple(step for step in ours.calls if step not in theirs.calls)
        if missing or calls:
            steering = (*theirs.steering, *missing)
            self.log.put(replace(theirs, steering=steering, calls=(*theirs.calls, *calls)))
        else:
            self.log.migration = theirs

    async def _decide(self) -> None:
        """Judge, and act on it; an abort that is still to be answered is waited for first.

        The call of one that is aborted may fail before the abort is answered: what it has come to
        is decided once, from both.
        """
        judgement = await self._judge()
        if judgement.status is MigrationStatus.FAILED and self.log.messages is not None:
            self.observer.abort_sent = await self.log.messages.abort_was_sent(self.migration.id)
            judgement = self._judged()
        waits = judgement.status.final and self.controls.abort_pending
        if not (waits or self._retired):
            await self._apply(judgement)

    async def _look(self) -> None:
        if not self.migration.to and (to := destination(self._state(), self.migration)):
            self.log.change(to=to)
        await self.observer.look(self.migration)
        job = self.observer.job
        if job is None or not self.observer.copying or self.migration.over:
            return
        side = self.observer.side(self.migration.host, self.migration.uuid)
        can_switch = self.controls.can_switch(side.state)
        self.log.sampled(job, *self.estimator.add(job, self.migration, can_switch=can_switch))
        await self.controls.read_limits()

    async def _judge(self) -> Judgement:
        """Judge from what the state shows; where it is about to turn, from fresh readings."""
        quick = self._judged()
        same = quick.status is self.migration.status
        if same and quick.status.copying and self.observer.returned is None:
            return quick  # what is copied shows its end by events
        await self.observer.look_both(self.migration)
        return self._judged()

    def _judged(self) -> Judgement:
        migration = self.migration
        seen = self.observer.seen(
            migration, aborted=self.controls.aborting, offline=self._request.offline
        )
        return monitor.judge(seen, migration.name, migration.host, migration.to)

    async def _apply(self, judgement: Judgement) -> None:
        status = judgement.status
        try:
            if status is MigrationStatus.VERIFYING:
                self.log.change(status=status)
                await self.ending.complete()
            elif self._is_news(judgement):
                if status.final:
                    await self.ending.fail(judgement)
                else:
                    await self._goes_on(judgement)
        finally:
            self.observer.sides.clear()

    def _is_news(self, judgement: Judgement) -> bool:
        migration = self.migration
        if migration.status is MigrationStatus.POST_COPY_FAILED and judgement.status in _LESS:
            return False
        if migration.over:
            new = (judgement.status, judgement.followed, judgement.resumable)
            return new != (migration.status, migration.followed, migration.resumable)
        return (judgement.status, judgement.outcome) != (migration.status, migration.outcome)

    async def _goes_on(self, judgement: Judgement) -> None:
        """Note where it stands, where it is not over: that may take back an end."""
        status, migration = judgement.status, self.migration
        text = judgement.outcome if status in _WAITS else _STATUS.get(status, "")
        if migration.over:
            text = text or "it goes on after all"
        self.log.change(
            "" if status is migration.status else text,
            status=status,
            outcome=judgement.outcome,
            hint=judgement.hint,
            resumable=judgement.resumable,
            followed=judgement.followed,
            ended=None,
        )
        await self.log.keep()

    def _act(self) -> None:
        side = self.observer.side(self.migration.host, self.migration.uuid)
        self.controls.act(self.estimator.samples, side.state, began=bool(self.migration.iterations))

    async def _wait(self) -> None:
        """Wait for news; no longer than half a second."""
        call = self.observer.call
        woken = asyncio.ensure_future(self._woken.wait())
        waited: set[asyncio.Future[object]] = {woken}  # type: ignore[arg-type]
        if call is not None:
            waited.add(call)  # type: ignore[arg-type]
        patience = HURRY if self.controls.aborting and call is not None else POLL
        if self.migration.status in _WAITS and call is None:
            patience = CALM
        try:
            await asyncio.wait(waited, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        self._woken.clear()
