"""Asking the source what speaks against migrations; on the core's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from console.screens.migrations.migrate_findings import Assessment
from core.errors import VirtdeckError
from core.source import Source
from core.verbs.migration.requests import Migrate

AT_ONCE = 4
"""How many instances are looked at together."""


async def assess(
    source: Source, requests: Sequence[Migrate], *, measure: bool = False, fresh: bool = False
) -> list[Assessment]:
    """Look at all that speaks against requests; what cannot be looked at is a refusal.

    `measure` takes a second more, for the forecast; `fresh` looks whatever was seen just before.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(request: Migrate) -> Assessment:
        row = source.state.instances.get(request.subject)
        name = request.subject.id if row is None else row.name
        reasons = tuple(map(str, source.check(request)))
        async with gate:
            try:
                found = await source.migrations.preflight(request, measure=measure, fresh=fresh)
                return Assessment(name, found, reasons)
            except VirtdeckError as error:
                return Assessment(name, None, (*reasons, str(error)))

    return list(await asyncio.gather(*map(one, requests)))
