"""How a volume comes to be known that is in no pool as read: which pool is to be started. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.model import ObjectKey, Pool, PoolState
from core.model.text import clean


def cure_of_place(pools: Mapping[ObjectKey, Pool], host: str, place: str) -> str:
    """Return what helps, to follow a colon: of a path, or a place named POOL/VOLUME.

    A pool that is off lists nothing: no refresh helps then. Where no pool has the folder, one has
    to be defined.
    """
    here = [pool for pool in pools.values() if pool.host == host]
    if not place.startswith("/"):
        name = place.partition("/")[0]
        found = next((pool for pool in here if pool.name == name), None)
        return _cure(found) if found is not None else f"{clean(host)} has no pool {clean(name)}"
    found = _of_folder(here, place.rpartition("/")[0])
    folder = clean(place.rpartition("/")[0] or "/")
    return _cure(found) if found is not None else f"define a pool of {folder}, and start it"


def _of_folder(pools: Iterable[Pool], folder: str) -> Pool | None:
    found = [pool for pool in pools if pool.path and pool.path.rstrip("/") == folder.rstrip("/")]
    return next((pool for pool in found if pool.active), found[0] if found else None)


def _cure(pool: Pool) -> str:
    name = clean(f"{pool.host}/{pool.name}")
    if pool.state is PoolState.INACTIVE:
        return f"start its pool: `virtdeck pool start {name}`"
    return f"refresh its pool: `virtdeck pool refresh {name}`"
