"""The calls on storage pools. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.pool import PoolAutostartCall, PoolCreateCall, PoolDestroyCall, PoolRefreshCall


def _pool(conn: Connection, subject: ObjectKey) -> Any:
    return conn.storagePoolLookupByUUIDString(subject.id)


CALL_FUNCTIONS: CallFunctions = {
    PoolCreateCall: lambda conn, key, _: _pool(conn, key).create(0),
    PoolDestroyCall: lambda conn, key, _: _pool(conn, key).destroy(),
    PoolRefreshCall: lambda conn, key, _: _pool(conn, key).refresh(0),
    PoolAutostartCall: lambda conn, key, call: _pool(conn, key).setAutostart(int(call.on)),
}
