"""A disk moves to other storage while its guest runs: pool to pool, file to device, and back.

Nova's volume swap (nova-map 1.4), with its order: the old volume is let go of only once the
instance is proven to write to the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec.structs import replace

from core.model import Request, State
from core.model.lists import listed
from core.model.operation import AnswerChoice, OperationQuestion
from core.model.text import clean
from core.state.images import image_of, users_in_words
from core.state.pool_cures import cure_of_place
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    BlockPivotCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    RoomCall,
    SlowDownCall,
)
from core.verbs.block.copy import pivot
from core.verbs.block.family import (
    STAYS_ENCRYPTED,
    Speed,
    TheDisk,
    against_encryption,
    against_start,
    in_bytes,
    named,
)
from core.verbs.block.following import Followed, disk_of, refused
from core.verbs.block.left_secrets import without_secrets
from core.verbs.block.mirror import Mirror, judged, newest
from core.verbs.block.outcome import shown
from core.verbs.block.place import SwapPlace, against_place, place_of, volume_at
from core.verbs.block.slowed import released
from core.verbs.caution import Caution
from core.verbs.device.calls import DropSecretsCall
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, Ask, End, Send, Situation, done, failed
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import Format, VolumeDeleteCall
from core.verbs.wording import name_of


class VolumeSwap(Request, frozen=True):
    """Move a disk of an instance that runs to other storage (virDomainBlockCopy with a pivot)."""

    verb: ClassVar[str] = "volume-swap"
    disk: TheDisk
    to: Annotated[
        str,
        parameter(
            "Where to: POOL or POOL/VOLUME of a pool of files, a volume that is there of any other"
            " pool, or the whole path of a new file or of a device.",
            longest=PATH_BYTES,
            source="places",
            place=True,
            typed=True,
            label="where",
        ),
    ]
    format: Annotated[
        Format | None, parameter("The format of a new file; unless given that of the disk.")
    ] = None
    old: Annotated[
        Literal["keep", "delete"],
        parameter("What becomes of the volume it leaves, once the instance writes to the new one."),
    ] = "keep"
    then: Annotated[
        Literal["pivot", "ask"],
        parameter("Once both are equal: go on on the new one at once, or ask before."),
    ] = "pivot"
    synchronous: Annotated[
        bool,
        parameter("The guest's writes wait until the new one has them, too.", advanced=True),
    ] = False
    speed: Speed = 0.0


GO_ON = AnswerChoice("pivot", "go on on the new one")
STAY = AnswerChoice("stay", "stay where it is, and remove what was written")


def _swap(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, VolumeSwap)
    if not now.sent:
        return _begin(now, request)
    job = newest(now)
    if refused(job.begun):
        return released(now, failed(job.begun.error, job.begun.hint))
    call = job.begun.call
    assert isinstance(call, BlockCopyCall)
    mirror = Mirror(
        *(job, call, f"the move of {job.disk} of {now.name}"),
        ready=lambda: _ready(job, call),
        whole=lambda how: _stayed(job, call, how),
        pivoted=lambda: without_secrets(job, call, _moved(job, call, request)),
    )
    return released(now, judged(mirror) or job.wait())


def _begin(now: Situation, request: VolumeSwap) -> Action:
    disk = disk_of(now, request.disk)
    place = place_of(now.around.pools, now.around.volumes, request.subject.host, disk, request.to)
    if disk is None or disk.source is None or place is None:
        return failed(f"{now.name} has no such disk any more", "Look at its disks.")
    own = "qcow2" if disk.source.format == "qcow2" else "raw"
    call = BlockCopyCall(
        *(request.disk, place.path, "raw" if place.device else request.format or own),
        synchronous=request.synchronous,
        bandwidth=in_bytes(request.speed),
        device=place.device,
        source=disk.source.path,
    )
    return Send(call, f"copying {request.disk} of {now.name} to {clean(place.path)}")


def _ready(job: Followed, call: BlockCopyCall) -> Action | None:
    """Have the instance go on on a copy that is equal, unless the operator is to be asked."""
    now, request = job.now, job.now.request
    assert isinstance(request, VolumeSwap)
    if request.then == "ask":
        question = OperationQuestion(
            f"copied-{job.begun.at}",
            f"{job.disk} of {now.name} and {clean(call.to)} are equal, and every write goes to "
            "both. Go on on the new one?",
            (GO_ON, STAY),
        )
        answer = now.answer(question.key)
        if answer is None:
            return Ask(question)
        if answer.word == STAY.word:
            return job.abort(f"{answer.by} said so")
    return pivot(job, call.to)


def _stayed(job: Followed, call: BlockCopyCall, how: str) -> End:
    """Say that somebody else ended it once both were equal: the instance stays where it is."""
    text = f"{job.disk} of {job.now.name} was not moved{how}"
    return failed(text, f"{clean(call.to)} is as the disk was then: remove it or use it.")


def _moved(job: Followed, call: BlockCopyCall, request: VolumeSwap) -> Action:
    """Delete the old volume where that is wanted; say where the disk is now."""
    name, host = job.now.name, request.subject.host
    told = f"{job.disk} of {name} is {clean(call.to)} now"
    if request.old == "keep":
        kept = f"; {clean(call.source)} is as it was then"
        return shown(job, call.to, done(f"{told}{kept}"))
    deleting = job.sent(VolumeDeleteCall)
    volume = volume_at(job.now.around.volumes, host, call.source)
    delete = VolumeDeleteCall(volume.pool_name, volume.name) if volume else None
    if (wanted := deleting.call if deleting else delete) is not None:
        text = f"deleting {clean(call.source)}, which it no longer writes to"
        if again := job.once(wanted, text):
            return again if job.now.link_up else job.wait()
        if deleting is None or deleting.ended is None:
            return job.wait()
    if deleting is None or deleting.error:
        why = "it is no volume any more" if deleting is None else deleting.error.rstrip(".")
        text = f"{told}; {clean(call.source)} was not deleted: {why}"
        return shown(job, call.to, failed(text, "Delete it by hand: virtdeck volume delete."))
    return shown(job, call.to, done(f"{told}; {clean(call.source)} is deleted"))


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, VolumeSwap)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_start(state, request, instance, request.disk)
    disk = named(instance, request.disk)
    if disk is None or disk.source is None:
        return
    yield from against_encryption(instance, disk, STAYS_ENCRYPTED)
    if disk.shareable:
        text = f"{request.disk} is shared: others that write to it would stay on the old one"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "move it while none of them runs", "disk")
    yield from against_place(state, instance, disk, request.to)
    yield from _against_format(state, request)
    if request.old == "delete":
        yield from _against_deleting(state, request, disk.source.path)


def _against_format(state: State, request: VolumeSwap) -> Iterator[Refusal]:
    place = _place(state, request)
    if place is not None and place.device and request.format == "qcow2":
        text = "A device holds its disk as raw"
        yield Refusal(RefusalCode.PARAMETER, text, "leave the format out", "format")


def _place(state: State, request: VolumeSwap) -> SwapPlace | None:
    disk = named(state.instances.get(request.subject), request.disk)
    return place_of(state.pools, state.volumes, request.subject.host, disk, request.to)


def _against_deleting(state: State, request: VolumeSwap, path: str) -> Iterator[Refusal]:
    """Tell why the old volume cannot be deleted afterwards: it is none, or others need it."""
    volume = volume_at(state.volumes, request.subject.host, path)
    if volume is None:
        text = f"{clean(path)} is in no pool of {clean(request.subject.host)} as read"
        cure = f"{cure_of_place(state.pools, request.subject.host, path)}; or keep it"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "old")
        return
    image = image_of(state, volume)
    own = (request.subject, request.disk)
    others = tuple(user for user in image.users if (user.instance, user.target) != own)
    if needs := users_in_words(replace(image, users=others)):
        text = f"{clean(path)} is needed by more than this disk: {listed(needs)}"
        yield Refusal(RefusalCode.STATE, text, "keep it", "old")
    elif image.unknown:
        text = f"Whether {clean(path)} is needed is not known: {listed(image.unknown, 2)}"
        yield Refusal(RefusalCode.STATE, text, "see to that, or keep it", "old")


def _loses(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, VolumeSwap)
    disk, where = clean(request.disk), clean(request.to)
    return f"Moves {disk} of {subjects.whom} to {where} while its guest runs."


def _of_deleting(_: State, request: Request) -> Caution:
    deletes = isinstance(request, VolumeSwap) and request.old == "delete"
    return Caution.CONFIRM if deletes else Caution.NONE


def _deleted(state: State, requests: Sequence[Request]) -> list[str]:
    told = []
    for request in requests:
        disk = named(state.instances.get(request.subject), getattr(request, "disk", ""))
        if disk is None or disk.source is None or getattr(request, "old", "") != "delete":
            continue
        path, name = clean(disk.source.path), clean(name_of(state, request))
        told.append(f"Then deletes {path}, which {name} has written to until then.")
    return told


SWAP = Verb(
    VolumeSwap,
    title="Move a disk",
    part="disk",
    help="Move a disk to other storage while its guest runs.",
    doing="having a disk moved",
    group="disks",
    key="w",
    decide=_swap,
    calls=(
        *(BlockCopyCall, BlockPivotCall, BlockAbortCall, CopyFinishCall, VolumeDeleteCall),
        *(SlowDownCall, ReleaseCall, RoomCall, CopyRemoveCall, PoolLookCall, DropSecretsCall),
    ),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"block-jobs"}),
    during_backups=False,
    storage_for=("to",),
    states=TO_BE_ON,
    refusals=_against,
    risk=Risk(sentence=_loses, raised=_of_deleting, after=_deleted),
    cancelled="The copy is ended, a new file is removed, a device and the disk stay.",
)
