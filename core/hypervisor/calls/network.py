"""The calls on virtual networks. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.calls.executor import Executors
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.network import NetworkAutostartCall, NetworkCreateCall, NetworkDestroyCall


def start(conn: Connection, subject: ObjectKey, _: NetworkCreateCall) -> None:
    """Start a network (virNetworkCreate)."""
    _network(conn, subject).create()


def stop(conn: Connection, subject: ObjectKey, _: NetworkDestroyCall) -> None:
    """Stop a network (virNetworkDestroy)."""
    _network(conn, subject).destroy()


def set_autostart(conn: Connection, subject: ObjectKey, call: NetworkAutostartCall) -> None:
    """Have a network started with its host (virNetworkSetAutostart)."""
    _network(conn, subject).setAutostart(int(call.on))


def _network(conn: Connection, subject: ObjectKey) -> Any:
    return conn.networkLookupByUUIDString(subject.id)


EXECUTORS: Executors = {
    NetworkCreateCall: start,
    NetworkDestroyCall: stop,
    NetworkAutostartCall: set_autostart,
}
