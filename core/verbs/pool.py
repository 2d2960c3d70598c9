"""What is done to storage pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Pool, PoolState, Request, State
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.wording import listed

_ACTIVE = frozenset({PoolState.ACTIVE, PoolState.DEGRADED, PoolState.INACCESSIBLE})


def _pool(situation: Situation) -> Pool | None:
    return situation.subject if isinstance(situation.subject, Pool) else None


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
    off: Annotated[bool, parameter("Start it no longer with its host.")] = False


class PoolCreateCall(Call, frozen=True):
    """virStoragePoolCreate."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh pool-start`."""
        return ("pool-start", name)


class PoolDestroyCall(Call, frozen=True):
    """virStoragePoolDestroy."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh pool-destroy`."""
        return ("pool-destroy", name)


class PoolRefreshCall(Call, frozen=True):
    """virStoragePoolRefresh."""

    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh pool-refresh`."""
        return ("pool-refresh", name)


class PoolAutostartCall(Call, frozen=True):
    """virStoragePoolSetAutostart."""

    on: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh pool-autostart`."""
        return ("pool-autostart", name) if self.on else ("pool-autostart", name, "--disable")


def _start(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        pool = _pool(now)
        return pool is not None and pool.state in _ACTIVE

    return [Step(PoolCreateCall(), f"starting {situation.name}", shows)]


def _stop(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        pool = _pool(now)
        return pool is None or pool.state is PoolState.INACTIVE

    return [Step(PoolDestroyCall(), f"stopping {situation.name}", shows)]


_REFRESH_DEADLINE = 600.0
"""Seconds: libvirt opens every image of the pool."""


def _refresh(situation: Situation) -> list[Step]:
    text = f"having {situation.request.subject.host} look at {situation.name} again"
    return [Step(PoolRefreshCall(), text, deadline=_REFRESH_DEADLINE)]


def _autostart(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, PoolAutostart)
    on = not request.off

    def shows(now: Situation) -> bool:
        pool = _pool(now)
        return pool is not None and pool.autostart == on

    text = f"{'marking' if on else 'unmarking'} {situation.name} to start with its host"
    return [Step(PoolAutostartCall(on), text, shows)]


def _is_active(state: State, request: Request, _: str) -> Iterator[Refusal]:
    pool = state.pools.get(request.subject)
    if pool is not None and pool.state in _ACTIVE:
        yield Refusal(RefusalCode.STATE, f"The pool {pool.name} is already active")


def _is_inactive(state: State, request: Request, _: str) -> Iterator[Refusal]:
    pool = state.pools.get(request.subject)
    if pool is not None and pool.state not in _ACTIVE:
        yield Refusal(RefusalCode.STATE, f"The pool {pool.name} is not active", "start it first")


def _is_transient(state: State, request: Request, _: str) -> Iterator[Refusal]:
    pool = state.pools.get(request.subject)
    if pool is not None and not pool.persistent:
        text = f"The pool {pool.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "only what is defined starts with its host")


def _ends(_: Request, subjects: Subjects) -> str:
    return (
        f"Stops {subjects.whom}: its volumes stay, and cannot be used through it until it starts."
    )


def _users(state: State, requests: Sequence[Request]) -> list[str]:
    """Who uses volumes of the pools, as far as their paths show it."""
    found = []
    for request in requests:
        pool = state.pools.get(request.subject)
        if pool is None or not pool.path:
            continue
        inside = f"{pool.path.rstrip('/')}/"
        found += [
            clean(instance.name)
            for instance in state.instances.values()
            if instance.host == pool.host
            and any(
                layer.path.startswith(inside) or layer.path.startswith(f"{pool.name}/")
                for disk in instance.disks
                for layer in disk.layers
            )
        ]
    users = list(dict.fromkeys(found))
    return [f"Disks in it: of {listed(users)}."] if users else []


def _autostarts(situation: Situation) -> str:
    assert isinstance(situation.request, PoolAutostart)
    how = "no longer starts" if situation.request.off else "starts"
    return f"the pool {situation.name} {how} with its host"


POOL_START = Verb(
    PoolStart,
    title="Start",
    help="Start the pool.",
    doing="starting",
    group="pool",
    key="o",
    subject="pool",
    decide=sequence(_start, lambda now: f"the pool {now.name} is active"),
    steps=_start,
    calls=(PoolCreateCall,),
    refusals=_is_active,
)
POOL_STOP = Verb(
    PoolStop,
    title="Stop",
    help="Stop the pool; its volumes stay.",
    doing="stopping",
    group="pool",
    key="f",
    subject="pool",
    decide=sequence(_stop, lambda now: f"the pool {now.name} is stopped"),
    steps=_stop,
    calls=(PoolDestroyCall,),
    refusals=_is_inactive,
    risk=Risk(Caution.CONFIRM, _ends, after=_users),
    needs_description=True,
)
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
    refusals=_is_inactive,
)
POOL_AUTOSTART = Verb(
    PoolAutostart,
    title="Autostart",
    help="Have the pool started with its host, or no longer.",
    doing="setting autostart",
    group="pool",
    key="a",
    subject="pool",
    decide=sequence(_autostart, _autostarts),
    steps=_autostart,
    calls=(PoolAutostartCall,),
    refusals=_is_transient,
)

VERBS = (POOL_START, POOL_STOP, POOL_REFRESH, POOL_AUTOSTART)
