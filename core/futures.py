"""Results from threads of ours to the asyncio loop that waits for them."""

from __future__ import annotations

import asyncio
from typing import Any


def hand_over(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    result: object,
    error: Exception | None,
) -> None:
    """Settle a future of `loop` from any thread; nothing happens when nobody waits any more."""
    try:
        loop.call_soon_threadsafe(settle, future, result, error)
    except RuntimeError:  # the loop is closed
        return


def settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    """Settle a future unless it is done. On its own loop."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
        future.exception()  # whoever gave up waiting must not get it logged as never retrieved
