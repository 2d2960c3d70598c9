"""The snapshots of one instance. Runs on a lane thread.

libvirt (to 12) has no call for those of several instances, and no event for any.
"""

from __future__ import annotations

from typing import Any

import msgspec

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported, unless_gone
from core.model.instance import Snapshot
from core.model.text import printable_name
from core.xml import read_snapshot
from core.xml.snapshot import in_order


def read_snapshots_of(conn: Connection, host: str, uuid: str) -> tuple[Snapshot, ...] | None:
    """Read the snapshots of an instance, in their order; None when there is no such instance.

    Three calls and one for each, and one for the sizes of files. Raises libvirtError.
    """
    return unless_gone(lambda: list_snapshots(conn.lookupByUUIDString(uuid), host))


def list_snapshots(domain: Any, host: str) -> tuple[Snapshot, ...]:
    """Read the snapshots of a domain, in their order: a call for each, and three at most.

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
    found = [one for handle in handles if (one := _read(handle, host, uuid, current)) is not None]
    if any(one.external for one in found):
        sizes = _sizes(domain)
        found = [_sized(one, sizes) for one in found]
    return in_order(found)


def _sizes(domain: Any) -> dict[str, int]:
    """Return the allocation, in bytes, of each file in the chains of a domain that runs, by path.

    libvirt tells of the images below the one in use only here. Of a domain that is off it knows
    the first image at most, and pools know theirs.
    """
    flags = (
        libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
        | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    )
    told: list[Any] = if_supported(
        lambda: domain.connect().domainListGetStats(
            [domain], libvirt.VIR_DOMAIN_STATS_BLOCK, flags
        ),
        otherwise=[],
    )
    values = told[0][1] if told else {}
    return {
        path: allocation
        for number in range(values.get("block.count", 0))
        if (path := values.get(f"block.{number}.path"))
        and (allocation := values.get(f"block.{number}.allocation")) is not None
    }


def _sized(snapshot: Snapshot, sizes: dict[str, int]) -> Snapshot:
    disks = tuple(
        msgspec.structs.replace(disk, allocation=sizes.get(disk.file)) if disk.file else disk
        for disk in snapshot.disks
    )
    return msgspec.structs.replace(snapshot, disks=disks)


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
