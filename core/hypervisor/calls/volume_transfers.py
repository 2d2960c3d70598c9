"""Files of this machine written over volumes, and volumes read into files of this machine.

Run on a lane thread; raise libvirtError, HypervisorError. Holes are told and not sent, where the
volume is a file. A hole that is written over what was there leaves it there (libvirt 9.0: it seeks,
and truncates), be it the header of a new qcow2 image: a volume is cut off before, by a hole of one
byte at its beginning; one of none does nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.streams import CHUNK, extents, give, pieces, receive
from core.hypervisor.calls.transfer_files import name_whole, opened
from core.hypervisor.calls.transfers import Transfer, transfer_of, transferring
from core.hypervisor.calls.volume import pool_named, refuse_used, tell, told
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import clean, printable_name, real_name
from core.verbs.volume import (
    DownloadLookCall,
    FileHere,
    StopTransferCall,
    Transferred,
    UploadLookCall,
    VolumeCall,
    VolumeDownloadCall,
    VolumeUploadCall,
)
from core.xml.storage import read_volume

MIB = 1 << 20
_QCOW2 = b"QFI\xfb"
"""How a qcow2 image begins."""


def look_up(conn: Connection, subject: ObjectKey, call: UploadLookCall) -> FileHere:
    """Look whether a file can be written over a volume; raises HypervisorError."""
    with told(call.pool, call.name, subject.host), opened(call.file) as (descriptor, size):
        volume = _volume(conn, call)
        refuse_used(conn, volume, call)
        _refuse_unfit(volume, call, (descriptor, size), subject.host)
    return FileHere(str(Path(call.file).expanduser().absolute()), size)


def _refuse_unfit(
    volume: Any, call: UploadLookCall | VolumeUploadCall, file: tuple[int, int], host: str
) -> None:
    """Raise where a file is larger than what it is written over, or no image where one must be."""
    descriptor, size = file
    found = read_volume(volume.XMLDesc(0), "", "", "")
    shown, place = _shown(call.file), clean(f"{call.pool}/{call.name}")
    if found.format == "qcow2":
        if os.pread(descriptor, len(_QCOW2), 0) != _QCOW2:
            text = f"{place} is a qcow2 image, and {shown} is none."
            cure = "Convert it first (`qemu-img convert -O qcow2`), or take a raw volume."
            raise HypervisorError(text, cure)
    elif found.capacity is not None and size > found.capacity:
        text = f"{shown} has {size_words(size)}, and {place} only {size_words(found.capacity)}."
        grown = f"`virtdeck volume resize {clean(host)}/{place} --size {-(-size // MIB)}M`"
        raise HypervisorError(text, f"Let it grow first: {grown}.")


def upload(conn: Connection, subject: ObjectKey, call: VolumeUploadCall) -> Transferred:
    """Write a file of this machine over a volume (virStorageVolUpload)."""
    with opened(call.file) as (descriptor, size), told(call.pool, call.name, subject.host):
        volume = _volume(conn, call)
        files = volume.info()[0] == libvirt.VIR_STORAGE_VOL_FILE
        rest = 0
        if call.over:
            refuse_used(conn, volume, call)
            _refuse_unfit(volume, call, (descriptor, size), subject.host)
            rest = max(0, volume.info()[1] - size) if files and not _is_image(descriptor) else 0
        with transferring(subject) as transfer, _told_if_cut(conn, call):
            if files and _shows_through(volume, descriptor, size):
                _cut_off(conn, volume)
            sent = _send_file(conn, volume, (descriptor, size, rest), transfer, sparse=files)
    tell(pool_named(conn, call.pool))
    return sent


def _is_image(descriptor: int) -> bool:
    return os.pread(descriptor, len(_QCOW2), 0) == _QCOW2


def _shows_through(volume: Any, descriptor: int, size: int) -> bool:
    """Whether something of what a volume holds would be left: in a hole, or beyond the end.

    Only then it is cut off: to allocate its blocks anew takes as long again as to write them.
    """
    if size < volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2]:
        return True
    return not all(data for _, _, data in extents(descriptor, size))


def _cut_off(conn: Connection, volume: Any) -> None:
    """Have a file hold nothing but its first byte."""
    stream = conn.newStream(0)
    volume.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    stream.sendHole(1)
    stream.finish()


def _send_file(
    conn: Connection,
    volume: Any,
    file: tuple[int, int, int],
    transfer: Transfer,
    *,
    sparse: bool,
) -> Transferred:
    """Send a file: its descriptor, its bytes, and those of the hole that follows them."""
    descriptor, size, rest = file
    began, moved, data = time.monotonic(), 0, 0
    with _stream(conn) as stream:
        flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM if sparse else 0
        volume.upload(stream, 0, 0 if sparse else size, flags)
        for piece in pieces(descriptor, size, sparse=sparse):
            if transfer.stopped:
                raise HypervisorError("The upload was ended.")
            give(stream, piece)
            moved += piece if isinstance(piece, int) else len(piece)
            data += 0 if isinstance(piece, int) else len(piece)
            transfer.count(moved, size)
        if moved < size:
            raise HypervisorError("The file became shorter while it was read.", "Upload it again.")
        if rest:
            give(stream, rest)
        stream.finish()
    return Transferred(size, data, time.monotonic() - began)


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
        raise HypervisorError(text, "Upload it again.") from None


def send(
    conn: Connection, subject: ObjectKey, volume: tuple[str, str], data: BinaryIO, size: int
) -> None:
    """Write `size` bytes over a volume, which is a pool's by its name."""
    with told(*volume, subject.host), transferring(subject) as transfer, _stream(conn) as stream:
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


