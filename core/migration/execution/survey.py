"""A look at everything a drain would move, before anything is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from core.errors import VirtdeckError
from core.migration.drain.plan import migrate_request, plan_drain
from core.model import Level, Preflight, State
from core.model.drain import DrainItem, DrainProgress, Stage
from core.verbs.migration.requests import Drain, Migrate

LOOKS = 4
"""Preflights at the same time: each makes some calls to both hosts."""

Look = Callable[[Migrate], Awaitable[Preflight]]
"""The preflight of one migration, as `core.source.Migrations.preflight` makes it."""


async def survey(
    look: Look,
    state: Callable[[], State],
    request: Drain,
    wanted: Callable[[], bool] = lambda: True,
) -> DrainProgress:
    """Return the plan of a drain with the preflight of every instance in it; touches nothing.

    What is blocked at one destination is looked at for the next. Where it is no longer `wanted`
    the plan is returned as far as it is known. Never raises for what a host does not tell: that
    is a reason like any other. On the loop of the source.
    """
    blocked: dict[tuple[str, str], str] = {}
    looked: set[tuple[str, str]] = set()
    gate = asyncio.Semaphore(LOOKS)
    while True:
        plan = plan_drain(state(), request, blocked)
        items = [item for item in plan.at(Stage.WAITING) if (item.uuid, item.to) not in looked]
        if not items or not wanted():
            return plan
        looked |= {(item.uuid, item.to) for item in items}
        found = await asyncio.gather(*(_against(look, request, item, gate) for item in items))
        blocked |= {(item.uuid, item.to): why
                    for item, why in zip(items, found, strict=True) if why}  # fmt: skip


async def _against(look: Look, request: Drain, item: DrainItem, gate: asyncio.Semaphore) -> str:
    """Return what blocks an item at its destination; empty: nothing does."""
    async with gate:
        try:
            found = await look(migrate_request(request, item))
        except VirtdeckError as error:
            return error.message
    return " ".join(finding.text for finding in found.of(Level.BLOCKER))
