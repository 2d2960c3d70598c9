"""The calls that let disks grow. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from contextlib import suppress

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.no_pool import cure_of
from core.hypervisor.calls.undefining import volume_at
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.model.sizes import size_words
from core.model.text import clean, real_name
from core.verbs.cold.calls import GrowCopyCall
from core.verbs.growing import GrowDiskCall


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


CALL_FUNCTIONS: CallFunctions = {GrowDiskCall: grow_disk, GrowCopyCall: grow_copy}
