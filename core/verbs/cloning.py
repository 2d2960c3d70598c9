"""An instance that is off, made once more: its disks copied or laid over, all else its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.errors import XmlError
from core.model import Disk, Instance, OperationStatus, Request, State
from core.model.instance_event import InstanceLifecycle
from core.model.text import clean
from core.state.held_devices import keeps_tpm_state
from core.verbs.block.family import against_encryption
from core.verbs.call import Call
from core.verbs.create.remove_seed import seed_disk
from core.verbs.definition import NAME
from core.verbs.firmware import NvramCopyCall, NvramDeleteCall, has_nvram
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import LONG, Step, sequence
from core.verbs.situation import Action, End, Situation
from core.verbs.states import TO_BE_OFF
from core.verbs.undefining import VolumeOfPathDeleteCall
from core.verbs.verb import Risk, Subjects, Verb

How = Literal["copy", "overlay"]
_COPIED = ("file", "block", "volume")
"""Types of sources that are volumes, or can be."""


class Clone(Request, frozen=True):
    """Make an instance once more, under another name."""

    verb: ClassVar[str] = "clone"
    to: Annotated[str, NAME]
    disks: Annotated[
        How,
        parameter("Copied; or laid over the originals, which must then never be written to again."),
    ] = "copy"


class CloneDiskCall(Call, frozen=True):
    """virStorageVolCreateXMLFrom, or virStorageVolCreateXML over the original: in its pool."""

    long: ClassVar[bool] = True
    source: str
    """The path of the volume, or POOL/VOLUME."""
    name: str
    """Of the new volume."""
    how: How
    format: str = ""
    """That the instance has it in: libvirt reads it in the one that it finds in it."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-clone`; none lays one over another so."""
        return ("vol-clone", self.source, self.name) if self.how == "copy" else ()


class CloneDefineCall(Call, frozen=True):
    """virDomainDefineXMLFlags, of a clone: with the secrets of what it is made from."""

    xml: str
    """Without its secrets."""
    uuid: str
    """Its own."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh define`."""
        return ("define", "FILE", "--validate")


def cloned_disks(instance: Instance) -> tuple[Disk, ...]:
    """Return the disks that a clone has of its own; it shares media and what is shareable."""
    return tuple(
        disk
        for disk in instance.disks
        if disk.device == "disk" and disk.source and not (disk.read_only or disk.shareable)
    )


def volume_name(source: str, target: str, before: str, to: str) -> str:
    """Return the name of the volume for a clone: `web.qcow2` of web is `web2.qcow2` of web2."""
    last = source.rpartition("/")[2]
    if before in last:
        return last.replace(before, to, 1)
    _, dot, suffix = last.rpartition(".")
    return f"{to}-{target}{dot}{suffix if dot else ''}"


def place_of(source: str, name: str) -> str:
    """Return where a volume is that lies beside another: a path, or POOL/VOLUME."""
    return f"{source.rpartition('/')[0]}/{name}"


def _steps(now: Situation) -> list[Step]:
    request, instance = now.request, now.instance
    assert isinstance(request, Clone)
    disks = () if instance is None else cloned_disks(instance)
    steps = []
    for disk in disks:
        assert disk.source is not None
        source = disk.source.path
        name = volume_name(source, disk.target, now.name, request.to)
        doing = "copying" if request.disks == "copy" else "laying a volume over"
        steps.append(
            Step(
                CloneDiskCall(source, name, request.disks, disk.source.format or "raw"),
                f"{doing} {disk.target} ({clean(source)}) as {clean(name)}",
                undo=VolumeOfPathDeleteCall(place_of(source, name)),
                leaves=f"the volume {clean(place_of(source, name))}",
                deadline=LONG,
            )
        )
    copied = any(isinstance(one.call, NvramCopyCall) for one in now.sent)
    if copied or has_nvram(instance):
        doing = f"copying the UEFI variables of {now.name}"
        undo = NvramDeleteCall(request.to)
        steps.append(Step(NvramCopyCall(request.to), doing, undo=undo))
    return [*steps, Step(_define(now, disks), f"defining {request.to}")]


