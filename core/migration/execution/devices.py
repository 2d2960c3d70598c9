"""Devices of a host that hold a guest there: detached before it moves, and attached again after.

Each is an operation of its own, which any console goes on with. What left it is in the migration's
own record before anything is asked, so that a console that takes it over gives it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from shlex import quote
from typing import Protocol

from core.errors import VirtdeckError
from core.model import (
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.lists import listed
from core.model.text import clean
from core.verbs.device.released import DeviceReattach, DeviceRelease
from core.verbs.situation import End

_AGAIN = 0.2
"""Seconds between two looks."""


class Operations(Protocol):
    """What an engine does with requests. On the core's loop only."""

    async def submit(
        self,
        request: DeviceRelease | DeviceReattach,
        waiting: Callable[[OperationRecord], None] | None = None,
        /,
    ) -> Awaitable[OperationRecord]:
        """Have something done; what it returns is waited for, and raises what became of it."""
        ...

    async def cancel(self, operation_id: str, /) -> None:
        """Have an operation ended."""
        ...


class MovedDevices:
    """The host's devices of instances that migrate. On the core's loop only."""

    def __init__(self, operations: Operations, state: Callable[[], State]) -> None:
        self._operations = operations
        self._state = state

    async def release(self, subject: ObjectKey) -> None:
        """Have the guest let go of them. Raises VirtdeckError: then it has them all, or `settle`
        gives them back."""
        await (await self._operations.submit(DeviceRelease(subject)))

    async def settle(self, migration: Migration, end: End) -> End:
        """Have the host that the instance is on now give it back what left it; nothing raises."""
        if not migration.released:
            return end
        names, name = listed([one.word for one in migration.released]), clean(migration.name)
        cure = f"Once it runs where it is to: `virtdeck device reattach {quote(name)}`."
        lost = migration.status is MigrationStatus.POST_COPY_FAILED
        if lost or end.status is OperationStatus.UNKNOWN:
            return _more(end, f"{names} left its guest", cure)
        moved = end.status is OperationStatus.DONE
        host = migration.to if moved else migration.host
        devices = tuple(one.there if moved else one.name for one in migration.released)
        subject = ObjectKey("instance", host, migration.uuid)
        try:
            await self._stop_asking(subject)
            again = DeviceReattach(subject, devices)
            await (await self._operations.submit(again, lambda _: None))
        except VirtdeckError as error:
            text = f"{names} could not be attached again on {host}: {error.message.rstrip('.')}"
            return _more(end, text, cure)
        are = "is" if len(migration.released) == 1 else "are"
        return replace(end, outcome=f"{end.outcome.rstrip('.')}; {names} {are} attached on {host}")

    async def _stop_asking(self, subject: ObjectKey) -> None:
        """End a release that is under way: it gives back what has left."""
        for record in list(self._state().operations.values()):
            if record.subject == subject and record.verb == DeviceRelease.verb:
                while not (now := self._state().operations[record.id]).status.final:
                    with suppress(VirtdeckError):
                        await self._operations.cancel(now.id)
                    await asyncio.sleep(_AGAIN)


def _more(end: End, text: str, cure: str) -> End:
    return replace(end, outcome=f"{end.outcome.rstrip('.')}; {text}", hint=end.hint or cure)
