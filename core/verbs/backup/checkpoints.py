"""Checkpoints by themselves: made for whoever reads the changes otherwise, and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import InstanceState, Request, State
from core.model.checkpoint import Checkpoint
from core.model.lists import listed
from core.model.text import clean
from core.verbs.backup.planning import chosen
from core.verbs.backup.request import Exclude, against_disks, against_driver
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.definition import DESCRIPTION_BYTES, NAME_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.snapshot.naming import CHECKPOINT_PATTERN, CHECKPOINT_SHAPE
from core.verbs.states import NOT_KNOWN
from core.verbs.verb import Risk, Subjects, Verb

_OFF = "{name} is shut off, and QEMU alone makes bitmaps", "start it first"


class CheckpointCreate(Request, frozen=True):
    """Have QEMU remember what is written from now on (virDomainCheckpointCreateXML)."""

    verb: ClassVar[str] = "checkpoint-create"
    name: Annotated[
        str,
        parameter(
            "Its name.", pattern=CHECKPOINT_PATTERN, shape=CHECKPOINT_SHAPE, longest=NAME_BYTES // 2
        ),
    ]
    description: Annotated[
        str,
        parameter(
            "What it is for.",
            pattern=r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*",
            shape="text without control characters",
            longest=DESCRIPTION_BYTES,
        ),
    ] = ""
    exclude: Exclude = ()


class CheckpointDelete(Request, frozen=True):
    """Delete a checkpoint: its bitmaps go, the backups stay (virDomainCheckpointDelete)."""

    verb: ClassVar[str] = "checkpoint-delete"
    name: Annotated[str, parameter("The checkpoint.", source="checkpoints")]
    children: Annotated[bool, parameter("Delete those that were made after it too.")] = False
    metadata: Annotated[
        bool,
        parameter(
            "Only what libvirt keeps of it: where it is off, or its image was replaced. The bitmaps"
            " stay in the images that have them.",
            label="metadata only",
            advanced=True,
        ),
    ] = False
    leftover: Annotated[
        bool,
        parameter(
            "libvirt knows it no more, as after an undefine, a move or an evacuation: its bitmaps,"
            " which are still in the images, go.",
            advanced=True,
        ),
    ] = False


class DropLeftoverCall(Call, frozen=True):
    """virDomainCheckpointCreateXML, which takes a bitmap up again, and virDomainCheckpointDelete.

    Disk by disk: where one has no such bitmap there is nothing to do.
    """

    changes_checkpoints: ClassVar[bool] = True
    name: str
    targets: tuple[str, ...]


class CheckpointCreateCall(Call, frozen=True):
    """virDomainCheckpointCreateXML."""

    changes_checkpoints: ClassVar[bool] = True
    name: str
    targets: tuple[str, ...]
    without: tuple[str, ...] = ()
    description: str = ""

    @property
    def text(self) -> str:
        """What libvirt is told."""
        from core.xml.checkpoint import checkpoint_xml

        return checkpoint_xml(self.name, self.targets, self.without, self.description)

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh checkpoint-create-as`."""
        told = ("--description", self.description) if self.description else ()
        disks = [f"{one},checkpoint=bitmap" for one in self.targets]
        disks += [f"{one},checkpoint=no" for one in self.without]
        specs = [word for disk in disks for word in ("--diskspec", disk)]
        return ("checkpoint-create-as", name, self.name, *told, *specs)


