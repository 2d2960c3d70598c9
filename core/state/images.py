"""Base images: what lies over them and who uses them, through which chain. Pure.

A base image is a volume that something lies over, or one that nobody has as a disk: the first is
used, the second may go. The XML of an instance that runs tells the whole chain of a disk, that of
one that is off only its first image: the volumes tell the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.model import (
    DiskSource,
    Instance,
    InstanceState,
    LinkStatus,
    ObjectKey,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.model.base import Value
from core.model.lists import listed, plural
from core.model.paths import volume_places
from core.model.text import clean
from core.state.shared_storage import pools_elsewhere
from core.state.usage import hosts_out_of_reach, hosts_unread, source_places

DEEPEST = 64
"""Images of a chain that are followed; QEMU opens fewer."""
_WITH_CHAINS = frozenset({"qcow2", "qed", "vmdk", "qcow", "vhdx", "vpc", ""})
"""Formats of images that may be based on others; empty: not known."""
UNLISTED = (PoolState.INACTIVE, PoolState.BUILDING, PoolState.INACCESSIBLE)
"""States of a pool in which libvirt lists none of its volumes."""

Place = tuple[str, str]
"""A host and a path there."""


class ImageUser(Value, frozen=True):
    """An instance that needs an image."""

    instance: ObjectKey
    name: str
    state: InstanceState
    target: str
    """Of its disk."""
    chain: tuple[str, ...] = ()
    """The paths from its disk down to the image, without that; empty: the image is its disk."""


class BaseImage(Value, frozen=True):
    """A base image, and who needs it."""

    volume: Volume
    overlays: tuple[Volume, ...] = ()
    """What lies over it, at once or further up, whether anybody uses it or not."""
    users: tuple[ImageUser, ...] = ()
    unknown: tuple[str, ...] = ()
    """Why nobody can say that these are all, a clause each; empty: they are."""

    @property
    def used(self) -> bool:
        """Whether something needs it."""
        return bool(self.overlays or self.users)


@dataclass
class _Index:
    """What is where, made once for a state."""

    volumes: dict[Place, Volume] = field(default_factory=dict)
    above: dict[Place, list[Volume]] = field(default_factory=dict)
    users: dict[Place, list[ImageUser]] = field(default_factory=dict)
    untold: dict[str, list[str]] = field(default_factory=dict)
    """By host: whose chains end where nobody sees on, a clause each."""
    folders: set[Place] = field(default_factory=set)
    """Of the pools."""
    strange: dict[Place, list[str]] = field(default_factory=dict)
    """By host and name of the file: who has one that is in no pool, a clause each."""


def images(state: State) -> dict[ObjectKey, BaseImage]:
    """Return the base images of every host, in the order of the volumes."""
    index = _index(state)
    gaps = {host: tuple(_gaps(state, host, index)) for host in state.hosts}
    found = {}
    for key, volume in state.volumes.items():
        image = _image(state, index, volume, gaps.get(volume.host, ()))
        if image.overlays or all(user.chain for user in image.users):
            found[key] = image
    return found


def image_of(state: State, volume: Volume) -> BaseImage:
    """Return what needs a volume, whether it is a base image or not."""
    index = _index(state)
    return _image(state, index, volume, tuple(_gaps(state, volume.host, index)))


def _index(state: State) -> _Index:
    index = _Index(folders={(pool.host, pool.path) for pool in state.pools.values()})
    for volume in state.volumes.values():
        for place in volume_places(volume.path, volume.pool_name, volume.name):
            index.volumes[volume.host, place] = volume
        if volume.backing:
            index.above.setdefault((volume.host, volume.backing), []).append(volume)
    for instance in state.instances.values():
        for disk in instance.disks:
            chain = _chain(index, instance.host, disk.layers)
            for depth, path in enumerate(chain):
                user = ImageUser(
                    instance.key, instance.name, instance.state, disk.target, tuple(chain[:depth])
                )
                index.users.setdefault((instance.host, path), []).append(user)
            if chain and (why := _untold(index, instance, disk.layers[-1].format, chain)):
                index.untold.setdefault(instance.host, []).append(why)
            for path in chain:
                _note_strange(index, instance, path)
    return index


def _note_strange(index: _Index, instance: Instance, path: str) -> None:
    """Note a file that is in no pool: it may be a volume's, through a link of the file system.

    libvirt tells of none, and keeps the paths of pools and of disks as they were given.
    """
    folder, _, file = path.rpartition("/")
    known = (instance.host, path) in index.volumes or (instance.host, folder) in index.folders
    if path.startswith("/") and not known:
        why = f"{clean(instance.name)} has {clean(path)}, which may be it by another path"
        index.strange.setdefault((instance.host, file), []).append(why)


def _chain(index: _Index, host: str, layers: Sequence[DiskSource]) -> list[str]:
    """Return the paths of a disk's images, the first first, as far as they are known."""
    chain: list[str] = []
    for layer in layers:
        places = ((host, place) for place in source_places(layer))
        volume = next((index.volumes[at] for at in places if at in index.volumes), None)
        chain.append(layer.path if volume is None else volume.path or layer.path)
    while chain and len(chain) < DEEPEST:
        volume = index.volumes.get((host, chain[-1]))
        if volume is None or not volume.backing or volume.backing in chain:
            break
        chain.append(volume.backing)
    return chain


