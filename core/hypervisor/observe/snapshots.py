"""The snapshots of one instance. Runs on a lane thread.

libvirt (to 12) has no call for those of several instances, and no event for any.
"""

from __future__ import annotations

from typing import Any

import msgspec

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model.instance import Snapshot
from core.model.text import printable_name
from core.xml import read_snapshot
from core.xml.snapshot import in_order


def read_snapshots_of(conn: Connection, host: str, uuid: str) -> tuple[Snapshot, ...] | None:
    """Read the snapshots of an instance, in their order; None when there is no such instance.

    Three calls and one for each. Raises libvirtError.
    """
    return unless_gone(lambda: list_snapshots(conn.lookupByUUIDString(uuid), host))


def list_snapshots(domain: Any, host: str) -> tuple[Snapshot, ...]:
    """Read the snapshots of a domain, in their order: a call for each, and two at most.

    A driver that knows no snapshots has none. Raises libvirtError.
    """
    try:
        handles = domain.listAllSnapshots(0)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return ()
        raise
    if not handles:
        return ()
    current = unless_gone(lambda: domain.snapshotCurrent(0).getName())
    uuid = domain.UUIDString()
    found = (_read(handle, host, uuid, current) for handle in handles)
    return in_order(one for one in found if one is not None)


def _read(handle: Any, host: str, uuid: str, current: str | None) -> Snapshot | None:
    """Read one snapshot; None when it was deleted meanwhile."""
    name = handle.getName()
    try:
        xml = unless_gone(lambda: handle.getXMLDesc(0))
        if xml is None:
            return None
        snapshot = read_snapshot(xml, host, uuid)
    except XmlError:
        snapshot = Snapshot(printable_name(name), host=host, uuid=uuid)
    return msgspec.structs.replace(snapshot, current=name == current)
