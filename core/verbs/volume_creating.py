"""A volume is made in a pool, empty: for a disk that is attached later, or to be written to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import Pool, Request, State
from core.model.sizes import size_words
from core.model.text import clean
from core.verbs.create.site import against_new, against_pool, site_in
from core.verbs.growing import MOST_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_room
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.thin import thin_words
from core.verbs.verb import Risk, Verb
from core.verbs.volume import VolumeCreateCall

_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

NAME = parameter(
    "The name of the new volume, with the ending of a file: data.qcow2.",
    pattern=r"[^./\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*",
    shape="one that begins with no dot, without / and control characters",
    longest=200,
)
SIZE = parameter(
    "Its size, as its guest sees it: 20G.",
    pattern=r"[1-9][0-9]{0,6}[MGT]",
    shape="a number with M, G or T, such as 20G",
)


class CreateVolume(Request, frozen=True):
    """Make an empty volume in a pool (virStorageVolCreateXML)."""

    verb: ClassVar[str] = "volume-create"
    name: Annotated[str, NAME]
    size: Annotated[str, SIZE]
    format: Annotated[
        Literal["as-named", "qcow2", "raw"],
        parameter("Its format; as-named: raw where its name ends in .raw or .img, else qcow2."),
    ] = "as-named"


def bytes_of(given: str) -> int:
    """Return the bytes of a size as `SIZE` has it; 0 for what is none."""
    known = given[:-1].isdigit() and given[-1] in _UNITS
    return int(given[:-1]) * _UNITS[given[-1]] if known else 0


def _format(request: CreateVolume) -> str:
    if request.format != "as-named":
        return request.format
    return "raw" if request.name.endswith((".raw", ".img")) else "qcow2"


def _steps(now: Situation) -> list[Step]:
    request, pool = now.request, now.subject
    assert isinstance(request, CreateVolume)
    sent = [one.call for one in now.sent if isinstance(one.call, VolumeCreateCall)]
    files = not isinstance(pool, Pool) or pool.type not in ("logical", "zfs", "disk")
    call = sent[0] if sent else VolumeCreateCall(
        now.name, request.name, bytes_of(request.size), _format(request) if files else "raw"
    )  # fmt: skip

    def heard(seen: Situation) -> bool:
        return any(one.call == call and one.accepted for one in seen.sent)

    text = f"making {clean(request.name)} in {now.name}"
    return [Step(call, text, heard, names=clean(f"{call.pool}/{call.name}"))]


def _outcome(now: Situation) -> str:
    assert isinstance(now.request, CreateVolume)
    words = size_words(bytes_of(now.request.size))
    return f"{now.name}/{clean(now.request.name)} is made, of {words}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CreateVolume)
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    site = site_in(state, request.subject.host)
    yield from against_pool(site, pool.name, "")
    yield from against_new(site, pool.name, request.name, "name")
    wanted = bytes_of(request.size)
    if wanted > MOST_BYTES:
        text = f"{size_words(wanted)} are more than QEMU's images hold"
        cure = f"give {size_words(MOST_BYTES)} at most"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "size")
    else:
        yield from against_room(pool, wanted)


def _warns(state: State, requests: Sequence[Request]) -> list[str]:
    return [
        sentence
        for one in requests
        if isinstance(one, CreateVolume)
        for sentence in thin_words(state.pools.get(one.subject), one.name, bytes_of(one.size))
    ]


VOLUME_CREATE = Verb(
    CreateVolume,
    title="Make a volume",
    help="Make an empty volume in a pool.",
    doing="being given a volume",
    group="pool",
    key="v",
    subject="pool",
    decide=sequence(_steps, _outcome),
    steps=_steps,
    calls=(VolumeCreateCall,),
    refusals=_against,
    single=True,
    storage_for=("name",),
    risk=Risk(warns=_warns),
)
VERBS = (VOLUME_CREATE,)
