"""The devices of a host and its network filters, read because somebody asks. On a lane thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.model.host_device import FilterBinding, HostDevice, NetworkFilter, NetworkFilters
from core.xml.node_device import read_binding, read_filter, read_node_device

T = TypeVar("T", HostDevice, NetworkFilter, FilterBinding)


def read_host_devices(conn: Connection, *, every: bool = False) -> tuple[HostDevice, ...] | None:
    """Read the devices of a host: one call, and one for each. None: its driver tells none.

    Those that an instance can be given, and what such are made of; all of them where `every` is.
    """
    flags = 0 if every else (
        libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
        | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV
        | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV
        | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES
    )  # fmt: skip
    listed = _listed(lambda: conn.listAllDevices(flags))
    return None if listed is None else _described(listed, read_node_device)


def read_some_devices(
    conn: Connection, names: Iterable[str]
) -> tuple[tuple[HostDevice, ...], tuple[str, ...]]:
    """Read devices by their names: two calls for each. Returns them, and who is no more."""
    found, gone = [], []
    for name in names:
        try:
            found.append(read_node_device(conn.nodeDeviceLookupByName(name).XMLDesc(0)))
        except (XmlError, libvirt.libvirtError):
            if not conn.isAlive():
                raise
            gone.append(name)
    return tuple(found), tuple(gone)


def read_network_filters(conn: Connection) -> NetworkFilters | None:
    """Read the filters of a host and their bindings: two calls, and one for each. None: no such."""
    filters = _listed(lambda: conn.listAllNWFilters(0))
    if filters is None:
        return None
    bindings = _listed(lambda: conn.listAllNWFilterBindings(0)) or []
    return NetworkFilters(_described(filters, read_filter), _described(bindings, read_binding))


def _listed(call: Callable[[], list[Any]]) -> list[Any] | None:
    try:
        return call()
    except libvirt.libvirtError as error:
        if unsupported(error):
            return None
        raise


def _described(handles: list[Any], read: Callable[[str], T]) -> tuple[T, ...]:
    found: list[T] = []
    for handle in handles:
        try:
            found.append(read(handle.XMLDesc(0)))
        except XmlError:
            continue
        except libvirt.libvirtError:
            if not handle.connect().isAlive():
                raise  # else it has gone meanwhile
    return tuple(found)
