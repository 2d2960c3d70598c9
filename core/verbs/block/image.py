"""An image of an instance: a disk as it is now, written to a new file while the guest runs, or off.

A running one is mirrored as a transient job: its definition is never touched (Nova's live snapshot
undefines it meanwhile, nova-map 1.3), and one that is paused stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Disk, Instance, InstanceState, Request, State
from core.verbs.agent import without_agent
from core.verbs.agent.freezing import ThawCall
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    RoomCall,
    SlowDownCall,
)
from core.verbs.block.destination import To, against_destination, path_of
from core.verbs.block.family import (
    STAYS_ENCRYPTED,
    Speed,
    against_disk,
    against_driver,
    against_encryption,
    against_job,
)
from core.verbs.block.image_calls import CompressCall, CompressCheckCall, FileCloneCall
from core.verbs.block.image_cold import cold
from core.verbs.block.image_live import live
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, Situation, failed
from core.verbs.states import NOT_KNOWN
from core.verbs.verb import Verb


class ImageMake(Request, frozen=True):
    """Write a disk of an instance, as it is now, to a new file that needs no other."""

    verb: ClassVar[str] = "image"
    to: To
    disk: Annotated[
        str | None,
        parameter("The disk, by its target; unless given the one it boots from.", source="disks"),
    ] = None
    format: Annotated[Literal["qcow2", "raw"], parameter("The format of the file.")] = "qcow2"
    compressed: Annotated[
        bool,
        parameter(
            "Compress it. libvirt does not: qemu-img of this machine does, for a host that is this"
            " machine."
        ),
    ] = False
    quiesce: Annotated[
        bool,
        parameter(
            "The guest's agent freezes its file systems at the end, for some hundredths of a"
            " second: what programs have written is in it then."
        ),
    ] = False
    synchronous: Annotated[
        bool,
        parameter("The guest's writes wait until the image has them, too.", advanced=True),
    ] = False
    speed: Speed = 0.0


def _image(now: Situation) -> Action:
    request, instance = now.request, now.instance
    assert isinstance(request, ImageMake)
    disk = chosen(instance, request.disk or "")
    path = path_of(now.around.pools, request.subject.host, request.to)
    mirrored = any(isinstance(one.call, BlockCopyCall) for one in now.sent)
    if instance is None or disk is None or disk.source is None:
        if mirrored:
            return live(now, request, "", path)
        return failed(f"{now.name} has no such disk any more", "Look at its disks.")
    if mirrored or (instance.state.active and not _begun_cold(now)):
        return live(now, request, disk.target, path)
    return cold(now, request, disk.source, path)


def _begun_cold(now: Situation) -> bool:
    return any(isinstance(one.call, FileCloneCall | CompressCall) for one in now.sent)


def chosen(instance: Instance | None, target: str) -> Disk | None:
    """Return the disk of that target; the one it boots from, or the first, where none is named."""
    disks = [] if instance is None else [
        one for one in instance.disks if one.device == "disk" and one.source is not None
    ]  # fmt: skip
    if target:
        return next((one for one in disks if one.target == target), None)
    return min(disks, key=lambda one: one.boot_order or 1 << 16, default=None)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, ImageMake)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_driver(state, request, "")
    yield from against_destination(state, instance, request.to)
    yield from _against_way(state, instance, request)
    if request.disk:
        yield from against_disk(instance, request.disk)
    if not instance.described:
        return
    disk = chosen(instance, request.disk or "")
    if disk is None:
        if not request.disk:
            text = f"{instance.name} has no disk with an image"
            yield Refusal(RefusalCode.STATE, text, "there is nothing to keep")
        return
    yield from against_job(state, instance, disk.target)
    yield from against_encryption(instance, disk, STAYS_ENCRYPTED)
    assert disk.source is not None
    if not instance.state.active and disk.source.type not in ("file", "block", "volume"):
        text = f"{disk.target} of {instance.name} is no file or volume of its host"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "start it: a disk in use is copied by QEMU")


def _against_way(state: State, instance: Instance, request: ImageMake) -> Iterator[Refusal]:
    """Tell why it can be neither compressed nor frozen as is wanted."""
    host = state.hosts.get(instance.host)
    if request.compressed and request.format == "raw":
        text = "An image in the format raw is not compressed"
        yield Refusal(RefusalCode.PARAMETER, text, "choose qcow2", "compressed")
    if request.compressed and host is not None and not is_this_machine(host.uri):
        text = f"libvirt compresses no image, and {host.name} is reached by libvirt only"
        cure = f"leave it out, or run virtdeck on {host.name}"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, "compressed")
    if not request.quiesce:
        return
    if instance.state is not InstanceState.RUNNING:
        text = f"{instance.name} does not run: its guest freezes nothing"
        yield Refusal(RefusalCode.STATE, text, "leave quiesce out")
    else:
        yield from without_agent(state, request, "")


def is_this_machine(uri: str) -> bool:
    """Whether a URI leads to a daemon of this machine: it names no host, after //."""
    _, slashes, rest = uri.partition("://")
    return bool(slashes) and rest.startswith("/")


IMAGE = Verb(
    ImageMake,
    title="Make an image",
    help="Write a disk, as it is now, to a new file that needs no other; the guest runs on.",
    doing="having an image made",
    group="disks",
    key="i",
    decide=_image,
    calls=(
        *(BlockCopyCall, CopyFinishCall, ThawCall, BlockAbortCall, CopyRemoveCall, RoomCall),
        *(SlowDownCall, ReleaseCall, FileCloneCall, CompressCheckCall, CompressCall, PoolLookCall),
    ),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"block-jobs"}),
    during_backups=False,
    storage_for=("to",),
    states={InstanceState.UNKNOWN: NOT_KNOWN},
    refusals=_against,
    cancelled="The copy is ended, and what was written of it is removed.",
)
