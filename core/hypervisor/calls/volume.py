"""The calls that make, fill and remove volumes. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.found_format import refuse_found_format
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.transfers import far_in_copy, transferring
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey
from core.model.paths import volume_places
from core.model.text import clean, printable_name, real_name
from core.verbs.volume import (
    VolumeCall,
    VolumeCloneCall,
    VolumeCreateCall,
    VolumeDeleteCall,
    VolumeResizeCall,
    VolumeWipeCall,
)
from core.xml.new_volume import volume_xml
from core.xml.storage import read_volume

LOOK_AGAIN = 1.0
"""Seconds between two looks at a volume that is still being made."""
_STILL_MADE = "still being allocated"
_CURES = (
    (r"exists already|already in use|already exists", "Choose another name, or remove that one."),
    (r"is not active", "Start the pool: `virtdeck pool start {pool}`."),
    (
        r"File too large|size is too large|too big",
        "Make a smaller one: {pool} holds none so large.",
    ),
    (r"No space left|would exceed|not enough", "Free space in the pool, or take another one."),
    (
        r"Read-only file system|Permission denied",
        "Its pool cannot be written to: take another one.",
    ),
)


def create(conn: Connection, subject: ObjectKey, call: VolumeCreateCall) -> None:
    """Make an empty volume, or one over another (virStorageVolCreateXML)."""
    with told(call.pool, call.name, subject.host):
        pool = pool_named(conn, call.pool)
        base = None if not call.backing else _base(conn, call.backing)
        xml = volume_xml(real_name(call.name), call.capacity, call.format, base)
        pool.createXML(xml, 0)
    tell(pool)


def clone(conn: Connection, subject: ObjectKey, call: VolumeCloneCall) -> None:
    """Copy a volume (virStorageVolCreateXMLFrom); returns when it is written."""
    with told(call.pool, call.name, subject.host):
        pool, source = pool_named(conn, call.pool), _of_path(conn, call.source)
        refuse_found_format(source)
        _, capacity, allocation = source.info()
        xml = volume_xml(real_name(call.name), capacity, call.format)
        with transferring(subject, far_in_copy(call.pool, call.name, allocation)):
            pool.createXMLFrom(xml, source, 0)
    tell(pool)


def resize(conn: Connection, subject: ObjectKey, call: VolumeResizeCall) -> None:
    """Let a volume grow, or shrink where that is wanted (virStorageVolResize)."""
    with told(call.pool, call.name, subject.host):
        pool = pool_named(conn, call.pool)
        tell(pool)  # what was uploaded is larger than what was made, and libvirt has not looked
        volume = pool.storageVolLookupByName(real_name(call.name))
        if call.unused:
            refuse_used(conn, volume, call)
        has = volume.info()[1]
        if has < call.capacity:
            volume.resize(call.capacity, 0)
        elif call.shrink and has > call.capacity:
            volume.resize(call.capacity, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
    if call.unused:
        tell(pool)


def wipe(conn: Connection, subject: ObjectKey, call: VolumeWipeCall) -> None:
    """Write zeros over a volume (virStorageVolWipe), unless an instance uses it."""
    with told(call.pool, call.name, subject.host):
        pool = pool_named(conn, call.pool)
        volume = pool.storageVolLookupByName(real_name(call.name))
        refuse_used(conn, volume, call)
        volume.wipe(0)
    tell(pool)


def refuse_used(conn: Connection, volume: Any, call: VolumeCall) -> None:
    """Raise HypervisorError where an instance of the host uses a volume, also below its disk."""
    path = volume.path()
    if user := user_of(conn, set(volume_places(path, call.pool, call.name))):
        text = f"{printable_name(path)} is used by {clean(user)}: it is left alone."
        raise HypervisorError(text, f"Detach it from {clean(user)} first.")


def delete(conn: Connection, _: ObjectKey, call: VolumeDeleteCall) -> None:
    """Delete a volume (virStorageVolDelete), unless an instance uses it.

    libvirt itself deletes one that an instance writes to without a word.
    """
    pool = pool_named(conn, call.pool)
    while True:
        volume = unless_gone(lambda: pool.storageVolLookupByName(real_name(call.name)))
        if volume is None:
            return
        path = volume.path()
        if user := user_of(conn, set(volume_places(path, call.pool, call.name))):
            text = f"{printable_name(path)} is used by {clean(user)}: it is left alone."
            raise HypervisorError(text, "Remove it by hand if it is not needed.")
        try:
            volume.delete(0)
            break
        except libvirt.libvirtError as error:
            if _STILL_MADE not in (error.get_error_message() or ""):
                raise
        time.sleep(LOOK_AGAIN)
    tell(pool)


def has_volume(conn: Connection, pool: str, name: str) -> bool:
    """Tell whether a pool has a volume: two calls. A pool that is not there has none."""

    def found() -> bool:
        return bool(pool_named(conn, pool).storageVolLookupByName(real_name(name)))

    return unless_gone(found) or False


def pool_named(conn: Connection, name: str) -> Any:
    """Return a pool by its name, as we write it."""
    return conn.storagePoolLookupByName(real_name(name))


def _of_path(conn: Connection, place: str) -> Any:
    pool, _, name = place.partition("/")
    return pool_named(conn, pool).storageVolLookupByName(real_name(name))


def _base(conn: Connection, place: str) -> tuple[str, str]:
    """Return path and format of the volume that another is to lie over."""
    volume = _of_path(conn, place)
    refuse_found_format(volume)
    found = read_volume(volume.XMLDesc(0), "", "", "")
    return volume.path(), found.format or "raw"


def tell(pool: Any) -> None:
    """Have the pool read anew: libvirt has no event of a volume, and of this all consoles hear."""
    with suppress(libvirt.libvirtError):  # as of one with a job: then a later look tells
        pool.refresh(0)


@contextmanager
def told(pool: str, name: str, host: str = "") -> Iterator[None]:
    """Say what libvirt's usual refusals mean, and what cures them."""
    try:
        yield
    except libvirt.libvirtError as error:
        text = tidy(error.get_error_message() or str(error))
        cure = next((cure for words, cure in _CURES if re.search(words, text, re.IGNORECASE)), "")
        if not cure:
            raise
        code = error.get_error_code() or 0
        what = f"The volume {name} of {pool}: {text}"
        raise HypervisorError(
            what, cure.format(pool=clean(f"{host}/{pool}" if host else pool)), code
        ) from None


CALL_FUNCTIONS: CallFunctions = {
    VolumeCreateCall: create,
    VolumeCloneCall: clone,
    VolumeResizeCall: resize,
    VolumeDeleteCall: delete,
    VolumeWipeCall: wipe,
}
