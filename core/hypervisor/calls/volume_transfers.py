"""Files of this machine written over volumes.

Run on a lane thread; raise libvirtError, HypervisorError. Holes are told and not sent, where the
volume is a file. A hole that is written over what was there leaves it there (libvirt 9.0: it seeks,
and truncates), be it the header of a new qcow2 image: a volume is cut off before, by a hole of one
byte at its beginning; one of none does nothing.

libvirt tells only at the end of a stream that all of it is written. So what takes long is sent in
parts, each a stream of its own: the next one, also of a later console, begins where the last ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from msgspec.structs import replace

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.streams import CHUNK, extents, give, pieces
from core.hypervisor.calls.transfer_compare import differs, stream_of
from core.hypervisor.calls.transfer_files import opened, sign_of
from core.hypervisor.calls.transfers import Transfer, transfer_of, transferring
from core.hypervisor.calls.volume import pool_named, refuse_used, tell, told
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import clean, printable_name, real_name
from core.verbs.volume import (
    FROM_BEGINNING,
    FileHere,
    StopTransferCall,
    Transferred,
    UploadLookCall,
    VolumeCall,
    VolumeUploadCall,
)
from core.xml.storage import read_volume

MIB = 1 << 20
PART_SECONDS = 30.0
PARTS = 64
"""A part takes as long at least, and a file has as many at most: libvirt lists the pool anew after
each, and the journal has each of them."""
_QCOW2 = b"QFI\xfb"
"""How a qcow2 image begins."""
_IMAGES = (_QCOW2, b"QED\0", b"KDMV", b"COWD", b"conectix", b"vhdxfile", b"<<< ")
"""How the images begin that tell themselves how large their disk is: qcow2, QED, VMDK, VHD, VHDX,
VDI. Of a volume that holds one libvirt says that size, and to resize it rewrites the image."""
_AS_IS = (None, "raw", "iso")
"""The formats of volumes that are as large as their disk."""


def look_up(conn: Connection, subject: ObjectKey, call: UploadLookCall) -> FileHere:
    """Look whether a file can be written over a volume; raises HypervisorError."""
    with told(call.pool, call.name, subject.host), opened(call.file) as (descriptor, size):
        volume = volume_of(conn, call)
        refuse_used(conn, volume, call)
        _refuse_unfit(volume, call, (descriptor, size), subject.host)
        whole = 0 if _begins(descriptor, *_IMAGES) else volume.info()[1]
        path, sign = str(Path(call.file).expanduser().absolute()), sign_of(descriptor)
    return FileHere(path, size, whole, sign)


def _refuse_unfit(
    volume: Any, call: UploadLookCall | VolumeUploadCall, file: tuple[int, int], host: str
) -> None:
    """Raise where a file is larger than what it is written over, or no image where one must be."""
    descriptor, size = file
    found = read_volume(volume.XMLDesc(0), "", "", "")
    shown, place = _shown(call.file), clean(f"{call.pool}/{call.name}")
    # one that was cut off in the middle is as long as what was written, until it is whole again
    room = found.capacity
    if isinstance(call, VolumeUploadCall) and room is not None:
        room = size if _begins(descriptor, *_IMAGES) else max(room, call.whole)
    if found.format == "qcow2":
        if not _begins(descriptor, _QCOW2):
            text = f"{place} is a qcow2 image, and {shown} is none."
            cure = "Convert it first (`qemu-img convert -O qcow2`), or take a raw volume."
            raise HypervisorError(text, cure)
    elif room is not None and size > room:
        text = f"{shown} has {size_words(size)}, and {place} only {size_words(room)}."
        grown = f"`virtdeck volume resize {clean(host)}/{place} --size {-(-size // MIB)}M`"
        raise HypervisorError(text, f"Let it grow first: {grown}.")


def _refuse_another(call: VolumeUploadCall, sign: str) -> None:
    """Raise for a file that is not the one that was looked at, and of which parts may be there."""
    if call.sign and call.sign != sign:
        place, shown = clean(f"{call.pool}/{call.name}"), _shown(call.file)
        held = f", and {place} holds a part of what it was" if call.at else ""
        text = f"{shown} is another file than before, or was written to{held}."
        raise HypervisorError(text, FROM_BEGINNING)


def upload(conn: Connection, subject: ObjectKey, call: VolumeUploadCall) -> Transferred:
    """Write a file of this machine over a volume, or a part of it (virStorageVolUpload)."""
    with opened(call.file) as (descriptor, size), told(call.pool, call.name, subject.host):
        volume = volume_of(conn, call)
        files = volume.info()[0] == libvirt.VIR_STORAGE_VOL_FILE
        at, note, whole, sign = 0, "", 0, sign_of(descriptor)
        if call.over:
            _refuse_another(call, sign)
            refuse_used(conn, volume, call)
            _refuse_unfit(volume, call, (descriptor, size), subject.host)
            at, note = _beginning(conn, volume, descriptor, call)
            if files and not _begins(descriptor, *_IMAGES) and _as_is(volume):
                whole = max(call.whole or volume.info()[1], size)
        with transferring(subject) as transfer, _told_if_cut(conn, call):
            if files and _shows_through(volume, descriptor, size, at):
                _cut_off(conn, volume, at)
            rest = max(0, whole - size)
            sending = _Sending(descriptor, size, rest, at, call.over and call.at == at)
            sent = _send_file(conn, volume, sending, transfer, sparse=files)
            if sign_of(descriptor) != sign:
                text = f"{_shown(call.file)} was written to while it was read."
                raise HypervisorError(text, FROM_BEGINNING)
        if sent.reached is not None:
            _keep_size(volume, whole)
    tell(pool_named(conn, call.pool))
    return replace(sent, note=note)


def _beginning(
    conn: Connection, volume: Any, descriptor: int, call: VolumeUploadCall
) -> tuple[int, str]:
    """Return where a file is gone on with, and why that is its beginning where it is not `at`."""
    if call.at and not call.fresh and differs(conn, volume, descriptor, call.at):
        return 0, f"what it had before {size_words(call.at)} was not the file's, so it began anew"
    return call.at, ""


def _keep_size(volume: Any, whole: int) -> None:
    """Let a raw volume that holds a part of a file be as large as it was; 0: it is none.

    Of an image libvirt tells the size of its disk, and lets QEMU write a new one into its header.
    """
    if volume.info()[1] < whole and _as_is(volume):
        with suppress(libvirt.libvirtError):  # the next part does it, or the end
            volume.resize(whole, 0)


def _as_is(volume: Any) -> bool:
    return read_volume(volume.XMLDesc(0), "", "", "").format in _AS_IS


def _begins(descriptor: int, *heads: bytes) -> bool:
    """Whether a file begins with one of these."""
    return os.pread(descriptor, max(map(len, heads)), 0).startswith(heads)


def _shows_through(volume: Any, descriptor: int, size: int, at: int) -> bool:
    """Whether something of what a volume holds would be left: in a hole, or beyond the end.

    Only then it is cut off: to allocate its blocks anew takes as long again as to write them.
    """
    if size < volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2]:
        return True
    return not all(data for _, _, data in extents(descriptor, size, at))


def _cut_off(conn: Connection, volume: Any, at: int) -> None:
    """Have a file hold nothing from a byte on, but its first one."""
    stream = conn.newStream(0)
    volume.upload(stream, max(0, at - 1), 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    stream.sendHole(1)
    stream.finish()


@dataclass(frozen=True, slots=True)
class _Sending:
    """What is sent of a file."""

    descriptor: int
    size: int
    rest: int
    """Bytes of the hole that follows it."""
    at: int
    parts: bool
    """It may end before the file does, with all that was sent written."""

    def ends_at(self, reached: int, began: float) -> bool:
        """Whether the part is long enough."""
        return (
            self.parts
            and time.monotonic() - began >= PART_SECONDS
            and reached - self.at >= self.size // PARTS
        )


def _send_file(
    conn: Connection, volume: Any, file: _Sending, transfer: Transfer, *, sparse: bool
) -> Transferred:
    """Send a file from where it is gone on with, or a part of that."""
    began, moved, data, ended = time.monotonic(), file.at, 0, False
    with stream_of(conn) as stream:
        flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM if sparse else 0
        volume.upload(stream, file.at, 0 if sparse else file.size - file.at, flags)
        for piece in pieces(file.descriptor, file.size, sparse=sparse, at=file.at):
            if transfer.stopped and not file.parts:
                raise HypervisorError("The upload was ended.")
            if ended := transfer.stopped or file.ends_at(moved, began):
                break
            give(stream, piece)
            moved += piece if isinstance(piece, int) else len(piece)
            data += 0 if isinstance(piece, int) else len(piece)
            transfer.count(moved, file.size)
        if moved < file.size and not ended:
            raise HypervisorError("The file became shorter while it was read.", FROM_BEGINNING)
        if file.rest and not ended:
            give(stream, file.rest)
        stream.finish()
    reached = moved if ended else None
    return Transferred(file.size, data, time.monotonic() - began, file.at, reached)


@contextmanager
def _told_if_cut(conn: Connection, call: VolumeUploadCall) -> Iterator[None]:
    """Say of an upload that fails in its middle what is left: what was there is gone."""
    try:
        yield
    except (libvirt.libvirtError, HypervisorError) as error:
        if not call.over or not conn.isAlive():
            raise
        words = error.message if isinstance(error, HypervisorError) else str(error)
        place = clean(f"{call.pool}/{call.name}")
        text = f"{words.rstrip('.')}. {place} holds a part of {_shown(call.file)} now."
        changed = isinstance(error, HypervisorError) and error.hint == FROM_BEGINNING
        cure = FROM_BEGINNING if changed else after_cut(words, call.pool)
        raise HypervisorError(text, cure) from None


def after_cut(words: str, pool: str) -> str:
    """Return what helps after an upload that failed in its middle: once more helps no full pool."""
    if "No space left" in words:
        return f"Free space in the pool {clean(pool)}, then upload it again; or take another pool."
    return "Upload it again."


def send(
    conn: Connection, subject: ObjectKey, volume: tuple[str, str], data: BinaryIO, size: int
) -> None:
    """Write `size` bytes over a volume, which is a pool's by its name."""
    with told(*volume, subject.host), transferring(subject) as transfer, stream_of(conn) as stream:
        pool = pool_named(conn, volume[0])
        pool.storageVolLookupByName(real_name(volume[1])).upload(stream, 0, size, 0)
        sent = 0
        while piece := data.read(CHUNK):
            if transfer.stopped:
                raise HypervisorError("The upload was ended.")
            give(stream, piece)
            sent += len(piece)
            transfer.count(sent, size)
        stream.finish()
    tell(pool)


def stop(_: Connection, subject: ObjectKey, __: StopTransferCall) -> None:
    """End what this process writes or reads; nothing where it is over."""
    if (found := transfer_of(subject)) is not None:
        found.stopped = True


def volume_of(conn: Connection, call: VolumeCall) -> Any:
    """Return the volume of a call."""
    return pool_named(conn, call.pool).storageVolLookupByName(real_name(call.name))


def _shown(path: str) -> str:
    return printable_name(path)


CALL_FUNCTIONS: CallFunctions = {
    UploadLookCall: look_up,
    VolumeUploadCall: upload,
    StopTransferCall: stop,
}
