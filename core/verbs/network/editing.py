"""A network is defined anew, from all of its XML."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import XmlError
from core.model import Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.defined_anew import risk_of, since
from core.verbs.network.calls import NetworkRedefineCall
from core.verbs.network.requests import EditNetwork
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb


def _steps(now: Situation) -> list[Step]:
    from core.xml.naming import named_as

    request = now.request
    assert isinstance(request, EditNetwork)
    sent = next((one.call for one in now.sent if isinstance(one.call, NetworkRedefineCall)), None)
    call = sent or NetworkRedefineCall(
        named_as(request.xml, "network", now.name, request.subject.id),
        request.base or now.document or "",
    )
    return [Step(call, f"defining {now.name} anew")]


def _as_before(now: Situation) -> Request | None:
    """Return the edit that puts back what was; refused where somebody changed it since."""
    request = now.request
    assert isinstance(request, EditNetwork)
    if now.document is None:
        return None
    return EditNetwork(request.subject, now.document, request.xml)


def _outcome(now: Situation) -> str:
    return f"the network {now.name} is defined anew{since(now.subject)}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.network import read_network

    assert isinstance(request, EditNetwork)
    network = state.networks.get(request.subject)
    if network is None:
        return
    if not network.persistent:
        text = f"{clean(network.name)} is transient, it has no definition"
        yield Refusal(RefusalCode.STATE, text, "stop it, and make one from its XML")
    try:
        found = read_network(request.xml)
    except XmlError:  # its rule tells on which line
        return
    if found.name not in ("", network.name) or found.uuid not in ("", network.uuid):
        text = f"The XML is that of another network, {clean(found.name)}"
        cure = f"give that of {clean(network.name)}: libvirt renames no network"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")


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
    undo=_as_before,
    by_hand=True,
    risk=risk_of("network", Caution.NONE),
)
VERBS = (NETWORK_EDIT,)
