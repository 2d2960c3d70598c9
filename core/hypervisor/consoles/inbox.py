"""The stream of an open console, and what came of it.

After its first error a stream is readable for ever, and its callback would keep libvirt's event
loop busy for ever: it is removed at once (seen on libvirt 9.0 and 11.3 when another client took a
console over).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.errors import ConsoleInUseError
from core.hypervisor.connection.binding import Connection, libvirt

_log = logging.getLogger(__name__)
READ_AHEAD = 256 * 1024
"""Bytes kept for who does not read. The rest stays with the guest, whose writes then block."""
_PIECE = 65_536
_PIECES = 8
"""Pieces taken at once: other streams and events have their turn in between."""
_NOTHING = -2
_FREEING = 1.0
"""Seconds the connection waits to be freed for a stream that is still held."""
_IN_USE = 9  # VIR_ERR_OPERATION_FAILED


class StreamInbox:
    """The stream itself, and what came of it. Each method says on which thread it runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stir: Callable[[], None]) -> None:
        self._loop = loop
        self._tell = stir
        self._lock = threading.Lock()
        self._data = bytearray()
        self._full = False
        self._stream: Any = None
        self._listening = False
        self.process = -1
        """libvirt's number of the instance's run whose console this is; -1: none is open."""
        self.over = False
        """Nothing more comes."""
        self.broken = False
        """The connection is gone."""
        self.failure: tuple[int, str] = (0, "")
        """libvirt's code and text of the error that ended it."""

    def attach(self, conn: Connection, uuid: str, alias: str, *, force: bool) -> None:
        """Open the console and listen. On the lane."""
        domain = conn.lookupByUUIDString(uuid)
        self.process = domain.ID()  # of the look-up: no call
        stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        flags = libvirt.VIR_DOMAIN_CONSOLE_SAFE
        if force:
            flags |= libvirt.VIR_DOMAIN_CONSOLE_FORCE
        try:
            domain.openConsole(alias or None, stream, flags)
        except libvirt.libvirtError as error:
            with suppress(libvirt.libvirtError):
                stream.abort()
            if error.get_error_code() == _IN_USE and "console session" in str(error):
                raise ConsoleInUseError(
                    "Another client has this console open.",
                    "Take it over, which cuts the other off, or wait until it is closed.",
                    _IN_USE,
                ) from None
            raise
        with suppress(libvirt.libvirtError):  # a local driver has no connection to lose
            conn.registerCloseCallback(self._closed, None)
        self._stream = stream
        self._listening = True
        stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, self._ready, None)

    def detach(self, conn: Connection) -> None:
        """Listen no more and end the stream, before the connection is freed. On the lane."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with suppress(libvirt.libvirtError):
            conn.unregisterCloseCallback()
        self._stop(stream)
        with suppress(libvirt.libvirtError):
            stream.abort()
        freed = weakref.ref(stream)
        del stream
        end = time.monotonic() + _FREEING
        while freed() is not None and time.monotonic() < end:
            time.sleep(0.002)  # the event loop has a reference until its next turn

    def resume(self) -> None:
        """Read on: what had come was taken. On the lane."""
        with self._lock:
            if not self._full or not self._listening:
                return
            self._full = False
            with suppress(libvirt.libvirtError):
                self._stream.eventUpdateCallback(libvirt.VIR_STREAM_EVENT_READABLE)

    def send(self, piece: bytes) -> int:
        """Send what can be sent without waiting; returns how many bytes. On the lane."""
        stream = self._stream
        if stream is None or self.over:
            return 0
        count = stream.send(piece)
        return 0 if count == _NOTHING else int(count)

    @property
    def size(self) -> int:
        """How many bytes wait to be taken. Any thread."""
        return len(self._data)

    def take(self) -> tuple[bytes, bool]:
        """What came, and whether reading stands still because so much had. On the core's loop."""
        with self._lock:
            data = bytes(self._data)
            self._data.clear()
            return data, self._full

    def fail(self, code: int, text: str) -> None:
        """Note that nothing more comes. Any thread."""
        if not self.over:
            self.failure = (code, text)
            self.over = True
        self._stir()

    def _stir(self) -> None:
        with suppress(RuntimeError):  # our loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._tell)

    def _closed(self, _conn: Connection, _reason: int, _opaque: None) -> None:
        """The connection is gone. On the event loop's thread."""
        self.broken = True
        self.fail(0, "the connection broke off")

    def _ready(self, stream: Any, _events: int, _opaque: None) -> None:
        """Take what came. On the event loop's thread; must not raise."""
        try:
            self._receive(stream)
        except libvirt.libvirtError as error:
            self._stop(stream)
            self.fail(error.get_error_code() or 0, error.get_error_message() or str(error))
        except Exception as error:
            _log.exception("a console's reader failed")
            self._stop(stream)
            self.fail(0, repr(error))

    def _receive(self, stream: Any) -> None:
        for _ in range(_PIECES):
            piece = stream.recv(_PIECE)
            if piece == _NOTHING:
                return
            if not piece:  # the other end is closed
                self._stop(stream)
                self.fail(0, "it was closed")
                return
            with self._lock:
                self._data += piece
                self._full = full = len(self._data) >= READ_AHEAD
                if full:  # within the lock: else `resume` could come before it, and in vain
                    stream.eventUpdateCallback(0)
            self._stir()
            if full:
                return

    def _stop(self, stream: Any) -> None:
        """Remove the callback, once. Any thread."""
        with self._lock:
            listening, self._listening = self._listening, False
        if listening:
            with suppress(libvirt.libvirtError):
                stream.eventRemoveCallback()
