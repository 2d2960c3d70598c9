"""The calls that a plan comes to, each with what takes it back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.model import Instance
from core.model.secret_value import Secret
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.create.calls import DefineCall, ProveCall, TakeBackCall
from core.verbs.create.plan import InstancePlan, NewVolume
from core.verbs.definition import AutostartCall
from core.verbs.power.calls import CreateCall
from core.verbs.sequence import Step, Steps
from core.verbs.situation import Situation
from core.verbs.volume import (
    StopTransferCall,
    VolumeCall,
    VolumeCloneCall,
    VolumeCreateCall,
    VolumeDeleteCall,
    VolumeResizeCall,
    VolumeUploadCall,
)

Planned = Callable[[Situation], tuple[InstancePlan, Sequence[Secret]]]
"""Returns what a request comes to in a situation, and the passwords of its XML."""
SeedOf = Callable[[Situation, NewVolume], Call]
"""Returns what writes the seed of a request over its volume."""
START_DEADLINE = 120.0
"""Seconds for a start, which opens every image of a chain."""


UNKNOWN_CAPACITY = 1 << 20
"""Bytes of a volume that a file is written over: it is as large as that says then."""


def making(planned: Planned, seed: SeedOf | None = None) -> Steps:
    """Return the steps of a verb that makes an instance; `seed` writes its seed, if it has one.

    The plan is made once: a console that takes over has it from the first call.
    """

    def steps(situation: Situation) -> list[Step]:
        sent = next((one.call for one in situation.sent if isinstance(one.call, ProveCall)), None)
        if sent is None:
            plan, passwords = planned(situation)
            sent = ProveCall(plan, tuple(passwords))
        return list(_steps(situation, sent, seed))

    return steps


def plan_of(situation: Situation) -> InstancePlan | None:
    """Return the plan of an operation that was begun."""
    return next((one.call.plan for one in situation.sent if isinstance(one.call, ProveCall)), None)


def _steps(situation: Situation, prove: ProveCall, seed: SeedOf | None) -> Iterator[Step]:
    plan, name = prove.plan, prove.plan.name
    yield Step(prove, f"having libvirt check the definition of {name}")
    for volume in plan.volumes:
        yield from _volume_steps(volume)
        if volume.how == "seed" and seed is not None:
            sent, text = seed(situation, volume), f"writing the seed of {name}"
            yield Step(sent, text, _heard(sent), abort=StopTransferCall())
    yield _defining(situation, prove)
    if plan.autostart:
        yield Step(AutostartCall(on=True), f"having {name} started with {_host(situation)}")
    if plan.start:
        yield Step(CreateCall(), f"starting {name}", runs, deadline=START_DEADLINE)


def _defining(situation: Situation, prove: ProveCall) -> Step:
    """Define it: where its UUID was given, with a mark that tells it from one of another."""
    plan, xml = prove.plan, prove.plan.xml
    maker = situation.operation if plan.given else ""
    if maker:
        from core.xml.made_mark import made_by

        xml = made_by(xml, maker)

    def shows(now: Situation) -> bool:
        return isinstance(now.subject, Instance) and (not maker or now.subject.maker == maker)

    call = DefineCall(xml, prove.passwords)
    return Step(call, f"defining {plan.name}", shows, TakeBackCall(maker))


def _host(situation: Situation) -> str:
    return situation.request.subject.host


def runs(now: Situation) -> bool:
    """Whether what is made runs."""
    return isinstance(now.subject, Instance) and now.subject.state.active


def _volume_steps(volume: NewVolume) -> Iterator[Step]:
    place = f"{volume.pool}/{volume.name}"
    remove = VolumeDeleteCall(volume.pool, volume.name)
    if volume.how == "copy":
        copied = VolumeCloneCall(volume.pool, volume.name, volume.image, volume.format)
        text = f"copying {volume.image} to {place}"
        yield Step(copied, text, _heard(copied), remove, names=clean(place))
        yield from _grown(volume)
        return
    base = volume.image if volume.how == "over" else ""
    capacity = volume.capacity or UNKNOWN_CAPACITY
    made = VolumeCreateCall(volume.pool, volume.name, capacity, volume.format, base)
    over = f" over {base}" if base else ""
    own = volume.how == "seed"  # its name has the UUID of its instance: no other is called so
    shows, names = (_there(made), "") if own else (_heard(made), clean(place))
    yield Step(made, f"making the volume {place}{over}", shows, remove, names=names)
    if volume.how == "file":
        sent = VolumeUploadCall(volume.pool, volume.name, volume.image)
        text = f"writing {volume.image} to {place}"
        yield Step(sent, text, _heard(sent), abort=StopTransferCall())
        yield from _grown(volume)


def _grown(volume: NewVolume) -> Iterator[Step]:
    """A copy is as large as what was copied, whatever is asked for (libvirt 9.0)."""
    if volume.capacity:
        grown = VolumeResizeCall(volume.pool, volume.name, volume.capacity)
        yield Step(grown, f"letting {volume.pool}/{volume.name} grow")


def _heard(call: Call) -> Callable[[Situation], bool]:
    """Only libvirt's yes tells that a volume is whole."""
    return lambda now: any(one.call == call and one.accepted for one in now.sent)


def _there(call: VolumeCall) -> Callable[[Situation], bool]:
    heard = _heard(call)
    return lambda now: heard(now) or call.volume in now.volumes
