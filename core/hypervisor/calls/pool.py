"""The calls on storage pools. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.calls.executor import Executors
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.pool import PoolAutostartCall, PoolCreateCall, PoolDestroyCall, PoolRefreshCall


def start(conn: Connection, subject: ObjectKey, _: PoolCreateCall) -> None:
    """Start a pool (virStoragePoolCreate)."""
    _pool(conn, subject).create(0)


def stop(conn: Connection, subject: ObjectKey, _: PoolDestroyCall) -> None:
    """Stop a pool (virStoragePoolDestroy)."""
    _pool(conn, subject).destroy()


def refresh(conn: Connection, subject: ObjectKey, _: PoolRefreshCall) -> None:
    """Have libvirt look at a pool again (virStoragePoolRefresh)."""
    _pool(conn, subject).refresh(0)


def set_autostart(conn: Connection, subject: ObjectKey, call: PoolAutostartCall) -> None:
    """Have a pool started with its host (virStoragePoolSetAutostart)."""
    _pool(conn, subject).setAutostart(int(call.on))


def _pool(conn: Connection, subject: ObjectKey) -> Any:
    return conn.storagePoolLookupByUUIDString(subject.id)


EXECUTORS: Executors = {
    PoolCreateCall: start,
    PoolDestroyCall: stop,
    PoolRefreshCall: refresh,
    PoolAutostartCall: set_autostart,
}
