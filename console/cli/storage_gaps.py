"""What can be missing of the storage of hosts: volumes without sizes, pools that list none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.cli.completeness import Gap, grouped
from console.format import listed as in_words
from console.format import plural
from core.model import PoolState, State
from core.state.images import UNLISTED


def volume_sizes(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Volumes that are known by name alone, and pools whose volumes libvirt does not list."""
    for pool in state.pools.values():
        if pool.host in hosts and pool.error:
            yield Gap(pool.host, f"the volumes of {pool.name}: {pool.error.rstrip('.')}")
    yield from _missing(state, hosts)
    there = (volume for volume in state.volumes.values() if not volume.missing)
    lacking, _ = grouped(there, hosts, lambda volume: volume.capacity is not None)
    for host, rows in lacking.items():
        missing = in_words([f"{item.pool_name}/{item.name}" for item in rows], 3)
        what = f"{plural(len(rows), 'volume')} without sizes: {missing}"
        yield Gap(host, what, len(rows))


def _missing(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Volumes that libvirt lists and whose files are gone: one refresh a pool forgets them."""
    gone: dict[tuple[str, str], list[str]] = {}
    for volume in state.volumes.values():
        if volume.missing and volume.host in hosts:
            gone.setdefault((volume.host, volume.pool_name), []).append(volume.name)
    for (host, pool), names in gone.items():
        whose = "its file is" if len(names) == 1 else "their files are"
        named = in_words([f"{pool}/{name}" for name in names], 3)
        what = f"{plural(len(names), 'volume')} without sizes, for {whose} missing: {named}"
        cure = f"Refresh the pool: `virtdeck pool refresh {host}/{pool}`."
        yield Gap(host, what, len(names), cure=cure)


def pools_off(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Pools that list none of their volumes, as long as they are off."""
    for pool in state.pools.values():
        if pool.host in hosts and pool.state in UNLISTED and not pool.error:
            what = f"the volumes of the pool {pool.name}, which is {pool.state.value}"
            start = f"Start it: `virtdeck pool start {pool.host}/{pool.name}`."
            yield Gap(pool.host, what, cure=start if pool.state is PoolState.INACTIVE else "")
