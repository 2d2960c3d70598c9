"""A volume of one host copied to another: each function runs on a lane thread of one of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from core.errors import HypervisorError
from core.hypervisor.calls.no_pool import cure_of
from core.hypervisor.calls.pipe import Digest, Pipe
from core.hypervisor.calls.streams import give, receive
from core.hypervisor.calls.transfers import Transfer
from core.hypervisor.calls.undefining import volume_at
from core.hypervisor.calls.volume import pool_named, told
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model.text import clean, real_name
from core.verbs.cold.calls import DiskCopy
from core.xml.storage import clone_volume_xml


@dataclass(frozen=True, slots=True)
class Original:
    """What is copied."""

    xml: str
    """The `<volume>` of its copy."""
    size: int
    """Bytes of its file, or device."""
    sparse: bool
    """It is a file, which may have holes."""


def look(conn: Connection, host: str, copy: DiskCopy) -> Original:
    """Look at a volume that is to be copied."""
    volume = unless_gone(lambda: volume_at(conn, real_name(copy.original)))
    if volume is None:
        what = f"{clean(copy.original)} is in no pool that is active: nothing can copy it."
        raise HypervisorError(what, cure_of(conn, host, copy.original))
    kind, _, size = volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)
    xml = clone_volume_xml(volume.XMLDesc(0), real_name(copy.name), over=False)
    return Original(xml, size, kind == libvirt.VIR_STORAGE_VOL_FILE)


def make_room(conn: Connection, copy: DiskCopy, original: Original) -> None:
    """Make the volume that is written over; raises where there is one of its name."""
    with told(copy.pool, copy.name):
        pool_named(conn, copy.pool).createXML(original.xml, 0)


def read(
    conn: Connection, place: str, pipe: Pipe | None, transfer: Transfer, original: Original
) -> str:
    """Read a volume (virStorageVolDownload) into a pipe; returns its digest.

    Without a pipe it is only read: to be compared.
    """
    stream, digest = conn.newStream(0), Digest()
    flags = libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM if original.sparse else 0
    try:
        volume_at(conn, real_name(place)).download(stream, 0, 0, flags)
        while piece := receive(stream, sparse=original.sparse):
            if transfer.stopped:
                raise HypervisorError("The copy was ended.")
            digest.feed(piece)
            if pipe is not None:
                pipe.put(piece)
            transfer.share = min(1.0, digest.size / max(1, original.size))
        stream.finish()
        if pipe is not None:
            pipe.put(None)
    except BaseException:
        if pipe is not None:
            pipe.fail()
        with suppress(libvirt.libvirtError):  # it may never have begun
            stream.abort()
        raise
    return digest.text()


def write(conn: Connection, copy: DiskCopy, pipe: Pipe, original: Original) -> None:
    """Write what comes out of a pipe over a volume (virStorageVolUpload)."""
    flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM if original.sparse else 0
    stream = conn.newStream(0)
    try:
        with told(copy.pool, copy.name):
            pool = pool_named(conn, copy.pool)
            volume = pool.storageVolLookupByName(real_name(copy.name))
            volume.upload(stream, 0, 0, flags)
            for piece in pipe.pieces():
                give(stream, piece)
            stream.finish()
    except BaseException:
        pipe.fail()
        with suppress(libvirt.libvirtError):  # it may never have begun
            stream.abort()
        raise
    with suppress(libvirt.libvirtError):  # libvirt has no event of a volume; what it is now counts
        pool.refresh(0)


def size_of(conn: Connection, copy: DiskCopy) -> int:
    """Return the bytes of the file, or device, of a copy."""
    volume = volume_at(conn, real_name(f"{copy.pool}/{copy.name}"))
    return int(volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2])
