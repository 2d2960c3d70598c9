"""Other consoles: show what they do, and take over what a dead one left."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.errors import JournalError
from core.journal import recovery
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import alive
from core.model import LinkStatus, ObjectKey
from core.operations.case import Case
from core.operations.driver import Driver, progress_of
from core.operations.registry import verb_steps
from core.operations.verb import End

POLL = 1.0
"""Seconds between two looks at the journal: one pragma, microseconds, when nobody wrote."""

_log = logging.getLogger(__name__)

Take = Callable[[Case, End | None], Awaitable[None]]
"""Makes an adopted case ours: with its end, or to go on with."""


class Adoption:
    """Follows the journal for operations that are not ours. On the core's loop only."""

    def __init__(self, driver: Driver, ours: Callable[[str], bool], take: Take) -> None:
        self._driver = driver
        self._ours = ours
        self._take = take
        self._others: dict[str, Entry] = {}
        """Unfinished operations of other consoles, dead or alive."""
        self._taking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By host: an operation is taken over once, and a host that hangs delays no other."""
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, watch: bool) -> None:
        """Show the journal's operations; with `watch` go on following it. Raises JournalError."""
        journal = self._driver.journal
        if journal is None:
            return
        for entry in await journal.recent():
            self._note(entry)
        if watch:
            self._task = asyncio.create_task(self._follow(journal), name="journal-follow")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def catch_up(self) -> None:
        """Read now what other consoles have written, instead of at the next look. Never raises."""
        journal = self._driver.journal
        if journal is None or self._task is None:
            return
        try:
            for entry in await journal.news():
                self._note(entry)
        except JournalError as error:
            _log.warning("other consoles cannot be followed: %s", error)

    async def settle(self, subject: ObjectKey) -> None:
        """Take over now what dead consoles left on an instance, where it can be seen.

        Else a command that is over in a second would be refused for ever because of an operation
        that ended long ago. Never raises.
        """
        journal = self._driver.journal
        if journal is None or self._task is None:
            return
        try:
            await self._take_over(journal, [entry for entry in self._others.values()
                                            if entry.record.subject == subject])  # fmt: skip
        except JournalError as error:
            _log.warning("what other consoles left cannot be taken over: %s", error)

    def _note(self, entry: Entry) -> None:
        record = entry.record
        if self._ours(record.id):
            return
        self._driver.tell(record)
        if verb_steps(record.verb) is None:
            self._driver.tell_migration(progress_of(entry.progress))
        if record.status.final:
            self._others.pop(record.id, None)
        else:
            self._others[record.id] = entry

    async def _follow(self, journal: Journal) -> None:
        with suppress(JournalError):
            await journal.prune(self._driver.clock.now())
        while True:
            try:
                for entry in await journal.news():
                    self._note(entry)
                await self._take_over(journal, list(self._others.values()))
            except JournalError as error:
                _log.warning("other consoles cannot be followed: %s", error)
            await asyncio.sleep(POLL)

    async def _take_over(self, journal: Journal, entries: list[Entry]) -> None:
        for entry in entries:
            if not alive(entry.owner):
                async with self._taking[entry.record.host]:
                    if self._others.get(entry.record.id) is entry:
                        await self._adopt(journal, entry)

    async def _adopt(self, journal: Journal, entry: Entry) -> None:
        record, driver = entry.record, self._driver
        request, progress = recovery.request_of(record), progress_of(entry.progress)
        if request is None or progress is None:
            self._others.pop(record.id)
            _log.warning("operation %s was written by another version: left alone", record.id)
            return
        case = Case(record, request, entry.uri, driver.clock)
        case.progress = recovery.adopted(progress, case.now())
        if progress.begun and not await self._can_see(case):
            return
        self._others.pop(record.id, None)
        if await journal.claim(record.id, entry.owner, driver.owner):
            await self._take(case, await self._decide(case))

    async def _can_see(self, case: Case) -> bool:
        host = self._driver.state().hosts.get(case.record.host)
        if host is None or host.link.status is not LinkStatus.UP or host.link.read_only:
            return False
        # what is conducted is looked at by its conduct: its subject may not be an instance
        followed = case.verb.step is None
        return followed or host.uri != case.uri or await self._driver.look(case)

    async def _decide(self, case: Case) -> End | None:
        if not case.progress.begun:
            return recovery.never_sent(case.record)
        same = self._driver.uri(case.record.host) == case.uri
        if case.verb.step is None and same:
            return None  # it is followed, whatever it has come to
        decision = recovery.decide(case.situation(link_up=True), same_host=same)
        if isinstance(decision, End):
            return decision
        case.said(decision.text)
        await self._driver.keep_anyway(case)
        return None
