"""How a guest uses its memory, measured before its migration: what the forecast is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from core.errors import VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.memory_use import begin_dirty_rate, read_dirty_rate, read_memory_used
from core.hypervisor.session import Hypervisor
from core.migration.forecast.writing import next_look
from core.model import DirtyRate, MemoryUse

T = TypeVar("T")

_POLL = 0.1
_LONGER = 2.0
"""Seconds that QEMU may take beyond those it measures."""
_DEADLINE = 2.0
"""Seconds each question may take: a process that hangs is not waited for."""


async def measure(host: Hypervisor, uuid: str, memory: int) -> MemoryUse:
    """Return how a running guest of so many bytes uses them; what cannot be had is left out.

    It takes a good second, two of a small guest, and three more of a busy one. No lane is kept
    meanwhile. Raises nothing.
    """
    used = await _asked(host, partial(read_memory_used, uuid=uuid))
    rates: list[DirtyRate] = []
    while (seconds := next_look(rates, memory)) is not None:
        rate = await _rate(host, uuid, seconds)
        if rate is None:
            break
        rates.append(DirtyRate(float(seconds), rate))
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
