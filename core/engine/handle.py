"""The handle on a submitted operation: follow it, or wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator

from core.errors import (
    OperationCancelledError,
    OperationFailedError,
    OutcomeUnknownError,
    ReadOnlyError,
    RefusedError,
    VirtdeckError,
)
from core.model import OperationRecord, OperationStatus
from core.verbs.answer import CallAnswer
from core.verbs.refusal import RefusalCode


class Handle:
    """Implements `core.source.Operation`. Used on the core's asyncio loop only."""

    def __init__(self, record: OperationRecord) -> None:
        self.id = record.id
        self.result: CallAnswer | None = None
        self._history = [record]
        self._news = asyncio.Event()

    @property
    def record(self) -> OperationRecord:
        """The operation as it stands."""
        return self._history[-1]

    def advance(self, record: OperationRecord) -> None:
        """Take the next version of the record, if it is one, and wake who follows it."""
        if record == self.record:
            return
        self._history.append(record)
        self._news.set()
        self._news = asyncio.Event()

    async def changed(self) -> None:
        """Wait for the next version of the record."""
        await self._news.wait()

    async def __aiter__(self) -> AsyncIterator[OperationRecord]:
        """Every version of the record from the first on, ending with the first final one."""
        position = 0
        while True:
            while position < len(self._history):
                record = self._history[position]
                position += 1
                yield record
                if record.status.final:
                    return
            await self._news.wait()

    def __await__(self) -> Generator[object, None, OperationRecord]:
        """Wait for the end; the record when it is done, else raises what became of it."""
        return self._end().__await__()

    async def _end(self) -> OperationRecord:
        while not self.record.status.final:
            await self._news.wait()
        if self.record.status is OperationStatus.DONE:
            return self.record
        raise error_of(self.record)


def error_of(record: OperationRecord) -> VirtdeckError:
    """Return the error that tells of an operation that is over and not done."""
    read_only = record.refused == RefusalCode.READ_ONLY
    kinds: dict[OperationStatus, type[VirtdeckError]] = {
        OperationStatus.REFUSED: ReadOnlyError if read_only else RefusedError,
        OperationStatus.CANCELLED: OperationCancelledError,
        OperationStatus.UNKNOWN: OutcomeUnknownError,
    }
    kind = kinds.get(record.status, OperationFailedError)
    what = f"{record.verb} of {record.name} failed: " if kind is OperationFailedError else ""
    return kind(f"{what}{record.outcome.rstrip('.')}.", record.hint)
