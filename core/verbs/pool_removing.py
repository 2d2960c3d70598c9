"""Pools are removed: with all that is in them, or from libvirt's list alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.model import ObjectKey, Pool, Request, State, Volume
from core.model.lists import listed, plural
from core.model.sizes import size
from core.model.text import clean
from core.state.storage_rows import twins_of
from core.state.usage import overlays_of, pool_users, users_elsewhere
from core.verbs.activation import untold
from core.verbs.caution import Caution
from core.verbs.pool import PoolDestroyCall, disks_in
from core.verbs.pool_calls import PoolClearCall, PoolDeleteCall, PoolUndefineCall
from core.verbs.pool_plan import KINDS
from core.verbs.pool_requests import CreatePoolFromXml, DeletePool, UndefinePool
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb

_NAMED = 12
"""Volumes that a confirmation names."""
_DELETES = 3600.0


def _steps(now: Situation) -> list[Step]:
    pool = now.subject if isinstance(now.subject, Pool) else None
    cleared = [one.call for one in now.sent if isinstance(one.call, PoolClearCall)]
    if cleared:
        clear = cleared[0]
    else:
        names = tuple(sorted(
            one.name for one in now.around.volumes.values()
            if pool is not None and (one.host, one.pool) == (pool.host, pool.uuid)
        ))  # fmt: skip
        clear = PoolClearCall(names, keep=pool is not None and pool.type != "dir")
    what = "looking that nobody uses" if clear.keep else "deleting"
    return [
        Step(clear, f"{what} what is in {now.name}", deadline=_DELETES),
        Step(PoolDestroyCall(), f"stopping {now.name}", _off),
        Step(PoolDeleteCall(), f"deleting what {now.name} lies on", deadline=_DELETES),
        Step(PoolUndefineCall(), f"undefining {now.name}", _gone),
    ]


def _off(now: Situation) -> bool:
    return not (isinstance(now.subject, Pool) and now.subject.active)


def _gone(now: Situation) -> bool:
    return now.subject is None


def _inside(state: State, key: ObjectKey) -> list[Volume]:
    return [one for one in state.volumes.values() if (one.host, one.pool) == (key.host, key.id)]


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    name, kind = clean(pool.name), KINDS.get(pool.type)
    if kind is None or not kind.deletes:
        text = f"libvirt deletes nothing of a pool of the type {pool.type}"
        cure = "delete what is to go volume by volume, then stop and undefine the pool"
        yield Refusal(RefusalCode.STATE, text, cure)
    elif not pool.persistent:
        text = f"The pool {name} is transient"
        cure = "delete its volumes, then stop it: it is gone then"
        yield Refusal(RefusalCode.STATE, text, cure)
    elif not pool.active:
        text = f"What is in {name} is not seen while it is {pool.state.value}"
        yield Refusal(RefusalCode.STATE, text, "start it first, or undefine it: what it has stays")
    elif pool.error:
        text = f"The volumes of {name} are not listed: {clean(pool.error).rstrip('.')}"
        yield Refusal(RefusalCode.STATE, text, "see to that first")
    else:
        yield from _against_use(state, pool)


def _against_use(state: State, pool: Pool) -> Iterator[Refusal]:
    """Tell who needs what is in a pool, here and where the same storage is seen."""
    users = dict.fromkeys(_users(state, pool))
    if users:
        text = f"The pool {clean(pool.name)} is in use: by {listed(list(users))}"
        yield Refusal(RefusalCode.BUSY, text, "detach or undefine these first")
        return
    for why in untold(state, [DeletePool(pool.key)], "has disks in it"):
        yield Refusal(RefusalCode.STATE, why.rstrip("."), "read everything again")


def _users(state: State, pool: Pool) -> Iterator[str]:
    for key in dict.fromkeys((pool.key, *twins_of(state, pool.key))):
        found = state.pools.get(key)
        for one in () if found is None else pool_users(state, found):
            at = "" if one.host == pool.host else f" on {clean(one.host)}"
            yield f"{clean(one.name)}{at}"
    for volume in _inside(state, pool.key):
        yield from (f"{clean(one.name)} on {one.host}" for one in users_elsewhere(state, volume))
        over = [one for one in overlays_of(state, volume) if one.pool != pool.uuid]
        yield from (f"the image {clean(one.pool_name)}/{clean(one.name)}" for one in over)


def _takes(_: Request, subjects: Subjects) -> str:
    its = "their" if subjects.many else "its"
    return f"Deletes {subjects.whom} and all that is in {its} volumes: it is lost for good."


def _loses(state: State, requests: Sequence[Request]) -> list[str]:
    """Name the volumes with their sizes, the largest first, and what else goes."""
    told = []
    for request in requests:
        pool, volumes = state.pools.get(request.subject), _inside(state, request.subject)
        if pool is None:
            continue
        volumes.sort(key=lambda one: -(one.allocation or 0))
        names = [f"{clean(one.name)} ({size(one.allocation)})" for one in volumes[:_NAMED]]
        more = len(volumes) - _NAMED
        names += [f"{more:,} more"] if more > 0 else []
        known = sum(one.allocation or 0 for one in volumes)
        taken = size(known)
        kind = KINDS.get(pool.type)
        lies = f"{kind.deletes} {clean(pool.path)}" if kind and kind.deletes else "what it lies on"
        what = f"{plural(len(volumes), 'volume')} of {taken}: {listed(names, _NAMED + 1)}"
        told.append(f"Goes with it: {lies}, {what if volumes else 'no volume'}.")
        told += _unlisted(pool, known)
    return told


def _unlisted(pool: Pool, known: int) -> Iterator[str]:
    """Tell what goes that libvirt lists none of: its tools take all, whatever it is."""
    kind = KINDS.get(pool.type)
    if kind is not None and kind.unlisted:
        text = f"So does everything else in it that libvirt does not list: {kind.unlisted}"
        taken = pool.allocation or 0
        more = f"; {size(taken)} are taken in all" if taken > known else ""
        yield f"{text}{more}."


def _forgets(_: Request, subjects: Subjects) -> str:
    it = "them" if subjects.many else "it"
    return f"Undefines {subjects.whom}: what is in {it} stays, and is no longer seen here."


def _against_undefine(state: State, request: Request, _: str) -> Iterator[Refusal]:
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    if not pool.persistent:
        text = f"The pool {clean(pool.name)} is transient"
        yield Refusal(RefusalCode.STATE, text, "stop it: it is gone then")
    elif pool.active:
        yield Refusal(RefusalCode.STATE, f"The pool {clean(pool.name)} is active", "stop it first")


def _undefine(now: Situation) -> list[Step]:
    return [Step(PoolUndefineCall(), f"undefining {now.name}", _gone)]


def _defined_again(now: Situation) -> Request | None:
    """Return the request that defines it as it was: what is in it has stayed."""
    pool = now.subject
    if now.document is None or not isinstance(pool, Pool):
        return None
    return CreatePoolFromXml(
        now.request.subject, now.document, start=False, autostart=pool.autostart
    )


VERBS = (
    Verb(
        UndefinePool,
        title="Undefine",
        help="Forget a pool that is off; what is in it stays.",
        doing="being undefined",
        group="pool",
        key="u",
        subject="pool",
        decide=sequence(_undefine, lambda now: f"the pool {now.name} is undefined"),
        steps=_undefine,
        calls=(PoolUndefineCall,),
        refusals=_against_undefine,
        needs_description=True,
        looks_at=frozenset({"document"}),
        undo=_defined_again,
        risk=Risk(Caution.CONFIRM, _forgets, after=disks_in),
    ),
    Verb(
        DeletePool,
        title="Delete with all in it",
        help="Delete the pool, its volumes and what it lies on, where nothing uses them.",
        doing="being deleted",
        group="pool",
        key="d",
        subject="pool",
        decide=sequence(_steps, lambda now: f"the pool {now.name} is deleted"),
        steps=_steps,
        resumable=True,
        calls=(PoolClearCall, PoolDestroyCall, PoolDeleteCall, PoolUndefineCall),
        refusals=_against,
        single=True,
        needs_description=True,
        needs_host=True,
        risk=Risk(Caution.TYPE, _takes, after=_loses),
        cancelled="What was deleted of it is gone; the rest stays.",
    ),
)
