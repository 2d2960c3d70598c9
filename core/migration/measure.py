"""How a guest uses its memory, measured before its migration: what the forecast is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from core.errors import VirtdeckError
from core.hypervisor.binding import Connection
from core.hypervisor.memory_use import begin_dirty_rate, read_dirty_rate, read_memory_used
from core.hypervisor.session import Hypervisor
from core.migration.writing import is_quiet
from core.model import DirtyRate, MemoryUse

T = TypeVar("T")

FIRST = 1
"""Seconds of the dirty-rate calculation that every guest gets: it shows how fast it writes."""
SECOND = 3
"""The same of another one, which shows how much of its memory a busy guest writes to."""
_POLL = 0.1
_LONGER = 2.0
"""Seconds that QEMU may take beyond those it measures."""
_DEADLINE = 2.0
"""Seconds each question may take: a process that hangs is not waited for."""


async def measure(host: Hypervisor, uuid: str, memory: int) -> MemoryUse:
    """Return how a running guest of so many bytes uses them; what cannot be had is left out.

    It takes a good second, and three more where the guest is busy, or so small that a second says
    nothing. No lane is kept meanwhile. Raises nothing.
    """
    used = await _asked(host, partial(read_memory_used, uuid=uuid))
    rates: list[DirtyRate] = []
    for seconds in (FIRST, SECOND):
        rate = await _rate(host, uuid, seconds)
        if rate is None:
            break
        rates.append(DirtyRate(float(seconds), rate))
        if is_quiet(rates, memory):
            break
    return MemoryUse(tuple(rates), used)


async def _rate(host: Hypervisor, uuid: str, seconds: int) -> float | None:
    if not await _asked(host, partial(begin_dirty_rate, uuid=uuid, seconds=seconds)):
        return None
    await asyncio.sleep(seconds)
    for _ in range(round(_LONGER / _POLL)):
        await asyncio.sleep(_POLL)
        rate = await _asked(host, partial(read_dirty_rate, uuid=uuid))
        if rate is not None:
            return rate
    return None


async def _asked(host: Hypervisor, function: Callable[[Connection], T]) -> T | None:
    try:
        return await host.call(function, deadline=_DEADLINE)
    except VirtdeckError:
        return None
