"""An instance of a dead host is defined on another one, and started where it ran.

As a creation: as a whole or not at all. Before anything is defined its new host is asked whether it
has the disks and whether somebody holds their locks. Before each call it is looked whether the dead
host answers after all, and whether the instance was seen elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.model import Instance, LinkStatus, ObjectKey, OperationStatus, Request, State
from core.model.text import clean
from core.state.second_copy import copies
from core.verbs.caution import Caution
from core.verbs.connected import against_moving, moves_between
from core.verbs.create.calls import DefineCall, ProveCall, TakeBackCall
from core.verbs.create.making import making, runs
from core.verbs.create.plan import InstancePlan
from core.verbs.definition import AutostartCall
from core.verbs.evacuation.requests import DisksCall, Evacuate
from core.verbs.power.calls import CreateCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import Action, End, Send, Situation, failed
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.whole import whole

if TYPE_CHECKING:  # the help needs no XML
    from core.verbs.evacuation.plan import EvacuationPlan

LOOK_DEADLINE = 60.0
"""Seconds for a look at the disks: a QEMU opens every image of their chains."""


def _request(situation: Situation) -> Evacuate:
    assert isinstance(situation.request, Evacuate)
    return situation.request


def _plan(situation: Situation) -> EvacuationPlan | None:
    """Return what is planned; None where nothing is kept of it (any more)."""
    from core.verbs.evacuation.plan import planned

    kept, request = situation.kept, _request(situation)
    if kept is None:
        return None
    definition = next((one for one in kept.definitions if one.uuid == request.subject.id), None)
    if definition is None:
        return None
    around, where = situation.around, request.subject.host
    listed = around.host is not None and "networks" in around.host.listed
    networks = tuple(one for one in around.networks.values() if one.host == where)
    volumes = tuple(one for one in around.volumes.values() if one.host == where)
    dead = ObjectKey("instance", request.source, request.subject.id)
    moved = moves_between(around.ledger.get(dead, {}), around.connections)
    known = networks if listed else None
    return planned(request, kept, definition, around.host, known, volumes, moved)


def _instance_plan(situation: Situation) -> tuple[InstancePlan, Sequence[object]]:
    found = _plan(situation)
    return (InstancePlan(situation.name, "") if found is None else found.plan), ()


def _steps(situation: Situation) -> list[Step]:
    look = next((one.call for one in situation.sent if isinstance(one.call, DisksCall)), None)
    if look is None:
        found = _plan(situation)
        look = DisksCall(_request(situation).source, "", "", ()) if found is None else found.disks
    text = (
        f"looking at its disks, and at who holds their locks, on {_request(situation).subject.host}"
    )
    prove, *rest = making(_instance_plan)(situation)  # type: ignore[arg-type]
    return [prove, Step(look, text, deadline=LOOK_DEADLINE), *rest]


def _evacuated(situation: Situation) -> str:
    request = _request(situation)
    runs = "runs" if request.start else "is defined"
    return f"{situation.name} {runs} on {request.subject.host}"


_CARRY_OUT = whole(_steps, _evacuated)


def decide(situation: Situation) -> Action:
    """Carry it out, unless something speaks against it by now: then what was done is taken back."""
    if not situation.sent and (end := _against_beginning(situation)) is not None:
        return end
    if situation.progress.adopted is not None and not _defines(situation):
        # what was stated of its host, and seen of its disks, was so before
        text = f"its console ended before {situation.name} was defined: nothing was done"
        return failed(text, "Ask for it again, if its host is still fenced.")
    action = _CARRY_OUT(situation)
    if situation.stop and isinstance(action, Send) and not isinstance(action.call, TakeBackCall):
        action = _CARRY_OUT(replace(situation, cancelled=situation.stop))
        if isinstance(action, Send) and not isinstance(action.call, TakeBackCall):
            return End(OperationStatus.REFUSED, situation.stop, refused=RefusalCode.STATE)
    if _takes_back(situation, action) and runs(situation):
        return _runs_there(situation)
    if isinstance(action, End):
        return _told(situation, action)
    return action


def _takes_back(situation: Situation, action: Action) -> bool:
    """Whether what was defined is to be taken back, or was tried to be."""
    calls = [action.call] if isinstance(action, Send) else []
    return any(
        isinstance(call, TakeBackCall) for call in (*calls, *(one.call for one in situation.sent))
    )


def _runs_there(situation: Situation) -> End:
    """End where what is to be taken back runs: nothing that virtdeck may do by itself is safe."""
    request = _request(situation)
    name, source, here = map(clean, (situation.name, request.source, request.subject.host))
    why = situation.stop or situation.cancelled or "the evacuation was not finished"
    return failed(
        f"{name} runs on {here}, where it was evacuated to, and was not taken back ({why}); "
        f"{source} has a definition of it as well",
        f"Let it run on one of the two only. To keep it on {here}: see that it does not run on "
        f"{source}, then `virtdeck undefine {source}/{name}`. To go back to {source}: `virtdeck "
        f"shutdown {here}/{name}`, `virtdeck undefine {here}/{name}`, then start it on {source}. "
        "Its disks stay.",
    )


def _defines(situation: Situation) -> bool:
    return any(isinstance(one.call, DefineCall) for one in situation.sent)


def _against_beginning(situation: Situation) -> End | None:
    request = _request(situation)
    found = _plan(situation)
    if situation.stop:
        why = situation.stop
    elif found is None:
        why = f"No definition of {situation.name} is kept of {request.source}"
    else:
        why = found.against
    if not why:
        return None
    return End(OperationStatus.REFUSED, why, "Nothing was done.", RefusalCode.STATE)


def _told(situation: Situation, end: End) -> End:
    """Return an end with what is to be done about what the dead host still has."""
    request, source = _request(situation), clean(_request(situation).source)
    if end.status is OperationStatus.DONE:
        found = _plan(situation)
        notes = (
            "" if found is None else " ".join(f"{one[0].upper()}{one[1:]}." for one in found.notes)
        )
        return replace(end, hint=f"{notes} {left_behind(source, situation.name)}".strip())
    if end.status is OperationStatus.CANCELLED and situation.stop:
        text = f"{situation.stop}; {situation.name} is not on {request.subject.host}"
        return End(OperationStatus.REFUSED, text, end.hint, RefusalCode.STATE)
    return end


def left_behind(source: str, name: str) -> str:
    """Say what is to be done about what a host still has, once it is back."""
    return (
        f"When {source} is back, undefine what it still has before anything starts it there: "
        f"`virtdeck undefine {source}/{name}`; its disks stay."
    )


def stop(state: State, request: Request, but: str) -> str:
    """Return why it must not go on, as all hosts stand now, a clause; empty: it may."""
    return next((f"{one.text}" for one in _against(state, request, but)), "")


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell what speaks against it before it is begun, as far as the state knows."""
    assert isinstance(request, Evacuate)
    source, where = clean(request.source), request.subject.host
    if request.source not in state.hosts:
        text = f"{source} is not open here, so that nobody sees whether it answers"
        yield Refusal(RefusalCode.NOT_FOUND, text, "open it as well, dead as it is", "source")
    if request.source == where:
        text = f"{source} cannot be evacuated to itself"
        yield Refusal(RefusalCode.PARAMETER, text, "name another host", "source")
    if request.fenced != request.source:
        text = f"Nobody has stated that {source} is fenced"
        cure = f"see to it that it is off, or cut off from its disks, then type {source} for it"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "fenced")
    yield from _against(state, request, but)
    if (there := state.instances.get(request.subject)) is not None:
        text = f"{where} has {clean(there.name)} already ({there.state.value})"
        yield Refusal(RefusalCode.SECOND_COPY, text, f"start it there if it is to run on {where}")
    for row in state.instances.values():
        if row.host == where and row.name == request.name and row.uuid != request.subject.id:
            text = f"There is another instance {clean(row.name)} on {where}"
            yield Refusal(RefusalCode.STATE, text, "rename that one, or take another host")
    dead = ObjectKey("instance", request.source, request.subject.id)
    yield from against_moving(state, dead, where, request.makes)


