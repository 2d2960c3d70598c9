"""How long a host has been silent during a call: what deadlines count.

A call of ours may be a dozen calls to the daemon, with work of our own between them. On a busy
machine that work may take any time, and says nothing of the host. The lane's thread writes, the
loop that waits reads; both see a plain float.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Silence:
    """Since when the daemon owes an answer. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = clock()
        """None: it owes none, we are at work."""

    def asked(self) -> None:
        """The daemon is asked, or has answered and is asked again."""
        self._since = self._clock()

    def answered(self) -> None:
        """The daemon has answered; what takes time now is ours."""
        self._since = None

    def left(self, deadline: float) -> float:
        """Return how many seconds of `deadline` are left to the daemon."""
        since = self._since
        return deadline if since is None else since + deadline - self._clock()


_mine = threading.local()


@contextmanager
def on_this_thread(silence: Silence) -> Iterator[None]:
    """Have `answered` and `ours` on this thread tell of `silence`."""
    _mine.silence = silence
    silence.asked()
    try:
        yield
    finally:
        silence.answered()
        _mine.silence = None


def progress() -> None:
    """The daemon has answered and is asked again: a new answer may take all of the deadline."""
    if (silence := getattr(_mine, "silence", None)) is not None:
        silence.asked()


def ours(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work of our own, as reading an answer, whose time no deadline counts."""
    silence = getattr(_mine, "silence", None)
    if silence is None:
        return work(*args, **kwargs)
    silence.answered()
    try:
        return work(*args, **kwargs)
    finally:
        silence.asked()
