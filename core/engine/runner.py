"""Operations from request to outcome: accept, order, drive, settle."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from contextlib import suppress

from core.clock import Clock
from core.engine import before, leftovers
from core.engine.accepting import Unless, unless, yield_to
from core.engine.cancelling import ask_who_runs_it, cancel, heed
from core.engine.case import Case, amendable, recent_events
from core.engine.executor import PER_HOST, Executor
from core.engine.guarding import guarded
from core.engine.handle import Handle
from core.engine.later_reads import LaterReads
from core.engine.messages import Messages
from core.engine.port import Hosts
from core.engine.records import new_record
from core.engine.takeover import Takeover
from core.engine.unsent import not_sent
from core.engine.unsettled import Unsettled
from core.engine.workflow import WorkflowRunner
from core.errors import JournalError, ReadOnlyError, RefusedError
from core.journal.journal import Journal
from core.journal.owner import NOBODY
from core.model import (
    Delta,
    Event,
    ObjectKey,
    Observation,
    OperationRecord,
    OperationStatus,
    Request,
    State,
)
from core.model.event import LinkEvent
from core.state.subject import owner_of, subject_of
from core.verbs import checks, second_copy
from core.verbs.amended import seen_later
from core.verbs.refusal import Refusal, RefusalCode, told
from core.verbs.situation import End, failed


class Runner:
    """Carries requests out and keeps their records. On the core's asyncio loop only.

    `publish` takes every version of every record, ours and other consoles'. `observe` must be told
    of each delta, in order, after the state has it. Without a journal (None) nothing is kept.
    """

    def __init__(
        self,
        hosts: Hosts,
        journal: Journal | None,
        clock: Clock,
        state: Callable[[], State],
        publish: Callable[[Observation], None],
        author: str,
        *,
        per_host: int = PER_HOST,
        workflows: Mapping[type[Request], WorkflowRunner] | None = None,
        preflights: before.Preflights | None = None,
    ) -> None:
        """`workflows` carry out the requests whose verb decides nothing itself."""
        self._preflights = preflights
        self.messages = Messages(journal, clock, author)
        self._workflows = workflows or {}
        seams = hosts, journal, clock, state, publish
        self._executor = Executor(*seams, per_host=per_host, messages=self.messages)
        self._clock = clock
        self._state = state
        self._author = author
        self._cases: dict[str, Case] = {}
        self._by_owner: defaultdict[ObjectKey, list[Case]] = defaultdict(list)  # `owner_of`
        self._ours = set[str]()
        self._unsettled = Unsettled(self._executor)
        self._later_reads = LaterReads(self._executor)
        self._takeover = Takeover(
            self._executor, self._ours.__contains__, self._adopt, self._heed_others
        )
        self._newest = 0

    async def start(self, *, watch: bool = True) -> None:
        """Show the journal; `watch`: follow its consoles, take over. Raises JournalError."""
        await self._takeover.start(watch=watch)

    async def close(self) -> None:
        """Stop waiting, and let go of what is not over for the next console. Never raises."""
        await self._takeover.close()
        await self._unsettled.close()
        await leftovers.let_go(self._executor, self._cases.values())
        tasks = [case.task for case in self._cases.values() if case.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._later_reads.close()
        await leftovers.write_answers(self._executor, self._cases.values())
        await self._executor.catch_up()
        if self._executor.journal is not None:
            with suppress(JournalError):
                for case in self._cases.values():
                    await self._executor.journal.claim(case.handle.id, self._executor.owner, NOBODY)

    async def catch_up(self) -> None:
        """Read now what other consoles have written. Never raises."""
        await self._takeover.catch_up()

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Why the request would be refused now; empty: it would be accepted."""
        return checks.check(self._state(), request)

    async def submit(
        self, request: Request, waiting: Callable[[OperationRecord], None] | None = None
    ) -> Handle:
        """Journal, check and queue a request.

        With `waiting`, it waits for what was taken over from a console that ended and is in the
        way, as long as that gets on; `waiting` is told of each. Raises RefusedError (ReadOnlyError)
        with every reason, and JournalError when it cannot be journalled: then nothing was touched.
        """
        await self._takeover.settle(request.subject)
        if waiting is not None:
            state, cases = self._state, self._cases
            await leftovers.wait_out(lambda: leftovers.taken_over(state(), request, cases), waiting)
        await self._later_reads.over(request.subject.host)
        reasons = self.check(request)
        if any(reason.code is RefusalCode.BUSY for reason in reasons):
            await self._takeover.catch_up()  # it may be over by now
            reasons = self.check(request)
        if any(reason.code is RefusalCode.READ_ONLY for reason in reasons):
            raise ReadOnlyError(told(reasons))
        record = self._record(request)
        case = Case(record, request, self._clock)
        self._ours.add(record.id)
        ahead = tuple(self._by_owner.get(owner_of(request.subject), ()))
        self._add(case)
        try:
            while not reasons and not await self._executor.begin(case, self._unless(case)):
                await self._takeover.read()
                reasons = self.check(request)
        except JournalError as error:
            await self._finish(case, failed(f"not begun: {error.message}", error.hint))
            raise
        if reasons:
            end = checks.refused(self._state(), request, reasons)
            await self._finish(case, end)
            raise RefusedError(end.outcome, end.hint)
        self._unsettled.drop(request.subject)
        earlier = yield_to(case, ahead)
        case.task = asyncio.create_task(self._run(case, earlier), name=f"operation-{record.id}")
        return case.handle

    async def cancel(self, operation_id: str, reason: str = "cancelled by the operator") -> None:
        """Stop waiting for an operation, or take it from the queue; have another console do so.

        Raises NotFoundError, RefusedError for one that cannot be stopped any more, JournalError.
        """
        if (case := self._cases.get(operation_id)) is None:
            await ask_who_runs_it(self._state(), self.messages, operation_id)
        else:
            await cancel(case, self._workflows.get(type(case.request)), reason)

    async def _heed_others(self) -> None:
        if self._executor.journal is not None:
            await heed(self._executor.journal, self._cases.values(), self.cancel)

    def observe(self, news: Delta | Event) -> None:
        """Learn what changed; wakes the operations it concerns. Cheap when none is under way."""
        self._takeover.observe(news)
        if not self._cases and not self._unsettled:
            return
        events = (news,) if isinstance(news, Event) else news.events
        keys = frozenset[ObjectKey]() if isinstance(news, Event) else news.changed | news.gone
        lost = {
            event.host
            for event in events
            if isinstance(event, LinkEvent) and event.change in ("down", "closed")
        }
        hosts = lost | {key.host for key in keys if key.kind == "host"}
        touched = {owner_of(key) for key in keys}
        for owner in [key for key in self._by_owner if key.host in hosts or key in touched]:
            for case in self._by_owner[owner]:
                self._tell(case, keys, lost)
        before.tell_of_twins(list(self._cases.values()), hosts, touched, lost)
        for event in events:
            for case in self._by_owner.get(event.subject, ()):
                case.saw(event)
        self._unsettled.observe(keys, lost)

    def _tell(self, case: Case, keys: Set[ObjectKey], lost: Set[str]) -> None:
        subject = case.record.subject
        if subject.host in lost:
            case.lost_link()
        if subject in keys:
            case.update(subject_of(self._state(), subject))
        case.woken.set()

    def _record(self, request: Request) -> OperationRecord:
        now = self._clock.now()
        self._newest = max(int(now * 1000), self._newest + 1)
        return new_record(request, self._state(), self._author, now, self._newest)

    def _unless(self, case: Case) -> Unless:
        return unless(self._state(), case.request, case.record.id, self._ours)

    def _add(self, case: Case) -> None:
        self._cases[case.record.id] = case
        self._by_owner[owner_of(case.record.subject)].append(case)

    def _remove(self, case: Case) -> None:
        if self._cases.pop(case.record.id, None) is None:
            return
        owner = owner_of(case.record.subject)
        self._by_owner[owner].remove(case)
        if not self._by_owner[owner]:
            del self._by_owner[owner]

    async def _run(self, case: Case, earlier: list[asyncio.Task[None]]) -> None:
        try:
            if earlier:
                await asyncio.wait(earlier)
                await self._later_reads.over(case.record.host)
            end = await guarded(case, self._outcome(case, waited=bool(earlier)))
            await self._finish(case, end)
        except asyncio.CancelledError:
            if case.progress.begun:
                raise
            case.cancelled = case.cancelled or "its console ended"
            await self._finish(case, not_sent(case))

    async def _outcome(self, case: Case, *, waited: bool) -> End:
        state, request = self._state(), case.request
        if case.cancelled:
            return not_sent(case)
        if case.verb.lets_run is not None:
            # another console may have asked for it on another host in the same moment
            await self._takeover.catch_up()
            if before.listed_only(subject_of(self._state(), request.subject)):
                await self._executor.look(case)  # only its XML tells that it is held for a move
            state = self._state()
        judge = checks.check if waited else second_copy.against
        if reasons := judge(state, request, case.record.id):
            return checks.refused(self._state(), request, reasons)
        case.subject = subject_of(state, request.subject)
        verb = case.verb
        if before.listed_only(case.subject) or verb.looks_at or verb.undo or verb.two_hosts:
            await self._executor.look(case)  # how a guest is asked depends on what it is
        for held in (before.held_by_backup, before.held_by_move):
            if (end := held(case, self._state())) is not None:
                return end
        if (end := await before.against(case, state, self._preflights)) is not None:
            return end
        case.begin(self._state(), recent_events(state, request.subject, self._clock.now()))
        return await self._drive(case)

    async def _drive(self, case: Case) -> End:
        workflow = self._workflows.get(type(case.request))
        if workflow is not None:
            return await workflow.run(case, self._executor.keep)
        return await self._executor.drive(case)

    async def _finish(self, case: Case, end: End) -> None:
        await self._executor.finish(case, end)
        self._remove(case)
        self._later_reads.begin(case)
        if end.status is OperationStatus.UNKNOWN and case.verb.decide is not None:
            self._unsettled.add(case)
        elif amendable(case):
            self._follow_on(case)

    def _follow_on(self, case: Case) -> None:
        """Follow what is over and may still change, in nobody's way; amend its end then."""
        self._cases[case.record.id] = case  # given to the next console at the end of this one

        async def follow() -> None:
            end = await guarded(case, self._drive(case))
            if not amendable(case) and end.status is not case.record.status:
                await self._executor.finish(case, seen_later(end))
            self._cases.pop(case.record.id, None)

        case.task = asyncio.create_task(follow(), name=f"operation-{case.handle.id}")

    async def _adopt(self, case: Case, end: End | None) -> None:
        """Make an operation ours that another console began: its end, or what goes on."""
        self._ours.add(case.record.id)
        if end is not None:
            await self._finish(case, end)
            return
        if amendable(case):
            self._follow_on(case)
            return
        self._add(case)

        async def go_on() -> None:
            await self._finish(case, await guarded(case, self._drive(case)))

        case.task = asyncio.create_task(go_on(), name=f"operation-{case.handle.id}")
