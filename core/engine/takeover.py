"""Other consoles: show what they do, and take over what a dead one left.

What belongs to a host that is not open here is shown as such, and never taken over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from core.engine import asking, recovery
from core.engine.case import Case, is_amendable
from core.engine.executor import Executor
from core.engine.host_identity import identity_of
from core.engine.host_names import HostNames, names_of, progress_here, record_here
from core.engine.progress import progress_of
from core.errors import JournalError
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import alive
from core.model import Delta, Event, HostIdentity, LinkStatus, ObjectKey
from core.model.observation import OperationForgotten
from core.state.subject import owner_of
from core.verbs.registry import VERBS, with_doing
from core.verbs.situation import Ask, End, Progress

POLL = 1.0
"""Seconds between two looks at the journal: one pragma, microseconds, when nobody wrote."""
AFTER_TROUBLE = 5.0
"""Seconds more where the journal could not be read or written."""

TELLING = 10.0
"""Seconds a host that is up is waited for to say which it is, where a decision hangs on that."""
MOST = 2000
"""Entries of other consoles that are remembered, to be told anew when a host says which it is."""

_log = logging.getLogger(__name__)

Take = Callable[[Case, End | None], Awaitable[None]]
"""Makes an adopted case ours: with its end, or to go on with."""


class Takeover:
    """Follows the journal for operations that are not ours. On the core's loop only."""

    def __init__(
        self,
        executor: Executor,
        ours: Callable[[str], bool],
        take: Take,
        heed: Callable[[], Awaitable[None]],
    ) -> None:
        """`heed` is called with each look at the journal: what others want of ours is in it."""
        self._heed = heed
        self._executor = executor
        self._ours = ours
        self._take = take
        self._entries: dict[str, Entry] = {}
        """What other consoles wrote, the newest last, in their own names of hosts."""
        self._others: dict[str, Entry] = {}
        """Those of them, of consoles dead or alive, that are unfinished or may be amended."""
        self._hosts: tuple[HostIdentity, ...] = ()
        """The open hosts, as what is told of the entries went by."""
        self._heard = asyncio.Event()
        """A host has told something."""
        self._taking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By host: an operation is taken over once."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By host: what takes over what dead consoles left there."""
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, watch: bool) -> None:
        """Show the journal's operations; with `watch` go on following it. Raises JournalError."""
        journal = self._executor.journal
        if journal is None:
            return
        for entry in await journal.recent():
            self._note(entry)
        if watch:
            self._task = asyncio.create_task(self._follow(journal), name="journal-follow")

    async def close(self) -> None:
        """Stop following."""
        tasks = [*self._tasks.values(), *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def observe(self, news: Delta | Event) -> None:
        """Learn that a host has said more of itself: entries may be its own, or no longer."""
        if isinstance(news, Delta):
            for key in news.gone:
                if key.kind == "operation" and key.id not in self._executor.state().operations:
                    self._entries.pop(key.id, None)  # it was forgotten: it is told no more
        if not (isinstance(news, Delta) and any(key.kind == "host" for key in news.changed)):
            return
        self._heard.set()
        if self._entries and self._identities() != self._hosts:
            # not at once: a delta is told to everybody before the next one is made
            asyncio.get_running_loop().call_soon(self._tell_anew)

    async def catch_up(self) -> None:
        """Read now what other consoles have written, instead of at the next look. Never raises."""
        if self._task is None:
            return
        try:
            await self.read()
        except JournalError as error:
            _log.warning("other consoles cannot be followed: %s", error)

    async def read(self) -> None:
        """As `catch_up`, also where nothing is followed. Raises JournalError."""
        if self._executor.journal is not None:
            for entry in await self._executor.journal.news():
                self._note(entry)
            await self._identified(self._others.values())

    async def settle(self, subject: ObjectKey) -> None:
        """Take over now what dead consoles left on an instance, where it can be seen.

        Else a command that is over in a second would be refused for ever because of an operation
        that ended long ago. Never raises.
        """
        journal = self._executor.journal
        if journal is None or self._task is None:
            return
        wanted = owner_of(subject).id
        about = [one for one in self._others.values() if owner_of(one.record.subject).id == wanted]
        try:
            await self._identified(about)
            await self._take_over(journal, about)
        except JournalError as error:
            _log.warning("what other consoles left cannot be taken over: %s", error)

    def _note(self, entry: Entry) -> None:
        record = entry.record
        self._entries.pop(record.id, None)
        if self._ours(record.id):
            return
        self._entries[record.id] = entry
        verb = VERBS.get(record.verb)
        progress = None if verb is None else progress_of(verb, entry.progress)
        amendable = verb is not None and is_amendable(verb, progress)
        if record.status.final and not amendable:
            self._others.pop(record.id, None)
        else:
            self._others[record.id] = entry
        if len(self._entries) > MOST:
            self._entries.pop(next(iter(self._entries)))
        self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        """Show an entry under the names its hosts have here."""
        self._hosts = self._hosts or self._identities()
        names = names_of(entry, self._executor.state())
        self._executor.tell(with_doing(record_here(entry.record, names)))
        verb = VERBS.get(entry.record.verb)
        if verb is not None and verb.workflow is not None:
            progress = progress_of(verb, entry.progress)
            here = progress and progress_here(verb, progress, names)
            self._executor.tell_workflow(verb.workflow, here)

    def _tell_anew(self) -> None:
        if (now := self._identities()) != self._hosts:
            self._hosts = now
            for entry in self._entries.values():
                if not self._ours(entry.record.id):
                    self._tell(entry)

    def _identities(self) -> tuple[HostIdentity, ...]:
        return tuple(identity_of(host) for host in self._executor.state().hosts.values())

    async def _identified(self, entries: Iterable[Entry]) -> None:
        """Wait until the hosts that are up have said which they are, if entries hang on that.

        At most ten seconds: a daemon that has just started looks at every emulator first.
        """
        hosts = [host for entry in entries for host in entry.record.hosts]
        if not any(host.uuid or host.hostname for host in hosts):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(TELLING):
                while self._silent():
                    self._heard.clear()
                    await self._heard.wait()
        self._tell_anew()

    def _silent(self) -> bool:
        hosts = self._executor.state().hosts.values()
        return any(host.link.status is LinkStatus.UP and host.facts is None for host in hosts)

    async def _follow(self, journal: Journal) -> None:
        with suppress(JournalError):
            await journal.prune(self._executor.clock.now())
        while True:
            await self._executor.catch_up()
            try:
                for entry in await journal.news():
                    self._note(entry)
                self._forget(await journal.forgotten())
                await self._heed()
            except JournalError as error:
                await self._trouble(journal, error)
            self._begin_taking_over(journal)
            await asyncio.sleep(POLL)

    async def _trouble(self, journal: Journal, error: JournalError) -> None:
        _log.warning("other consoles cannot be followed: %s", error)
        journal.add_notice(f"What other consoles do is not followed: {error}")
        await asyncio.sleep(AFTER_TROUBLE)

    def _begin_taking_over(self, journal: Journal) -> None:
        """Look at what dead consoles left, beside: a host that hangs delays no other."""
        left: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self._others.values():
            if not alive(entry.owner):
                left[entry.record.host].append(entry)
        for host in left.keys() - self._tasks.keys():
            work = self._take_over_beside(journal, host, left[host])
            self._tasks[host] = asyncio.create_task(work)

    async def _take_over_beside(self, journal: Journal, host: str, entries: list[Entry]) -> None:
        try:
            await self._take_over(journal, entries)
        except JournalError as error:
            await self._trouble(journal, error)
        except Exception:
            _log.exception("what dead consoles left cannot be taken over")
            await asyncio.sleep(AFTER_TROUBLE)
        finally:
            del self._tasks[host]

    def _forget(self, ids: Iterable[str]) -> None:
        """Show no longer what an operator had forgotten on another console."""
        executor = self._executor
        operations = executor.state().operations
        for record in [operations[id_] for id_ in ids if id_ in operations]:
            if record.status.final:
                executor.publish(OperationForgotten(record.host, executor.clock.now(), record.id))

    async def _take_over(self, journal: Journal, entries: list[Entry]) -> None:
        for entry in entries:
            if not alive(entry.owner):
                async with self._taking[entry.record.host]:
                    if self._others.get(entry.record.id) is entry:
                        await self._adopt(journal, entry)

    async def _adopt(self, journal: Journal, entry: Entry) -> None:
        executor = self._executor
        request, verb = recovery.request_of(entry.record), VERBS.get(entry.record.verb)
        progress = None if verb is None else progress_of(verb, entry.progress)
        if request is None or verb is None or progress is None:
            self._others.pop(entry.record.id)
            _log.warning("operation %s was written by another version: left alone", entry.record.id)
            return
        names = names_of(entry, executor.state())
        if not names.sure:
            return  # its host is not open, or has not said yet that it is the one
        case = self._case(entry, progress_here(verb, progress, names), names)
        if case.progress.begun and not await self._can_see(case):
            return
        # a claim that the journal does not take is tried again
        claimed = await journal.claim(entry.record.id, entry.owner, executor.owner)
        self._others.pop(entry.record.id, None)
        if claimed:
            await self._take(case, await self._decide(case))

    def _case(self, entry: Entry, progress: Progress, names: HostNames) -> Case:
        """Return an entry as an operation of ours, in our names."""
        record = record_here(entry.record, names)
        request = recovery.request_of(record)
        assert request is not None, "it could be read in the other names"
        case = Case(record, request, self._executor.clock)
        case.progress = recovery.adopted(progress, case.now())
        return case

    async def _can_see(self, case: Case) -> bool:
        host = self._executor.state().hosts.get(case.record.host)
        if host is None or host.link.status is not LinkStatus.UP or host.link.read_only:
            return False
        # a workflow looks itself at what it needs
        return case.verb.decide is None or await self._executor.look(case)

    async def _decide(self, case: Case) -> End | None:
        if not case.progress.begun:
            return recovery.never_sent(case.record)
        if case.verb.decide is None:
            return None  # it is followed, whatever it has come to
        decision = recovery.decide(case.situation(self._executor.state(), link_up=True))
        if isinstance(decision, End):
            return decision
        if isinstance(decision, Ask):
            asking.put(case, decision.question)
        else:
            case.said(decision.text)
        await self._executor.keep_anyway(case)
        return None
