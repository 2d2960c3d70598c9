"""Carry a verb's decisions out: make the calls, wait, look, keep the journal."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from core.clock import Clock
from core.engine import asking, calling, recovery
from core.engine.accepting import Unless
from core.engine.case import Case
from core.engine.host_names import refreshed
from core.engine.looking import hosts_of, read_for
from core.engine.messages import Messages
from core.engine.noting import note_look, note_rest, note_share, note_wait
from core.engine.port import Hosts
from core.engine.progress import progress_json
from core.engine.transfer_rate import TransferRate
from core.engine.unsent import left_undone, not_sent
from core.errors import JournalError, VirtdeckError
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import this_process
from core.model import LinkStatus, Observation, OperationRecord, State
from core.model.observation import OperationChanged
from core.verbs.amended import came_too_late, is_done
from core.verbs.situation import Action, Ask, End, Progress, Send, Wait
from core.verbs.verb import Workflow

SHARE_EVERY = 1.0
"""Seconds between two looks at how far a long call is."""
PER_HOST = 4  # calls in flight on one host


class Executor:
    """The hands of the runner: all that touches a hypervisor, a clock or the journal."""

    @staticmethod
    def at_commit() -> None:
        """Called right before and right after each commit to the journal: does nothing.

        Tests end the process there. Whatever else ends it, ends it between two of these points, and
        the next console cannot tell where.
        """

    def __init__(
        self,
        hosts: Hosts,
        journal: Journal | None,
        clock: Clock,
        state: Callable[[], State],
        publish: Callable[[Observation], None],
        *,
        per_host: int = PER_HOST,
        messages: Messages | None = None,
    ) -> None:
        self.messages = messages or Messages(None, clock, "")
        self._hosts = hosts
        self.journal = journal
        self.clock = clock
        self.state = state
        self.publish = publish
        self.owner = this_process()
        self.leaving = False
        """No call is made any more: what is not over is left to the next console."""
        self._slots: defaultdict[tuple[str, bool], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(per_host)
        )
        self._behind: dict[str, Case] = {}
        """By operation id: what the journal does not hold as it stands."""

    def link_up(self, host: str) -> bool:
        """Whether the link to a host is up."""
        found = self.state().hosts.get(host)
        return found is not None and found.link.status is LinkStatus.UP

    def uri(self, host: str) -> str:
        """Return a host's address; empty for one that is not open."""
        found = self.state().hosts.get(host)
        return "" if found is None else found.uri

    def tell(self, record: OperationRecord) -> None:
        """Show a record to everybody."""
        self.publish(OperationChanged(record.host, self.clock.now(), record))

    def tell_workflow(self, workflow: Workflow, progress: Progress | None) -> None:
        """Show how far a workflow is that another console wrote into the journal."""
        if progress is None or progress.workflow is None:
            return
        if (told := workflow.told(progress.workflow, self.clock.now())) is not None:
            self.publish(told)

    async def keep(self, case: Case) -> None:
        """Journal the case as it stands, then show it.

        Raises JournalError: it is shown all the same, as not journalled, and written by `catch_up`.
        """
        await self.begin(case, None)

    async def begin(self, case: Case, unless: Unless | None) -> bool:
        """As `keep`, unless what other consoles wrote speaks against it; whether it was kept."""
        try:
            kept = await self._put(case, unless)
        except BaseException:
            self._show(case, case.record)
            raise
        if kept is not None:
            self._show(case, kept)
        return kept is not None

    async def keep_anyway(self, case: Case) -> None:
        """Journal the case; where that fails, say so in its log and go on."""
        with suppress(JournalError):
            await self.keep(case)

    async def catch_up(self) -> None:
        """Write what the journal could not take before, and show that. Never raises."""
        for case in list(self._behind.values()):
            try:
                if (kept := await self._put(case)) is not None:
                    self.tell(kept)
            except JournalError:
                return

    def _show(self, case: Case, record: OperationRecord) -> None:
        self.tell(record)
        case.handle.advance(record)

    async def _put(self, case: Case, unless: Unless | None = None) -> OperationRecord | None:
        """Journal the case and return it as it was kept: it may go on meanwhile."""
        hosts = refreshed(case.record.hosts, self.state().hosts)
        case.record = record = replace(case.record, hosts=hosts, unjournalled="")
        uri = hosts[0].uri if hosts else self.uri(record.host)
        try:
            if self.journal is not None:
                entry = Entry(record, self.owner, uri, progress_json(progress := case.progress))
                self.at_commit()
                if not await self.journal.put(entry, *(unless or ())):
                    return None
                self.at_commit()
                case.written = progress
        except JournalError as error:
            case.said(f"not journalled: {error}")
            case.not_journalled(str(error))
            self._behind[case.handle.id] = case
            raise
        finally:
            note_rest(case)
        if case.record is record:  # else it is written again
            self._behind.pop(case.handle.id, None)
        return record

    async def drive(self, case: Case) -> End:
        """Do what the verb says until it is over."""
        try:
            while True:
                action = self.next(case)
                if isinstance(action, End):
                    return came_too_late(action) if case.cancel_asked else action
                if not isinstance(action, Ask):
                    await asking.withdraw(case, self.keep_anyway)
                if isinstance(action, Send):
                    if (end := await self._send(case, action)) is not None:
                        return end
                elif isinstance(action, Ask):
                    asked = case, action.question, self.messages, self.state
                    await asking.ask(*asked, self.keep_anyway)
                else:
                    await self._wait(case, action)
        finally:
            if case.calling is not None:
                case.calling.cancel()

    def next(self, case: Case) -> Action:
        """Ask the verb what to do now.

        A host that hangs has a link that is up until its keepalive fails: what it did not tell is
        as unknown meanwhile as what a lost one cannot.
        """
        down = [host for host in sorted(hosts_of(case)) if not self.link_up(host)]
        up = not down and not case.unseen
        silent = "" if not down else down[0]
        now = case.situation(self.state(), link_up=up)
        return recovery.next_action(case.verb, dataclasses.replace(now, silent=silent))

    async def _send(self, case: Case, send: Send) -> End | None:
        if self.leaving:
            await asyncio.Future()  # never: it is let go of before the call
        if send.call.looks:
            return await self._ask_how_it_is(case, send)
        async with self._slots[case.record.host, send.call.urgent]:
            first = not case.progress.sent
            if first and case.cancelled:
                return not_sent(case)
            line = calling.line_of(case, send.call, self.state())
            case.sending(send.call, send.text, line, instead=send.instead)
            try:
                await self.keep(case)
            except JournalError as error:
                if first or not send.call.asks:
                    case.not_sending()
                    return left_undone(case, send, error, first=first)
            index = len(case.progress.sent) - 1
            if send.call.long:
                case.calling = asyncio.create_task(self._call_long(case, index, send))
                return None
            await self._call(case, index, send)
        return await self._look_after(case)

    async def _ask_how_it_is(self, case: Case, send: Send) -> End | None:
        """Make a call that only looks; what it is answered is journalled where that is new."""
        before = case.progress.sent[-1]
        async with self._slots[case.record.host, send.call.urgent]:
            note_look(case, send.call)
            await self._call(case, len(case.progress.sent) - 1, send)
        last = case.progress.sent[-1]
        if (before.call, before.answer, before.error) != (last.call, last.answer, last.error):
            await self.keep_anyway(case)
        return None

    async def _call_long(self, case: Case, index: int, send: Send) -> None:
        """Make a long call, and tell how far it is; the operation is woken at its end."""
        far = asyncio.create_task(self._tell_share(case))
        try:
            await self._call(case, index, send)
        finally:
            far.cancel()
        await self._look_after(case)
        case.woken.set()

    async def _look_after(self, case: Case) -> End | None:
        """Look what a call has done; its answer is journalled with the end where that follows.

        Who takes over in between finds a call of which no answer is known, and looks as well.
        """
        if not (case.progress.sent[-1].call.told_by_event and is_done(self.next(case))):
            await self.look(case)
        if isinstance(action := self.next(case), End):
            return action
        await self.keep_anyway(case)
        return None

    async def _tell_share(self, case: Case) -> None:
        pace = TransferRate()
        while True:
            await asyncio.sleep(SHARE_EVERY)
            with suppress(VirtdeckError):
                share = await self._hosts.share(case.record.subject)
                moved = pace.told(self.clock.monotonic(), self._hosts.moved(case.record.subject))
                if share is not None and (share, moved) != (
                    case.record.progress,
                    case.record.moved,
                ):
                    case.is_far(share, moved)
                    self._show(case, case.record)

    async def _call(self, case: Case, index: int, send: Send) -> None:
        await calling.call(self._hosts, case, index, send, self.state)
        self._show(case, case.record)

    async def look(self, case: Case) -> bool:
        """Read the subject now, and what its verb looks at; False when its host does not tell."""
        case.unread = False
        try:
            subject = await read_for(case, self._hosts, self.state())
        except VirtdeckError:
            case.unseen = True
            return False
        case.update(subject)
        case.stale = False
        return True

    async def _wait(self, case: Case, wait: Wait) -> None:
        if note_wait(case, wait):
            await self.keep_anyway(case)
        if note_share(case, wait.share):
            self._show(case, case.record)
        seconds = wait.until - case.now()
        if seconds > 0:
            with suppress(TimeoutError):
                # wait_for may lose a cancellation that comes with the news (Python < 3.12)
                async with asyncio.timeout(seconds):
                    if await asking.news_or_answer(case, wait.question, self.messages):
                        await self.keep_anyway(case)
                        return
        timed_out = wait.reads and not case.woken.is_set()
        case.woken.clear()
        again = case.stale or case.unseen or timed_out
        if again and all(map(self.link_up, hosts_of(case))):
            await self.look(case)

    async def finish(self, case: Case, end: End) -> None:
        """Write the end down and show it."""
        case.ended(end)
        await self.keep_anyway(case)
