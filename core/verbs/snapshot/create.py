"""A snapshot of an instance is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import Disk, Instance, InstanceState, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.agent import without_agent
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.definition import DESCRIPTION_BYTES, NAME_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import NOT_KNOWN
from core.verbs.verb import Risk, Verb

Where = Literal["internal", "external"]


class SnapshotCreate(Request, frozen=True):
    """Make a snapshot of an instance (virDomainSnapshotCreateXML)."""

    verb: ClassVar[str] = "snapshot-create"
    name: Annotated[
        str,
        parameter(
            "Its name.",
            pattern=r"[^./\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*",
            shape="one that begins with no dot, without / and control characters",
            longest=NAME_BYTES,
        ),
    ]
    where: Annotated[
        Where,
        parameter(
            "internal: in the disks' own images, with the memory of a guest that runs, which stands"
            " still meanwhile. external: each disk goes on in a new file over the old one, as after"
            " a power cut, without memory."
        ),
    ] = "internal"
    quiesce: Annotated[
        bool,
        parameter(
            "The guest's agent freezes its file systems meanwhile: what programs have written is in"
            " it then. Of an external one, while it runs. libvirt thaws them, whatever becomes of"
            " this console."
        ),
    ] = False
    description: Annotated[
        str,
        parameter(
            "What it is for.",
            pattern=r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*",
            shape="text without control characters",
            longest=DESCRIPTION_BYTES,
        ),
    ] = ""


class SnapshotCreateCall(Call, frozen=True):
    """virDomainSnapshotCreateXML: an external one is of the disks only, all or none of them."""

    long: ClassVar[bool] = True
    name: str
    where: Where
    description: str
    quiesce: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh snapshot-create-as`."""
        told = ("--description", self.description) if self.description else ()
        disks = ("--disk-only", "--atomic") if self.where == "external" else ()
        quiesce = ("--quiesce",) if self.quiesce else ()
        return ("snapshot-create-as", name, self.name, *told, *disks, *quiesce)


def _create(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SnapshotCreate)

    def shows(now: Situation) -> bool:
        return any(one.name == request.name for one in now.snapshots or ())

    return [
        Step(
            SnapshotCreateCall(request.name, request.where, request.description, request.quiesce),
            f"making the snapshot {request.name} of {situation.name}",
            shows,
        )
    ]


def _written(instance: Instance) -> list[Disk]:
    return [
        disk
        for disk in instance.disks
        if disk.source is not None and disk.device == "disk" and not disk.read_only
    ]


def _against_create(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, SnapshotCreate)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if any(one.name == request.name for one in state.snapshots.get(instance.key, ())):
        text = f"{instance.name} has a snapshot called {request.name}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name")
    if request.quiesce:
        yield from _against_quiesce(state, instance, request)
    if not instance.described:
        return
    disks = _written(instance)
    if not disks and request.where == "external":
        yield Refusal(RefusalCode.STATE, f"{instance.name} has no disk that is written")
    unfit = [disk.target for disk in disks if _unfit(disk, request.where)]
    if unfit and request.where == "internal":
        text = f"{listed(unfit)} of {instance.name} cannot hold a snapshot inside: only qcow2 can"
        yield Refusal(RefusalCode.STATE, text, "make an external one")
    elif unfit:
        text = f"{listed(unfit)} of {instance.name} is no file or device of the host's"
        yield Refusal(RefusalCode.STATE, text, "libvirt makes an external snapshot of those only")


def _against_quiesce(
    state: State, instance: Instance, request: SnapshotCreate
) -> Iterator[Refusal]:
    """Tell why nothing can be frozen; libvirt takes no notice of it for one that is off."""
    if request.where == "internal":
        text = "libvirt freezes a guest for an external snapshot only: an internal one has memory"
        yield Refusal(RefusalCode.PARAMETER, text, "leave quiesce out, or make an external one")
    elif instance.state is not InstanceState.RUNNING:
        text = f"{instance.name} does not run: its guest freezes nothing"
        yield Refusal(RefusalCode.STATE, text, "leave quiesce out")
    else:
        yield from without_agent(state, request, "")


def _unfit(disk: Disk, where: str) -> bool:
    assert disk.source is not None
    if where == "internal":
        return disk.source.format not in ("", "qcow2")  # libvirt decides on one it is not told
    return disk.source.type not in ("file", "block")


def _over_internal(state: State, request: Request) -> str:
    """Return the internal snapshot that an external one would be made after; empty: none."""
    assert isinstance(request, SnapshotCreate)
    known = state.snapshots.get(request.subject, ())
    current = next((one for one in known if one.current), None)
    external = request.where == "external"
    return "" if current is None or current.external or not external else current.name


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _over_internal(state, request) else Caution.NONE


def _costs(state: State, requests: Sequence[Request]) -> list[str]:
    return [
        f"libvirt reverts to {clean(under)} no more, and deletes neither it nor the new one: "
        "mixing internal and external ones has to be undone by hand."
        for request in requests
        if (under := _over_internal(state, request))
    ]


def _made(situation: Situation) -> str:
    assert isinstance(situation.request, SnapshotCreate)
    return f"{situation.name} has the snapshot {situation.request.name}"


CREATE = Verb(
    SnapshotCreate,
    title="Make a snapshot",
    help="Keep its disks as they are now, to go back to.",
    doing="having a snapshot made",
    group="snapshots",
    key="c",
    decide=sequence(_create, _made),
    steps=_create,
    calls=(SnapshotCreateCall,),
    needs_description=True,
    looks_at=frozenset({"snapshots"}),
    states={
        InstanceState.UNKNOWN: NOT_KNOWN,
        InstanceState.CRASHED: ("{name} has crashed", "{restart}"),
    },
    refusals=_against_create,
    risk=Risk(raised=_caution, after=_costs),
)
