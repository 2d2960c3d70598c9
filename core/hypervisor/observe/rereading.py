"""Reading again what an event made out of date: one instance or network, as an observation."""

from __future__ import annotations

from core.clock import Clock
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe import reading
from core.model.base import ObjectKey
from core.model.observation import (
    InstanceGone,
    InstanceRead,
    NetworkGone,
    NetworkRead,
    Observation,
)


def read_object(conn: Connection, key: ObjectKey, clock: Clock) -> Observation:
    """Read an instance or network. On a lane's thread; raises libvirtError."""
    _kind, host, uuid = key
    if key.kind == "network":
        network = reading.read_network(conn, host, uuid)
        if network is None:
            return NetworkGone(host, clock.now(), uuid)
        return NetworkRead(host, clock.now(), network)
    instance = reading.read_instance(conn, host, uuid)
    if instance is None:
        return InstanceGone(host, clock.now(), uuid)
    return InstanceRead(host, clock.now(), instance)
