"""Reading again what an event made out of date: instances and networks, as observations."""

from __future__ import annotations

from collections.abc import Iterable

from core.clock import Clock
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe import reading
from core.hypervisor.observe.describing import Chunk, describe_each
from core.model.base import ObjectKey
from core.model.observation import (
    InstanceGone,
    InstanceRead,
    NetworkGone,
    NetworkRead,
    Observation,
)


def read_each(conn: Connection, keys: Iterable[ObjectKey], clock: Clock) -> Chunk[Observation]:
    """Read a chunk of instances and networks. On a lane, as `describe_each` says.

    An instance that was read without its XML is among the `failed`, too.
    """
    chunk: Chunk[Observation] = describe_each(
        keys, lambda key: read_object(conn, key, clock), lambda: bool(conn.isAlive())
    )
    for observation in chunk.described:
        chunk.failed.extend(undescribed(observation))
    return chunk


def undescribed(observation: Observation) -> tuple[ObjectKey, ...]:
    """Return the key of an instance that was read, but not wholly. Pure."""
    if isinstance(observation, InstanceRead) and not observation.instance.described:
        return (observation.instance.key,)
    return ()


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
