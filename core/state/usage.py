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
from core.model.paths import also_called, plain_path, volume_places
from core.state.memo import Memo
from core.state.shared_storage import places_elsewhere, pools_elsewhere

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
                for place in source_places(source):
                    index.setdefault((instance.host, place), {})[position] = key
    return index


def source_places(source: DiskSource) -> Iterator[str]:
    """Return the texts by which a volume may be what a disk's source names."""
    yield source.path
    prefix, colon, rest = source.path.partition(":")
    if colon and prefix == source.protocol:
        yield rest  # a pool of that protocol knows the volume by its bare name


def _volume_places(volume: Volume) -> tuple[str, ...]:
    return volume_places(volume.path, volume.pool_name, volume.name)


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

    Of other hosts those whose disk is in a pool that both seem to have, or on the network. In the
    order of the state, of the host itself first.
    """
    wanted = frozenset(each for one in places if one for each in (one, *also_called(one)))
    everywhere = frozenset(path for path in wanted if path.partition(":")[0] in _NETWORK)
    shared = places_elsewhere(state, host, wanted)
    instances = sorted(state.instances.values(), key=lambda one: one.host != host)
    for instance in instances:
        there = everywhere | shared.get(instance.host, frozenset())
        here = wanted if instance.host == host else there
        for disk in instance.disks if here else ():
            if any(place in here for layer in disk.layers for place in source_places(layer)):
                yield instance, disk


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
        inside = [
            places.get((pool.host, place)) for layer in layers for place in source_places(layer)
        ]
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

    That is, those whose host has a pool that seems to be the same, and which have a disk at what
    the volume is there. It is a warning: see `core.state.shared_storage`.
    """
    index = _users(state.instances)
    found: dict[ObjectKey, None] = {}
    for pool, places in pools_elsewhere(state, volume):
        users: dict[int, ObjectKey] = {}
        for place in places:
            users |= index.get((pool.host, place), {})
        found |= dict.fromkeys(users[position] for position in sorted(users))
    return tuple(state.instances[key] for key in found)


def hosts_unread(state: State, volume: Volume) -> tuple[str, ...]:
    """Return the other hosts with the volume's pool where some instance has not told its disks."""
    sharing = {pool.host for pool, _ in pools_elsewhere(state, volume)}
    return tuple(sorted(sharing & _incomplete(state.instances)))


def hosts_out_of_reach(state: State, volume: Volume) -> tuple[str, ...]:
    """Return the other hosts without a link that may use the volume now, whatever was seen last.

    That is, those that had the volume's pool, and those of which no pool was ever read.
    """
    read = {pool.host for pool in state.pools.values()}
    sharing = {pool.host for pool, _ in pools_elsewhere(state, volume)}
    return tuple(
        host.name
        for host in state.hosts.values()
        if host.name != volume.host
        and host.link.status is not LinkStatus.UP
        and (host.name in sharing or host.name not in read)
    )


def used_by_any(state: State, volume: Volume) -> bool:
    """Return whether any instance uses, or may use, the volume, or anything lies over it."""
    used = users_of(state, volume) or users_elsewhere(state, volume)
    return bool(used or overlays_of(state, volume))


def volume_of(volumes: Iterable[Volume], host: str, path: str) -> Volume | None:
    """Return the volume that a disk names by its path, or as POOL/VOLUME."""
    wanted = plain_path(path)
    for volume in volumes:
        if volume.host == host and wanted in _volume_places(volume):
            return volume
    return None
