"""The disks that a cold migration copies: where to, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.model import Disk, Instance, ObjectKey, Pool, State, Volume
from core.model.sizes import size_words
from core.model.text import clean
from core.state.pool_cures import cure_of_place
from core.state.usage import volume_of
from core.verbs.cold.calls import DiskCopy
from core.verbs.refusal import Refusal, RefusalCode

FIELD = "copy"


def copies(
    instance: Instance,
    targets: Iterable[str],
    to: str,
    pool: str,
    volumes: Mapping[ObjectKey, Volume],
    pools: Mapping[ObjectKey, Pool],
) -> tuple[DiskCopy, ...]:
    """Return what is copied where: to the volume of the same name in a pool of the destination.

    `pool` is its name; empty: that of the original's pool. What is not known is left out: `against`
    says so.
    """
    found = []
    for disk in instance.disks:
        if disk.target not in targets or disk.source is None:
            continue
        original = volume_of(volumes.values(), instance.host, disk.source.path)
        if original is None:
            continue
        place = _pool(pools, to, pool or original.pool_name)
        if place is None:
            continue
        path = f"{place.path.rstrip('/')}/{original.name}"
        kind = disk.source.format or "raw"  # as libvirt opens it, whatever its pool finds in it
        names = disk.target, disk.source.path, place.name, original.name
        found.append(DiskCopy(*names, path, kind))
    return tuple(found)


def _pool(pools: Mapping[ObjectKey, Pool], host: str, name: str) -> Pool | None:
    return next((one for one in pools.values() if (one.host, one.name) == (host, name)), None)


def against(
    state: State, instance: Instance, targets: Iterable[str], to: str, pool: str
) -> Iterator[Refusal]:
    """Tell why disks cannot be copied to a host: each of them, and that they do not fit."""
    known = {disk.target: disk for disk in instance.disks}
    wanted: dict[str, tuple[Pool, int]] = {}
    for target in targets:
        if target not in known:
            text = f"{clean(instance.name)} has no disk {clean(target)}"
            has = f"it has {', '.join(known)}" if known else "it has none"
            yield Refusal(RefusalCode.PARAMETER, text, has, FIELD)
            continue
        original = None
        if (source := known[target].source) is not None:
            original = volume_of(state.volumes.values(), instance.host, source.path)
        yield from _against_disk(state.pools, instance, known[target], original)
        if original is None:
            continue
        name = pool or original.pool_name
        place = _pool(state.pools, to, name)
        if place is None or not place.active or not place.path.startswith("/"):
            text = f"{clean(to)} has no active pool {clean(name)} with a directory for {target}"
            yield Refusal(RefusalCode.PARAMETER, text, "name one, or start it", "pool")
            continue
        yield from _against_place(state, original, place, target)
        before = wanted.get(place.uuid, (place, 0))[1]
        wanted[place.uuid] = place, before + (original.allocation or 0)
    for place, needed in wanted.values():
        if place.available is not None and needed > place.available:
            text = (
                f"{size_words(needed)} do not fit into the pool {clean(place.name)} of "
                f"{clean(to)}, which has {size_words(place.available)} free"
            )
            yield Refusal(RefusalCode.PARAMETER, text, "name another pool, or make room", "pool")


def _against_disk(
    pools: Mapping[ObjectKey, Pool], instance: Instance, disk: Disk, original: Volume | None
) -> Iterator[Refusal]:
    if disk.source is None or disk.device != "disk" or disk.read_only or disk.shareable:
        text = f"{disk.target} of {clean(instance.name)} is no disk of its own that it writes to"
        yield Refusal(RefusalCode.PARAMETER, text, "leave it out", FIELD)
    elif original is None:
        text = f"{clean(disk.source.path)} is in no pool of {clean(instance.host)} as read"
        cure = cure_of_place(pools, instance.host, disk.source.path)
        yield Refusal(RefusalCode.PARAMETER, text, f"{cure}; or share it", FIELD)


def _against_place(state: State, original: Volume, place: Pool, target: str) -> Iterator[Refusal]:
    there = [one for one in state.volumes.values() if one.host == place.host]
    if any(one.pool == place.uuid and one.name == original.name for one in there):
        text = (
            f"The pool {clean(place.name)} of {clean(place.host)} has a volume "
            f"{clean(original.name)} already"
        )
        cure = "share it if it is the same; else remove or rename that, or name another pool"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "pool")
    if original.backing and all(one.path != original.backing for one in there):
        text = (
            f"{target} is based on {clean(original.backing)}, which is in no pool of "
            f"{clean(place.host)} as read"
        )
        cure = "put it there too, or make the disk one image first: block-pull"
        yield Refusal(RefusalCode.PARAMETER, text, cure, FIELD)
