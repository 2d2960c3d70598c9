"""Operations from request to outcome: accept, order, drive, settle."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress

import msgspec

from core.clock import Clock
from core.errors import JournalError, ReadOnlyError, RefusedError, VirtdeckError
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
    Reset,
    Resume,
    Start,
    State,
)
from core.model.event import LinkEvent
from core.operations import checks, second_copy
from core.operations.adoption import Adoption
from core.operations.case import Case, amendable, recent_events
from core.operations.conduct import Conduct
from core.operations.driver import PER_HOST, Driver, not_sent
from core.operations.handle import Handle
from core.operations.host_names import concerned
from core.operations.port import Hosts
from core.operations.unsettled import Unsettled
from core.operations.verb import End, failed, seen_later, unknown
from core.operations.wording import name_of

_log = logging.getLogger(__name__)


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
        conducts: Mapping[type[Request], Conduct] | None = None,
    ) -> None:
        """`conducts` carry out the requests whose verb has no steps of its own."""
        self._conducts = conducts or {}
        self._driver = Driver(hosts, journal, clock, state, publish, per_host=per_host)
        self._clock = clock
        self._state = state
        self._author = author
        self._cases: dict[str, Case] = {}
        self._by_subject: defaultdict[ObjectKey, list[Case]] = defaultdict(list)
        self._ours: set[str] = set()
        self._unsettled = Unsettled(self._driver)
        self._adoption = Adoption(self._driver, self._ours.__contains__, self._adopt)
        self._newest = 0

    async def start(self, *, watch: bool = True) -> None:
        """Show what the journal holds; with `watch` also follow other consoles and take over from
        dead ones. Raises JournalError.
        """
        await self._adoption.start(watch=watch)

    async def close(self) -> None:
        """Stop waiting, and let go of what is not over for the next console. Never raises."""
        await self._adoption.close()
        await self._unsettled.close()
        tasks = [case.task for case in self._cases.values() if case.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._driver.catch_up()
        if self._driver.journal is not None:
            with suppress(JournalError):
                for case in self._cases.values():
                    await self._driver.journal.claim(case.handle.id, self._driver.owner, NOBODY)

    async def catch_up(self) -> None:
        """Read now what other consoles have written into the journal. Never raises."""
        await self._adoption.catch_up()

    def check(self, request: Request) -> tuple[str, ...]:
        """Why the request would be refused now, a sentence each; empty: it would be accepted."""
        return checks.check(self._state(), request)

    async def submit(self, request: Request) -> Handle:
        """Journal, check and queue a request.

        Raises RefusedError (ReadOnlyError) with every reason, and JournalError when it cannot be
        journalled: then nothing was touched.
        """
        await self._adoption.settle(request.subject)
        reasons = self.check(request)
        if any(checks.READ_ONLY in reason for reason in reasons):
            raise ReadOnlyError(" ".join(reasons))
        record = self._record(request)
        case = Case(record, request, self._clock)
        self._ours.add(record.id)
        if reasons:
            end = self._refusal(request, reasons)
            await self._driver.finish(case, end)
            raise RefusedError(end.outcome, end.hint)
        earlier = self._yield_to(case)
        self._add(case)
        try:
            await self._driver.keep(case)
        except JournalError as error:
            await self._finish(case, failed(f"not begun: {error.message}", error.hint))
            raise
        case.task = asyncio.create_task(self._run(case, earlier), name=f"operation-{record.id}")
        return case.handle

    async def cancel(self, operation_id: str, reason: str = "cancelled by the operator") -> None:
        """Stop waiting for an operation, or take it from the queue.

        Raises NotFoundError, and RefusedError for one that cannot be stopped any more.
        """
        case = self._cases.get(operation_id)
        if case is None:
            raise checks.against_cancel(self._state(), operation_id)
        conduct = self._conducts.get(type(case.request))
        if conduct is not None and case.progress.begun:
            await conduct.cancel(case)
            return
        if case.record.status is not OperationStatus.QUEUED and not case.verb.waits:
            raise RefusedError(
                f"{case.record.verb} of {case.record.name} has been sent and cannot be taken back.",
                "Wait for it; it ends by itself.",
            )
        case.stop_waiting(reason)

    def observe(self, news: Delta | Event) -> None:
        """Learn what changed; wakes the operations it concerns. Cheap when none is under way."""
        self._adoption.observe(news)
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
        for subject in [key for key in self._by_subject if key.host in hosts or key in keys]:
            for case in self._by_subject[subject]:
                self._tell(case, keys, lost)
        for event in events:
            for case in self._by_subject.get(event.subject, ()):
                case.saw(event)
        self._unsettled.observe(keys, lost)

    def _tell(self, case: Case, keys: Set[ObjectKey], lost: Set[str]) -> None:
        subject = case.record.subject
        if subject.host in lost:
            case.lost_link()
        if subject in keys and subject.kind == "instance":
            case.update(self._state().instances.get(subject))
        case.woken.set()

    def _record(self, request: Request) -> OperationRecord:
        now = self._clock.now()
        self._newest = max(int(now * 1000), self._newest + 1)
        options = msgspec.to_builtins(request)
        return OperationRecord(
            id=f"{self._newest:012x}-{secrets.token_hex(3)}",
            verb=request.verb,
            host=request.subject.host,
            subject=request.subject,
            name=name_of(self._state(), request),
            author=self._author,
            created=now,
            options={key: options[key] for key in options if key not in ("verb", "subject")},
            hosts=concerned(request, self._state().hosts),
        )

    def _yield_to(self, case: Case) -> list[asyncio.Task[None]]:
        """Return what a new operation has to wait for; end what it overrides."""
        before = []
        for other in self._by_subject.get(case.record.subject, ()):
            if type(other.request) in case.verb.overrides:
                other.stop_waiting(f"{case.record.verb} was asked for")
            elif other.task is not None:
                before.append(other.task)
        self._unsettled.drop(case.record.subject)
        return before

    def _add(self, case: Case) -> None:
        self._cases[case.record.id] = case
        self._by_subject[case.record.subject].append(case)

    def _remove(self, case: Case) -> None:
        if self._cases.pop(case.record.id, None) is None:
            return
        cases = self._by_subject[case.record.subject]
        cases.remove(case)
        if not cases:
            del self._by_subject[case.record.subject]

    async def _run(self, case: Case, earlier: list[asyncio.Task[None]]) -> None:
        try:
            if earlier:
                await asyncio.wait(earlier)
            await self._finish(case, await self._outcome(case, waited=bool(earlier)))
        except asyncio.CancelledError:
            if case.progress.begun:
                raise
            case.cancelled = case.cancelled or "its console ended"
            await self._finish(case, not_sent(case))

    async def _outcome(self, case: Case, *, waited: bool) -> End:
        state, request = self._state(), case.request
        if case.cancelled:
            return not_sent(case)
        if isinstance(request, Start | Resume | Reset):
            # another console may have asked for it on another host in the same moment
            await self._adoption.catch_up()
            state = self._state()
        judge = checks.check if waited else second_copy.against
        if reasons := judge(state, request, case.record.id):
            return self._refusal(request, reasons)
        case.instance = state.instances.get(request.subject)
        if case.instance is not None and not case.instance.described:
            await self._driver.look(case)  # how a guest is asked depends on what it is
        case.begin(recent_events(state, request.subject, self._clock.now()))
        return await self._drive(case)

    async def _drive(self, case: Case) -> End:
        conduct = self._conducts.get(type(case.request))
        try:
            if conduct is not None:
                return await conduct.run(case, self._driver.keep)
            return await self._driver.drive(case)
        except VirtdeckError as error:
            return failed(error.message, error.hint)
        except Exception as error:
            _log.exception("operation %s broke", case.record.id)
            return unknown(f"virtdeck itself failed: {error!r}", "Please report it with the log.")

    async def _finish(self, case: Case, end: End) -> None:
        await self._driver.finish(case, end)
        self._remove(case)
        if end.status is OperationStatus.UNKNOWN and case.verb.step is not None:
            self._unsettled.add(case)
        elif amendable(case):
            self._follow_on(case)

    def _follow_on(self, case: Case) -> None:
        """Follow what is over and may still change, in nobody's way; amend its end then."""
        self._cases[case.record.id] = case  # given to the next console at the end of this one

        async def follow() -> None:
            end = await self._drive(case)
            if not amendable(case) and end.status is not case.record.status:
                await self._driver.finish(case, seen_later(end))
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
            await self._finish(case, await self._drive(case))

        case.task = asyncio.create_task(go_on(), name=f"operation-{case.handle.id}")

    def _refusal(self, request: Request, reasons: Sequence[str]) -> End:
        hint = second_copy.cure(self._state(), request)
        return End(OperationStatus.REFUSED, " ".join(reasons), hint)