def _against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    assert isinstance(request, Evacuate)
    source = clean(request.source)
    host = state.hosts.get(request.source)
    if host is not None and host.link.status is LinkStatus.UP:
        text = f"{source} answers: it is not dead"
        yield Refusal(RefusalCode.STATE, text, f"drain it, or migrate what runs on {source}")
    name, own = request.makes, request.subject
    for row in state.instances.values():
        if row.uuid == own.id and row.host not in (own.host, request.source):
            text = f"{clean(row.host)} has {clean(name)} already ({row.state.value})"
            yield Refusal(RefusalCode.SECOND_COPY, text, f"start it on {clean(row.host)}")
    for sign in copies(state, own, but, fenced=request.source):
        text = f"{clean(name)} must not run twice: {sign}"
        yield Refusal(RefusalCode.SECOND_COPY, text, "see to that first")


def _risk(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, Evacuate)
    source = clean(request.source)
    return (
        f"Defines {subjects.whom}, and starts what ran on {source}. Where {source} is not dead, "
        "two of each write to the same disks and destroy what is on them: you state that it is "
        "fenced, that is off, or cut off from the disks. Checkpoints stay behind: the next backup "
        "of each is a full one."
    )


def _word(_: State, requests: Sequence[Request]) -> str:
    (first, *_rest) = requests
    assert isinstance(first, Evacuate)
    return fenced_word(first.source)


def fenced_word(source: str) -> str:
    """Return what an operator types to state that a host is dead."""
    return f"{clean(source)} is fenced"


def _source(request: Request, _: Iterable[str]) -> Iterable[str]:
    assert isinstance(request, Evacuate)
    return (request.source,)


def _never(_: Instance) -> bool:
    return False


EVACUATE = Verb(
    Evacuate,
    title="Evacuate",
    help="Define the instances of a dead host on another one, and start those that ran.",
    doing="being evacuated",
    group="move",
    subject="host",
    makes="instance",
    of_dead=True,
    by_hand=True,
    decide=decide,
    calls=(ProveCall, DisksCall, DefineCall, AutostartCall, CreateCall, TakeBackCall),
    looks_at=frozenset({"kept"}),
    refusals=against,
    stops=stop,
    waits=True,
    lets_run=_never,
    risk=Risk(Caution.TYPE, _risk, word=_word),
    cancelled="What was defined of it is removed again.",
    hosts=_source,
)
VERBS = (EVACUATE,)