def look_down(conn: Connection, subject: ObjectKey, call: DownloadLookCall) -> FileHere:
    """Look whether a volume can be read into a file of this machine; raises HypervisorError."""
    path = Path(call.file).expanduser().absolute()
    folder = path.parent
    if os.path.lexists(path):
        raise HypervisorError(f"{_shown(str(path))} is there already.", "Choose another name.")
    if not folder.is_dir():
        text = f"There is no folder {_shown(str(folder))} on this machine."
        raise HypervisorError(text, "Make it first, or choose another one.")
    if not os.access(folder, os.W_OK | os.X_OK):
        text = f"{_shown(str(folder))} of this machine cannot be written to by this user."
        raise HypervisorError(text, "Choose another folder, or be root.")
    with told(call.pool, call.name, subject.host):
        _volume(conn, call)
    return FileHere(str(path))


def download(conn: Connection, subject: ObjectKey, call: VolumeDownloadCall) -> Transferred:
    """Read a volume into a file (virStorageVolDownload), which has its name once it is whole."""
    path, half = Path(call.file), Path(f"{call.file}.half")
    with told(call.pool, call.name, subject.host):
        volume = _volume(conn, call)
        kind, _, size = volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)
        if os.path.lexists(path):
            if path.stat().st_size == size:
                return Transferred(size, 0, 0.0)
            raise HypervisorError(f"{_shown(str(path))} is there already.", "Choose another name.")
        try:
            half.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(half, flags, 0o600)
            try:
                sparse = kind == libvirt.VIR_STORAGE_VOL_FILE
                with transferring(subject) as transfer, _stream(conn) as stream:
                    read = _receive_file(volume, stream, (descriptor, size), transfer, sparse)
                name_whole(descriptor, half, path)
            finally:
                os.close(descriptor)
                half.unlink(missing_ok=True)
        except OSError as error:
            text = f"{_shown(str(path))} cannot be written: {error.strerror or error}."
            raise HypervisorError(text, "Choose another folder, or make room in it.") from None
    return read


def _receive_file(
    volume: Any, stream: Any, file: tuple[int, int], transfer: Transfer, sparse: bool
) -> Transferred:
    descriptor, size = file
    began, moved, data = time.monotonic(), 0, 0
    flags = libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM if sparse else 0
    volume.download(stream, 0, 0, flags)
    while piece := receive(stream, sparse=sparse):
        if transfer.stopped:
            raise HypervisorError("The download was ended: nothing of it is left.")
        if isinstance(piece, int):
            moved += piece
        else:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.pwrite(descriptor, rest, moved + len(piece) - len(rest)) :]
            moved, data = moved + len(piece), data + len(piece)
        transfer.count(moved, size)
    stream.finish()
    os.ftruncate(descriptor, moved)
    if moved < size:
        text = f"The volume ended after {size_words(moved)} of {size_words(size)}."
        raise HypervisorError(text, "Ask for it again.")
    return Transferred(moved, data, time.monotonic() - began)


def stop(_: Connection, subject: ObjectKey, __: StopTransferCall) -> None:
    """End what this process writes or reads; nothing where it is over."""
    if (found := transfer_of(subject)) is not None:
        found.stopped = True


@contextmanager
def _stream(conn: Connection) -> Iterator[Any]:
    stream = conn.newStream(0)
    try:
        yield stream
    except BaseException:
        with suppress(libvirt.libvirtError):  # it may never have begun
            stream.abort()
        raise


def _volume(conn: Connection, call: VolumeCall) -> Any:
    return pool_named(conn, call.pool).storageVolLookupByName(real_name(call.name))


def _shown(path: str) -> str:
    return printable_name(path)


CALL_FUNCTIONS: CallFunctions = {
    UploadLookCall: look_up,
    VolumeUploadCall: upload,
    DownloadLookCall: look_down,
    VolumeDownloadCall: download,
    StopTransferCall: stop,
}
