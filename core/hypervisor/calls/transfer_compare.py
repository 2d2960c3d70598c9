"""Whether what was sent or read before a transfer was cut off is what lies there now.

Run on a lane thread. All of it would have to go over the connection to be compared, which is what
going on is to save: so its end is compared, and pieces from all over what holds data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.hypervisor.calls.streams import CHUNK, extents
from core.hypervisor.connection.binding import Connection, libvirt

LAST = 1 << 20
"""Bytes before the end that are compared."""
PIECES = 8
PIECE = 1 << 16
"""How many pieces more are compared, and their bytes."""


def differs(conn: Connection, volume: Any, descriptor: int, end: int) -> bool:
    """Whether a volume does not begin with the first `end` bytes of a file, as far as is looked."""
    for begin, until in picked(extents(descriptor, end), end):
        here = os.pread(descriptor, until - begin, begin)
        if len(here) < until - begin or _read(conn, volume, begin, until - begin) != here:
            return True
    return False


def picked(parts: Iterable[tuple[int, int, bool]], end: int) -> list[tuple[int, int]]:
    """Return the pieces to compare, from the extents of what lies before `end`. Pure."""
    data = [(begin, until) for begin, until, full in parts if full]
    total = sum(until - begin for begin, until in data)
    found = {(max(0, end - LAST), end)}
    for number in range(PIECES):
        skip = total * number // PIECES
        for begin, until in data:
            if skip < until - begin:
                found.add((begin + skip, min(begin + skip + PIECE, until)))
                break
            skip -= until - begin
    return sorted(found)


def _read(conn: Connection, volume: Any, at: int, length: int) -> bytes:
    """Return some bytes of a volume; fewer where it ends before."""
    got = bytearray()
    with stream_of(conn) as stream:
        volume.download(stream, at, length, 0)
        while len(got) < length and (piece := stream.recv(min(CHUNK, length - len(got)))):
            got += piece
        stream.finish()
    return bytes(got)


@contextmanager
def stream_of(conn: Connection) -> Iterator[Any]:
    """Have a stream, which is ended where anything fails."""
    stream = conn.newStream(0)
    try:
        yield stream
    except BaseException:
        with suppress(libvirt.libvirtError):  # it may never have begun
            stream.abort()
        raise
