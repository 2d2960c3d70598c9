"""A disk grows, and its guest sees it at once: a volume of a pool, or a device that has grown.

Nova's extend_volume. Of a volume that its host has connected the host looks first how large it has
become (extend_volume of os-brick). It takes what the device has by then; one that has no new size
is an error there too, and the header of a LUKS volume is none of the guest's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Disk, Request, State
from core.model.sizes import size_words
from core.model.text import clean
from core.state.connections import connections_of
from core.verbs.applied import KNOWN
from core.verbs.block.family import TheDisk, against_disk, against_driver, against_job, named
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.device.connecting import ExtendCall, look_again_step
from core.verbs.growing import GrowDiskCall, against_growth, growths
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.thin import growth_words
from core.verbs.verb import Risk, Verb

_DEVICES = frozenset({"block", "network", "nvme"})
"""Types of sources that grow on their storage."""
_RESIZED = frozenset({"rbd", "nfs"})
"""Protocols by which QEMU makes an image as large as it is told, be that less than it has."""
_ASKED = frozenset({"iscsi"})
"""Those by which QEMU asks how large it is, whatever it is told."""
_FIXED = frozenset({"nbd", "https", "http"})
"""Those by which an image is for QEMU as large as it was when it was opened."""


class VolumeExtend(Request, frozen=True):
    """Let a disk grow (virDomainBlockResize, virStorageVolResize)."""

    verb: ClassVar[str] = "volume-extend"
    disk: TheDisk
    size: (
        Annotated[
            str,
            parameter(
                "How large its guest is to see it, so without its LUKS header: 20G. Unless given"
                " as large as its device is by now, which has grown on its storage.",
                pattern=r"[1-9][0-9]{0,6}[MGT]",
                shape="a number with M, G or T, such as 20G",
            ),
        ]
        | None
    ) = None


class TakeSizeCall(Call, frozen=True):
    """virDomainBlockResize to what a device has by now; fails where it has no more than before."""

    disk: str
    path: str
    """As its definition names it."""
    luks: bool = False
    """QEMU decrypts it: its header stays out of what the guest sees."""
    asked: bool = False
    """QEMU asks its server how large it is, and only when it is told to resize it."""


def _steps(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, VolumeExtend)
    sent = [one.call for one in now.sent if isinstance(one.call, GrowDiskCall | TakeSizeCall)]
    looks = look_again_step(now, request.disk)
    first = [] if looks is None else [looks]
    disk = named(now.instance, request.disk)
    path = "" if disk is None or disk.source is None else disk.source.path
    if request.size is None:
        luks = disk is not None and disk.encrypted
        asked = disk is not None and disk.source is not None and disk.source.protocol in _ASKED
        take = TakeSizeCall(request.disk, path, luks=luks, asked=asked)
        words = f"having {now.name} see what {request.disk} has"
        return [*first, Step(sent[0] if sent else take, words)]
    (capacity,) = growths([f"{request.disk}={request.size}"]).values()
    active = now.instance is not None and now.instance.state.active
    grow = GrowDiskCall(request.disk, path, capacity, live=active)
    words = f"letting {request.disk} ({clean(path)}) grow to {size_words(capacity)}"
    return [*first, Step(sent[0] if sent else grow, words)]


def _outcome(now: Situation) -> str:
    request = now.request
    assert isinstance(request, VolumeExtend)
    if request.size is None:
        return f"the guest of {now.name} sees {request.disk} as large as its device is"
    (capacity,) = growths([f"{request.disk}={request.size}"]).values()
    return f"{request.disk} of {now.name} has {size_words(capacity)}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, VolumeExtend)
    instance = state.instances.get(request.subject)
    if instance is None or not instance.described:
        return
    yield from against_disk(instance, request.disk)
    yield from against_job(state, instance, request.disk)
    disk = named(instance, request.disk)
    if disk is None or disk.source is None:
        return
    known = connections_of(state, request.subject).get(request.disk)
    if known is not None and known.encryption is not None:
        text = f"{request.disk} of {clean(instance.name)} was opened by its host as large as it was"
        cure = "detach it, let it grow on its storage, and attach it again"
        yield Refusal(RefusalCode.STATE, text, cure, "disk")
    elif instance.state.active and disk.source.protocol in _FIXED:
        text = (
            f"{request.disk} of {clean(instance.name)} stays as large as it was when QEMU opened it"
        )
        cure = "let it grow on its server, and detach it and attach it again, or stop and start it"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, "disk")
    elif request.size is None:
        yield from against_driver(state, request, "")
        yield from _against_taking(disk, instance.name, active=instance.state.active)
    elif instance.state.active and disk.source.protocol in _ASKED:
        text = f"{request.disk} of {clean(instance.name)} is as large as its target makes it"
        cure = "let it grow there, and leave the size out"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "size")
    elif disk.source.type not in _DEVICES or not instance.state.active:
        yield from against_growth(state, instance, [f"{request.disk}={request.size}"])


def _against_taking(disk: Disk, name: str, *, active: bool) -> Iterator[Refusal]:
    """Tell why a disk has no size of its own that its guest could be shown."""
    assert disk.source is not None
    if not active:
        text = f"{clean(name)} is off: it sees the size of {disk.target} at its next start"
        yield Refusal(RefusalCode.STATE, text, "give a size to have the volume itself grow", "size")
    elif disk.source.protocol in _ASKED:
        return
    elif disk.source.type == "network":
        text = f"QEMU does not look at how large {disk.target} of {clean(name)} is by now"
        cure = "give the size that it has on its storage, or is to have"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "size")
    elif disk.source.type not in _DEVICES or disk.source.format not in ("raw", ""):
        text = f"{disk.target} of {clean(name)} is no device that grows on its storage"
        yield Refusal(RefusalCode.PARAMETER, text, "give the size it is to have", "size")


def _cuts(state: State, request: Request) -> bool:
    """Whether an image loses its end where it has grown to more than the size that is given.

    libvirt and QEMU know the size that it had when it was opened, and compare with that.
    """
    assert isinstance(request, VolumeExtend)
    instance = state.instances.get(request.subject)
    if instance is None or not instance.state.active or request.size is None:
        return False
    disk = named(instance, request.disk)
    return disk is not None and disk.source is not None and disk.source.protocol in _RESIZED


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _cuts(state, request) else Caution.NONE


def _losses(state: State, requests: Sequence[Request]) -> list[str]:
    cut = [one for one in requests if isinstance(one, VolumeExtend) and _cuts(state, one)]
    return [
        f"QEMU makes the image of {clean(one.disk)} just {one.size}: what it has beyond that on "
        "its storage by now is lost. See there first how large it is."
        for one in cut
    ]


def _warns(state: State, requests: Sequence[Request]) -> list[str]:
    return [
        sentence
        for one in requests
        if isinstance(one, VolumeExtend) and one.size is not None
        for sentence in growth_words(
            state, state.instances.get(one.subject), [f"{one.disk}={one.size}"]
        )
    ]


VOLUME_EXTEND = Verb(
    VolumeExtend,
    title="Extend a disk",
    part="disk",
    help="Let a disk grow; the guest sees it at once.",
    doing="having a disk extended",
    group="disks",
    key="e",
    decide=sequence(_steps, _outcome),
    steps=_steps,
    calls=(ExtendCall, GrowDiskCall, TakeSizeCall),
    single=True,
    needs_description=True,
    storage_for=("disk",),
    states=KNOWN,
    refusals=_against,
    during_move=False,
    looks_at=frozenset({"definition"}),
    risk=Risk(raised=_caution, after=_losses, warns=_warns),
)
VERBS = (VOLUME_EXTEND,)
