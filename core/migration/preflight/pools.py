"""Preflight: the pools that the disks are in. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import FullCase, FullRule, named, ok, unknown, warning
from core.model import Disk, Finding, PoolState


def check_pools(case: FullCase) -> Iterator[Finding]:
    """The pools that its disks are in are active there."""
    if case.there.pools is None:
        text = f"The pools of {case.destination} are not known."
        yield unknown("pools", text, side=case.there, look="pools")
        return
    seen: set[str] = set()
    for path in case.there.paths:
        pool = path.pool
        if (
            pool is None
            or pool.uuid in seen
            or not any(path.path in _used(d) for d in case.needs.disks)
        ):
            continue
        seen.add(pool.uuid)
        code = named("pool", pool.name)
        if pool.state is PoolState.ACTIVE:
            yield ok(code, f"The pool {pool.name} of {case.destination} is active.")
        else:
            text = f"The pool {pool.name} of {case.destination} is {pool.state.value}."
            yield warning(code, text, f"Start it: virsh pool-start {pool.name}.")


def _used(disk: Disk) -> tuple[str, ...]:
    return tuple(each.path for each in disk.layers)


FULL_RULES: tuple[FullRule, ...] = (check_pools,)