def _define(now: Situation, disks: tuple[Disk, ...]) -> CloneDefineCall:
    sent = next((one.call for one in now.sent if isinstance(one.call, CloneDefineCall)), None)
    if sent is not None or now.document is None:
        return sent or CloneDefineCall("", "")
    from core.xml.definition.cloning import Place, clone_document, new_uuid
    from core.xml.definition.firmware import nvram_for, nvram_in_definition

    request = now.request
    assert isinstance(request, Clone)
    places = {}
    for disk in disks:
        assert disk.source is not None
        source = disk.source.path
        place = place_of(source, volume_name(source, disk.target, now.name, request.to))
        image_format = "qcow2" if request.disks == "overlay" else disk.source.format or "raw"
        pool, _, volume = place.partition("/")
        named = Place(path=place) if place.startswith("/") else Place(pool, volume)
        places[disk.target] = Place(named.pool, named.volume, named.path, image_format)
    begun = now.sent[0].at if now.sent else now.now  # the same when it is sent once more
    own = new_uuid(request.subject.id, request.to, begun)
    variables = nvram_in_definition(now.document)
    nvram = nvram_for(request.to, variables, now.name) if variables else ""
    return CloneDefineCall(clone_document(now.document, request.to, own, places, nvram).xml, own)


def _decide(now: Situation) -> Action:
    """Refuse what has no clone; else make it."""
    if not now.sent:
        try:
            _steps(now)
        except XmlError as error:
            text = f"{error.message} {error.hint}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
    return _DECIDE(now)


def _outcome(now: Situation) -> str:
    request, instance = now.request, now.instance
    assert isinstance(request, Clone)
    own = () if instance is None else cloned_disks(instance)
    count = len(own)
    how = "copied" if request.disks == "copy" else "laid over the originals"
    disks = f", {count} disk{'' if count == 1 else 's'} {how}" if count else ""
    kept = "; the serials of its disks are kept" if any(disk.serial for disk in own) else ""
    left = "".join(f"; {one}" for one in _not_its_own(instance, clean(request.to)))
    return f"{request.to} is a clone of {now.name}{disks}{kept}{left}"


def _not_its_own(instance: Instance | None, to: str) -> Iterator[str]:
    """Say what a clone shares with its original, or has not of it, a clause each."""
    if instance is None:
        return
    name = clean(instance.name)
    if seed_disk(instance) is not None:
        yield (
            f"it has the cloud-init seed of {name}, so a guest that was set up is not set up again:"
            f" give {to} its host name, machine-id and SSH host keys in the guest"
        )
    if keeps_tpm_state(instance):
        yield f"the state of the TPM of {name} is not copied: what was sealed to it cannot be had"


def _says_what_is_not(state: State, requests: Sequence[Request]) -> list[str]:
    found = []
    for request in requests:
        assert isinstance(request, Clone)
        told = _not_its_own(state.instances.get(request.subject), clean(request.to))
        found += [f"{one[:1].upper()}{one[1:]}." for one in told]
    return found


def _started(now: Situation) -> str:
    """Tell that the original runs, or ran since the first copy was begun: a copy is torn then."""
    if now.instance is None:
        return ""
    begun = now.sent[0].at if now.sent else now.now
    ran = any(
        isinstance(event, InstanceLifecycle) and event.change == "started" and event.at >= begun
        for event in now.events
    )
    if not (ran or now.instance.state.active):
        return ""
    return (
        f"{now.name} was started while it was being cloned: what is copied from disks that are "
        "written to is torn"
    )


_DECIDE = sequence(_steps, _outcome, spoils=_started)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Clone)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    for other in state.instances.values():
        if other.host == instance.host and other.name == request.to:
            text = f"{instance.host} has an instance called {request.to}"
            yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "to")
            break
    if instance.rescue:
        yield Refusal(RefusalCode.STATE, f"{instance.name} is in rescue", "unrescue it first")
    for disk in cloned_disks(instance):
        cure = "detach it, or copy it by hand, and create the clone from XML"
        yield from against_encryption(instance, disk, cure, "")
        if disk.source is not None and disk.source.type not in _COPIED:
            text = f"{disk.target} of {instance.name} is a {disk.source.type} disk, no volume"
            cure = "copy it by hand, and create the clone from XML"
            yield Refusal(RefusalCode.UNSUPPORTED, text, cure)


def _lays_over(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, Clone)
    if request.disks == "copy":
        return f"Copies {subjects.whom} as {clean(request.to)}."
    return (
        f"Lays the disks of {clean(request.to)} over those of {subjects.whom}: they must never "
        "be written to again, so it must not be started."
    )


CLONE = Verb(
    Clone,
    title="Clone",
    help="Make it once more, its disks copied or laid over, with its own addresses and UUID.",
    doing="being cloned",
    group="define",
    key="c",
    decide=_decide,
    steps=_steps,
    calls=(
        *(CloneDiskCall, NvramCopyCall, CloneDefineCall),
        *(VolumeOfPathDeleteCall, NvramDeleteCall),
    ),
    states=TO_BE_OFF,
    during_move=False,
    refusals=_against,
    single=True,
    needs_description=True,
    looks_at=frozenset({"document"}),
    risk=Risk(sentence=_lays_over, after=_says_what_is_not),
)

VERBS = (CLONE,)
