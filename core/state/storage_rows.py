"""What the storage of all hosts comes to, each thing once: pools, volumes, disks of no pool. Pure.

Two pools are one storage only where both say so by a source on the network: the same servers and
the same export, image pool or target. That two hosts have a directory of one path says nothing:
nearly all have `/var/lib/libvirt/images`. Those stay two rows, and name each other's users with a
question mark (`core.state.usage.users_elsewhere`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.model import Disk, Instance, LinkStatus, ObjectKey, Pool, State, Volume
from core.state.memo import Memo

NO_POOL = ""
"""The UUID of the pool of a disk that is in none."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """One disk of an instance that is, or lies over, something."""

    instance: ObjectKey
    name: str
    target: str
    read_only: bool
    shared: bool
    active: bool
    depth: int
    """How many images lie between; 0: it is the disk itself."""


Uses = Mapping[tuple[str, str], tuple[DiskUse, ...]]
"""By host, and path or POOL/VOLUME."""


def _uses(instances: Mapping[ObjectKey, Instance]) -> Uses:
    found: dict[tuple[str, str], list[DiskUse]] = {}
    for key, instance in instances.items():
        for disk in instance.disks:
            for depth, source in enumerate(disk.layers):
                use = DiskUse(
                    *(key, instance.name, disk.target, disk.read_only, disk.shareable),
                    *(instance.state.active, depth),
                )
                for place in {source.path, source.path.removeprefix(f"{source.protocol}:")}:
                    found.setdefault((instance.host, place), []).append(use)
    return {place: tuple(each) for place, each in found.items()}


_indexed = Memo(_uses)


def uses_of(state: State, volume: Volume) -> tuple[DiskUse, ...]:
    """Return the disks that are a volume, or are seen to lie over it; on its host. Any thread."""
    index = _indexed(state.instances)
    named = f"{volume.pool_name}/{volume.name}" if volume.pool else ""
    places = dict.fromkeys(filter(None, (volume.path, named)))
    found = [use for place in places for use in index.get((volume.host, place), ())]
    return tuple(dict.fromkeys(found))


def _places(volumes: Mapping[ObjectKey, Volume]) -> frozenset[tuple[str, str]]:
    paths = {(one.host, one.path) for one in volumes.values()}
    return frozenset(
        paths | {(one.host, f"{one.pool_name}/{one.name}") for one in volumes.values()}
    )


_known = Memo(_places)


def loose_disks(state: State) -> dict[ObjectKey, Volume]:
    """Return the disks of instances that are in no pool as read, each as a volume of none.

    Of a host whose volumes are not listed yet there are none.
    """
    known, found = _known(state.volumes), dict[ObjectKey, Volume]()
    listed = {host.name for host in state.hosts.values() if "volumes" in host.listed}
    for instance in state.instances.values():
        if instance.host not in listed:
            continue
        for disk in instance.disks:
            volume = _loose(instance.host, disk)
            if volume is None or volume.key in found:
                continue
            bare = volume.path.partition(":")[2]
            if not {(volume.host, volume.path), (volume.host, bare)} & known:
                found[volume.key] = volume
    return found


def _loose(host: str, disk: Disk) -> Volume | None:
    source = disk.source
    if source is None or not source.path:
        return None
    below = disk.backing[0].path if disk.backing else ""
    return Volume(
        *(host, NO_POOL, "", source.path, source.path, source.type, source.format), backing=below
    )


def _twins(pools: Mapping[ObjectKey, Pool]) -> dict[ObjectKey, tuple[ObjectKey, ...]]:
    same: dict[tuple[str, str], list[ObjectKey]] = {}
    for key, pool in pools.items():
        if pool.source:
            same.setdefault((pool.type, pool.source), []).append(key)
    groups = [each for each in same.values() if len({key.host for key in each}) > 1]
    return {key: tuple(each) for each in groups for key in each}


_same = Memo(_twins)


def twins_of(state: State, pool: ObjectKey) -> tuple[ObjectKey, ...]:
    """Return the pools that are one storage with a pool, itself among them; none: it is alone."""
    return _same(state.pools).get(pool, ())


def shown_at(state: State, pool: ObjectKey) -> ObjectKey:
    """Return the pool as which a storage is shown: of the first host that answers."""
    every = twins_of(state, pool)
    for key in every:
        host = state.hosts.get(key.host)
        if host is not None and host.link.status is LinkStatus.UP:
            return key
    return every[0] if every else pool


def pool_key(row: Pool | Volume) -> ObjectKey:
    """Return the key of a pool, or of that a volume is in."""
    return ObjectKey("pool", row.host, row.uuid if isinstance(row, Pool) else row.pool)


def storage_rows(state: State) -> dict[ObjectKey, Pool | Volume]:
    """Return every pool, every volume and every disk of no pool, each once."""
    if not _same(state.pools):
        return {**state.pools, **state.volumes, **loose_disks(state)}
    hidden = {(key.host, key.id) for key in state.pools if shown_at(state, key) != key}
    return {
        **{key: one for key, one in state.pools.items() if (key.host, key.id) not in hidden},
        **{key: one for key, one in state.volumes.items() if (one.host, one.pool) not in hidden},
        **loose_disks(state),
    }
