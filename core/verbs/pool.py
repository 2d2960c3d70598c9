"""What is done to storage pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from core.model import Instance, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.usage import pool_users
from core.verbs import activation
from core.verbs.activation import UNLESS_ACTIVE, MarkCall, Off
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb


class PoolStart(Request, frozen=True):
    """Start a pool (virStoragePoolCreate)."""

    verb: ClassVar[str] = "pool-start"


class PoolStop(Request, frozen=True):
    """Stop a pool; its volumes stay (virStoragePoolDestroy)."""

    verb: ClassVar[str] = "pool-stop"


class PoolRefresh(Request, frozen=True):
    """Have libvirt look again at what is in a pool (virStoragePoolRefresh)."""

    verb: ClassVar[str] = "pool-refresh"


class PoolAutostart(Request, frozen=True):
    """Have a pool started with its host, or no longer (virStoragePoolSetAutostart)."""

    verb: ClassVar[str] = "pool-autostart"
    off: Off = False


class PoolCreateCall(Call, frozen=True):
    """virStoragePoolCreate."""

    command: ClassVar[str] = "pool-start"


class PoolDestroyCall(Call, frozen=True):
    """virStoragePoolDestroy."""

    command: ClassVar[str] = "pool-destroy"


class PoolRefreshCall(Call, frozen=True):
    """virStoragePoolRefresh."""

    command: ClassVar[str] = "pool-refresh"
    repeatable: ClassVar[bool] = True


class PoolAutostartCall(MarkCall, frozen=True):
    """virStoragePoolSetAutostart."""

    command: ClassVar[str] = "pool-autostart"


_REFRESH_DEADLINE = 600.0
"""Seconds: libvirt opens every image of the pool."""


def _refresh(situation: Situation) -> list[Step]:
    text = f"having {situation.request.subject.host} look at {situation.name} again"
    return [Step(PoolRefreshCall(), text, deadline=_REFRESH_DEADLINE)]


def _ends(_: Request, subjects: Subjects) -> str:
    its, it, starts = (
        ("their", "them", "they start") if subjects.many else ("its", "it", "it starts")
    )
    return (
        f"Stops {subjects.whom}: {its} volumes stay, and cannot be used through {it} until "
        f"{starts}."
    )


def disks_in(state: State, requests: Sequence[Request]) -> list[str]:
    """Who uses volumes of the pools, as far as their paths show it."""
    found = []
    for request in requests:
        pool = state.pools.get(request.subject)
        if pool is None:
            continue
        having = {one.key for one in pool_users(state, pool)}
        inside = tuple(f"{one.rstrip('/')}/" for one in (pool.path, pool.name) if one)
        found += [
            clean(instance.name)
            for key, instance in state.instances.items()
            if key in having or (key.host == pool.host and _has_below(instance, inside))
        ]
    users = list(dict.fromkeys(found))
    where = "them" if len(requests) > 1 else "it"
    told = [f"Disks in {where}: of {listed(users)}."] if users else []
    return [*told, *activation.untold(state, requests, f"has disks in {where}")]


def _has_below(instance: Instance, folders: tuple[str, ...]) -> bool:
    return any(layer.path.startswith(folders) for disk in instance.disks for layer in disk.layers)


POOL_REFRESH = Verb(
    PoolRefresh,
    title="Refresh",
    help="Have libvirt look again at what is in the pool.",
    doing="refreshing",
    group="pool",
    key="r",
    subject="pool",
    decide=sequence(_refresh, lambda now: f"the pool {now.name} is read anew"),
    steps=_refresh,
    calls=(PoolRefreshCall,),
    refusals=UNLESS_ACTIVE,
)

VERBS = (
    activation.start("pool", PoolStart, PoolCreateCall, PoolStop),
    activation.stop(
        *("pool", PoolStop, PoolDestroyCall, PoolStart),
        Risk(Caution.CONFIRM, _ends, after=disks_in),
        stays="; its volumes stay",
    ),
    POOL_REFRESH,
    activation.autostart("pool", PoolAutostart, PoolAutostartCall),
)
