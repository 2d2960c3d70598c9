"""The journal of operations for the core's loop: the blocking ledger behind a thread of its own.

A commit takes milliseconds on a good disk and seconds on a busy one or while another console holds
the file; links, events and screens must not wait for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Iterable
from pathlib import Path

from core.errors import JournalError
from core.journal.entry import Entry
from core.journal.ledger import Ledger, Told
from core.journal.message import Message
from core.journal.owner import Owner
from core.journal.worker import Worker

_log = logging.getLogger(__name__)

CLOSE_PATIENCE = 5.0
"""Seconds a closing console waits for its last write."""


class Journal:
    """The operations of this user's consoles, kept. All coroutines raise JournalError."""

    def __init__(self, ledger: Ledger, work: Worker) -> None:
        self._ledger = ledger
        self._work = work
        self._so_far = Told(0)
        """What callers were told. It changes on the loop, with the answer: what one that was
        cancelled missed, the next one is told.
        """
        self._told: set[str] = set()
        """Ids of what was read or written here, and is still there."""
        self._forgotten: list[str] = []

    @classmethod
    async def open(cls, path: Path | None = None, *, read_only: bool = False) -> Journal:
        """Open the journal at `path`, by default VIRTDECK_JOURNAL or the user's own.

        Raises JournalError with the cure; `notices` tells of a damaged one that was replaced.
        """
        work = Worker()
        try:
            ledger = await work.call(lambda: Ledger.open(path, read_only=read_only))
            for notice in ledger.notices:
                _log.warning(notice)
            return cls(ledger, work)
        except BaseException:
            work.end()
            raise

    async def close(self) -> None:
        """Finish what is being written and close the file; waits at most 5 s."""
        try:
            await asyncio.wait_for(self._work.call(self._ledger.close), CLOSE_PATIENCE)
        except TimeoutError as error:
            raise JournalError(
                f"The journal {self.path} does not answer: its disk is stuck.",
                "The newest steps of operations may not be kept.",
            ) from error
        finally:
            self._work.end()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._ledger.path

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the journal, a sentence each."""
        return tuple(self._ledger.notices)

    def add_notice(self, text: str) -> None:
        """Have the operator know something of it, once."""
        if text not in self._ledger.notices:
            self._ledger.notices.append(text)

    async def put(
        self,
        entry: Entry,
        known: Container[str] = (),
        against: Callable[[list[Entry]], bool] | None = None,
    ) -> bool:
        """Keep an operation as it now is: on the disk when this returns; whether it was kept.

        A new one is not kept where what others wrote is `against` it. That is given what nobody
        was told of yet (`recent`, `news`) but for the `known` ids, on the journal's thread, and
        nobody else writes between that and the write.
        """
        told = self._so_far

        def write() -> bool:
            if against is None:
                self._ledger.put(entry)
            elif not self._ledger.put_unless(entry, told, known, against):
                return False
            self._told.add(entry.record.id)
            return True

        return await self._work.call(write)

    async def claim(self, operation_id: str, old: Owner, new: Owner) -> bool:
        """Hand an operation over from `old`; False when another console was faster."""
        return await self._work.call(lambda: self._ledger.claim(operation_id, old, new))

    async def forget(self, operation_id: str) -> bool:
        """Drop an operation that is over; False where there is none.

        Consoles that are open and have read it hear of it (`forgotten`).
        """
        return await self._work.call(lambda: self._ledger.forget(operation_id))

    async def send(self, message: Message) -> None:
        """Leave a message for whoever runs an operation: on the disk when this returns."""
        await self._work.call(lambda: self._ledger.send(message))

    async def messages(self, operation_id: str) -> list[Message]:
        """Return the messages about an operation, oldest first."""
        return await self._work.call(lambda: self._ledger.messages(operation_id))

    async def cancels(self, ids: Iterable[str]) -> list[Message]:
        """Return which of these operations others want cancelled; cheap where there are few."""
        wanted = tuple(ids)
        return await self._work.call(lambda: self._ledger.cancels(wanted)) if wanted else []

    async def recent(self, limit: int = 500) -> list[Entry]:
        """Return the newest operations and every unfinished one, oldest first.

        What is written after this is given by `news`.
        """

        def read() -> tuple[Told, list[Entry]]:
            told = Told(self._ledger.newest())
            entries = self._ledger.recent(limit)
            self._told.update(entry.record.id for entry in entries)
            return told, entries

        self._so_far, entries = await self._work.call(read)
        return entries

    async def news(self) -> list[Entry]:
        """Return the operations written since the last call, ours included; cheap when none was."""
        told = self._so_far

        def read() -> tuple[Told, list[Entry]]:
            if (version := self._ledger.version()) == told.version:
                return told, []
            newest, entries = self._ledger.changes_since(told.change)
            self._told.update(entry.record.id for entry in entries)
            gone = self._told - self._ledger.ids()
            self._told -= gone
            self._forgotten += gone
            return Told(newest, version), entries

        self._so_far, entries = await self._work.call(read)
        return entries

    async def forgotten(self) -> list[str]:
        """Return the operations that `news` no longer found, each once: others dropped them."""

        def take() -> list[str]:
            taken, self._forgotten = self._forgotten, []
            return taken

        return await self._work.call(take)

    async def prune(self, now: float) -> int:
        """Drop what is older than 90 days, and finished operations beyond the newest 10,000."""
        return await self._work.call(lambda: self._ledger.prune(now))
