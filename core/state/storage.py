"""Pools, their volumes, and networks."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import DiskCounters, Network, ObjectKey, Pool, PoolState, Volume
from core.model.event import NetworkLifecycle, PoolLifecycle
from core.model.observation import (
    NetworkGone,
    NetworkRead,
    NetworksDescribed,
    PoolGone,
    PoolRead,
    VolumesDescribed,
)
from core.state import alerts, findings
from core.state.findings import APPEARED, VANISHED
from core.state.growth import with_reading
from core.state.tables import Tables

_TELLS: dict[str, tuple[str, ...]] = {
    "defined": (APPEARED,),
    "started": (APPEARED, PoolState.ACTIVE),
    "stopped": (VANISHED, PoolState.INACTIVE),
    "undefined": (VANISHED,),
}
"""What the events of pools and networks say, in the words of `findings`."""

_MOVES = ("started", "stopped")
"""Events after which an earlier reading's state is older than what is known."""


def put_pool(tables: Tables, pool: Pool, at: float) -> None:
    """Set a pool, and the alert that follows from how full it is."""
    if tables.pools.put(pool.key, pool):
        tables.mark(pool.key)
        _remember(tables, pool, at)
        current = tables.alerts.get(pool.key) or ()
        tables.put_alerts(pool.key, alerts.update_pool(pool, current, at))


def read_in(tables: Tables, pool: Pool, at: float) -> None:
    """Set a pool as libvirt tells of it, with what its volumes were seen to take since.

    libvirt looks at how full a pool is where it is refreshed alone, and tells the same until then.
    """
    told = (pool.capacity, pool.allocation, pool.available)
    before, grown = tables.taken.get(pool.key, (told, 0))
    if told != before:
        grown = 0
    tables.taken[pool.key] = (told, grown)
    put_pool(tables, _with_taken(pool, grown), at)


def _with_taken(pool: Pool, more: int) -> Pool:
    """Return a pool of which so much more is taken; never more than there is."""
    if not more or pool.capacity is None or pool.allocation is None or pool.available is None:
        return pool
    most, least = pool.allocation + pool.available, min(0, pool.allocation)
    allocation = min(max(pool.allocation + more, least), most)
    return replace(pool, allocation=allocation, available=most - allocation)


def drop_pool(tables: Tables, key: ObjectKey) -> None:
    """Remove a pool and its volumes."""
    put_volumes(tables, key, ())
    tables.growth.drop(key)
    tables.taken.pop(key, None)
    tables.put_alerts(key, ())
    tables.moved.pop(key, None)
    if tables.pools.drop(key):
        tables.mark_gone(key)


def put_volume(tables: Tables, volume: Volume) -> None:
    """Set a volume."""
    key = volume.key
    old = tables.volumes.get(key)
    if not tables.volumes.put(key, volume):
        return
    if old is not None and old.path != volume.path:
        _forget_path(tables, old)
    if volume.path:
        tables.paths[volume.host, volume.path] = key
    tables.mark(key)
    _remember(tables, volume, tables.at)


def _remember(tables: Tables, row: Pool | Volume, at: float) -> None:
    """Remember what a pool or volume takes, where that is another size than before."""
    if row.allocation is None:
        return
    before = tables.growth.get(row.key) or ()
    if not before or before[-1].allocation != row.allocation:
        tables.growth.put(row.key, with_reading(before, at, row.allocation))


def renamed(old: Volume | None, new: Volume) -> Volume:
    """Return a volume as a listing named it, with what was known of the same one before."""
    if old is None or new.described or new.path not in ("", old.path):
        return new
    return old


def drop_volume(tables: Tables, key: ObjectKey) -> None:
    """Remove a volume."""
    volume = tables.volumes.get(key)
    if volume is not None:
        tables.volumes.drop(key)
        tables.growth.drop(key)
        _forget_path(tables, volume)
        tables.mark_gone(key)


def _forget_path(tables: Tables, volume: Volume) -> None:
    if tables.paths.get((volume.host, volume.path)) == volume.key:
        del tables.paths[volume.host, volume.path]


def put_volumes(tables: Tables, pool: ObjectKey, volumes: tuple[Volume, ...]) -> None:
    """Set the volumes of one pool, in their order; the others it had are gone."""
    prefix = f"{pool.id}/"
    wanted = {volume.key: volume for volume in volumes}

    def belongs(key: ObjectKey) -> bool:
        return key.host == pool.host and key.id.startswith(prefix)

    for key in [key for key in tables.volumes if belongs(key) and key not in wanted]:
        drop_volume(tables, key)
    for key, volume in wanted.items():
        put_volume(tables, renamed(tables.volumes.get(key), volume))
    tables.volumes.arrange(belongs, [key for key in wanted if belongs(key)])


