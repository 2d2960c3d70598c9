"""A pool is defined anew, from all of its XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.model import Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.defined_anew import against_other, as_before, risk_of, since, steps_of
from core.verbs.parameter import parameter
from core.verbs.pool_calls import PoolRedefineCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import sequence
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


_steps = steps_of("pool", EditPool, PoolRedefineCall)


def _outcome(now: Situation) -> str:
    return f"the pool {now.name} is defined anew{since(now.subject)}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.storage import read_pool

    assert isinstance(request, EditPool)
    pool = state.pools.get(request.subject)
    if pool is None:
        return
    found = yield from against_other(pool, request.xml, read_pool)
    if found is not None and found.type != pool.type and pool.type and found.type:
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
    undo=as_before(EditPool),
    by_hand=True,
    risk=risk_of("pool", Caution.CONFIRM),
)
VERBS = (POOL_EDIT,)
