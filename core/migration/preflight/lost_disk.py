"""Whether a host has the very disks of an instance of a dead one, as far as can be told. Pure.

The rules of `core.migration.preflight.sharing`, with what is kept in the place of what the dead
host would say.
"""

from __future__ import annotations

from core.migration.preflight.sharing import NETWORK_POOLS
from core.model import Pool, PoolState, Volume
from core.model.text import clean
from core.verbs.evacuation.requests import LostDisk


def against_disk(
    disk: LostDisk, host: str, pool: Pool | None, volume: Volume | None, *, stated: bool
) -> str:
    """Return why a disk cannot be used on `host`, a clause; empty: it can.

    `pool` and `volume` are what the host has at its path. `stated`: the operator says that the two
    are one disk, or both hosts are one machine.
    """
    what = f"its disk {disk.target} ({clean(disk.path)})"
    if disk.type == "network":
        return ""  # it is reached from wherever its network is: the trial opens it
    if disk.type not in ("file", "block", "dir", "volume"):
        return f"{what} is of its dead host alone"
    if disk.type == "volume" and pool is None:
        return f"{host} has no pool {clean(disk.path.partition('/')[0])}, where {what} is"
    if disk.type == "volume" and pool is not None and pool.state is not PoolState.ACTIVE:
        return f"the pool {clean(pool.name)} of {host}, where {what} is, is {pool.state.value}"
    if volume is not None and volume.format and disk.format and volume.format != disk.format:
        return f"{what} is another image on {host}: {volume.format}, not {disk.format}"
    if stated or _is_shared(disk, pool, volume):
        return ""
    return f"whether {what} is the same on {host} cannot be seen"


def _is_shared(disk: LostDisk, pool: Pool | None, volume: Volume | None) -> bool:
    """Whether all that is known speaks for one disk.

    That is a pool of the network at both ends, or such a file on a file system of the same size.
    """
    if pool is None or volume is None or pool.state is not PoolState.ACTIVE:
        return False
    if pool.type in NETWORK_POOLS or disk.pool_type in NETWORK_POOLS:
        return pool.type == disk.pool_type
    return bool(pool.capacity) and pool.capacity == disk.pool_capacity
