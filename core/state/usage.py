"""Who uses a volume, as a disk or below one, and who is on a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from core.model import (
    Disk,
    DiskSource,
    Instance,
    LinkStatus,
    Network,
    ObjectKey,
    Pool,
    State,
    Volume,
)
from core.state.memo import Memo

Place = tuple[str, str]
"""A host and what a disk's source says there: a path, or `POOL/VOLUME`."""
_NETWORK = frozenset({"rbd", "iscsi", "nbd", "nfs", "ssh", "https", "http"})
"""Protocols of images that are the same seen from any host."""


def _index_users(instances: Mapping[ObjectKey, Instance]) -> dict[Place, dict[int, ObjectKey]]:
    """Return the users of each place, by their position in the listing."""
    index: dict[Place, dict[int, ObjectKey]] = {}
    for position, (key, instance) in enumerate(instances.items()):
        for disk in instance.disks:
            for source in disk.layers:
                for place in _places(source):
                    index.setdefault((instance.host, place), {})[position] = key
    return index


def _places(source: DiskSource) -> Iterator[str]:
    yield source.path
    prefix, colon, rest = source.path.partition(":")
    if colon and prefix == source.protocol:
        yield rest  # a pool of that protocol knows the volume by its bare name


def _volume_places(volume: Volume) -> tuple[str, ...]:
    """Return the texts by which a disk's source may name a volume."""
    named = f"{volume.pool_name}/{volume.name}"
    return (volume.path, named) if volume.path and volume.path != named else (named,)


def _undescribed_hosts(instances: Mapping[ObjectKey, Instance]) -> frozenset[str]:
    return frozenset(instance.host for instance in instances.values() if not instance.described)


def _volumes_of_pools(volumes: Mapping[ObjectKey, Volume]) -> Counter[tuple[str, str]]:
    return Counter((volume.host, volume.pool) for volume in volumes.values())


def _index_networks(
    instances: Mapping[ObjectKey, Instance],
) -> dict[tuple[str, str], list[ObjectKey]]:
    """Return who has an interface on each network, by host and the network's name."""
    index: dict[tuple[str, str], list[ObjectKey]] = {}
    for key, instance in instances.items():
        sources = {one.source for one in instance.interfaces if one.type == "network"}
        for source in sources:
            index.setdefault((instance.host, source), []).append(key)
    return index


def _index_above(volumes: Mapping[ObjectKey, Volume]) -> dict[Place, list[Volume]]:
    """Return what lies at once over each place."""
    index: dict[Place, list[Volume]] = {}
    for volume in volumes.values():
        if volume.backing:
            index.setdefault((volume.host, volume.backing), []).append(volume)
    return index


def _index_places(volumes: Mapping[ObjectKey, Volume]) -> dict[Place, Volume]:
    """Return the volume of each place."""
    return {
        (volume.host, place): volume
        for volume in volumes.values()
        for place in _volume_places(volume)
    }


_at = Memo(_index_places)
_above = Memo(_index_above)
_on_networks = Memo(_index_networks)
_volume_counts = Memo(_volumes_of_pools)
_users = Memo(_index_users)
_incomplete = Memo(_undescribed_hosts)


def users_of(state: State, volume: Volume) -> tuple[Instance, ...]:
    """Return the instances of the volume's host that use it, in the order of the state.

    Directly, or through the chain of backing images. The index behind it is made once per change
    of the instances. Any thread.
    """
    index = _users(state.instances)
    users: dict[int, ObjectKey] = {}
    for place in _volume_places(volume):
        users |= index.get((volume.host, place), {})
    return tuple(state.instances[users[position]] for position in sorted(users))


def volumes_at(state: State) -> Mapping[Place, Volume]:
    """Return every volume by its host, and its path or `POOL/VOLUME`. Any thread."""
    return _at(state.volumes)


def users_at(state: State, host: str, places: Iterable[str]) -> Iterator[tuple[Instance, Disk]]:
    """Return who uses an image of a host, by its path or `POOL/VOLUME`, and as which disk.

    Of other hosts those whose disk is at a pool's path that both have, or on the network. In the
    order of the state, of the host itself first.
    """
    wanted = set(filter(None, places))
    shared = {
        path
        for path in wanted
        if path.partition(":")[0] in _NETWORK
        or (path.startswith("/") and _in_shared_pool(state, host, path))
    }
    instances = sorted(state.instances.values(), key=lambda one: one.host != host)
    for instance in instances:
        here = wanted if instance.host == host else shared
        for disk in instance.disks if here else ():
            if any(place in here for layer in disk.layers for place in _places(layer)):
                yield instance, disk


def _in_shared_pool(state: State, host: str, path: str) -> bool:
    """Whether a path lies in a pool that another host has, too, by name, type and path."""
    mine = {
        (pool.name, pool.type, pool.path)
        for pool in state.pools.values()
        if pool.host == host and pool.path and path.startswith(f"{pool.path.rstrip('/')}/")
    }
    return any(
        (pool.name, pool.type, pool.path) in mine
        for pool in state.pools.values()
        if pool.host != host
    )


