"""The controls of a migration: what an operator or its policy does to it, each with its answer.

Commands run side by side, each within its deadline: a switch that gets no answer keeps no abort
from being sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from core.errors import (
    DeadlineError,
    HypervisorError,
    NotSentError,
    UnreachableError,
    VirtdeckError,
)
from core.migration.execution.port import MigrationLine, MigrationMessages
from core.migration.execution.record import RecordKeeper
from core.migration.judgement import disks, steering
from core.migration.judgement.words import doing, virsh_for
from core.migration.policies import POLICIES, Watched, decide
from core.migration.policies.limits import in_force
from core.model import (
    Answer,
    InstanceState,
    JobSample,
    Limits,
    MigrationStatus,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.verbs.migration.requests import Migrate

_NAMES = frozenset(POLICIES)
_TOO_EARLY = (1, 55)
"""VIR_ERR_INTERNAL_ERROR ("Enable postcopy with migrate_set_capability before the start") and
VIR_ERR_OPERATION_INVALID: what libvirt says before the first pass (libvirt.md 6.4)."""
EARLY_FOR = 10.0
"""Seconds in which an abort or a switch that comes too early is sent again."""
_AGAIN = 0.1
LIMITS_EVERY = 10.0
"""Seconds between two readings of the limits: somebody else may set them, too. It also keeps the
lane of the commands open, so that an abort does not have to connect first."""
_ELSEWHERE = "Another console runs this migration: its policy is chosen there."

_log = logging.getLogger(__name__)


class Controls:
    """Steers one migration. On the core's loop only."""

    def __init__(
        self, log: RecordKeeper, line: MigrationLine, request: Migrate, *, elsewhere: bool = False
    ) -> None:
        """`elsewhere`: another console runs the migration, and its policy."""
        self._elsewhere = elsewhere
        self._log = log
        self.line = line
        self._request = request
        self._before: tuple[RecordKeeper, ...] = ()
        self._tasks: set[asyncio.Task[SteerRecord]] = set()
        self._limits_at: float | None = None
        self._told: Limits | None = None
        """The limits as libvirt last told them."""

    @property
    def aborting(self) -> bool:
        """Whether an abort was accepted."""
        return steering.aborting(self._log.migration)

    @property
    def abort_pending(self) -> bool:
        """Whether an abort was sent and not answered yet."""
        return steering.abort_pending(self._log.migration)

    def succeed(self, before: Controls) -> None:
        """Follow whoever steered this migration until now, with what was done to it from there.

        Whom that one followed counts, too: an answer may still come there.
        """
        self._before = (*before._before, before._log)

    def inherit(self) -> None:
        """Take over what was done before us: an abort that we did not send counts too."""
        ours = steered = self._log.migration.steering
        for before in self._before:
            steered = steering.inherited(steered, before.migration.steering)
        if steered != ours:
            self._log.put(replace(self._log.migration, steering=steered))

    def close(self) -> None:
        """Send nothing any more."""
        for task in self._tasks:
            task.cancel()

    async def read_limits(self) -> None:
        """Read what is in force, every ten seconds at most; never raises a core.errors error."""
        now = self._log.clock.monotonic()
        if self._limits_at is not None and now < self._limits_at + LIMITS_EVERY:
            return
        self._limits_at = now
        with suppress(VirtdeckError):
            told, migration = await self.line.limits(), self._log.migration
            limits = in_force(migration.limits, self._told, told)
            text = "" if self._told is None else "its limits were changed by somebody else"
            self._told = told
            if limits != migration.limits:
                self._log.change(text, limits=limits)

    async def steer(self, steer: Steer, by: str) -> SteerRecord:
        """Do one thing; returns when it is answered: done, refused, or no answer in time."""
        migration, now = self._log.migration, self._log.clock.now()
        record = SteerRecord(now, steer, by, virsh=virsh_for(steer, migration))
        if reason := steering.refusal(migration, steer, policies=_NAMES):
            return self._answer(record, Answer.REFUSED, reason, asked=False)
        if self._elsewhere and steer.kind is SteerKind.POLICY:
            return self._answer(record, Answer.REFUSED, _ELSEWHERE, asked=False)
        if steer.kind is SteerKind.ADVISE:
            return self._answer(record, Answer.ADVISED, "", asked=False)
        if steer.kind is SteerKind.POLICY:
            return self._answer(record, Answer.DONE, "", asked=False)
        self._log.put(steering.asked(migration, record))
        messages = self._log.messages
        if not self._elsewhere or messages is None:
            return await self._carry_out(record)
        return await self._carry_out_and_tell(record, messages)

    def act(
        self, samples: Sequence[JobSample], state: InstanceState | None, *, began: bool
    ) -> None:
        """Let the policy decide, and begin what it decided. `began`: a pass has been announced."""
        migration = self._log.migration
        if any(record.answer is Answer.REQUESTED for record in migration.steering):
            return  # what is under way must show its effect before more is decided
        watched = Watched(
            now=self._log.clock.now(),
            started=migration.started or migration.created,
            request=self._request,
            status=migration.status,
            limits=migration.limits,
            samples=samples,
            forecast=migration.forecast,
            can_post_copy=self.can_switch(state) and began,
            auto_converge=migration.auto_converge,
            steering=migration.steering,
            memory=migration.memory,
            disks=disks.sizes(samples, migration.copied_disks),
        )
        for steer in decide(migration.policy, watched):
            self._begin(self.steer(steer, f"policy {migration.policy}"))

    def can_switch(self, state: InstanceState | None) -> bool:
        """Whether a switch to post-copy is still to be had: asked for at the start, not paused."""
        migration = self._log.migration
        return (
            migration.post_copy != "never"
            and migration.switched is None
            and state is not InstanceState.PAUSED
            and migration.status in (MigrationStatus.PREPARING, MigrationStatus.RUNNING)
        )

    def _begin(self, work: Awaitable[SteerRecord]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[SteerRecord]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a policy's command broke", exc_info=error)

    async def _carry_out(self, record: SteerRecord) -> SteerRecord:
        try:
            await self._log.calls.make(*self._call_of(record), self._send(record.steer))
        except NotSentError as error:
            return self._answer(record, Answer.REFUSED, error.message)
        except (DeadlineError, UnreachableError) as error:
            return self._answer(record, Answer.NO_ANSWER, error.message)
        except VirtdeckError as error:
            return self._answer(record, Answer.REFUSED, error.message)
        return self._answer(record, Answer.DONE, "")

    def _call_of(self, record: SteerRecord) -> tuple[str, str, str, str]:
        steer = record.steer
        return (self._log.migration.host, steer.kind.value, doing(steer), record.virsh)

    async def _carry_out_and_tell(
        self, record: SteerRecord, messages: MigrationMessages
    ) -> SteerRecord:
        """Do it to the migration of another console, and tell that one in the journal."""
        number, known = self._log.migration.id, self._log.migration.calls
        aborts = record.steer.kind is SteerKind.ABORT
        if aborts:
            await messages.abort_is_sent(number, self._log.calls.step(*self._call_of(record)))
        record = await self._carry_out(record)
        if aborts and record.answer is Answer.REFUSED:
            await messages.abort_was_refused(number)
        for step in self._log.migration.calls:
            if step not in known:
                await messages.call_was_made(number, step)
        return record

    async def _send(self, steer: Steer) -> None:
        value = int(steer.value or 0)
        if steer.kind is SteerKind.ABORT:
            await self._until_due(self.line.abort)
        elif steer.kind is SteerKind.POST_COPY:
            await self._until_due(self.line.start_post_copy)
        elif steer.kind is SteerKind.MAX_DOWNTIME:
            await self.line.set_max_downtime(value)
        elif steer.kind is SteerKind.BANDWIDTH:
            await self.line.set_bandwidth(value)
        elif steer.kind is SteerKind.POST_COPY_BANDWIDTH:
            await self.line.set_bandwidth(value, post_copy=True)
        elif steer.kind is SteerKind.PAUSE:
            await self.line.suspend()

    async def _until_due(self, send: Callable[[], Awaitable[None]]) -> None:
        """Send an abort or a switch, again while libvirt says that its job has not begun yet.

        Between the call and the first pass there is a second in which there is nothing to abort
        and nothing to switch: an operator's key must not be lost in it.
        """
        clock = self._log.clock
        until = clock.monotonic() + EARLY_FOR
        while True:
            try:
                return await send()
            except HypervisorError as error:
                early = error.code in _TOO_EARLY and not self._log.migration.iterations
                over = self._log.migration.status.final
                if not early or over or clock.monotonic() > until:
                    raise
            await asyncio.sleep(_AGAIN)

    def _answer(
        self, record: SteerRecord, answer: Answer, detail: str, *, asked: bool = True
    ) -> SteerRecord:
        """Note what came of a command, and show it."""
        new = replace(record, answer=answer, detail=detail, answered=self._log.clock.now())
        migration = self._log.migration
        if not asked:
            migration = steering.asked(migration, record)
        self._log.put(steering.answered(migration, record, new))
        return new
