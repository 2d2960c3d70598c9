"""A pool is defined anew, from all of its XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.defined_anew import risk_of, since
from core.verbs.parameter import parameter
from core.verbs.pool_calls import PoolRedefineCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb
from core.verbs.xml_rule import definition_of


class EditPool(Request, frozen=True):
    """Define a pool anew; one that runs changes when it is started again."""

    verb: ClassVar[str] = "pool-edit"
    xml: Annotated[
        str,
        parameter("All of its XML, as it is to be (`virsh pool-dumpxml --inactive`).", label="XML",
                  text=True, rule=definition_of("pool")),
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
    return f"the pool {now.name} is defined anew{since(now.subject)}"


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
    except XmlError:  # its rule tells on which line
        return
    if found.name not in ("", pool.name) or found.uuid not in ("", pool.uuid):
        text = f"The XML is that of another pool, {clean(found.name or found.uuid)}"
        cure = f"give that of {clean(pool.name)}: libvirt renames no pool"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")
    if found.type != pool.type and pool.type and found.type:
        text = f"{clean(pool.name)} is of the type {pool.type}, and not {clean(found.type)}"
        yield Refusal(RefusalCode.PARAMETER, text, "make another pool of that type", "xml")


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
    by_hand=True,
    risk=risk_of("pool", Caution.CONFIRM),
)
VERBS = (POOL_EDIT,)
