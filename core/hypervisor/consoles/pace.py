"""When what a guest wrote is given out: at once after a silence, else about thirty times a second.

A guest writes in pieces of some 140 bytes, each of which alone would cost a repaint. On the core's
loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SECONDS = 1 / 30
"""Between two deliveries."""
PLENTY = 65_536
"""Bytes that are given out at once: waiting would only slow a flood down."""
_LOOK = 0.005


class DeliveryPace:
    """The time of the last delivery."""

    def __init__(self) -> None:
        self._next = 0.0

    async def due(self, stirred: asyncio.Event, size: Callable[[], int]) -> None:
        """Wait until something has come, and it is time for it."""
        loop = asyncio.get_running_loop()
        await stirred.wait()
        while (left := self._next - loop.time()) > 0 and size() < PLENTY:  # noqa: ASYNC110 - time
            await asyncio.sleep(min(left, _LOOK))
        stirred.clear()
        self._next = loop.time() + SECONDS
