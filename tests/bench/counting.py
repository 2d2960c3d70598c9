"""A unix-socket proxy that counts libvirt's RPC calls as they pass.

Counting on the wire is the only honest count: it sees what the binding and the library really
send. libvirt's frame is: length, program, version, procedure, type, serial, status, each a
big-endian 32-bit word (virNetMessageHeader); type 0 is a call. Keepalives are another program.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter
from pathlib import Path

REMOTE_PROGRAM = 0x20008086
CALL = 0
HEADER = struct.Struct(">7I")


class CountingProxy:
    """Listens at `path`, forwards to `target`, counts calls by procedure number."""

    def __init__(self, path: Path, target: Path) -> None:
        self.calls: Counter[int] = Counter()
        self._target = target
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()

    @property
    def total(self) -> int:
        """All calls so far."""
        return sum(self.calls.values())

    def close(self) -> None:
        """Stop accepting; connections end with their peers."""
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(str(self._target))
                for source, sink, count in ((client, upstream, True), (upstream, client, False)):
                    threading.Thread(
                        target=self._pump, args=(source, sink, count), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, count: bool) -> None:
        buffer = b""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if count:
                    buffer = self._count(buffer + data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, buffer: bytes) -> bytes:
        while len(buffer) >= HEADER.size:
            length, program, _, procedure, kind, _, _ = HEADER.unpack_from(buffer)
            if len(buffer) < length:
                break
            if program == REMOTE_PROGRAM and kind == CALL:
                self.calls[procedure] += 1
            buffer = buffer[length:]
        return buffer
