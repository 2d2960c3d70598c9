"""What the core's thread tells the app. Posted from any thread, handled on the UI thread."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message


class CoreNews(Message):
    """The bridge has something to take."""


class CoreFailed(Message):
    """The core's thread ended with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class CoreAnswered(Message):
    """A question was answered: `then` goes on with it."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then
