"""Looking at the disks of an instance whose host is dead. On a lane thread; raises libvirtError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from core.errors import HypervisorError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import unless_gone
from core.migration.preflight.lost_disk import against_disk
from core.model import ObjectKey, Pool, PoolState, Volume
from core.model.probe import probe_name
from core.model.text import clean, real_name
from core.verbs.evacuation.requests import DisksCall, LostDisk
from core.xml.definition.evacuated import trial
from core.xml.storage import read_pool, read_volume

STATE_IT = (
    "Where they are the same, state it: `virtdeck evacuate` with --shared. Else another disk would "
    "be written to."
)
_MISSING = "No such file"


def look_at_disks(conn: Connection, subject: ObjectKey, call: DisksCall) -> None:
    """See that a host has the disks, and that nobody holds their locks: some calls each.

    Raises HypervisorError for what it does not have; of a lock that is held libvirt's own error.
    """
    host = clean(subject.host)
    stated = call.stated or call.one_machine
    for disk in call.disks:
        why = against_disk(disk, host, *_there(conn, disk), stated=stated)
        if why:
            cure = STATE_IT if why.endswith("cannot be seen") else f"See what {host} mounts."
            raise HypervisorError(f"{why[0].upper()}{why[1:]}.", cure)
    if conn.getType() == "QEMU":
        _open_them(conn, call, host)


def _there(conn: Connection, disk: LostDisk) -> tuple[Pool | None, Volume | None]:
    """Return the pool and the volume that a host has at the place of a disk."""
    if disk.type == "volume":
        name, _, volume = disk.path.partition("/")
        handle = unless_gone(lambda: conn.storagePoolLookupByName(real_name(name)))
        found = _volume(handle, real_name(volume))
    else:
        found = unless_gone(lambda: conn.storageVolLookupByPath(real_name(disk.path)))
        handle = None if found is None else found.storagePoolLookupByVolume()
    return _pool(handle), None if found is None else read_volume(found.XMLDesc(0), "", "", "")


def _volume(pool: Any, name: str) -> Any:
    if pool is None or not pool.isActive():
        return None
    return unless_gone(lambda: pool.storageVolLookupByName(name))


def _pool(handle: Any) -> Pool | None:
    if handle is None:
        return None
    state = PoolState.ACTIVE if handle.isActive() else PoolState.INACTIVE
    return replace(read_pool(handle.XMLDesc(0)), state=state)


def _open_them(conn: Connection, call: DisksCall, host: str) -> None:
    """Have QEMU open the disks read-only, paused, and let it go: who writes to one refuses that."""
    elements = tuple(disk.element for disk in call.disks if disk.element)
    if not elements:
        return
    xml = trial(probe_name(str(uuid4())), call.type, call.architecture, elements)
    flags = libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
    try:
        domain = conn.createXML(xml, flags)
    except libvirt.libvirtError as error:
        text = tidy(error.get_error_message() or str(error))
        if _MISSING not in text:
            raise
        raise HypervisorError(
            f"{host} does not have all of its disks: {text.rstrip('.')}.",
            f"See what {host} mounts: what is not shared cannot be started there.",
        ) from None
    with suppress(libvirt.libvirtError):  # it is gone with the connection at the latest
        domain.destroy()


CALL_FUNCTIONS: CallFunctions = {DisksCall: look_at_disks}
