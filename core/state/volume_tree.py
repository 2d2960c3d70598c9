"""One volume where it stands: what it lies over, what lies over it, and whose disk each is. Pure.

What an instance that is off has below its disk only the volumes tell; of one that runs its XML has
the whole chain, also where an image between lies in no pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.model import ObjectKey, State, Volume
from core.state.storage_rows import DiskUse, uses_of
from core.state.usage import below, overlays_of, users_elsewhere

LineKey = ObjectKey | tuple[str, str, str, str]
"""A volume's key; of an image in no pool, or of a disk, what tells it from the others."""


@dataclass(frozen=True, slots=True)
class TreeLine:
    """An image of the chain, or a disk that is one."""

    key: LineKey
    place: int
    """Its line, from 0: each below what it lies over."""
    depth: int
    image: Volume | None = None
    """The image; one that no pool has is a volume of the pool ''. None: it is a disk."""
    use: DiskUse | None = None
    this: bool = False
    """It is the volume that was asked for."""
    through: tuple[str, ...] = ()
    """Of a disk: the images between that no pool tells of."""
    host: str = ""
    doubt: bool = False
    """Of a disk of another host: whether its pool is the same one libvirt does not say."""


def tree_of_volume(state: State, volume: Volume) -> list[TreeLine]:
    """Return its whole chain: the base first, each image below what it lies over, disks last."""
    lines = [*_below(state, volume)]
    lines += _over(state, volume, len(lines))
    return [replace(line, place=place) for place, line in enumerate(lines)]


def _below(state: State, volume: Volume) -> Iterator[TreeLine]:
    chain = [*reversed(below(state, volume))]
    first = chain[0] if chain else volume
    if first.backing:
        key = ("image", volume.host, "", first.backing)
        loose = Volume(volume.host, "", "", first.backing, first.backing)
        yield TreeLine(key, 0, 0, loose, host=volume.host)
    start = 1 if first.backing else 0
    for depth, one in enumerate(chain, start):
        yield TreeLine(one.key, 0, depth, one, host=one.host)


def _over(state: State, volume: Volume, depth: int) -> Iterator[TreeLine]:
    """Yield a volume, what lies over it, and the disks that each is."""
    over = overlays_of(state, volume)
    shown = {(use.instance, use.target) for one in over for use in uses_of(state, one)}
    waiting, seen = [(volume, depth)], {volume.key}
    while waiting:
        one, deep = waiting.pop()
        yield TreeLine(one.key, 0, deep, one, this=one is volume, host=one.host)
        for use in uses_of(state, one):
            if not use.depth or (one is volume and (use.instance, use.target) not in shown):
                yield _disk(one, use, deep + 1, through=_between(state, use))
        yield from _doubtful(state, one, deep + 1)
        names = (one.path, f"{one.pool_name}/{one.name}")
        nearest = [each for each in over if each.backing in names and each.key not in seen]
        seen |= {each.key for each in nearest}
        waiting += [(each, deep + 1) for each in reversed(nearest)]


def _doubtful(state: State, volume: Volume, depth: int) -> Iterator[TreeLine]:
    """Yield the disks of other hosts that lie at a volume's path in a pool of the same name."""
    for other in users_elsewhere(state, volume):
        for disk in other.disks:
            if disk.source is None or disk.source.path != volume.path:
                continue
            use = DiskUse(
                *(other.key, other.name, disk.target, disk.read_only, disk.shareable),
                *(other.state.active, 0),
            )
            yield _disk(volume, use, depth, doubt=True)


def _disk(
    volume: Volume, use: DiskUse, depth: int, *, through: tuple[str, ...] = (), doubt: bool = False
) -> TreeLine:
    key = (use.instance.host, use.instance.id, use.target, volume.path or volume.name)
    return TreeLine(*(key, 0, depth), use=use, through=through, host=use.instance.host, doubt=doubt)


def _between(state: State, use: DiskUse) -> tuple[str, ...]:
    """Return the images of a disk that lie over what it uses."""
    instance = state.instances.get(use.instance)
    disks = () if instance is None else instance.disks
    found = next((disk for disk in disks if disk.target == use.target), None)
    return () if found is None else tuple(one.path for one in found.layers[: use.depth])
