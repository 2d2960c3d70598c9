"""A volume is copied under another name, by libvirt on its host. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import Request, State, Volume
from core.model.lists import listed
from core.model.text import clean
from core.verbs.create.site import against_new, against_pool, site_in
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_room
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.thin import thin_words
from core.verbs.verb import Risk, Verb
from core.verbs.volume import VolumeCloneCall
from core.verbs.volume_changing import first_call
from core.verbs.volume_creating import NAME
from core.verbs.volume_use import against_encrypted, writers


class CloneVolume(Request, frozen=True):
    """Copy a volume (virStorageVolCreateXMLFrom)."""

    verb: ClassVar[str] = "volume-clone"
    to: Annotated[str, NAME]
    pool: Annotated[
        str, parameter("The pool of the copy; unless given, that of the volume.", source="pools")
    ] = ""
    format: Annotated[Literal["same", "qcow2", "raw"], parameter("The format of the copy.")] = (
        "same"
    )


def _clone(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, CloneVolume)
    call = first_call(now, VolumeCloneCall)
    if isinstance(now.subject, Volume) and call is None:
        volume = now.subject
        kind = volume.format if volume.format in ("qcow2", "raw") else "raw"
        call = VolumeCloneCall(
            request.pool or volume.pool_name,
            request.to,
            f"{volume.pool_name}/{volume.name}",
            kind if request.format == "same" else request.format,
        )
    if not isinstance(call, VolumeCloneCall):
        return []

    def heard(then: Situation) -> bool:
        return any(one.call == call and one.accepted for one in then.sent)

    place = clean(f"{call.pool}/{call.name}")
    return [Step(call, f"copying {clean(call.source)} to {place}", heard, names=place)]


def _cloned(now: Situation) -> str:
    call = first_call(now, VolumeCloneCall)
    assert isinstance(call, VolumeCloneCall)
    return f"{clean(f'{call.pool}/{call.name}')} is a copy of {clean(call.source)}"


def _against_clone(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CloneVolume)
    volume = state.volumes.get(request.subject)
    if volume is None:
        return
    if found := writers(state, volume):
        names = [f"{clean(one.name)} ({clean(target)})" for one, target in found]
        text = f"{clean(volume.name)} is written to by {listed(names)}"
        who = clean(f"{found[0][0].host}/{found[0][0].name}")
        cure = f"copy the disk as it is at one moment: `virtdeck image {who} --disk {found[0][1]}`"
        yield Refusal(RefusalCode.STATE, text, cure)
    yield from against_encrypted(volume)
    site = site_in(state, request.subject.host)
    pool = request.pool or volume.pool_name
    yield from against_pool(site, pool, "pool" if request.pool else "")
    yield from against_new(site, pool, request.to, "to")
    yield from against_room(site.pool(pool), volume.capacity or 0, "pool")


def _warns(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of a copy that its pool has less free than that may come to take."""
    found: list[str] = []
    for one in requests:
        volume = state.volumes.get(one.subject)
        if isinstance(one, CloneVolume) and volume is not None:
            pool = site_in(state, one.subject.host).pool(one.pool or volume.pool_name)
            found += thin_words(pool, one.to, volume.capacity or 0)
    return found


VOLUME_CLONE = Verb(
    CloneVolume,
    title="Clone",
    help="Copy a volume under another name; the copy needs no other volume.",
    doing="being copied",
    group="volume",
    key="c",
    subject="volume",
    decide=sequence(_clone, _cloned),
    steps=_clone,
    calls=(VolumeCloneCall,),
    refusals=_against_clone,
    single=True,
    cancelled="libvirt cannot end it: it goes on.",
    risk=Risk(warns=_warns),
)
VERBS = (VOLUME_CLONE,)
