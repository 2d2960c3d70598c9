"""What can be chosen for a field of a request, from the state. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console import format as fmt
from core.model import LinkStatus, ObjectKey, State
from core.model.text import clean

Choices = tuple[tuple[str, str], ...]
"""What can be chosen, and what each means."""


def choices_of(state: State, key: ObjectKey, source: str) -> Choices:
    """Return what a source offers for a subject; empty: it has none, or is not known here."""
    return _SOURCES[source](state, key) if source in _SOURCES else ()


def _hosts(state: State, key: ObjectKey) -> Choices:
    """The other hosts whose link is up."""
    return tuple(
        (host.name, host.uri)
        for host in state.hosts.values()
        if host.name != key.host and host.link.status is LinkStatus.UP
    )


def _disks(state: State, key: ObjectKey) -> Choices:
    row = state.instances.get(key)
    disks = row.disks or () if row is not None else ()
    return tuple(
        (disk.target, clean(disk.source.path) if disk.source else "an empty drive")
        for disk in disks
    )


def _pools(state: State, key: ObjectKey) -> Choices:
    return tuple(
        (pool.name, f"{fmt.size(pool.available)} free")
        for pool in state.pools.values()
        if pool.host == key.host
    )


def _networks(state: State, key: ObjectKey) -> Choices:
    return tuple(
        (network.name, "active" if network.active else "off")
        for network in state.networks.values()
        if network.host == key.host
    )


_SOURCES: Mapping[str, Callable[[State, ObjectKey], Choices]] = {
    "hosts": _hosts,
    "disks": _disks,
    "pools": _pools,
    "networks": _networks,
}
"""As `core.verbs.parameter.parameter` names them."""
