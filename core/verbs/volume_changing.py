"""Volumes that nobody uses are wiped, made larger or smaller. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Request, State, Volume
from core.model.lists import listed
from core.model.sizes import size_words
from core.model.text import clean
from core.state.images import image_of
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.growing import MOST_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_growing
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.thin import growing_words
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import VolumeResizeCall, VolumeWipeCall
from core.verbs.volume_creating import SIZE, bytes_of
from core.verbs.volume_use import (
    against_use,
    against_using,
    doubts,
    place_of,
    sizes_in,
)


class WipeVolume(Request, frozen=True):
    """Write zeros over a volume (virStorageVolWipe)."""

    verb: ClassVar[str] = "volume-wipe"


class ResizeVolume(Request, frozen=True):
    """Give a volume that nobody uses another size (virStorageVolResize)."""

    verb: ClassVar[str] = "volume-resize"
    size: Annotated[str, SIZE]
    shrink: Annotated[
        bool, parameter("It may get smaller: what lies beyond the new end is lost.")
    ] = False


def first_call(now: Situation, kind: type[Call]) -> Call | None:
    """Return what was sent first of a kind: what a step was stays what it was."""
    return next((one.call for one in now.sent if isinstance(one.call, kind)), None)


def _wipe(now: Situation) -> list[Step]:
    call = first_call(now, VolumeWipeCall)
    if isinstance(now.subject, Volume):
        call = call or VolumeWipeCall(now.subject.pool_name, now.subject.name)
    text = f"writing zeros over {now.name}"
    return [] if call is None else [Step(call, text, leaves="some of what it held")]


def _against_wipe(state: State, request: Request, _: str) -> Iterator[Refusal]:
    if (volume := state.volumes.get(request.subject)) is not None:
        yield from against_using(state, volume, "what needs it goes first")


def _wipes(_: Request, subjects: Subjects) -> str:
    what = "what is in them is" if subjects.many else "what is in it is"
    return f"Writes zeros over {subjects.whom}: {what} lost."


def _after_wipe(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what is left: no image, where it is one; and that a sparse file is only cut off."""
    images, sparse = [], []
    for request in requests:
        volume = state.volumes.get(request.subject)
        if volume is None:
            continue
        if volume.format not in ("raw", ""):
            images.append(f"{place_of(volume)} ({clean(volume.format)})")
        if volume.type == "file" and (volume.allocation or 0) < (volume.capacity or 0):
            sparse.append(place_of(volume))
    told = [*sizes_in("Wiped", state, requests), *doubts(state, requests)]
    if images:
        told.append(f"What is left of {listed(images)} is no image any more, but a raw file.")
    if sparse:
        told.append(
            f"Of a file with holes libvirt frees the blocks, and writes over none: "
            f"{listed(sparse)}."
        )
    return told


def _resize(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, ResizeVolume)
    call = first_call(now, VolumeResizeCall)
    wanted = bytes_of(request.size)
    if isinstance(now.subject, Volume):
        name = now.subject.pool_name, now.subject.name
        call = call or VolumeResizeCall(*name, wanted, shrink=request.shrink, unused=True)

    def shows(seen: Situation) -> bool:
        return isinstance(seen.subject, Volume) and seen.subject.capacity == wanted

    text = f"giving {now.name} {size_words(wanted)}"
    return [] if call is None else [Step(call, text, shows)]


def _resized(now: Situation) -> str:
    assert isinstance(now.request, ResizeVolume)
    return f"{now.name} has {size_words(bytes_of(now.request.size))}"


def _against_resize(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, ResizeVolume)
    volume = state.volumes.get(request.subject)
    if volume is None:
        return
    image, wanted = image_of(state, volume), bytes_of(request.size)
    grown = [user for user in image.users if not user.chain]
    cure = "what needs it goes first"
    if grown:
        user = grown[0]
        who = clean(f"{user.instance.host}/{user.name}")
        cure = f"let {clean(user.name)} grow it: `virtdeck resize {who} --grow "
        cure += f"{clean(user.target)}={request.size}`"
    yield from against_use(volume, image, cure)
    if wanted > MOST_BYTES:
        text = f"{size_words(wanted)} are more than QEMU's images hold"
        cure = f"give {size_words(MOST_BYTES)} at most"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "size")
    if volume.capacity is None:
        return
    if wanted < volume.capacity and not request.shrink:
        text = f"{clean(volume.name)} has {size_words(volume.capacity)}, and never shrinks unasked"
        cure = f"give more than that, or shrink it to {size_words(wanted)} (`--shrink`)"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "size")
    elif wanted == volume.capacity:
        text = f"{clean(volume.name)} has {size_words(wanted)} already"
        yield Refusal(RefusalCode.PARAMETER, text, "give another size", "size")
    elif wanted > volume.capacity:
        yield from against_growing(state, volume, wanted, "size")


def _warns(state: State, requests: Sequence[Request]) -> list[str]:
    return [
        sentence
        for one in requests
        if isinstance(one, ResizeVolume)
        for sentence in growing_words(state, state.volumes.get(one.subject), bytes_of(one.size))
    ]


def _shrinks(state: State, request: Request) -> bool:
    assert isinstance(request, ResizeVolume)
    volume = state.volumes.get(request.subject)
    has = None if volume is None else volume.capacity
    return request.shrink and (has is None or bytes_of(request.size) < has)


def _shrinking(state: State, request: Request) -> Caution:
    return Caution.TYPE if _shrinks(state, request) else Caution.NONE


def _cut_off(state: State, requests: Sequence[Request]) -> list[str]:
    told = []
    for request in requests:
        volume = state.volumes.get(request.subject)
        if volume is not None and _shrinks(state, request):
            assert isinstance(request, ResizeVolume)
            to = size_words(bytes_of(request.size))
            told.append(f"Cuts {place_of(volume)} off at {to}: what lies beyond is lost.")
            told += doubts(state, (request,))
    return told


VOLUME_WIPE = Verb(
    WipeVolume,
    title="Wipe",
    help="Write zeros over a volume that nothing needs.",
    doing="being wiped",
    group="volume",
    key="w",
    subject="volume",
    decide=sequence(_wipe, lambda now: f"{now.name} is wiped"),
    steps=_wipe,
    calls=(VolumeWipeCall,),
    refusals=_against_wipe,
    risk=Risk(Caution.TYPE, _wipes, after=_after_wipe),
    cancelled="libvirt cannot end it: it goes on.",
)
VOLUME_RESIZE = Verb(
    ResizeVolume,
    title="Resize",
    help="Let a volume that no instance uses grow; shrink it, where that is wanted.",
    doing="being resized",
    group="volume",
    key="r",
    subject="volume",
    decide=sequence(_resize, _resized),
    steps=_resize,
    calls=(VolumeResizeCall,),
    refusals=_against_resize,
    risk=Risk(raised=_shrinking, after=_cut_off, warns=_warns),
)
VERBS = (VOLUME_WIPE, VOLUME_RESIZE)
