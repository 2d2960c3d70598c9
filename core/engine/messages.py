"""What consoles tell each other of an operation, through their journal."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import msgspec

from core.clock import Clock
from core.errors import JournalError
from core.journal.journal import Journal
from core.journal.message import Message, MessageKind
from core.model import OperationStep

PATIENCE = 1.0
"""Seconds the journal is waited for before an abort: it is sent then, whatever hangs."""

_OF_ABORTS = ("abort", "abort-refused")

_log = logging.getLogger(__name__)


class Messages:
    """Sends and reads them. On the core's loop only."""

    def __init__(self, journal: Journal | None, clock: Clock, author: str) -> None:
        """Without a journal nothing is sent, and nothing comes."""
        self._journal = journal
        self._clock = clock
        self._author = author
        self.waits: dict[str, asyncio.Event] = {}
        """By operation: set when this console sends it an answer, for that to be looked for."""

    async def send(
        self, operation_id: str, kind: MessageKind, text: str = "", about: str = ""
    ) -> None:
        """Leave a message for whoever runs an operation. Raises JournalError."""
        if self._journal is not None:
            now = self._clock.now()
            await self._journal.send(Message(operation_id, now, self._author, kind, text, about))
        if kind == "answer" and operation_id in self.waits:
            self.waits[operation_id].set()

    async def answers(self, operation_id: str) -> list[Message]:
        """Return the answers to an operation's questions, oldest first. Raises JournalError."""
        return [one for one in await self._of(operation_id) if one.kind == "answer"]

    async def abort_is_sent(self, operation_id: str, step: OperationStep) -> None:
        """Tell who runs a migration that an abort follows. Never raises, and waits a second."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._try_to_send(operation_id, "abort", _json(step))

    async def abort_was_refused(self, operation_id: str) -> None:
        """Tell who runs a migration that nothing came of the abort. Never raises."""
        await self._try_to_send(operation_id, "abort-refused")

    async def abort_was_sent(self, operation_id: str) -> bool:
        """Whether another console sent an abort that was not refused. Never raises."""
        try:
            told = [one.kind for one in await self._of(operation_id) if one.kind in _OF_ABORTS]
        except JournalError as error:
            _log.warning("what other consoles did is not known: %s", error)
            return False
        return told[-1:] == ["abort"]

    async def call_was_made(self, operation_id: str, step: OperationStep) -> None:
        """Tell who runs a migration of a call that was made to it. Never raises."""
        await self._try_to_send(operation_id, "call", _json(step))

    async def calls_made(self, operation_id: str, *, over: bool) -> list[OperationStep]:
        """Return the calls that other consoles made to a migration, once answered. Never raises.

        Of one that is `over` an abort is among them without its answer: it ended with that.
        """
        try:
            told = await self._of(operation_id)
        except JournalError as error:
            _log.warning("what other consoles called is not known: %s", error)
            return []
        made = [_step(one.text) for one in told if one.kind == "call"]
        answered = {(step.call, step.virsh) for step in made}
        begun = [_step(one.text) for one in told if over and one.kind == "abort"]
        return [*(step for step in begun if (step.call, step.virsh) not in answered), *made]

    async def _of(self, operation_id: str) -> list[Message]:
        return [] if self._journal is None else await self._journal.messages(operation_id)

    async def _try_to_send(self, operation_id: str, kind: MessageKind, text: str = "") -> None:
        try:
            await self.send(operation_id, kind, text)
        except JournalError as error:
            _log.warning("the other console is not told: %s", error)


def _json(step: OperationStep) -> str:
    return msgspec.json.encode(step).decode()


def _step(text: str) -> OperationStep:
    return msgspec.json.decode(text, type=OperationStep)
