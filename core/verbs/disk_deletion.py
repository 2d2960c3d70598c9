"""The disks that are deleted with their instance: which, in what order, and what forbids it.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from core.model import Disk, Instance, State, Volume
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.state.pool_cures import cure_of_place
from core.state.usage import (
    hosts_out_of_reach,
    hosts_unread,
    users_elsewhere,
    users_known,
    users_of,
    volume_of,
)
from core.verbs.refusal import Refusal, RefusalCode


def named(instance: Instance, targets: Sequence[str]) -> tuple[Disk, ...]:
    """Return the disks of an instance that have these targets."""
    return tuple(disk for disk in instance.disks if disk.target in targets)


def deletions(
    instance: Instance, targets: Sequence[str], volumes: Iterable[Volume]
) -> tuple[str, ...]:
    """Return the paths of the named disks; each goes before what it is based on.

    An image must never be left without its base. The XML of one that is off tells no bases, so
    the volumes do.
    """
    disks = named(instance, targets)
    paths = tuple(dict.fromkeys(disk.source.path for disk in disks if disk.source))
    known = list(volumes)
    found = {path: volume_of(known, instance.host, path) for path in paths}

    def height(path: str, seen: frozenset[str]) -> int:
        base, seen = found[path], seen | {path}
        above = [
            other
            for other, volume in found.items()
            if base is not None and volume is not None and volume.backing == base.path
        ]
        return 1 + max((height(other, seen) for other in above if other not in seen), default=0)

    return tuple(sorted(paths, key=lambda path: height(path, frozenset())))


def against_deleting(
    state: State, instance: Instance, disk: Disk, targets: Sequence[str]
) -> Iterator[Refusal]:
    """Tell why a disk must not be deleted: it is not the instance's alone, or may not be."""
    path = "" if disk.source is None else disk.source.path
    volume = _volume(state, instance, disk)
    if disk.device != "disk":
        text = f"{disk.target} of {instance.name} is no disk, but a {disk.device}"
        yield Refusal(RefusalCode.PARAMETER, text, "what lies in it is left alone", "disks")
    elif volume is None:
        text = f"{disk.target} of {instance.name} is {clean(path) or 'empty'}, in no pool as read"
        cure = f"{cure_of_place(state.pools, instance.host, path)}; or leave it out"
        yield Refusal(RefusalCode.PARAMETER, text, cure if path else "leave it out", "disks")
    elif unread := _unread(state, volume):
        text = f"Who uses {clean(volume.path)} is not known yet"
        cure = f"wait until all that is on {listed(unread)} was read"
        yield Refusal(RefusalCode.STATE, text, cure, "disks")
    elif users := _users(state, instance, volume, targets):
        text = f"{disk.target} of {instance.name} ({clean(volume.path)}) is used by {listed(users)}"
        yield Refusal(RefusalCode.STATE, text, "leave it out", "disks")


def hosts_not_seen(state: State, instance: Instance, disks: Sequence[Disk]) -> list[str]:
    """Return the hosts out of reach whose instances may use the volumes of disks."""
    volumes = [_volume(state, instance, disk) for disk in disks]
    found = [hosts_out_of_reach(state, volume) for volume in volumes if volume is not None]
    return list(dict.fromkeys(name for names in found for name in names))


def image_of(state: State, instance: Instance, disk: Disk) -> str:
    """Return a disk's image, with the bytes it takes where that is known."""
    volume = _volume(state, instance, disk)
    path = clean("" if disk.source is None else disk.source.path)
    if volume is None or volume.allocation is None:
        return path
    return f"{path}, {size(volume.allocation)} on disk"


def _volume(state: State, instance: Instance, disk: Disk) -> Volume | None:
    """Return the volume that is the image a disk writes to."""
    if disk.source is None or not disk.source.path:
        return None
    return volume_of(state.volumes.values(), instance.host, disk.source.path)


def _unread(state: State, volume: Volume) -> list[str]:
    """Return the hosts of which not all was read yet that tells who uses a volume."""
    here = users_known(state, volume) and _chains_known(state, volume)
    return [*([] if here else [volume.host]), *hosts_unread(state, volume)]


def _chains_known(state: State, volume: Volume) -> bool:
    """Whether every volume of the host has told what it is based on."""
    return all(each.described for each in state.volumes.values() if each.host == volume.host)


def _users(state: State, instance: Instance, volume: Volume, targets: Sequence[str]) -> list[str]:
    """Return what else uses a volume; what is deleted with it does not count."""
    going = [_volume(state, instance, disk) for disk in named(instance, targets)]
    others = [one for one in users_of(state, volume) if one.key != instance.key]
    far = users_elsewhere(state, volume)
    above = [
        f"{clean(each.path)}, which is based on it"
        for each in state.volumes.values()
        if each.host == volume.host
        and each.backing
        and each.backing == volume.path
        and each not in going
    ]
    return [
        *(clean(one.name) for one in others),
        *(f"{clean(one.name)} on {clean(one.host)}" for one in far),
        *above,
    ]
