"""The calls that let disks grow. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.luks_header import HEADER, payload_offset
from core.hypervisor.calls.no_pool import cure_of
from core.hypervisor.calls.undefining import volume_at
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import clean, real_name
from core.verbs.cold.calls import GrowCopyCall
from core.verbs.extending import TakeSizeCall
from core.verbs.growing import GrowDiskCall

_SECTOR = 512
"""QEMU's disks end at one."""


def grow_disk(conn: Connection, subject: ObjectKey, call: GrowDiskCall) -> None:
    """Let a disk grow: the image of one that is off, the disk itself of one that runs.

    One that is as large already stays as it is; libvirt itself would cut it off at less.
    """
    if not call.live:
        grow(conn, subject.host, call.path, call.capacity)
        return
    domain = conn.lookupByUUIDString(subject.id)
    has = domain.blockInfo(call.target)[0]
    _require_more(call.target, has, call.capacity)
    if has < call.capacity:
        domain.blockResize(call.target, call.capacity, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def take_size(conn: Connection, subject: ObjectKey, call: TakeSizeCall) -> None:
    """Have a guest see what a device has by now (virDomainGetBlockInfo, virDomainBlockResize)."""
    domain = conn.lookupByUUIDString(subject.id)
    has, _, physical = domain.blockInfo(call.disk)
    if call.asked:
        domain.blockResize(call.disk, has, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        _require_growth(call.disk, has, domain.blockInfo(call.disk)[0])
        return
    wanted = physical - (_payload_offset(conn, call.path) if call.luks else 0)
    wanted -= wanted % _SECTOR
    _require_growth(call.disk, has, wanted)
    domain.blockResize(call.disk, wanted, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def _require_growth(disk: str, has: int, wanted: int) -> None:
    if wanted <= has:
        raise HypervisorError(
            f"{disk} has no new size: its guest sees {size_words(has)}, and there are "
            f"{size_words(max(wanted, 0))}.",
            "Have the volume grow on its storage, and the host look at it again, first.",
        )


def _payload_offset(conn: Connection, path: str) -> int:
    """Read where the data of a LUKS volume begins (virStorageVolDownload of its header)."""
    volume = unless_gone(lambda: volume_at(conn, real_name(path)))
    offset = None if volume is None else payload_offset(_beginning(conn, volume))
    if offset is None:
        text = f"Where the data of {clean(path)} begins is not known: it is in no active pool."
        raise HypervisorError(text, "Give the size that its guest is to see.")
    return offset


def _beginning(conn: Connection, volume: Any) -> bytes:
    stream, data = conn.newStream(0), b""
    volume.download(stream, 0, HEADER, 0)
    while piece := stream.recv(HEADER - len(data)):
        data += piece
        if len(data) == HEADER:
            break
    stream.finish() if len(data) < HEADER else stream.abort()
    return data


def grow(conn: Connection, host: str, place: str, capacity: int) -> None:
    """Let a volume grow (virStorageVolResize), by its path or as POOL/VOLUME."""
    volume = unless_gone(lambda: volume_at(conn, real_name(place)))
    if volume is None:
        what = f"{clean(place)} is in no pool that is active: it stays as large as it is."
        raise HypervisorError(what, cure_of(conn, host, place))
    pool = volume.storagePoolLookupByVolume()
    with suppress(libvirt.libvirtError):  # as of one with a job: then what was listed counts
        pool.refresh(0)
    has = volume.info()[1]
    _require_more(place, has, capacity)
    if has < capacity:
        volume.resize(capacity, 0)
        with suppress(libvirt.libvirtError):  # libvirt has no event of a volume
            pool.refresh(0)


def _require_more(what: str, has: int, wanted: int) -> None:
    if has > wanted:
        raise HypervisorError(
            f"{clean(what)} has {size_words(has)} by now, and never shrinks.", "Give it more."
        )


def grow_copy(conn: Connection, subject: ObjectKey, call: GrowCopyCall) -> None:
    """Let a copy grow."""
    grow(conn, call.host or subject.host, call.path, call.capacity)


CALL_FUNCTIONS: CallFunctions = {
    GrowDiskCall: grow_disk,
    GrowCopyCall: grow_copy,
    TakeSizeCall: take_size,
}
