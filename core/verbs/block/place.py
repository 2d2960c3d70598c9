"""Where a disk is moved to: a new file, a new volume of a pool of files, or a device. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.model import Disk, Instance, ObjectKey, Pool, State, Volume
from core.model.sizes import size
from core.model.text import clean
from core.state.images import image_of, users_in_words
from core.verbs.block.destination import OF_FILES
from core.verbs.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class SwapPlace:
    """What a disk is written to."""

    path: str
    device: bool = False
    """It is there already, and holds the disk as raw."""


def place_of(
    pools: Mapping[ObjectKey, Pool],
    volumes: Mapping[ObjectKey, Volume],
    host: str,
    disk: Disk | None,
    to: str,
) -> SwapPlace | None:
    """Return what `POOL`, `POOL/VOLUME` or a whole path means; None: no such pool, or volume."""
    if to.startswith("/"):
        return SwapPlace(to, device=to.startswith("/dev/"))
    name, _, volume = to.partition("/")
    pool = _pool(pools, host, name)
    if pool is None:
        return None
    if pool.type in OF_FILES:
        volume = volume or _name_of(volumes, host, disk)
        return SwapPlace(f"{pool.path.rstrip('/')}/{volume}") if volume and pool.path else None
    found = next(
        (one for one in volumes.values() if one.pool == pool.uuid and one.name == volume), None
    )
    if found is None or found.type != "block" or not found.path:
        return None
    return SwapPlace(found.path, device=True)


def volume_at(volumes: Mapping[ObjectKey, Volume], host: str, path: str) -> Volume | None:
    """Return the volume of a disk's source: of that path, or named POOL/VOLUME."""
    return next(
        (
            one
            for one in volumes.values()
            if one.host == host and path in (one.path, f"{one.pool_name}/{one.name}")
        ),
        None,
    )


def against_place(state: State, instance: Instance, disk: Disk, to: str) -> Iterator[Refusal]:
    """Tell why a disk cannot be moved there."""
    host, (name, slash, volume) = instance.host, to.partition("/")
    path = to.startswith("/")
    if (path and to.endswith("/")) or (not path and (not name or volume.count("/"))):
        text = f"{clean(to) or 'nothing'} is no place for a disk"
        cure = "give POOL, POOL/VOLUME, or a whole path"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "to")
        return
    pool = None if path else _pool(state.pools, host, name)
    if not path:
        found = list(_against_pool(pool, host, name, slash + volume))
        yield from found
        if found:
            return
    place = place_of(state.pools, state.volumes, host, disk, to)
    if place is None:
        text = f"{clean(name)} has no volume {clean(volume)} that is a device"
        cure = f"see `virtdeck volumes --filter pool:{clean(name)}`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "to")
        return
    yield from _against_use(state, instance, place)
    yield from _against_size(state, instance, disk, place, pool)


def _against_pool(pool: Pool | None, host: str, name: str, volume: str) -> Iterator[Refusal]:
    if pool is None:
        text = f"{host} has no pool {clean(name)}"
        yield Refusal(RefusalCode.PARAMETER, text, "see `virtdeck pools`", "to")
    elif not pool.active:
        text = f"The pool {clean(name)} of {host} is not active"
        cure = f"start it: virtdeck pool start {host}/{clean(name)}"
        yield Refusal(RefusalCode.STATE, text, cure, "to")
    elif pool.type not in OF_FILES and not volume:
        text = f"The pool {clean(name)} is of the type {pool.type}: QEMU makes no volume in it"
        cure = f"make one (virtdeck volume create), and give {clean(name)}/VOLUME"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "to")


def _against_use(state: State, instance: Instance, place: SwapPlace) -> Iterator[Refusal]:
    """Tell what is at the place already: a file is not written over, nor what others need."""
    volume = volume_at(state.volumes, instance.host, place.path)
    image = None if volume is None else image_of(state, volume)
    words = [] if image is None else users_in_words(image)
    if not words:
        words = [
            f"{one.target} of {clean(other.name)}"
            for other in state.instances.values()
            for one in other.disks
            if other.host == instance.host and any(at.path == place.path for at in one.layers)
        ]
    if words:
        text = f"{clean(place.path)} is needed: by {words[0]}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another place", "to")
    elif volume is not None and not place.device:
        text = f"{clean(place.path)} is there already"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "to")


def _against_size(
    state: State, instance: Instance, disk: Disk, place: SwapPlace, pool: Pool | None
) -> Iterator[Refusal]:
    """Tell that it does not fit; silent where a size is not known: libvirt tells then."""
    source = "" if disk.source is None else disk.source.path
    old = volume_at(state.volumes, instance.host, source)
    if old is None:
        return
    new = volume_at(state.volumes, instance.host, place.path) if place.device else None
    if new is not None and new.capacity is not None and (old.capacity or 0) > new.capacity:
        text = f"{clean(place.path)} has {size(new.capacity)}, the disk {size(old.capacity)}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose a larger one", "to")
    free = None if pool is None or place.device else pool.available
    if free is not None and old.allocation is not None and free < old.allocation:
        text = (
            f"The pool {clean(pool.name if pool else '')} has {size(free)} left, and "
            f"{size(old.allocation)} of the disk are written"
        )
        yield Refusal(RefusalCode.STATE, text, "make room there, or choose another pool", "to")


def _name_of(volumes: Mapping[ObjectKey, Volume], host: str, disk: Disk | None) -> str:
    if disk is None or disk.source is None:
        return ""
    old = volume_at(volumes, host, disk.source.path)
    return disk.source.path.rpartition("/")[2] if old is None else old.name


def _pool(pools: Mapping[ObjectKey, Pool], host: str, name: str) -> Pool | None:
    return next((one for one in pools.values() if one.host == host and one.name == name), None)
