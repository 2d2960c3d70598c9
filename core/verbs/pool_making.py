"""Pools are made: from what was asked for, or from their XML; and what they lie on is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.errors import XmlError
from core.model import Pool, Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.defined_anew import defined_new
from core.verbs.pool import PoolAutostartCall, PoolCreateCall
from core.verbs.pool_calls import PoolBuildCall, PoolDefineCall, PoolUndefineCall
from core.verbs.pool_plan import KINDS, against_plan, planned_pool
from core.verbs.pool_requests import BuildPool, CreatePool, CreatePoolFromXml
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb

_START = 120.0
"""Seconds: a server out of reach is waited for by what mounts or logs in."""
_BUILD = 3600.0
_SEES = "`zpool create`"
"""Who looks what is on the devices of a ZFS pool: libvirt passes neither yes nor no on to it."""
_Makes = CreatePool | CreatePoolFromXml


def _steps(now: Situation) -> list[Step]:
    """Define it, build it, mark it, start it: what is not done in the end is undefined again."""
    request = now.request
    assert isinstance(request, _Makes)
    name = clean(request.makes)
    made = next((one.call for one in now.sent if isinstance(one.call, PoolDefineCall)), None)
    call = made or PoolDefineCall(_xml(request))
    steps = [
        defined_new(
            Step(call, f"defining the pool {name}", _there, PoolUndefineCall()),
            given=isinstance(request, CreatePoolFromXml) and bool(_own_id({"xml": request.xml})),
        )
    ]
    if isinstance(request, CreatePool) and request.build:
        steps.append(_building(request.type, name, overwrite=False))
    if request.autostart:
        text = f"marking {name} to start with its host"
        steps.append(Step(PoolAutostartCall(on=True), text, _marked))
    if request.start:
        steps.append(Step(PoolCreateCall(), f"starting {name}", _active, deadline=_START))
    return steps


def _building(type_: str, name: str, *, overwrite: bool) -> Step:
    kind = KINDS.get(type_)
    flags = ("overwrite" if overwrite else "no-overwrite") if kind and kind.overwrites else ""
    what = kind.builds if kind else "what it lies on"
    return Step(PoolBuildCall(flags), f"making {what} for {name}", deadline=_BUILD)


def _found(now: Situation) -> Pool | None:
    return now.subject if isinstance(now.subject, Pool) else None


def _there(now: Situation) -> bool:
    return _found(now) is not None


def _marked(now: Situation) -> bool:
    found = _found(now)
    return found is not None and found.autostart


def _active(now: Situation) -> bool:
    found = _found(now)
    return found is not None and found.active


def _xml(request: _Makes) -> str:
    from core.xml.naming import named_as
    from core.xml.new_pool import pool_xml

    if isinstance(request, CreatePool):
        return pool_xml(planned_pool(request))
    return named_as(request.xml, "pool", request.makes, request.subject.id)


def _outcome(now: Situation) -> str:
    request = now.request
    assert isinstance(request, _Makes)
    return f"the pool {clean(request.makes)} is made{' and active' if request.start else ''}"


def _against_names(state: State, request: _Makes, field: str) -> Iterator[Refusal]:
    host = request.subject.host
    for other in state.pools.values():
        if other.host == host and (other.name == request.makes or other.uuid == request.subject.id):
            text = f"{host} has a pool {clean(other.name)} already"
            cure = "choose another name, or remove that one: `virtdeck pool undefine`"
            yield Refusal(RefusalCode.PARAMETER, text, cure, field)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CreatePool)
    yield from _against_names(state, request, "name")
    yield from against_plan(request)


def _against_xml(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.storage import read_pool

    assert isinstance(request, CreatePoolFromXml)
    try:
        found = read_pool(request.xml)
    except XmlError as error:
        cure = f"{error.hint[:1].lower()}{error.hint[1:]}".rstrip(".")
        text = error.message.rstrip(".")
        cure = cure or "see `virsh pool-dumpxml` of another"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")
        return
    if not found.name:
        yield Refusal(RefusalCode.PARAMETER, "The XML has no name", "give it a <name>", "xml")
    else:
        yield from _against_names(state, request, "xml")


def _own_id(values: Mapping[str, Any]) -> str:
    from core.xml.storage import read_pool

    try:
        return read_pool(values["xml"]).uuid
    except XmlError:
        return ""


def _raised(_: State, request: Request) -> Caution:
    """Building writes to devices: those that hold something are left alone, as far as is seen."""
    if isinstance(request, CreatePool) and request.build and KINDS[request.type].writes_devices:
        return Caution.CONFIRM
    return Caution.NONE


def _builds(_: State, requests: Sequence[Request]) -> list[str]:
    told = []
    for request in requests:
        if isinstance(request, CreatePool) and request.build and request.device:
            kind, where = KINDS[request.type], " and ".join(map(clean, request.device))
            sees = "something is" if kind.overwrites else f"{_SEES} sees something"
            told.append(f"Makes {kind.builds} on {where}, unless {sees} on it.")
    return told


def _verb(request: type[Request], **more: Any) -> Verb:
    return Verb(
        request,
        doing="being made",
        group="pool",
        subject="host",
        makes="pool",
        decide=sequence(_steps, _outcome),
        steps=_steps,
        resumable=True,
        calls=(PoolDefineCall, PoolBuildCall, PoolAutostartCall, PoolCreateCall, PoolUndefineCall),
        single=True,
        needs_host=True,
        cancelled="What was defined of it is undefined again; what was built stays.",
        **more,
    )


def _build_steps(now: Situation) -> list[Step]:
    request, pool = now.request, now.subject
    assert isinstance(request, BuildPool)
    type_ = pool.type if isinstance(pool, Pool) else ""
    return [_building(type_, now.name, overwrite=request.overwrite)]


def _against_build(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, BuildPool)
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    kind = KINDS.get(pool.type)
    if kind is not None and not kind.builds:
        text = f"libvirt builds nothing for a pool of the type {pool.type}"
        yield Refusal(RefusalCode.STATE, text, "make it where it is served")
    elif pool.active:
        yield Refusal(RefusalCode.STATE, f"The pool {clean(pool.name)} is active", "stop it first")
    elif request.overwrite and kind is not None and not kind.overwrites:
        text = f"Building {clean(pool.name)} writes over nothing"
        yield Refusal(RefusalCode.PARAMETER, text, "leave it out", "overwrite")


def _build_risk(state: State, request: Request) -> Caution:
    pool = state.pools.get(request.subject)
    writes = pool is None or pool.type not in KINDS or KINDS[pool.type].writes_devices
    if isinstance(request, BuildPool) and request.overwrite:
        return Caution.TYPE
    return Caution.CONFIRM if writes else Caution.NONE


def _build_sees(state: State, requests: Sequence[Request]) -> list[str]:
    pools = [state.pools.get(request.subject) for request in requests]
    kinds = [KINDS.get(pool.type) for pool in pools if pool is not None]
    blind = any(kind and kind.writes_devices and not kind.overwrites for kind in kinds)
    return [f"libvirt does not look whether its devices hold something: {_SEES} does."] * blind


def _build_words(request: Request, subjects: Subjects) -> str:
    if isinstance(request, BuildPool) and request.overwrite:
        return f"Writes over what {subjects.whom} lies on: all that is on it is lost."
    return f"Makes what {subjects.whom} lies on; what is seen to hold something is left alone."


VERBS = (
    _verb(
        CreatePool,
        title="Make a pool",
        help="Make a storage pool of any type that libvirt knows.",
        key="n",
        refusals=_against,
        risk=Risk(raised=_raised, after=_builds),
    ),
    _verb(
        CreatePoolFromXml,
        title="Make a pool from XML",
        help="Make a storage pool from its XML, checked by libvirt before anything is made.",
        key="x",
        refusals=_against_xml,
        own_id=_own_id,
    ),
    Verb(
        BuildPool,
        title="Build",
        help="Make what the pool lies on: folder, file system, partition table, volume group.",
        doing="being built",
        group="pool",
        key="b",
        subject="pool",
        decide=sequence(_build_steps, lambda now: f"what {now.name} lies on is made"),
        steps=_build_steps,
        calls=(PoolBuildCall,),
        refusals=_against_build,
        risk=Risk(Caution.NONE, _build_words, raised=_build_risk, after=_build_sees),
    ),
)
