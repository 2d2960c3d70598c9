"""What other consoles sent to a migration, noted where its own calls are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from core.engine.case import Case
from core.engine.noting import note_call
from core.engine.workflow import Keep
from core.errors import JournalError
from core.migration.execution.port import MigrationMessages

EVERY = 1.0
"""Seconds between two looks: one query of the journal, microseconds."""


@asynccontextmanager
async def noting_others(
    case: Case, messages: MigrationMessages | None, keep: Keep
) -> AsyncIterator[None]:
    """Note what others send while inside; at the end what is left, which is kept with the end."""
    if messages is None:
        yield
        return
    watching = asyncio.create_task(_watch(case, messages, keep))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await _note(case, messages, over=True)


async def _watch(case: Case, messages: MigrationMessages, keep: Keep) -> None:
    while True:
        await asyncio.sleep(EVERY)
        if await _note(case, messages, over=False):
            with suppress(JournalError):  # it is shown, and kept with what comes next
                await keep(case)


async def _note(case: Case, messages: MigrationMessages, *, over: bool) -> bool:
    """Note what was not noted yet; whether there was any."""
    before = case.record
    for step in await messages.calls_made(case.record.id, over=over):
        if step not in case.record.steps:
            note_call(case, step)
    return case.record is not before
