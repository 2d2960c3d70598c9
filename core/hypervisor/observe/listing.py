"""Everything a host has, by kind, in a number of calls that does not grow with its instances.

Runs on a lane thread. Instances come with name, state and flags, networks with name and flags;
their XML has no bulk call and is read afterwards (`core.hypervisor.observe.describing`). Pools
cost three calls each, of which a host has few; volumes are only named, and described afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, unless_gone, unsupported
from core.hypervisor.observe.reading import Handles, describe_pool, list_volumes
from core.model.instance import Instance
from core.model.network import Network
from core.model.probe import is_probe
from core.model.state_code import decode_state
from core.model.storage import Pool, Volume
from core.model.text import printable_name

_SIZES = (
    ("vcpu.current", "vcpus", 1),
    ("vcpu.maximum", "vcpus_maximum", 1),
    ("balloon.current", "memory", 1024),
    ("balloon.maximum", "memory_maximum", 1024),
)
"""Statistics of an instance that is off, the field each fills, and its unit."""

_Listing = Callable[[int], list[Any]]


def read_instances(conn: Connection, host: str) -> tuple[tuple[Instance, ...], Handles]:
    """List the instances of a host, with the handle of each by its key: five calls.

    Raises libvirtError when the connection fails. A driver that lacks one of the bulk calls is
    asked instance by instance for what that call would have told.
    """
    states = _states(conn)
    domains = conn.listAllDomains(0) if states is None else [domain for domain, _ in states]
    if not domains:
        return (), {}

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllDomains, flag, domains, ask)

    # the exception, not the rule: each handle that a listing returns costs time here and there
    transient = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT, lambda d: not d.isPersistent())
    autostart = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART, lambda d: d.autostart())
    saved = marked(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, lambda d: d.hasManagedSaveImage(0))
    sizes = _sizes(conn)
    found: list[tuple[Instance, Any]] = []
    for domain, numbers in states or [(domain, None) for domain in domains]:
        numbers = numbers or _state_of(domain)
        if numbers is None or is_probe(domain.name()):  # it is gone, or never runs
            continue
        uuid = domain.UUIDString()
        told = {
            "persistent": uuid not in transient,
            "autostart": uuid in autostart,
            "managed_save": uuid in saved,
            **sizes.get(uuid, {}),
        }
        found.append((_named(domain, host, numbers, told), domain))
    return tuple(one for one, _ in found), {one.key: domain for one, domain in found}


def _named(domain: Any, host: str, numbers: tuple[int, int], told: dict[str, Any]) -> Instance:
    """Return an instance as far as its handle tells, with what was `told` of it by field."""
    state, reason = decode_state(*numbers)
    return Instance(
        host=host,
        uuid=domain.UUIDString(),
        name=printable_name(domain.name()),
        state=state,
        reason=reason,
        id=_id_of(domain),
        described=False,
        **told,
    )


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


def _states(conn: Connection) -> list[tuple[Any, tuple[int, int] | None]] | None:
    """Return every instance's handle with its virDomainState and reason: one call.

    None where the driver has no bulk statistics; a state that the call left out is None.
    """
    try:
        records = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    except libvirt.libvirtError as error:
        if unsupported(error):
            return None
        raise
    return [
        (
            domain,
            (record["state.state"], record.get("state.reason", 0))
            if "state.state" in record
            else None,
        )
        for domain, record in records
    ]


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


def read_networks(conn: Connection, host: str) -> tuple[tuple[Network, ...], Handles]:
    """List the networks of a host, with the handle of each by its key: four calls.

    None where it has no driver for them. Raises libvirtError when the connection fails.
    """
    handles = _all_of(conn, conn.listAllNetworks)
    if not handles:
        return (), {}

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllNetworks, flag, handles, ask)

    active = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE, lambda n: n.isActive())
    autostart = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_AUTOSTART, lambda n: n.autostart())
    persistent = marked(libvirt.VIR_CONNECT_LIST_NETWORKS_PERSISTENT, lambda n: n.isPersistent())
    named = {handle.UUIDString(): handle for handle in handles}
    networks = tuple(
        Network(
            host,
            uuid,
            printable_name(handle.name()),
            active=uuid in active,
            autostart=uuid in autostart,
            persistent=uuid in persistent,
            described=False,
        )
        for uuid, handle in named.items()
    )
    return networks, {one.key: named[one.uuid] for one in networks}


def read_storage(
    conn: Connection, host: str, *, volumes_too: bool = True
) -> tuple[tuple[Pool, ...], tuple[Volume, ...], Handles]:
    """List the pools of a host and their volumes by name, with the handle of each volume.

    Three calls and three for each pool; one less for each without the volumes. Raises libvirtError
    when the connection fails.
    """
    pool_handles = _all_of(conn, conn.listAllStoragePools)
    if not pool_handles:
        return (), (), {}

    def marked(flag: int, ask: Callable[[Any], bool]) -> set[str]:
        return _marked(conn.listAllStoragePools, flag, pool_handles, ask)

    autostart = marked(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, lambda p: p.autostart())
    persistent = marked(
        libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, lambda p: p.isPersistent()
    )
    pools: list[Pool] = []
    volumes: list[Volume] = []
    handles: Handles = {}
    for handle in pool_handles:
        described = unless_gone(partial(describe_pool, handle, host))
        if described is None:
            continue
        flagged = msgspec.structs.replace(
            described,
            autostart=described.uuid in autostart,
            persistent=described.uuid in persistent,
        )
        pool, found = list_volumes(handle, flagged) if volumes_too else (flagged, [])
        pools.append(pool)
        volumes.extend(volume for volume, _ in found)
        handles.update((volume.key, volume_handle) for volume, volume_handle in found)
    return tuple(pools), tuple(volumes), handles


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
