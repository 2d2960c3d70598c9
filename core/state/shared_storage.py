"""Which pools of two hosts are one storage, and where what is in them is on the other. Pure.

libvirt does not say whether two pools are one: that they seem to be is enough for a warning, and
for leaving alone what the other host may use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.model import ObjectKey, Pool, State, Volume
from core.model.paths import volume_places
from core.state.memo import Memo


def _index(pools: Mapping[ObjectKey, Pool]) -> dict[ObjectKey, tuple[Pool, ...]]:
    """Return by pool those of other hosts with its name, type and path, or with its source."""
    same: dict[tuple[str, ...], list[Pool]] = {}
    for pool in pools.values():
        for what in _identities(pool):
            same.setdefault(what, []).append(pool)
    found = {}
    for key, mine in pools.items():
        there = {one.key: one for what in _identities(mine) for one in same[what]}
        others = tuple(one for one in there.values() if one.host != mine.host)
        if others:
            found[key] = others
    return found


def _identities(pool: Pool) -> Iterator[tuple[str, ...]]:
    yield pool.type, pool.name, pool.path
    if pool.source:
        yield pool.type, pool.source


_others = Memo(_index)


def pools_elsewhere(state: State, volume: Volume) -> Iterator[tuple[Pool, tuple[str, ...]]]:
    """Return the pools of other hosts that seem to be that of a volume, and what it is there.

    That is the texts by which a disk's source may name it.
    """
    mine = state.pools.get(ObjectKey("pool", volume.host, volume.pool))
    if mine is None:
        return
    for pool in _others(state.pools).get(mine.key, ()):
        path = _below(mine, volume.path)
        there = volume.path if path is None else _joined(pool, path)
        yield pool, volume_places(there, pool.name, volume.name)


def places_elsewhere(state: State, host: str, places: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return what images of a host are on the others that share the pool they are in, by host."""
    found: dict[str, set[str]] = {}
    wanted = tuple(places)
    for key, others in _others(state.pools).items():
        names = _names_in(state.pools[key], wanted) if key.host == host else []
        for pool in others if names else ():
            there = found.setdefault(pool.host, set())
            there |= {place for name in names for place in _places_in(pool, name)}
    return {name: frozenset(there) for name, there in found.items()}


def _names_in(pool: Pool, places: tuple[str, ...]) -> list[str]:
    """Return what places are in a pool, without that."""
    named = f"{pool.name}/"
    found = [_below(pool, place) for place in places]
    found += [place.removeprefix(named) for place in places if place.startswith(named)]
    return [name for name in found if name]


def _places_in(pool: Pool, name: str) -> Iterator[str]:
    yield f"{pool.name}/{name}"
    if pool.path:
        yield _joined(pool, name)


def _joined(pool: Pool, name: str) -> str:
    return f"{pool.path.rstrip('/')}/{name}"


def _below(pool: Pool, path: str) -> str | None:
    """Return a path without that of a pool; None: it is not below it."""
    inside = f"{pool.path.rstrip('/')}/"
    return path.removeprefix(inside) if pool.path and path.startswith(inside) else None
