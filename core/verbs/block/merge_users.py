"""Who else reads the images that a merge writes into: here, on other hosts, by any name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from core.model import Disk, Instance, State, Volume
from core.model.lists import listed
from core.model.text import clean
from core.state.images import BaseImage, image_of
from core.state.shared_storage import pools_elsewhere
from core.verbs.refusal import Refusal, RefusalCode

CURE = "pull instead: block-pull leaves it as it is"


def against_users(
    state: State,
    instance: Instance,
    disk: Disk,
    changed: Sequence[str],
    cure: str = CURE,
    field: str = "base",
) -> Iterator[Refusal]:
    """Tell who else is based on what changes: it would read what is not its own any more."""
    own = _own(state, instance, disk)
    users: dict[str, None] = {}
    written = []
    for path in changed:
        if found := _users(_needed(state, instance, disk, path), own):
            users |= dict.fromkeys(found)
            written.append(clean(path))
    if users:
        text = f"{listed(written)} is also what {listed(list(users))} is based on"
        yield Refusal(RefusalCode.STATE, text, cure, field)


def merged_with(state: State, instance: Instance, disk: Disk, path: str) -> list[str]:
    """Return an image of a disk and the one below it, as far as that is known; empty: no such."""
    chain = [one.path for one in disk.layers]
    if path not in chain:
        return []
    below = chain[chain.index(path) + 1 :] or [_volume(state, instance.host, path).backing]
    return [one for one in (path, below[0]) if one]


def untold_users(
    state: State, instance: Instance, disk: Disk, changed: Sequence[str]
) -> Iterator[str]:
    """Say of which images nobody can tell that nothing else needs them, and why."""
    for path in changed:
        image = _needed(state, instance, disk, path)
        if image.unknown:
            why = listed(image.unknown, 2)
            yield f"Whether anything else needs {clean(path)} is not known: {why}."


def _needed(state: State, instance: Instance, disk: Disk, path: str) -> BaseImage:
    """Return what needs an image beside a disk."""
    image = image_of(state, _volume(state, instance.host, path))
    mine = instance.key.id, disk.target  # a definition left on another host is the same instance
    others = (user for user in image.users if (user.instance.id, user.target) != mine)
    return replace(image, users=tuple(others))


def _users(image: BaseImage, own: set[tuple[str, str]]) -> list[str]:
    """Name who needs it: instances, and what lies over it that no instance has."""
    here = image.volume.host
    told = [
        clean(user.name)
        + (f" on {clean(user.instance.host)}" if user.instance.host != here else "")
        for user in image.users
    ]
    through = {path for user in image.users for path in user.chain}
    for over in image.overlays:
        if over.path not in through and (over.host, over.path) not in own:
            away = f" on {clean(over.host)}" if over.host != here else ""
            told.append(f"{clean(over.path)}{away}")
    return told


def _own(state: State, instance: Instance, disk: Disk) -> set[tuple[str, str]]:
    """Return where the images of a disk are, also on the hosts that share their pools."""
    found = set()
    for layer in disk.layers:
        volume = _volume(state, instance.host, layer.path)
        found.add((instance.host, volume.path))
        for pool, places in pools_elsewhere(state, volume):
            found |= {(pool.host, place) for place in places}
    return found


def _volume(state: State, host: str, path: str) -> Volume:
    """Return the volume that an image is; one that no pool has listed is made up by its path."""
    for volume in state.volumes.values():
        named = f"{volume.pool_name}/{volume.name}"
        if volume.host == host and path in (volume.path, named):
            return volume
    folder, _, name = path.rpartition("/")
    pools = (pool for pool in state.pools.values() if pool.host == host)
    pool = next((one for one in pools if folder and one.path == folder), None)
    known = ("", "") if pool is None else (pool.uuid, pool.name)
    return Volume(host, *known, name, path)
