"""One migration, ours or somebody else's, followed until it is over: look, judge, act.

The events of both hosts wake it; half a second is the safety net. What it decides comes from pure
functions: `monitor.judge` says where the migration stands, its policy what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from core.errors import VirtdeckError
from core.hypervisor.job_stats import read_sample
from core.migration import monitor
from core.migration.discovery import destination
from core.migration.ending import Ending
from core.migration.helm import Helm
from core.migration.limits import in_force
from core.migration.logbook import Logbook
from core.migration.lookout import Lookout
from core.migration.monitor import Judgement
from core.migration.port import Line, MigrationHosts
from core.migration.prospect import Prospect
from core.model import (
    Event,
    Limits,
    Migrate,
    Migration,
    MigrationStatus,
    State,
)
from core.model.event import InstanceLifecycle, JobCompleted, MigrationIteration

POLL = 0.5
"""Seconds between two looks when no event comes."""
HURRY = 0.05
"""The same between an accepted abort and its effect."""
LIMITS_EVERY = 10.0
"""Seconds between two readings of the limits: somebody else may set them, too. It also keeps the
lane of the commands open, so that an abort does not have to connect first."""

_TIMELINE = {
    (True, "suspended", "migrated"): "the guest stands still on {host}",
    (True, "suspended", "postcopy"): "switched to post-copy",
    (True, "suspended", "postcopy-failed"): "post-copy failed on {host}",
    (True, "stopped", "migrated"): "{host} let it go",
    (True, "resumed", "migrated"): "the guest goes on at {host}",
    (False, "started", "migrated"): "{host} waits for its memory",
    (False, "resumed", "migrated"): "the guest goes on at {host}",
    (False, "resumed", "postcopy"): "the guest goes on at {host}, fetching what it misses",
    (False, "resumed", "postcopy-failed"): "post-copy failed on {host}",
    (False, "stopped", "failed"): "its process on {host} ended",
    (False, "stopped", "destroyed"): "its process on {host} was ended",
}
"""By at-the-source, and the lifecycle event's change and detail."""

_STATUS = {
    MigrationStatus.RUNNING: "the copying has begun",
    MigrationStatus.UNKNOWN: "out of sight",
}


class Tracker:
    """Follows one migration. On the core's asyncio loop only."""

    def __init__(
        self,
        log: Logbook,
        request: Migrate,
        hosts: MigrationHosts,
        line: Line,
        state: Callable[[], State],
        *,
        elsewhere: bool = False,
    ) -> None:
        """`elsewhere`: another console runs it, and its policy; here it is only watched."""
        self._elsewhere = elsewhere
        self._retired = False
        self.log = log
        self.line = line
        self.lookout = Lookout(hosts, log.clock, state)
        self.prospect = Prospect()
        self.helm = Helm(log, line, request, elsewhere=elsewhere)
        self.ending = Ending(log, self.lookout, self.prospect, hosts, request)
        self._request = request
        self._state = state
        self._woken = asyncio.Event()
        self._limits_at: float | None = None
        self._told: Limits | None = None
        """The limits as libvirt last told them."""

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

    def saw(self, event: Event) -> None:
        """Take an event of the instance, of either host."""
        migration = self.migration
        at_source = event.host == migration.host
        self.lookout.saw(event, migration.host)
        if isinstance(event, MigrationIteration) and at_source:
            self.log.change(
                f"pass {event.iteration} began", iterations=(*migration.iterations, event.at)
            )
        elif isinstance(event, JobCompleted) and at_source:
            self.prospect.final = read_sample(event.values, event.at)
        elif isinstance(event, InstanceLifecycle):
            self._saw_lifecycle(event, at_source=at_source)
        self.wake()

    def _saw_lifecycle(self, event: InstanceLifecycle, *, at_source: bool) -> None:
        text = _TIMELINE.get((at_source, event.change, event.detail), "")
        switched = at_source and (event.change, event.detail) == ("suspended", "postcopy")
        if switched and self.migration.switched is None:
            self.log.change(text.format(host=event.host), switched=event.at)
        elif text:
            self.log.change(text.format(host=event.host))

    async def follow(self, call: asyncio.Task[None] | None) -> Migration:
        """Follow to the end; `call` is ours, None: somebody else's, or that of a dead console."""
        self.lookout.call = call
        try:
            while True:
                await self._look()
                await self._apply(await self._judge())
                if self.migration.status.final or self._retired:
                    return self.migration
                if not self._elsewhere:
                    self._act()
                await self._wait()
        finally:
            self.helm.close()

    async def _look(self) -> None:
        if not self.migration.to and (to := destination(self._state(), self.migration)):
            self.log.change(to=to)
        await self.lookout.look(self.migration)
        job = self.lookout.job
        if job is None or not self.lookout.copying:
            return
        side = self.lookout.side(self.migration.host, self.migration.uuid)
        can_switch = self.helm.can_switch(side.state)
        self.log.sampled(job, *self.prospect.add(job, self.migration, can_switch=can_switch))
        await self._read_limits()

    async def _read_limits(self) -> None:
        now = self.log.clock.monotonic()
        if self._limits_at is not None and now < self._limits_at + LIMITS_EVERY:
            return
        self._limits_at = now
        with suppress(VirtdeckError):
            told = await self.line.limits()
            limits = in_force(self.migration.limits, self._told, told)
            text = "" if self._told is None else "its limits were changed by somebody else"
            self._told = told
            if limits != self.migration.limits:
                self.log.change(text, limits=limits)

    async def _judge(self) -> Judgement:
        """Judge from what the state shows; where it is about to turn, from fresh readings."""
        quick = self._judged()
        same = quick.status is self.migration.status
        if same and quick.status.copying and self.lookout.returned is None:
            return quick
        await self.lookout.look_both(self.migration)
        return self._judged()

    def _judged(self) -> Judgement:
        migration = self.migration
        seen = self.lookout.seen(
            migration, aborted=self.helm.aborting, offline=self._request.offline
        )
        return monitor.judge(seen, migration.name, migration.host, migration.to)

    async def _apply(self, judgement: Judgement) -> None:
        status = judgement.status
        try:
            if status is MigrationStatus.VERIFYING:
                self.log.change(status=status)
                await self.ending.complete()
            elif status.final:
                await self.ending.fail(judgement)
            elif status is not self.migration.status:
                self.log.change(
                    _STATUS.get(status, ""),
                    status=status,
                    outcome=judgement.outcome,
                    hint=judgement.hint,
                )
                await self.log.keep()
        finally:
            self.lookout.sides.clear()

    def _act(self) -> None:
        side = self.lookout.side(self.migration.host, self.migration.uuid)
        self.helm.act(self.prospect.samples, side.state, began=bool(self.migration.iterations))

    async def _wait(self) -> None:
        """Wait for news; no longer than half a second."""
        call = self.lookout.call
        woken = asyncio.ensure_future(self._woken.wait())
        waited: set[asyncio.Future[object]] = {woken}  # type: ignore[arg-type]
        if call is not None:
            waited.add(call)  # type: ignore[arg-type]
        hurry = self.helm.aborting and call is not None
        try:
            await asyncio.wait(
                waited, timeout=HURRY if hurry else POLL, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            woken.cancel()
        self._woken.clear()