def _untold(index: _Index, instance: Instance, kind: str, chain: list[str]) -> str:
    """Say whose chain goes on where nobody sees it: of one that is off, in no pool."""
    last = chain[-1]
    if instance.state.active or (instance.host, last) in index.volumes:
        return ""
    if kind not in _WITH_CHAINS and len(chain) == 1:
        return ""
    return f"what {clean(last)} of {clean(instance.name)} is based on: it is in no pool"


def _image(state: State, index: _Index, volume: Volume, gaps: tuple[str, ...]) -> BaseImage:
    overlays: dict[ObjectKey, Volume] = {}
    users: dict[tuple[ObjectKey, str], ImageUser] = {}
    for place in (*_places(volume), *_elsewhere(state, volume)):
        for over in _over(index, place):
            if over.host == volume.host or not _has_twin(index, volume.host, over):
                overlays.setdefault(over.key, over)
        for user in index.users.get(place, ()):
            users.setdefault((user.instance, user.target), user)
    file = (volume.path or volume.name).rpartition("/")[2]
    away = [
        *index.strange.get((volume.host, file), ()),
        *(f"{name} has not told all of it yet" for name in hosts_unread(state, volume)),
        *(f"{name} is out of reach" for name in hosts_out_of_reach(state, volume)),
    ]
    return BaseImage(volume, tuple(overlays.values()), tuple(users.values()), (*gaps, *away))


def _places(volume: Volume) -> tuple[Place, ...]:
    places = volume_places(volume.path, volume.pool_name, volume.name)
    return tuple((volume.host, place) for place in places)


def _elsewhere(state: State, volume: Volume) -> Iterator[Place]:
    """Return its places on the other hosts that seem to have its pool."""
    for pool, places in pools_elsewhere(state, volume):
        yield from ((pool.host, place) for place in places)


def _has_twin(index: _Index, host: str, volume: Volume) -> bool:
    """Whether a volume of another host is one that this host has in its own list."""
    return (host, volume.path) in index.volumes


def _over(index: _Index, place: Place) -> Iterator[Volume]:
    """Return what lies over a place, the nearest first."""
    host, seen, level = place[0], {place[1]}, [place[1]]
    while level:
        above = [over for path in level for over in index.above.get((host, path), ())]
        level = []
        for over in above:
            if over.path not in seen:
                seen.add(over.path)
                level.append(over.path)
                yield over


def _gaps(state: State, host: str, index: _Index) -> Iterator[str]:
    """Tell what of a host is not known that might need an image."""
    found = state.hosts.get(host)
    if found is None or found.link.status is not LinkStatus.UP:
        yield f"{clean(host)} is out of reach"
        return
    if not {"instances", "pools", "volumes"} <= found.listed:
        yield f"{clean(host)} has not told all of its storage yet"
    for pool in state.pools.values():
        if pool.host == host and (why := _pool_untold(pool)):
            yield why
    volumes = sum(1 for each in state.volumes.values() if each.host == host and not each.described)
    if volumes:
        yield f"what {plural(volumes, 'volume')} of {clean(host)} {_is(volumes)} based on"
    rows = [row for row in state.instances.values() if row.host == host and not row.described]
    if rows:
        yield f"the disks of {listed(row.name for row in rows)}"
    yield from index.untold.get(host, ())


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _pool_untold(pool: Pool) -> str:
    if pool.error:
        return f"the pool {clean(pool.name)} does not list its volumes"
    if pool.state in UNLISTED:
        return f"what is in the pool {clean(pool.name)}, which is {pool.state.value}"
    return ""


def users_in_words(image: BaseImage, most: int = 3) -> list[str]:
    """Say who needs an image, each by the chain: `web (vda) through web.qcow2`."""
    told = []
    for user in image.users:
        through = " over ".join(path.rpartition("/")[2] for path in user.chain)
        away = f" on {clean(user.instance.host)}" if user.instance.host != image.volume.host else ""
        how = f" through {clean(through)}" if through else ""
        told.append(f"{clean(user.name)}{away} ({clean(user.target)}){how}")
    paths = {path for user in image.users for path in user.chain}
    told += [
        f"{clean(over.name)}, which nobody uses and which lies over it"
        for over in image.overlays
        if over.path not in paths
    ]
    rest = len(told) - most
    return [*told[:most], f"{rest:,} more"] if rest > 0 else told


def sums(found: Mapping[ObjectKey, BaseImage]) -> tuple[int, int]:
    """Return how many images nobody needs, and the bytes these take."""
    free = [one for one in found.values() if not one.used and not one.unknown]
    return len(free), sum(one.volume.allocation or 0 for one in free)
