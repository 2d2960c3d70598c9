"""A question to the source that may take as long as it likes. UI thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from console.shell.core_messages import CoreAnswered
from core.source import Source

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

Answer = TypeVar("Answer")


def ask_patiently(
    app: VirtdeckApp,
    question: Callable[[Source], Awaitable[Answer]],
    then: Callable[[Answer], None],
    failed: Callable[[Exception], None],
) -> None:
    """Put it; `then` or `failed` runs on the UI thread, later. `VirtdeckApp.asking` has it not."""

    def deliver(future: Future[Answer]) -> None:
        error = future.exception()
        if error is None:
            then(future.result())
        elif isinstance(error, Exception):
            failed(error)

    def answered(future: Future[Answer]) -> None:
        if not future.cancelled():
            app.post_message(CoreAnswered(partial(deliver, future)))

    app.bridge.ask(question).add_done_callback(answered)
