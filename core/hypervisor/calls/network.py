"""The calls on virtual networks. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.network import NetworkAutostartCall, NetworkCreateCall, NetworkDestroyCall


def _network(conn: Connection, subject: ObjectKey) -> Any:
    return conn.networkLookupByUUIDString(subject.id)


CALL_FUNCTIONS: CallFunctions = {
    NetworkCreateCall: lambda conn, key, _: _network(conn, key).create(),
    NetworkDestroyCall: lambda conn, key, _: _network(conn, key).destroy(),
    NetworkAutostartCall: lambda conn, key, call: _network(conn, key).setAutostart(int(call.on)),
}
