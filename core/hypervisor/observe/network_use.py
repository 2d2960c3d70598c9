"""Leases and ports of one network, read because somebody looks at it. On a lane thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model.network import Lease, NetworkUse
from core.model.text import clean

T = TypeVar("T")


def read_network_use(conn: Connection, uuid: str) -> NetworkUse | None:
    """Read its leases, and how many ports there are: three calls. None: it is gone."""
    network = unless_gone(lambda: conn.networkLookupByUUIDString(uuid))
    if network is None:
        return None
    leases = _told(conn, lambda: network.DHCPLeases(None, 0))
    ports = _told(conn, lambda: network.listAllPorts(0))
    return NetworkUse(
        None if leases is None else tuple(map(_lease, leases)),
        None if ports is None else len(ports),
    )


def _told(conn: Connection, call: Callable[[], T]) -> T | None:
    """Return what a call tells; None where the driver does not, or the network is off."""
    try:
        return call()
    except libvirt.libvirtError:
        if not conn.isAlive():
            raise
        return None


def _lease(told: dict[str, Any]) -> Lease:
    prefix = told.get("prefix")
    return Lease(
        mac=clean(told.get("mac") or "").lower(),
        address=f"{clean(told.get('ipaddr') or '')}{f'/{prefix}' if prefix else ''}",
        name=clean(told.get("hostname") or ""),
        expires=float(told["expirytime"]) if told.get("expirytime") else None,
    )
