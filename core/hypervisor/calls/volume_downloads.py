"""Volumes read into files of this machine. Run on a lane thread; raise libvirtError,
HypervisorError.

What was read of a volume lies in a file beside, whose name tells of which volume it is, and of what
time: what was cut off is gone on with there. A volume that was written to since is read anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.streams import receive
from core.hypervisor.calls.transfer_compare import differs, stream_of
from core.hypervisor.calls.transfer_files import Half, name_whole
from core.hypervisor.calls.transfers import Transfer, transferring
from core.hypervisor.calls.volume import told
from core.hypervisor.calls.volume_transfers import volume_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import printable_name
from core.verbs.volume import DownloadLookCall, FileHere, Transferred, VolumeDownloadCall
from core.xml.storage import last_written

AGAIN = "Ask for it again: it goes on there, unless the volume was written to since."


def look_down(conn: Connection, subject: ObjectKey, call: DownloadLookCall) -> FileHere:
    """Look whether a volume can be read into a file of this machine; raises HypervisorError."""
    path = Path(call.file).expanduser().absolute()
    folder = path.parent
    if os.path.lexists(path):
        raise HypervisorError(f"{_shown(path)} is there already.", "Choose another name.")
    if not folder.is_dir():
        text = f"There is no folder {_shown(folder)} on this machine."
        raise HypervisorError(text, "Make it first, or choose another one.")
    if not os.access(folder, os.W_OK | os.X_OK):
        text = f"{_shown(folder)} of this machine cannot be written to by this user."
        raise HypervisorError(text, "Choose another folder, or be root.")
    with told(call.pool, call.name, subject.host):
        volume_of(conn, call)
    return FileHere(str(path))


def download(conn: Connection, subject: ObjectKey, call: VolumeDownloadCall) -> Transferred:
    """Read a volume into a file (virStorageVolDownload), which has its name once it is whole."""
    path = Path(call.file)
    with told(call.pool, call.name, subject.host):
        volume = volume_of(conn, call)
        size = volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2]
        if os.path.lexists(path):
            if _holds(conn, volume, subject, path, size):  # an earlier one of this call has made it
                return Transferred(size, 0, 0.0)
            raise HypervisorError(f"{_shown(path)} is there already.", "Choose another name.")
        try:
            return _into_file(conn, volume, subject, path, size)
        except OSError as error:
            text = f"{_shown(path)} cannot be written: {error.strerror or error}."
            raise HypervisorError(text, "Choose another folder, or make room in it.") from None


def _holds(conn: Connection, volume: Any, subject: ObjectKey, path: Path, size: int) -> bool:
    """Whether a file is this user's own and holds what a volume does, to the last byte."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not own or found.st_size != size or (size and differs(conn, volume, descriptor, size)):
            return False
        with transferring(subject) as transfer:
            return _same(conn, volume, (descriptor, size), transfer)
    finally:
        os.close(descriptor)


def _same(conn: Connection, volume: Any, file: tuple[int, int], transfer: Transfer) -> bool:
    """Compare all of a volume with a file: one with holes has zeros there."""
    (descriptor, size), at = file, 0
    with stream_of(conn) as stream:
        volume.download(stream, 0, 0, 0)
        while piece := receive(stream, sparse=False):
            if transfer.stopped:
                raise HypervisorError("The download was ended.")
            assert isinstance(piece, bytes)
            if os.pread(descriptor, len(piece), at) != piece:
                stream.abort()
                return False
            at += len(piece)
            transfer.count(at, size)
        stream.finish()
    return at == size


def _into_file(
    conn: Connection, volume: Any, subject: ObjectKey, path: Path, size: int
) -> Transferred:
    """Read a volume into the half of a file, from where that ends, and name it; raises OSError."""
    half = Half.of(path, _sign(volume, size))
    with half.opened() as descriptor, transferring(subject) as transfer:
        try:
            began, note = _beginning(conn, volume, (descriptor, size), stale=half.drop_others())
            read = _receive_file(conn, volume, (descriptor, size, began), transfer, note)
        except OSError:
            half.path.unlink(missing_ok=True)  # what fills a disk is not left on it
            raise
        except HypervisorError as error:
            kept = f" {_kept(descriptor, half)}" if transfer.stopped else ""
            raise HypervisorError(f"{error.message}{kept}", AGAIN if kept else error.hint) from None
        name_whole(descriptor, half.path, path)
    return read


def _kept(descriptor: int, half: Half) -> str:
    """Say how much of a volume is there."""
    return f"{size_words(os.fstat(descriptor).st_size)} of it are kept in {_shown(half.path)}."


def _sign(volume: Any, size: int) -> str:
    """Return what tells a volume, as it is now, from others and from what it was before."""
    words = f"{volume.key()}\n{size}\n{last_written(volume.XMLDesc(0))}"
    return hashlib.sha256(words.encode()).hexdigest()


def _beginning(
    conn: Connection, volume: Any, file: tuple[int, int], *, stale: bool
) -> tuple[int, str]:
    """Return where a volume is read on from, and why that is its beginning where some was there."""
    descriptor, size = file
    held = os.fstat(descriptor).st_size
    at = min(held, size)
    if at and not differs(conn, volume, descriptor, at):
        return at, ""
    if (
        held
    ):  # ext4 writes a file out as it is closed once it was cut to nothing, be it empty before
        os.ftruncate(descriptor, 0)
    anew = bool(at) or stale
    return 0, "what was there of it was not the volume as it is now, so it began anew" * anew


def _receive_file(
    conn: Connection, volume: Any, file: tuple[int, int, int], transfer: Transfer, note: str
) -> Transferred:
    """Read a volume into a file of so many bytes, from one of them on."""
    descriptor, size, began = file
    sparse = volume.info()[0] == libvirt.VIR_STORAGE_VOL_FILE
    start, moved, data = time.monotonic(), began, 0
    flags = libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM if sparse else 0
    with stream_of(conn) as stream:
        volume.download(stream, began, 0, flags)
        while piece := receive(stream, sparse=sparse):
            if transfer.stopped:
                raise HypervisorError("The download was ended.")
            if isinstance(piece, int):
                moved += piece
            else:
                _write(descriptor, piece, moved)
                moved, data = moved + len(piece), data + len(piece)
            transfer.count(moved, size)
        stream.finish()
    os.ftruncate(descriptor, moved)
    if moved < size:
        text = f"The volume ended after {size_words(moved)} of {size_words(size)}."
        raise HypervisorError(text, "Ask for it again.")
    return Transferred(moved, data, time.monotonic() - start, began, None, note)


def _write(descriptor: int, piece: bytes, at: int) -> None:
    rest = memoryview(piece)
    while rest:
        done = os.pwrite(descriptor, rest, at)
        rest, at = rest[done:], at + done


def _shown(path: Path) -> str:
    return printable_name(str(path))


CALL_FUNCTIONS: CallFunctions = {DownloadLookCall: look_down, VolumeDownloadCall: download}