def overlays_of(state: State, volume: Volume) -> tuple[Volume, ...]:
    """Return the volumes of its host that lie over a volume, the nearest first.

    What is off tells its first image alone: who needs those below, the volumes say. The index is
    made once per change of the volumes. Any thread.
    """
    index, found = _above(state.volumes), dict[ObjectKey, Volume]()
    level = [volume]
    while level:
        nearest = [
            over
            for below in level
            for place in _volume_places(below)
            for over in index.get((volume.host, place), ())
        ]
        level = [over for over in nearest if over.key not in found and over.key != volume.key]
        found |= {over.key: over for over in level}
    return tuple(found.values())


def below(state: State, volume: Volume) -> tuple[Volume, ...]:
    """Return the volumes of its host that a volume lies over. Any thread."""
    places, found = _at(state.volumes), dict[ObjectKey, Volume]()
    here: Volume | None = volume
    while here is not None and here.backing:
        here = places.get((volume.host, here.backing))
        if here is None or here.key in found:
            break
        found[here.key] = here
    return tuple(found.values())


def needed_by(state: State, volume: Volume) -> tuple[Instance, ...]:
    """Return who uses a volume, and who uses what lies over it. Any thread."""
    every = (volume, *overlays_of(state, volume))
    found = {one.key: one for each in every for one in users_of(state, each)}
    return tuple(found.values())


def instances_on(state: State, network: Network) -> tuple[Instance, ...]:
    """Return the instances with an interface on a network, on or off, in the order of the state.

    The index behind it is made once per change of the instances. Any thread.
    """
    keys = _on_networks(state.instances).get((network.host, network.name), ())
    return tuple(state.instances[key] for key in keys)


def pool_users(state: State, pool: Pool) -> tuple[Instance, ...]:
    """Return the instances that have a disk in a pool, or over an image that is in it."""
    places = _at(state.volumes)
    found = []
    for instance in state.instances.values():
        if instance.host != pool.host:
            continue
        layers = [layer for disk in instance.disks for layer in disk.layers]
        inside = [places.get((pool.host, place)) for layer in layers for place in _places(layer)]
        there = [volume for volume in inside if volume is not None]
        chains = [(volume, *(below(state, volume) if volume.backing else ())) for volume in there]
        if any(volume.pool == pool.uuid for chain in chains for volume in chain):
            found.append(instance)
    return tuple(found)


def volume_count(state: State, pool: Pool) -> int:
    """Return how many volumes a pool has. Any thread."""
    return _volume_counts(state.volumes)[pool.host, pool.uuid]


def users_known(state: State, volume: Volume) -> bool:
    """Return whether every instance of the volume's host has told its disks by now."""
    return volume.host not in _incomplete(state.instances)


def users_elsewhere(state: State, volume: Volume) -> tuple[Instance, ...]:
    """Return the instances of other hosts that may use the same volume over shared storage.

    That is, those whose host has a pool of the same name, type and path, and which have a disk at
    the volume's path. libvirt does not say whether two such pools are one: treat it as a warning.
    """
    if not volume.path:
        return ()
    index = _users(state.instances)
    return tuple(
        state.instances[key]
        for pool in _same_pools(state, volume)
        for _, key in sorted(index.get((pool.host, volume.path), {}).items())
    )


def hosts_unread(state: State, volume: Volume) -> tuple[str, ...]:
    """Return the other hosts with the volume's pool where some instance has not told its disks."""
    sharing = {pool.host for pool in _same_pools(state, volume)}
    return tuple(sorted(sharing & _incomplete(state.instances)))


def hosts_out_of_reach(state: State, volume: Volume) -> tuple[str, ...]:
    """Return the other hosts without a link that may use the volume now, whatever was seen last.

    That is, those that had the volume's pool, and those of which no pool was ever read.
    """
    read = {pool.host for pool in state.pools.values()}
    sharing = {pool.host for pool in _same_pools(state, volume)}
    return tuple(
        host.name
        for host in state.hosts.values()
        if host.name != volume.host
        and host.link.status is not LinkStatus.UP
        and (host.name in sharing or host.name not in read)
    )


def _same_pools(state: State, volume: Volume) -> Iterator[Pool]:
    """Find the pools of other hosts that have name, type and path of the volume's."""
    mine = state.pools.get(ObjectKey("pool", volume.host, volume.pool))
    if mine is None:
        return
    place = (mine.name, mine.type, mine.path)
    for pool in state.pools.values():
        if pool.host != volume.host and (pool.name, pool.type, pool.path) == place:
            yield pool


def used_by_any(state: State, volume: Volume) -> bool:
    """Return whether any instance uses, or may use, the volume, or anything lies over it."""
    used = users_of(state, volume) or users_elsewhere(state, volume)
    return bool(used or overlays_of(state, volume))


def volume_of(volumes: Iterable[Volume], host: str, path: str) -> Volume | None:
    """Return the volume that a disk names by its path, or as POOL/VOLUME."""
    for volume in volumes:
        if volume.host == host and path in (volume.path, f"{volume.pool_name}/{volume.name}"):
            return volume
    return None