def grow_volume(tables: Tables, host: str, disk: DiskCounters) -> None:
    """Follow an attached disk's growth from its counters: the only news of it between readings.

    What its file takes is measured as libvirt's reading of it is. The highest offset written is
    not looked at: it says nothing of a file with holes, and begins at zero with each start.
    """
    volume = tables.volumes.get(tables.paths[host, disk.path])
    if volume is None:
        return
    capacity = disk.capacity or volume.capacity
    allocation = volume.allocation
    if volume.type == "file" and disk.physical and disk.physical != capacity:
        allocation = disk.physical  # its length, of a file that takes nothing: see DiskCounters
    if (capacity, allocation) == (volume.capacity, volume.allocation):
        return
    put_volume(tables, replace(volume, capacity=capacity, allocation=allocation))
    if volume.allocation is not None and allocation is not None:
        _take_from_pool(tables, volume, allocation - volume.allocation)


def _take_from_pool(tables: Tables, volume: Volume, more: int) -> None:
    """Have the pool of a file be as full as the file makes it."""
    key = ObjectKey("pool", volume.host, volume.pool)
    pool, known = tables.pools.get(key), tables.taken.get(key)
    if more and pool is not None and known is not None:
        tables.taken[key] = (known[0], known[1] + more)
        put_pool(tables, _with_taken(pool, more), tables.at)


def put_network(tables: Tables, network: Network) -> None:
    """Set a network."""
    if tables.networks.put(network.key, network):
        tables.mark(network.key)


def drop_network(tables: Tables, key: ObjectKey) -> None:
    """Remove a network."""
    tables.moved.pop(key, None)
    if tables.networks.drop(key):
        tables.mark_gone(key)


def on_pool_read(tables: Tables, read: PoolRead) -> None:
    """Take over a pool and its volumes; its state, unless an event told that since."""
    pool, known = read.pool, tables.pools.get(read.pool.key)
    if known is not None and tables.moved.get(pool.key, 0.0) > read.at:
        pool = replace(pool, state=known.state)
    read_in(tables, pool, read.at)
    put_volumes(tables, read.pool.key, read.volumes)


def on_volumes_described(tables: Tables, described: VolumesDescribed) -> None:
    """Take over what the XML of volumes says; one that is gone meanwhile stays gone."""
    for volume in described.volumes:
        if volume.key in tables.volumes:
            put_volume(tables, volume)


def on_pool_gone(tables: Tables, gone: PoolGone) -> None:
    """Remove a pool."""
    drop_pool(tables, ObjectKey("pool", gone.host, gone.uuid))


def on_network_read(tables: Tables, read: NetworkRead) -> None:
    """Take over a network; whether it is active, unless an event told that since."""
    network, known = read.network, tables.networks.get(read.network.key)
    if known is not None and tables.moved.get(network.key, 0.0) > read.at:
        network = replace(network, active=known.active)
    put_network(tables, network)


def on_networks_described(tables: Tables, read: NetworksDescribed) -> None:
    """Take over what the XML of networks says; one that is gone meanwhile stays gone."""
    for network in read.networks:
        if (known := tables.networks.get(network.key)) is not None:
            put_network(tables, with_xml_of(known, network))


def with_xml_of(network: Network, read: Network) -> Network:
    """Return a network with what another reading has from its XML. Pure."""
    flags = ("host", "uuid", "name", "active", "autostart", "persistent")
    return replace(read, **{name: getattr(network, name) for name in flags})


def on_network_gone(tables: Tables, gone: NetworkGone) -> None:
    """Remove a network."""
    drop_network(tables, ObjectKey("network", gone.host, gone.uuid))


def on_pool_lifecycle(tables: Tables, event: PoolLifecycle) -> None:
    """Show at once what a pool's event says; a reading will follow."""
    findings.told(tables, event.subject, *_TELLS.get(event.change, ()))
    pool = tables.pools.get(event.subject)
    if pool is None:
        return
    if event.change in _MOVES:
        tables.moved[pool.key] = event.at
    active = pool.state is not PoolState.INACTIVE
    if event.change == "started":
        put_pool(tables, replace(pool, state=PoolState.ACTIVE), event.at)
    elif event.change == "defined":
        put_pool(tables, replace(pool, persistent=True), event.at)
    elif event.change == "undefined" and active:
        put_pool(tables, replace(pool, persistent=False), event.at)
    elif event.change == "undefined" or (event.change == "stopped" and not pool.persistent):
        drop_pool(tables, pool.key)
    elif event.change == "stopped":
        put_pool(tables, replace(pool, state=PoolState.INACTIVE), event.at)


def on_network_lifecycle(tables: Tables, event: NetworkLifecycle) -> None:
    """Show at once what a network's event says; a reading will follow."""
    findings.told(tables, event.subject, *_TELLS.get(event.change, ()))
    network = tables.networks.get(event.subject)
    if network is None:
        return
    if event.change in _MOVES:
        tables.moved[network.key] = event.at
    if event.change in _MOVES and (event.change == "started" or network.persistent):
        put_network(tables, replace(network, active=event.change == "started"))
    elif event.change == "defined":
        put_network(tables, replace(network, persistent=True))
    elif event.change == "undefined" and network.active:
        put_network(tables, replace(network, persistent=False))
    elif event.change in ("undefined", "stopped"):
        drop_network(tables, network.key)
