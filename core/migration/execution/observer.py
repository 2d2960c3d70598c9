"""What can be seen of a migration: its job, the instance on both hosts, what came of the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.clock import Clock
from core.errors import (
    DeadlineError,
    HypervisorError,
    NotSentError,
    UnreachableError,
    VirtdeckError,
)
from core.migration.execution.port import MigrationHosts
from core.migration.judgement import steering
from core.migration.judgement.seen import Seen, Side
from core.model import Event, JobSample, LinkStatus, Migration, ObjectKey, State
from core.model.event import InstanceLifecycle

GOES_ON = ("bounded", "unbounded")
"""The types of a job that has not ended."""


class Observer:
    """Observes one migration. On the core's loop only."""

    def __init__(self, hosts: MigrationHosts, clock: Clock, state: Callable[[], State]) -> None:
        self._hosts = hosts
        self._clock = clock
        self._state = state
        self.job: JobSample | None = None
        """The newest reading; None: none is to be had."""
        self.call: asyncio.Task[None] | None = None
        """Our call, until it has returned."""
        self.error: VirtdeckError | None = None
        self.returned: float | None = None
        """When it was over: our call returned, or no job was found."""
        self.stood_still: float | None = None
        """When an event told that the guest stands still at the source."""
        self.resumed: float | None = None
        """When an event told that it goes on at the destination."""
        self.recovering = False
        """A failed post-copy was asked to go on, and has not been seen to."""
        self.cancelled = False
        """A reading showed the job as cancelled: it does so for some 50 ms."""
        self.abort_sent = False
        """Another console is known to have sent an abort."""
        self.sides: dict[str, Side] = {}
        """By host, what was read for the judgement at hand; else the state serves."""

    @property
    def copying(self) -> bool:
        """Whether the job was seen, and goes on."""
        return self.job is not None and self.job.type in GOES_ON

    @property
    def lost(self) -> bool:
        """Whether our call failed, whatever became of the migration: nothing follows from it."""
        return self.error is not None

    def moves_again(self, migration: Migration) -> bool:
        """Whether another migration of the instance has begun since."""
        return any(
            other.uuid == migration.uuid and other.created > migration.created
            for other in self._state().migrations.values()
        )

    def saw(self, event: Event, source: str) -> None:
        """Note when the guest stood still and when it went on."""
        if not isinstance(event, InstanceLifecycle):
            return
        if event.host == source and event.change == "suspended":
            if self.stood_still is None and event.detail in ("migrated", "postcopy"):
                self.stood_still = event.at
        elif event.host != source and event.change == "resumed" and self.resumed is None:
            self.resumed = event.at

    def link_up(self, host: str) -> bool:
        """Whether the link to a host is up."""
        found = self._state().hosts.get(host)
        return found is not None and found.link.status is LinkStatus.UP

    async def look(self, migration: Migration) -> None:
        """Read the job, and note what came of our call. Never raises a core.errors error."""
        if self.call is not None and self.call.done():
            self._note_return(self.call)
        self.job = await self._read_job(migration)
        self.cancelled = self.cancelled or (self.job is not None and self.job.type == "cancelled")
        if self.side(migration.host, migration.uuid).reason == "post-copy":
            self.recovering = False
        others = self.call is None and self.returned is None
        if others and self.job is not None and not self.copying:
            self.returned = self._clock.now()

    async def _read_job(self, migration: Migration) -> JobSample | None:
        if not self.link_up(migration.host):
            return None
        try:
            job = await self._hosts.job(migration.host, migration.uuid)
        except VirtdeckError:
            return None
        return JobSample(at=self._clock.now(), type="none") if job is None else job

    def _note_return(self, call: asyncio.Task[None]) -> None:
        self.call = None
        error = call.exception()
        if error is None:
            self.returned = self._clock.now()
        elif not isinstance(error, VirtdeckError):
            raise error
        elif _certain(error):
            self.error, self.returned = error, self._clock.now()
        # else the link broke or the daemon died: what runs there is found by its job

    async def look_both(self, migration: Migration) -> None:
        """Read the instance on both hosts now; one that does not tell counts as out of reach."""
        hosts = [host for host in (migration.host, migration.to) if host]
        found = await asyncio.gather(*(self._read(host, migration.uuid) for host in hosts))
        self.sides = dict(zip(hosts, found, strict=True))

    async def _read(self, host: str, uuid: str) -> Side:
        if not self.link_up(host):
            return Side(False, None)
        try:
            return Side(True, await self._hosts.read(host, uuid))
        except VirtdeckError:
            return Side(False, None)

    def side(self, host: str, uuid: str) -> Side:
        """Return one host as it was just read, else as the state shows it."""
        read = self.sides.get(host)
        if read is not None:
            return read
        key = ObjectKey("instance", host, uuid)
        return Side(self.link_up(host), self._state().instances.get(key))

    def seen(self, migration: Migration, *, aborted: bool, offline: bool = False) -> Seen:
        """Return all that the judgement may know."""
        error = self.error
        return Seen(
            now=self._clock.now(),
            status=migration.status,
            source=self.side(migration.host, migration.uuid),
            destination=self.side(migration.to, migration.uuid),
            calling=self.call is not None,
            returned=self.returned,
            error="" if error is None else error.message,
            hint="" if error is None else error.hint,
            code=error.code if isinstance(error, HypervisorError) else 0,
            job=self.job,
            aborted=aborted,
            abort_sent=self.abort_sent or steering.abort_unanswered(migration),
            cancelled=self.cancelled,
            stopped=self.stood_still is not None,
            recovering=self.recovering,
            offline=offline,
        )


def _certain(error: VirtdeckError) -> bool:
    """Whether the call is over for sure; else it may go on without us."""
    lost = isinstance(error, UnreachableError | DeadlineError)
    return isinstance(error, NotSentError) or not lost