class CheckpointDeleteCall(Call, frozen=True):
    """virDomainCheckpointDelete: of one whose bitmap is missing only the metadata are there."""

    changes_checkpoints: ClassVar[bool] = True
    name: str
    children: bool = False
    metadata: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh checkpoint-delete`."""
        children = ("--children",) if self.children else ()
        metadata = ("--metadata",) if self.metadata else ()
        return ("checkpoint-delete", name, self.name, *children, *metadata)


def _create(now: Situation) -> list[Step]:
    request, instance = now.request, now.instance
    assert isinstance(request, CheckpointCreate)
    sent = next((one.call for one in now.sent), None)
    targets = [] if instance is None else chosen(instance, request.exclude)
    disks = () if instance is None else instance.disks
    without = tuple(disk.target for disk in disks if disk.target not in targets)
    call = CheckpointCreateCall(request.name, tuple(targets), without, request.description)

    def shows(seen: Situation) -> bool:
        return any(one.name == request.name for one in seen.checkpoints or ())

    made = sent if isinstance(sent, CheckpointCreateCall) else call
    return [Step(made, f"making the checkpoint {clean(request.name)} of {now.name}", shows)]


def _delete(now: Situation) -> list[Step]:
    request, instance = now.request, now.instance
    assert isinstance(request, CheckpointDelete)
    if request.leftover:
        sent = next((one.call for one in now.sent), None)
        targets = () if instance is None else tuple(chosen(instance, ()))
        call = sent if sent is not None else DropLeftoverCall(request.name, targets)
        return [Step(call, f"deleting the bitmaps {clean(request.name)} of {now.name}")]

    def shows(seen: Situation) -> bool:
        known = seen.checkpoints
        return known is not None and all(one.name != request.name for one in known)

    delete = CheckpointDeleteCall(request.name, request.children, request.metadata)
    return [Step(delete, f"deleting the checkpoint {clean(request.name)} of {now.name}", shows)]


def _against_create(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CheckpointCreate)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_driver(instance)
    yield from against_disks(instance, request.exclude, bitmaps=True, copied=False)
    if any(one.name == request.name for one in state.checkpoints.get(instance.key, ())):
        text = f"{instance.name} has a checkpoint called {clean(request.name)}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "name")


def _against_delete(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CheckpointDelete)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_driver(instance)
    known = state.checkpoints.get(instance.key)
    if request.leftover:
        yield from _against_leftover(request, instance.name, known or ())
    elif known is not None and all(one.name != request.name for one in known):
        text = f"{instance.name} has no checkpoint {clean(request.name)}"
        names = listed([clean(one.name) for one in known])
        cure = f"it has {names}" if known else "it has none"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "name")
    if not instance.state.active and not request.metadata:
        text = f"{instance.name} is shut off: only its QEMU deletes a bitmap"
        yield Refusal(RefusalCode.STATE, text, "start it first, or delete the metadata only")


def _against_leftover(
    request: CheckpointDelete, name: str, known: Sequence[Checkpoint]
) -> Iterator[Refusal]:
    if any(one.name == request.name for one in known):
        text = f"{name} has a checkpoint {clean(request.name)}: it is no leftover"
        yield Refusal(RefusalCode.PARAMETER, text, "leave --leftover out", "leftover")
    if request.children or request.metadata:
        text = "Of a leftover there is no more than its bitmaps"
        yield Refusal(RefusalCode.PARAMETER, text, "give --leftover alone", "leftover")


def _deletes(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, CheckpointDelete)
    if request.leftover:
        return (
            f"Deletes the bitmaps {clean(request.name)} of the disks of {subjects.whom}: libvirt "
            "knows no checkpoint of that name."
        )
    more = ", and what was made after it," if request.children else ""
    return (
        f"Deletes the checkpoint {clean(request.name)} of {subjects.whom}{more}: no backup can be "
        "made since it any more. The backups that were made stay."
    )


def _left(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what an increment can be since, once it is gone."""
    found = []
    for request in requests:
        assert isinstance(request, CheckpointDelete)
        known = state.checkpoints.get(request.subject, ())
        good = [one for one in known if one.backed_up and not one.broken]
        if good and all(one.name == request.name for one in good):
            found.append("It is the only one of which the backup is known: the next is a full one.")
    return found


def _undone(now: Situation) -> Request | None:
    assert isinstance(now.request, CheckpointCreate)
    return CheckpointDelete(now.request.subject, now.request.name)


CREATE = Verb(
    CheckpointCreate,
    title="Make a checkpoint",
    help="Have QEMU remember what is written to its disks from now on.",
    doing="having a checkpoint made",
    group="backups",
    key="c",
    decide=sequence(
        _create, lambda now: f"{now.name} has the checkpoint {getattr(now.request, 'name', '')}"
    ),
    steps=_create,
    calls=(CheckpointCreateCall,),
    single=True,
    needs_description=True,
    looks_at=frozenset({"checkpoints", "backup"}),
    states={InstanceState.SHUTOFF: _OFF, InstanceState.UNKNOWN: NOT_KNOWN},
    during_backups=False,
    refusals=_against_create,
    undo=_undone,
)
DELETE = Verb(
    CheckpointDelete,
    title="Delete a checkpoint",
    part="name",
    help="Delete a checkpoint with its bitmaps; the backups that were made with it stay.",
    doing="having a checkpoint deleted",
    group="backups",
    key="x",
    decide=sequence(
        _delete,
        lambda now: f"{now.name} has no checkpoint {getattr(now.request, 'name', '')} any more",
    ),
    steps=_delete,
    calls=(CheckpointDeleteCall, DropLeftoverCall),
    single=True,
    needs_description=True,
    looks_at=frozenset({"checkpoints"}),
    states={InstanceState.UNKNOWN: NOT_KNOWN},
    refusals=_against_delete,
    risk=Risk(Caution.CONFIRM, _deletes, after=_left),
)
