"""A network is defined anew, from all of its XML."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Request, State
from core.verbs.caution import Caution
from core.verbs.defined_anew import against_other, as_before, risk_of, since, steps_of
from core.verbs.network.calls import NetworkRedefineCall
from core.verbs.network.requests import EditNetwork
from core.verbs.refusal import Refusal
from core.verbs.sequence import sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb

_steps = steps_of("network", EditNetwork, NetworkRedefineCall)


def _outcome(now: Situation) -> str:
    return f"the network {now.name} is defined anew{since(now.subject)}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.network import read_network

    assert isinstance(request, EditNetwork)
    network = state.networks.get(request.subject)
    if network is None:
        return
    yield from against_other(network, request.xml, read_network)


NETWORK_EDIT = Verb(
    EditNetwork,
    title="Edit",
    help="Define the network anew; what runs changes when it is started again.",
    doing="being changed",
    group="network",
    key="e",
    subject="network",
    decide=sequence(_steps, _outcome),
    steps=_steps,
    calls=(NetworkRedefineCall,),
    refusals=_against,
    single=True,
    looks_at=frozenset({"document"}),
    undo=as_before(EditNetwork),
    by_hand=True,
    risk=risk_of("network", Caution.NONE),
)
VERBS = (NETWORK_EDIT,)
