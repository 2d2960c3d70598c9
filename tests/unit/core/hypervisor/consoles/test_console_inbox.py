"""What came of a console while nobody read, and who listens again."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from core.hypervisor.connection.binding import libvirt
from core.hypervisor.consoles.inbox import READ_AHEAD, StreamInbox

READABLE = libvirt.VIR_STREAM_EVENT_READABLE


class Stream:
    """What a stream of libvirt's is told to listen to, and gives."""

    def __init__(self) -> None:
        self.listens = READABLE

    def recv(self, size: int) -> bytes:
        return b"x" * size

    def eventUpdateCallback(self, events: int) -> None:  # noqa: N802 - libvirt's name
        self.listens = events


def test_who_takes_what_came_the_moment_it_is_told_has_it_listen_again() -> None:
    """Telling comes last: the reader may be quicker than the thread that told it."""
    taken: list[int] = []

    def tell() -> None:
        data, full = inbox.take()
        taken.append(len(data))
        if full:
            inbox.resume()

    def soon(told: Callable[[], Any]) -> None:
        told()

    inbox = StreamInbox(SimpleNamespace(call_soon_threadsafe=soon), tell)  # type: ignore[arg-type]
    stream = Stream()
    inbox._stream, inbox._listening = stream, True
    inbox._data += b"x" * (READ_AHEAD - 1)
    inbox._ready(stream, READABLE, None)
    assert taken == [READ_AHEAD - 1 + 65_536]
    assert stream.listens == READABLE
