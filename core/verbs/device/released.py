"""What holds an instance to its host is detached so that it can move, and attached again. Pure.

Nova's driver detaches SR-IOV interfaces before a live migration and attaches them at the
destination after it, or at the source again where it fails (nova-map 2.4); plain PCI devices it
refuses to move with. Here both are done with all devices that hold a guest to its host, and by
operations of their own, so that a console that ends in between leaves neither half done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.held_devices import bound_devices
from core.verbs.caution import Caution
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.devices import word_of
from core.verbs.letting_go import Purpose, against, letting_go, rehearsed, taking_back
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, Situation, done
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Risk, Subjects, Verb

MOVING = Purpose(
    "it is held to its host yet", ": {names} {are} detached until device-reattach attaches again"
)


class DeviceRelease(Request, frozen=True):
    """Detach what holds a guest to its host from what runs; its definition keeps it."""

    verb: ClassVar[str] = "device-release"


class DeviceReattach(Request, frozen=True):
    """Attach the host's devices again that its definition has and what runs has not."""

    verb: ClassVar[str] = "device-reattach"
    device: tuple[
        Annotated[
            str,
            parameter("This one of them alone, by its word or MAC address. [default: all]",
                      pattern=r"[^\x00-\x1f\x7f-\x9f]+", shape="a word such as pci:0000:03:00.0"),
        ],
        ...,
    ] = ()  # fmt: skip


def _released(now: Situation) -> Action:
    return done(f"nothing holds {now.name} to its host")


def _wanted(request: Request) -> tuple[str, ...]:
    assert isinstance(request, DeviceReattach)
    return request.device


def _has_them(now: Situation) -> Action:
    return done(f"{now.name} has the devices of its host that its definition has")


def _against_release(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if not instance.persistent:
        text = f"{clean(instance.name)} is transient"
        yield Refusal(RefusalCode.STATE, text, "no definition would keep what it lets go of")
    elif instance.described and not bound_devices(instance):
        text = f"No device of its host holds {clean(instance.name)} there"
        yield Refusal(RefusalCode.STATE, text, "nothing need be detached")
    else:
        yield from against(instance)


def _against_reattach(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is not None and not instance.persistent:
        text = f"{clean(instance.name)} is transient"
        yield Refusal(RefusalCode.STATE, text, "it has no definition that could have more")
    moving = (one for one in state.migrations.values() if one.source_key == request.subject)
    if instance is not None and any(not one.status.final for one in moving):
        text = f"{clean(instance.name)} is migrating"
        yield Refusal(RefusalCode.BUSY, text, "wait for the end of it: it gives back what it took")


def _takes(_: Request, subjects: Subjects) -> str:
    return f"Takes what holds {subjects.whom} to the host away: what its guest does with it ends."


def _names(state: State, requests: Sequence[Request]) -> list[str]:
    found = [state.instances.get(asked.subject) for asked in requests]
    lines = []
    for instance in found:
        names = [] if instance is None else [
            word_of(one.kind, one.name) for one in bound_devices(instance)
        ]  # fmt: skip
        if instance is not None and names:
            lines.append(f"Of {clean(instance.name)} that is {listed(names)}.")
    return lines


DEVICE_RELEASE = Verb(
    DeviceRelease,
    title="Let go of the host's devices",
    help="Have its guest let go of what holds it to its host: PCI, mediated devices, SR-IOV.",
    doing="letting go of its host's devices",
    group="devices",
    key="r",
    decide=letting_go(_released, MOVING),
    steps=rehearsed,
    calls=(DetachCall, AttachCall),
    waits=True,
    resumable=True,
    beside=frozenset({Migrate}),
    needs_description=True,
    looks_at=frozenset({"document"}),
    states=TO_BE_ON,
    refusals=_against_release,
    risk=Risk(Caution.CONFIRM, _takes, after=_names),
    cancelled="What it has let go of is attached again.",
)
DEVICE_REATTACH = Verb(
    DeviceReattach,
    title="Attach the host's devices again",
    help="Attach the devices of its host again that its definition has and what runs has not.",
    doing="being given its host's devices again",
    group="devices",
    key="y",
    decide=taking_back(_has_them, _wanted),
    calls=(AttachCall,),
    resumable=True,
    during_jobs=True,  # an aborted migration ends without an event: its job is shown for a while
    beside=frozenset({Migrate}),
    needs_description=True,
    needs_networks=True,
    looks_at=frozenset({"definition", "document"}),
    states=TO_BE_ON,
    refusals=_against_reattach,
)

VERBS = (DEVICE_RELEASE, DEVICE_REATTACH)
