"""What the tests on one host share: a fleet of alpha alone, and how an operation is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.lab import LabHost
from core.model import OperationRecord, Request
from tests.patience import PATIENCE


@asynccontextmanager
async def opened(uris: dict[str, str], journal: Path) -> AsyncIterator[Fleet]:
    fleet = Fleet.open(
        [f"alpha={uris['alpha']}"],
        options=LinkOptions(statistics_interval=0.5, sweep_interval=0),
        journal=journal,
    )
    async with fleet:
        assert await fleet.ready(20.0 * PATIENCE)
        yield fleet


async def until(condition: Callable[[], Any], seconds: float = 40.0) -> None:
    async with asyncio.timeout(seconds * PATIENCE):
        while not condition():  # noqa: ASYNC110 - any condition, of any process
            await asyncio.sleep(0.05)


async def do(fleet: Fleet, request: Request) -> OperationRecord:
    return await (await fleet.submit(request))


def domstate(alpha: LabHost, name: str) -> str:
    return alpha.instances()[name]
