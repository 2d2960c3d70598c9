"""A pool is defined anew, from all of its XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import Pool, Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.pool_calls import PoolRedefineCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb


class EditPool(Request, frozen=True):
    """Define a pool anew; one that runs changes when it is started again."""

    verb: ClassVar[str] = "pool-edit"
    xml: Annotated[
        str,
        parameter("All of its XML, as it is to be (`virsh pool-dumpxml --inactive`).", label="XML",
                  text=True),
    ]  # fmt: skip
    base: Annotated[
        str,
        parameter(
            "The XML that it was made from: what others changed since is not written over.",
            text=True,
            advanced=True,
        ),
    ] = ""


def _steps(now: Situation) -> list[Step]:
    from core.xml.naming import named_as

    request = now.request
    assert isinstance(request, EditPool)
    sent = next((one.call for one in now.sent if isinstance(one.call, PoolRedefineCall)), None)
    call = sent or PoolRedefineCall(
        named_as(request.xml, "pool", now.name, request.subject.id),
        request.base or now.document or "",
    )
    return [Step(call, f"defining {now.name} anew")]


def _as_before(now: Situation) -> Request | None:
    """Return the edit that puts back what was; refused where somebody changed it since."""
    request = now.request
    assert isinstance(request, EditPool)
    if now.document is None:
        return None
    return EditPool(request.subject, now.document, request.xml)


def _outcome(now: Situation) -> str:
    active = isinstance(now.subject, Pool) and now.subject.active
    since = "; it counts once it is stopped and started" if active else ""
    return f"the pool {now.name} is defined anew{since}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.storage import read_pool

    assert isinstance(request, EditPool)
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    if not pool.persistent:
        text = f"{clean(pool.name)} is transient, it has no definition"
        yield Refusal(RefusalCode.STATE, text, "stop it, and make one from its XML")
    try:
        found = read_pool(request.xml)
    except XmlError as error:
        cure = f"{error.hint[:1].lower()}{error.hint[1:]}".rstrip(".") or "give all of its XML"
        yield Refusal(RefusalCode.PARAMETER, error.message.rstrip("."), cure, "xml")
        return
    if found.name not in ("", pool.name) or found.uuid not in ("", pool.uuid):
        text = f"The XML is that of another pool, {clean(found.name or found.uuid)}"
        cure = f"give that of {clean(pool.name)}: libvirt renames no pool"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")
    if found.type != pool.type and pool.type and found.type:
        text = f"{clean(pool.name)} is of the type {pool.type}, and not {clean(found.type)}"
        yield Refusal(RefusalCode.PARAMETER, text, "make another pool of that type", "xml")


def _replaces(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, EditPool)
    from core.xml.definition.changes import changes, in_words

    try:
        found = changes(request.base, request.xml, "pool") if request.base else ()
    except XmlError:
        found = ()
    what = f": {in_words(found)}" if found else ""
    return f"Replaces the definition of {subjects.whom}{what}."


def _counts(state: State, requests: Sequence[Request]) -> list[str]:
    """Say from when on it counts, of those that run."""
    pools = [state.pools.get(one.subject) for one in requests]
    return [
        f"{clean(one.name)} runs on as it is until it is stopped and started."
        for one in pools
        if one is not None and one.active
    ]


POOL_EDIT = Verb(
    EditPool,
    title="Edit",
    help="Define the pool anew; what runs changes when it is started again.",
    doing="being changed",
    group="pool",
    key="e",
    subject="pool",
    decide=sequence(_steps, _outcome),
    steps=_steps,
    calls=(PoolRedefineCall,),
    refusals=_against,
    single=True,
    looks_at=frozenset({"document"}),
    undo=_as_before,
    risk=Risk(Caution.CONFIRM, _replaces, after=_counts),
)
VERBS = (POOL_EDIT,)
