"""The devices of the hosts that somebody looked at. Pure."""

from __future__ import annotations

from core.model import ObjectKey
from core.model.observation import HostDevicesRead
from core.state.tables import Tables


def on_read(tables: Tables, read: HostDevicesRead) -> None:
    """Take over what was read: all devices of a host, or some of those that are known."""
    known = tables.devices.get(read.host)
    if read.whole:
        found = {one.name: one for one in read.devices}
    elif known is None:
        return  # forgotten meanwhile: a few of them are not all
    else:
        found = {one.name: one for one in known if one.name not in read.gone}
        found.update((one.name, one) for one in read.devices)
    if tables.devices.put(read.host, tuple(found.values())):
        tables.mark(ObjectKey("host", read.host, read.host))


def forget(tables: Tables, host: str) -> None:
    """Forget those of a host that is in reach again: what was plugged meanwhile nobody told."""
    if tables.devices.drop(host):
        tables.mark(ObjectKey("host", host, host))
