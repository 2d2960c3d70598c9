"""What is read at one host and written at another: pieces and holes, and what they amount to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event

from core.errors import HypervisorError

BLOCK = 1 << 16
"""Bytes that are compared as one: a block of zeros is as good as a hole."""
_AHEAD = 16
"""Pieces that are read ahead of what is written."""
_LOOK = 0.2
"""Seconds after which a side looks whether the other has ended."""


class PipeBrokenError(HypervisorError):
    """The other side has failed: its error says why."""


class Pipe:
    """Hands pieces from a reader's thread to a writer's."""

    def __init__(self) -> None:
        self._queue = Queue[bytes | int | None](_AHEAD)
        self._broken = Event()

    def put(self, piece: bytes | int | None) -> None:
        """Hand over bytes, a hole of so many bytes, or None for the end."""
        while not self._broken.is_set():
            try:
                return self._queue.put(piece, timeout=_LOOK)
            except Full:
                continue
        raise PipeBrokenError("The other side of the copy has ended.")

    def pieces(self) -> Iterator[bytes | int]:
        """Return what was handed over, in its order, to the end."""
        while not self._broken.is_set():
            try:
                piece = self._queue.get(timeout=_LOOK)
            except Empty:
                continue
            if piece is None:
                return
            yield piece
        raise PipeBrokenError("The other side of the copy has ended.")

    def fail(self) -> None:
        """Let both sides end. From any thread."""
        self._broken.set()


class Digest:
    """Of the bytes of a volume, and where they are: holes and zeros make no difference."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest = bytearray()
        self.size = 0
        """Bytes so far."""

    def feed(self, piece: bytes | int) -> None:
        """Take bytes, or a hole of so many bytes."""
        if isinstance(piece, int):
            self._skip(piece)
            return
        self._rest += piece
        self.size += len(piece)
        whole = len(self._rest) // BLOCK * BLOCK
        at = self.size - len(self._rest)
        for start in range(0, whole, BLOCK):
            self._block(at + start, bytes(self._rest[start : start + BLOCK]))
        del self._rest[:whole]

    def _skip(self, count: int) -> None:
        filled = min(count, -len(self._rest) % BLOCK)
        if filled:
            self.feed(bytes(filled))
        count -= filled
        self.size += count // BLOCK * BLOCK
        if rest := count % BLOCK:
            self.feed(bytes(rest))

    def _block(self, at: int, block: bytes) -> None:
        if block.count(0) != len(block):
            self._hash.update(at.to_bytes(8, "big"))
            self._hash.update(block)

    def text(self) -> str:
        """Return it; what was fed is all there is."""
        if self._rest:
            self._block(self.size - len(self._rest), bytes(self._rest))
            self._rest.clear()
        return f"{self.size}:{self._hash.hexdigest()}"
