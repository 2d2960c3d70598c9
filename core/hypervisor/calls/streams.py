"""What goes through libvirt's streams: bytes, and holes of so many bytes. Run on a lane thread."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

from core.hypervisor.connection.binding import libvirt

CHUNK = 1 << 18
"""Bytes that are sent at a time: libvirt's own packets have as many."""
_HOLE = -3
"""What virStreamRecvFlags returns where a hole begins."""


def receive(stream: Any, *, sparse: bool) -> bytes | int:
    """Return the next bytes of a stream, or a hole of so many bytes; nothing at its end."""
    if not sparse:
        return bytes(stream.recv(CHUNK))
    piece = stream.recvFlags(CHUNK, libvirt.VIR_STREAM_RECV_STOP_AT_HOLE)
    return int(stream.recvHole()) if piece == _HOLE else bytes(piece)


def give(stream: Any, piece: bytes | int) -> None:
    """Send bytes, or a hole of so many bytes."""
    if isinstance(piece, int):
        stream.sendHole(piece)
        return
    while piece:
        piece = piece[stream.send(piece) :]


def extents(descriptor: int, size: int, at: int = 0) -> Iterator[tuple[int, int, bool]]:
    """Return the parts of a file from `at` on: where each begins and ends, whether it holds data.

    All of it is data where its file system tells no holes.
    """
    while at < size:
        try:
            data = min(size, os.lseek(descriptor, at, os.SEEK_DATA))
        except OSError as error:
            data = size if error.errno == errno.ENXIO else at
        if data > at:
            yield at, data, False
        if data == size:
            return
        try:
            at = min(size, os.lseek(descriptor, data, os.SEEK_HOLE))
        except OSError:
            at = size
        yield data, at, True


def pieces(descriptor: int, size: int, *, sparse: bool, at: int = 0) -> Iterator[bytes | int]:
    """Return what a file holds from `at` on; shorter than `size` where the file got shorter.

    Its first bytes are never a hole: the first one of a volume that was emptied may be left
    (`core.hypervisor.calls.volume_transfers`).
    """
    parts = list(extents(descriptor, size, at)) if sparse else [(at, size, True)]
    if at == 0 and parts and not parts[0][2]:
        _, end, _ = parts[0]
        head = min(end, CHUNK)
        parts[:1] = [(0, head, True), *([(head, end, False)] if end > head else [])]
    for begin, end, data in parts:
        if not data:
            yield end - begin
            continue
        at = begin
        while at < end:
            if not (piece := os.pread(descriptor, min(CHUNK, end - at), at)):
                return
            yield piece
            at += len(piece)
