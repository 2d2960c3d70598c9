"""What a host knows of the files that an instance uses. Runs on a lane thread."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, unless_gone
from core.hypervisor.connection.uri import HostAddress
from core.hypervisor.observe.daemon import listener_of
from core.hypervisor.observe.local_files import Files
from core.hypervisor.observe.reading import describe_pool, describe_volume, name_volume
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.facts import PathFacts
from core.model.storage import Pool, PoolState, Volume
from core.model.text import real_name

_DIRECTORIES = frozenset({"dir", "fs", "netfs", "gluster", "vstorage", "logical"})
"""Pools that know every file of their directory, as of their last refresh."""


def read_pools(looks: Reads, host: str) -> tuple[Pool, ...] | None:
    """Read every pool: one call, and two each. None: the host does not tell."""
    handles = looks.see("pools", lambda: looks.conn.listAllStoragePools(0))
    if handles is None:
        return None
    pools = (looks.see("pools", partial(_pool, handle, host)) for handle in handles)
    return tuple(pool for pool in pools if pool is not None)


def _pool(handle: Any, host: str) -> Pool | None:
    return unless_gone(lambda: describe_pool(handle, host))


def files_of(address: HostAddress) -> Files | None:
    """Return the files of a daemon that runs on this machine; None: they cannot be looked at."""
    listener = listener_of(address)
    return Files(listener.root) if listener.daemon else None


def read_paths(
    looks: Reads,
    host: str,
    paths: Iterable[str],
    pools: tuple[Pool, ...] | None,
    files: Files | None,
) -> tuple[PathFacts, ...]:
    """Read what is known of paths: two calls each, and the files themselves where they are here.

    A pool's list is as old as its last refresh, which is not asked for: that would touch the host.
    """
    found = []
    for path in dict.fromkeys(paths):
        pool = pool_of(path, pools or ())
        volume = looks.see(f"path {path}", partial(_volume, looks.conn, host, path, pool))
        exists = True if volume is not None else _seen_missing(pool, looks, path)
        facts = PathFacts(path, exists, volume, pool)
        found.append(facts if files is None else _with_file(facts, files))
    return tuple(found)


def pool_of(path: str, pools: Iterable[Pool]) -> Pool | None:
    """Return the pool whose directory a path is in, an active one before others. Pure."""
    directory = path.rpartition("/")[0]
    fitting = [pool for pool in pools if pool.path.rstrip("/") == directory and directory]
    return min(fitting, key=lambda pool: pool.state is not PoolState.ACTIVE, default=None)


def _volume(conn: Connection, host: str, path: str, pool: Pool | None) -> Volume | None:
    try:
        handle = conn.storageVolLookupByPath(real_name(path))
    except libvirt.libvirtError as error:
        if gone(error):
            return None
        raise
    found = describe_volume(handle, name_volume(handle, pool or Pool(host, "", "")))
    return None if found.missing else found


def _seen_missing(pool: Pool | None, looks: Reads, path: str) -> bool | None:
    """Return False where a pool would list it, None where nobody would."""
    failed = any(gap.what == f"path {path}" for gap in looks.gaps)
    lists = pool is not None and pool.state is PoolState.ACTIVE and pool.type in _DIRECTORIES
    return False if lists and not failed else None


def _with_file(facts: PathFacts, files: Files) -> PathFacts:
    file = files.look_at(real_name(facts.path))
    return PathFacts(
        facts.path,
        facts.exists if file.exists is None else file.exists,
        facts.volume,
        facts.pool,
        file.file_system,
        file.identity,
    )
