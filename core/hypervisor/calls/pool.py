"""The calls on storage pools. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.cures import told_where, told_with
from core.hypervisor.calls.defining import inactive_xml
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone, unsupported
from core.model import ObjectKey
from core.model.lists import listed
from core.model.paths import volume_places
from core.model.text import clean, printable_name
from core.verbs.pool import PoolAutostartCall, PoolCreateCall, PoolDestroyCall, PoolRefreshCall
from core.verbs.pool_calls import (
    PoolBuildCall,
    PoolClearCall,
    PoolDefineCall,
    PoolDeleteCall,
    PoolRedefineCall,
    PoolUndefineCall,
)
from core.xml.definition.changes import changes, in_words
from core.xml.pool_completed import pool_completed

_NO_FOLDER = "Its folder is not there: make it by hand, or have it made: `--build` of a new pool, \
`virtdeck pool build` of one that is defined."
_CURES = (
    ("missing backend", "Install libvirt's driver for pools of that type on the host (Debian: "
     "libvirt-daemon-driver-storage-TYPE), and start its daemon anew."),
    ("source conflict", "Another pool of the host is of the same source: use that one."),
    ("same storage source", "Another pool of the host is of the same source: use that one."),
    ("failed to validate against schema", "See what the XML of a pool has: `virsh pool-dumpxml` of "
     "another, https://libvirt.org/formatstorage.html."),
    ("Directory not empty", "Something is in its folder that is no volume: look there, and remove "
     "it by hand."),
    ("overwrite", "Something is on the device: `virtdeck pool build --overwrite`, if that may go."),
    ("cannot open path", _NO_FOLDER),
    ("cannot open directory", _NO_FOLDER),
    ("Secret not found", "Make the secret on the host first (`virsh secret-define`)."),
)  # fmt: skip
"""What libvirt says, and what helps."""


def _pool(conn: Connection, subject: ObjectKey) -> Any:
    return conn.storagePoolLookupByUUIDString(subject.id)


def define(conn: Connection, subject: ObjectKey, call: PoolDefineCall) -> None:
    """Define a pool that is not there (virStoragePoolDefineXML); libvirt would change one that is.

    libvirt checks it by its schema first.
    """
    if unless_gone(lambda: _pool(conn, subject)) is not None:
        raise HypervisorError(f"There is a pool of the UUID {subject.id} by now.")
    with told_with(_CURES):
        _define(conn, call.xml)


def _define(conn: Connection, xml: str) -> None:
    try:
        conn.storagePoolDefineXML(xml, libvirt.VIR_STORAGE_POOL_DEFINE_VALIDATE)
    except libvirt.libvirtError as error:  # before 7.7, and its test driver
        if not unsupported(error) and "flags" not in (error.get_error_message() or ""):
            raise
        conn.storagePoolDefineXML(xml, 0)


def redefine(conn: Connection, subject: ObjectKey, call: PoolRedefineCall) -> None:
    """Define a pool anew, unless somebody else just did."""
    if call.base:
        pool = _pool(conn, subject)
        found = inactive_xml(pool, libvirt.VIR_STORAGE_XML_INACTIVE) or call.base
        if not (pool_completed(call.base, found) or pool_completed(call.xml, found)):
            what = in_words(changes(call.base, found, "pool")) or "its text"
            text = f"The pool {clean(pool.name())} was changed meanwhile, and is not overwritten"
            raise HypervisorError(f"{text}: {what}.", "Edit it again, from its XML as it is now.")
    with told_where(_CURES, call.xml, call.base, "pool"):
        _define(conn, call.xml)


def undefine(conn: Connection, subject: ObjectKey, _: PoolUndefineCall) -> None:
    """Undefine a pool (virStoragePoolUndefine); nothing is done where it is gone already."""
    pool = unless_gone(lambda: _pool(conn, subject))
    if pool is not None:
        pool.undefine()


def create(conn: Connection, subject: ObjectKey, _: PoolCreateCall) -> None:
    """Start a pool (virStoragePoolCreate)."""
    with told_with(_CURES):
        _pool(conn, subject).create(0)


def build(conn: Connection, subject: ObjectKey, call: PoolBuildCall) -> None:
    """Make what a pool lies on (virStoragePoolBuild)."""
    flags = {
        "no-overwrite": libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
        "overwrite": libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE,
    }
    with told_with(_CURES):
        _pool(conn, subject).build(flags.get(call.flags, 0))


def clear(conn: Connection, subject: ObjectKey, call: PoolClearCall) -> None:
    """Delete the volumes of a pool, where they are those that were named and nobody uses them."""
    pool = _pool(conn, subject)
    pool.refresh(0)
    name = pool.name()
    volumes = {printable_name(one.name()): one for one in pool.listAllVolumes(0)}
    if others := sorted(set(volumes) - set(call.names)):
        text = f"By now {clean(name)} has {listed([clean(one) for one in others])} too."
        raise HypervisorError(text, "Look at its volumes, and ask for it again.")
    places = {at for key, one in volumes.items() for at in volume_places(one.path(), name, key)}
    if places and (user := user_of(conn, places)):
        text = f"What is in {clean(name)} is used by {clean(user)}: all is left alone."
        raise HypervisorError(text, f"Detach it from {clean(user)} first.")
    if call.keep:
        return
    for one, volume in volumes.items():
        if volume.info()[0] == libvirt.VIR_STORAGE_VOL_DIR:
            text = f"{clean(one)} of {clean(name)} is a folder: all is left alone."
            raise HypervisorError(text, "Remove it by hand if what is in it is not needed.")
    for volume in volumes.values():
        volume.delete(0)


def delete(conn: Connection, subject: ObjectKey, _: PoolDeleteCall) -> None:
    """Remove what a pool lies on (virStoragePoolDelete)."""
    with told_with(_CURES):
        _pool(conn, subject).delete(0)


CALL_FUNCTIONS: CallFunctions = {
    PoolCreateCall: create,
    PoolDestroyCall: lambda conn, key, _: _pool(conn, key).destroy(),
    PoolRefreshCall: lambda conn, key, _: _pool(conn, key).refresh(0),
    PoolAutostartCall: lambda conn, key, call: _pool(conn, key).setAutostart(int(call.on)),
    PoolDefineCall: define,
    PoolRedefineCall: redefine,
    PoolUndefineCall: undefine,
    PoolBuildCall: build,
    PoolClearCall: clear,
    PoolDeleteCall: delete,
}
