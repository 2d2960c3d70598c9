"""Everything a host has, in a number of calls that does not grow with its instances.

Runs on a lane thread. Instances come with name, state and flags; their XML has no bulk call and is
read afterwards (`core.hypervisor.reading`). Networks cost a call each and pools three, of which a
host has few; volumes cost one each, and are given up in favour of their names after a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from core.hypervisor.binding import Connection, libvirt
from core.hypervisor.reading import (
    describe_network,
    describe_pool,
    list_volumes,
    name_volume,
    read_volume,
)
from core.hypervisor.tolerance import gone, unless_gone, unsupported
from core.model.instance import Instance
from core.model.network import Network
from core.model.observation import Listed
from core.model.state_code import decode_state
from core.model.storage import Pool, Volume
from core.model.text import printable_name

VOLUME_SECONDS = 2.0
"""How long a listing may read volumes: ten thousand on a local socket, a hundred at 20 ms."""

_SIZES = (
    ("vcpu.current", "vcpus", 1),
    ("vcpu.maximum", "vcpus_maximum", 1),
    ("balloon.current", "memory", 1024),
    ("balloon.maximum", "memory_maximum", 1024),
)
"""Statistics of an instance that is off, the field each fills, and its unit."""

_Listing = Callable[[int], list[Any]]


def read_listing(
    conn: Connection, host: str, at: float, volume_seconds: float = VOLUME_SECONDS
) -> Listed:
    """List a host. Raises libvirtError when the connection fails.

    A driver that lacks one of the bulk calls is asked object by object for what that call would
    have told, one without networks or storage has none. Volumes for which time ran out are there
    by name, with unknown sizes: see `pools_to_read`.
    """
    instances = _list_instances(conn, host)
    networks = _list_networks(conn, host)
    pools, volumes = _list_storage(conn, host, time.monotonic() + volume_seconds)
    return Listed(host, at, instances, pools, volumes, networks)


def pools_to_read(listed: Listed) -> tuple[str, ...]:
    """Return the UUIDs of the pools whose volumes a listing could only name: to be read. Pure."""
    return tuple(dict.fromkeys(volume.pool for volume in listed.volumes if volume.capacity is None))


def _list_instances(conn: Connection, host: str) -> tuple[Instance, ...]:
    domains = conn.listAllDomains(0)
    if not domains:
        return ()

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllDomains, flag, domains, ask)

    persistent = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT, lambda d: d.isPersistent())
    autostart = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART, lambda d: d.autostart())
    saved = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, lambda d: d.hasManagedSaveImage(0))
    states, sizes = _states(conn), _sizes(conn)
    instances = []
    for domain in domains:
        uuid = domain.UUIDString()
        numbers = states.get(uuid) or _state_of(domain)
        if numbers is None:
            continue
        state, reason = decode_state(*numbers)
        instance = Instance(
            host=host,
            uuid=uuid,
            name=printable_name(domain.name()),
            state=state,
            reason=reason,
            id=_id_of(domain),
            persistent=uuid in persistent,
            autostart=uuid in autostart,
            managed_save=uuid in saved,
            described=False,
        )
        instances.append(msgspec.structs.replace(instance, **sizes.get(uuid, {})))
    return tuple(instances)


def _sizes(conn: Connection) -> dict[str, dict[str, int]]:
    """Return vCPUs and memory (bytes) of the instances that are off, by field: one call.

    Only of those: the same question about one that runs waits for its hypervisor process. Nothing
    where the driver has no such statistics.
    """
    groups = libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_BALLOON
    try:
        records = conn.getAllDomainStats(groups, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE)
    except libvirt.libvirtError as error:
        if unsupported(error):
            return {}
        raise
    return {
        domain.UUIDString(): {
            field: record[name] * unit for name, field, unit in _SIZES if name in record
        }
        for domain, record in records
    }


def _states(conn: Connection) -> dict[str, tuple[int, int]]:
    """Return virDomainState and reason of every instance, active or not: one call.

    Empty where the driver has no bulk statistics.
    """
    try:
        records = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    except libvirt.libvirtError as error:
        if unsupported(error):
            return {}
        raise
    return {
        domain.UUIDString(): (record["state.state"], record.get("state.reason", 0))
        for domain, record in records
        if "state.state" in record
    }


def _state_of(domain: Any) -> tuple[int, int] | None:
    """Return the state of one instance that the bulk call left out; None when it is gone."""
    numbers = unless_gone(domain.state)
    return None if numbers is None else (numbers[0], numbers[1])


def _id_of(domain: Any) -> int | None:
    number = domain.ID()  # kept in the handle, which is as old as the listing
    return number if number >= 0 else None


def _marked(
    listing: _Listing, flag: int, objects: Iterable[Any], ask: Callable[[Any], bool]
) -> set[str]:
    """Return the UUIDs of the objects a filtered listing gives: one call.

    Where the driver does not know the filter, one call per object.
    """
    try:
        return {handle.UUIDString() for handle in listing(flag)}
    except libvirt.libvirtError as error:
        if not unsupported(error):
            raise
    return {handle.UUIDString() for handle in objects if _says_yes(ask, handle)}


def _says_yes(ask: Callable[[Any], bool], handle: Any) -> bool:
    try:
        return bool(ask(handle))
    except libvirt.libvirtError as error:
        if gone(error) or unsupported(error):
            return False
        raise


def _list_networks(conn: Connection, host: str) -> tuple[Network, ...]:
    handles = _all_of(conn, conn.listAllNetworks)
    if not handles:
        return ()

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllNetworks, flag, handles, ask)

    active = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE, lambda n: n.isActive())
    autostart = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_AUTOSTART, lambda n: n.autostart())
    persistent = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_PERSISTENT, lambda n: n.isPersistent())
    networks = []
    for handle in handles:
        network = unless_gone(partial(describe_network, handle, host))
        if network is not None:
            found = msgspec.structs.replace(
                network,
                active=network.uuid in active,
                autostart=network.uuid in autostart,
                persistent=network.uuid in persistent,
            )
            networks.append(found)
    return tuple(networks)


def _list_storage(
    conn: Connection, host: str, end: float
) -> tuple[tuple[Pool, ...], tuple[Volume, ...]]:
    handles = _all_of(conn, conn.listAllStoragePools)
    if not handles:
        return (), ()

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllStoragePools, flag, handles, ask)

    autostart = marked(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, lambda p: p.autostart())
    persistent = marked(
        libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, lambda p: p.isPersistent()
    )
    pools: list[Pool] = []
    volumes: list[Volume] = []
    for handle in handles:
        described = unless_gone(partial(describe_pool, handle, host))
        if described is None:
            continue
        pool = msgspec.structs.replace(
            described,
            autostart=described.uuid in autostart,
            persistent=described.uuid in persistent,
        )
        pools.append(pool)
        volumes.extend(_volumes_of(handle, pool, end))
    return tuple(pools), tuple(volumes)


def _volumes_of(handle: Any, pool: Pool, end: float) -> Iterable[Volume]:
    for volume in unless_gone(partial(list_volumes, handle, pool)) or ():
        in_time = time.monotonic() < end
        found = read_volume(volume, pool) if in_time else name_volume(volume, pool)
        if found is not None:
            yield found


def _all_of(conn: Connection, listing: _Listing) -> list[Any]:
    """Return all handles of a kind; none where the host has no driver for that kind.

    A host with a daemon per driver answers with connection errors of its own when one of them does
    not run: ours is still alive then.
    """
    try:
        return listing(0)
    except libvirt.libvirtError:
        if not conn.isAlive():
            raise
        return []
