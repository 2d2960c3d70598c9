"""An instance booted from a rescue image with its own disks beside it, and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.errors import XmlError
from core.model import InstanceState, OperationStatus, Request, State
from core.model.text import clean
from core.verbs.applied import KNOWN
from core.verbs.caution import Caution
from core.verbs.create.site import against_volume, site_in
from core.verbs.defining import RedefineCall, defining
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.power.calls import CreateCall, DestroyCall
from core.verbs.power.cutting import CUT_DEADLINE, held_by_kernel
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.second_copy_parameter import SecondCopy
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation
from core.verbs.verb import Risk, Subjects, Verb

_Start = Annotated[bool, parameter("It is started then.")]


class Rescue(Request, frozen=True):
    """Boot an instance from another image, with each of its own disks in place."""

    verb: ClassVar[str] = "rescue"
    image: Annotated[
        str,
        parameter(
            "The image to boot from: a path on the host, or POOL/VOLUME.",
            pattern=r"/.*|[^/]+(/[^/]+){1,2}",
            source="volumes",
            place=True,
            typed=True,
            shape="a path that begins with /, or POOL/VOLUME",
            longest=PATH_BYTES,
        ),
    ]
    device: Annotated[
        Literal["auto", "cdrom", "disk"],
        parameter("What it is to the guest; auto: a CD-ROM where its name ends in .iso."),
    ] = "auto"
    format: Annotated[
        Literal["auto", "raw", "qcow2"],
        parameter("Of the image; auto: as its name ends.", advanced=True),
    ] = "auto"
    bus: Annotated[
        Literal["auto", "virtio", "scsi", "sata", "ide", "usb"],
        parameter("auto: one that this machine boots from.", advanced=True),
    ] = "auto"
    start: _Start = True
    second_copy: SecondCopy = ""


class Unrescue(Request, frozen=True):
    """Put an instance back as it was defined before it was rescued."""

    verb: ClassVar[str] = "unrescue"
    start: _Start = True
    second_copy: SecondCopy = ""


def _document(now: Situation) -> str:
    """Return the definition that is put in the place of the one there is; raises XmlError."""
    from core.xml.definition.rescue import RescueDisk, original_of, rescue_document

    request, document = now.request, now.document or ""
    if isinstance(request, Unrescue):
        if (found := original_of(document)) is None:
            raise XmlError(f"{now.name} is not in rescue.", "Nothing is to be put back.")
        return found
    assert isinstance(request, Rescue)
    cdrom = request.image.endswith(".iso") if request.device == "auto" else None
    device: Literal["cdrom", "disk"] = "cdrom" if cdrom or request.device == "cdrom" else "disk"
    kind = "qcow2" if request.image.endswith(".qcow2") else "raw"
    bus = "" if request.bus == "auto" else request.bus
    image_format = kind if request.format == "auto" else request.format
    return rescue_document(document, RescueDisk(request.image, device, image_format, bus))


def _steps(now: Situation) -> list[Step]:
    """Cut the power of one that is on; define it; start it."""
    request, name = now.request, now.name
    assert isinstance(request, Rescue | Unrescue)
    into = isinstance(request, Rescue)
    made = next((one.call for one in now.sent if isinstance(one.call, RedefineCall)), None)
    if made is None:
        made = RedefineCall("", "") if now.document is None else _made(now)
    doing = f"defining {name} {'for its rescue' if into else 'as it was before its rescue'}"
    steps = [defining(now, made, doing, undo=True)]
    if _was_on(now):
        again = CreateCall()
        text = f"cutting the power of {name}"
        steps.insert(0, Step(DestroyCall(), text, _is_off, again, CUT_DEADLINE))
    if request.start:
        image = " from its rescue image" if into else ""
        count = len(steps) + 1

        def runs(then: Situation) -> bool:
            """Whether it runs, and not because a power cut was taken back."""
            return _is_on(then) and len(then.sent) <= count

        steps.append(Step(CreateCall(), f"starting {name}{image}", runs))
    return steps


def _made(now: Situation) -> RedefineCall:
    return RedefineCall(_document(now), now.document or "")


def _was_on(now: Situation) -> bool:
    if now.sent:
        return isinstance(now.sent[0].call, DestroyCall)
    return _is_on(now)


def _is_on(now: Situation) -> bool:
    instance = now.instance
    return instance is not None and instance.state.active


def _is_off(now: Situation) -> bool:
    instance = now.instance
    return instance is not None and instance.state is InstanceState.SHUTOFF


def _decide(now: Situation) -> Action:
    """Refuse what has no place for the image, or is in no rescue; else do it."""
    if not now.sent:
        try:
            _document(now)
        except XmlError as error:
            text = f"{error.message} {error.hint}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
    if now.sent and (held := held_by_kernel(now)) is not None:
        return held
    return _DECIDE(now)


def _outcome(now: Situation) -> str:
    request = now.request
    assert isinstance(request, Rescue | Unrescue)
    runs = "runs" if request.start else "is defined"
    if isinstance(request, Unrescue):
        return f"{now.name} {runs} as it was before its rescue"
    return f"{now.name} {runs} to be rescued from {clean(request.image)}, its disks beside it"


_DECIDE = sequence(_steps, _outcome, powers=True)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if not instance.persistent:
        text = f"{instance.name} is transient, it has no definition"
        yield Refusal(RefusalCode.STATE, text, "define it first")
    if instance.managed_save:
        text = f"The memory of {instance.name} is saved, and would be restored"
        yield Refusal(RefusalCode.STATE, text, "drop it first: save-remove")
    if not instance.described:
        return
    if isinstance(request, Rescue):
        yield from _against_image(state, request)
    if isinstance(request, Rescue) and instance.rescue:
        yield Refusal(RefusalCode.STATE, f"{instance.name} is in rescue", "unrescue it first")
    if isinstance(request, Unrescue) and not instance.rescue:
        text = f"{instance.name} is not in rescue"
        yield Refusal(RefusalCode.STATE, text, "nothing is to be put back")


def _against_image(state: State, request: Rescue) -> Iterator[Refusal]:
    """Tell of an image that is not there: before the power of what runs is cut for it."""
    host = state.hosts.get(request.subject.host)
    if host is not None and {"pools", "volumes"} <= host.listed:
        yield from against_volume(site_in(state, host.name), request.image, "image")


def _boots(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, Rescue)
    return (
        f"Boots {subjects.whom} from {clean(request.image)}, with its own disks beside it. "
        "A kernel of its definition, and its boot order, do not count meanwhile."
    )


def _puts_back(_: Request, subjects: Subjects) -> str:
    return f"Puts {subjects.whom} back as it was defined before its rescue."


def _cuts(state: State, requests: Sequence[Request]) -> list[str]:
    found = [state.instances.get(request.subject) for request in requests]
    return [
        f"Cuts the power of {one.name} first: what its guest has not written to disk is lost."
        for one in found
        if one is not None and one.state.active
    ]


def _of_cutting(state: State, request: Request) -> Caution:
    instance = state.instances.get(request.subject)
    return Caution.TYPE if instance is not None and instance.state.active else Caution.NONE


def _verb(request: type[Request], title: str, help_: str, doing: str, key: str, risk: Risk) -> Verb:
    return Verb(
        request,
        title=title,
        help=help_,
        doing=doing,
        group="define",
        key=key,
        decide=_decide,
        steps=_steps,
        calls=(DestroyCall, RedefineCall, CreateCall),
        states=KNOWN,
        refusals=_against,
        needs_description=True,
        needs_host=request is Rescue,
        looks_at=frozenset({"document"}),
        lets_run=lambda _: True,
        during_move=False,
        risk=risk,
    )


RESCUE = _verb(
    *(Rescue, "Rescue", "Boot it from another image, with each of its own disks in place."),
    *("being rescued", "u"),
    Risk(Caution.CONFIRM, _boots, _of_cutting, after=_cuts),
)
UNRESCUE = _verb(
    *(Unrescue, "Unrescue", "Put it back as it was defined before it was rescued."),
    *("being put back", "U"),
    Risk(Caution.CONFIRM, _puts_back, _of_cutting, after=_cuts),
)

VERBS = (RESCUE, UNRESCUE)
