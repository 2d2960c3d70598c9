"""A network is deleted: stopped and undefined, where nobody is on it."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Network, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.usage import instances_on
from core.verbs.activation import untold
from core.verbs.caution import Caution
from core.verbs.network.calls import NetworkDestroyCall, NetworkUndefineCall
from core.verbs.network.requests import CreateNetworkFromXml, DeleteNetwork
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb

_LOOKS = 600.0
"""Seconds: each instance that runs is asked what it has from its next start on."""


def _steps(now: Situation) -> list[Step]:
    network = now.subject
    sent = [type(one.call) for one in now.sent]
    active = isinstance(network, Network) and network.active
    persistent = not isinstance(network, Network) or network.persistent
    steps: list[Step] = []
    if active or NetworkDestroyCall in sent:
        stop = NetworkDestroyCall(unused=True)
        steps.append(Step(stop, f"stopping {now.name}", _off, deadline=_LOOKS))
    if persistent or NetworkUndefineCall in sent:
        undefine = NetworkUndefineCall(unused=not steps)
        steps.append(Step(undefine, f"undefining {now.name}", _gone, deadline=_LOOKS))
    return steps


def _off(now: Situation) -> bool:
    return not (isinstance(now.subject, Network) and now.subject.active)


def _gone(now: Situation) -> bool:
    return now.subject is None


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    network = state.networks.get(request.subject)
    users = [] if network is None else instances_on(state, network)
    if users:
        names = listed([clean(one.name) for one in users])
        text = f"{names} {'are' if len(users) > 1 else 'is'} on the network {request_name(network)}"
        cure = "detach their interfaces first, from what runs and from what is defined"
        yield Refusal(RefusalCode.BUSY, text, cure)


def request_name(network: Network | None) -> str:
    """Return what a network is called in a sentence."""
    return "" if network is None else clean(network.name)


def _made_again(now: Situation) -> Request | None:
    """Return the request that makes it as it was; of a transient one nothing is known."""
    network = now.subject
    if now.document is None or not isinstance(network, Network):
        return None
    return CreateNetworkFromXml(
        now.request.subject, now.document, start=network.active, autostart=network.autostart
    )


def _takes(_: Request, subjects: Subjects) -> str:
    return f"Deletes {subjects.whom}, with its addresses and what its DHCP and DNS know."


NETWORK_DELETE = Verb(
    DeleteNetwork,
    title="Delete",
    help="Stop the network and undefine it, where no instance is on it.",
    doing="being deleted",
    group="network",
    key="x",
    subject="network",
    decide=sequence(_steps, lambda now: f"the network {now.name} is deleted"),
    steps=_steps,
    resumable=True,
    calls=(NetworkDestroyCall, NetworkUndefineCall),
    refusals=_against,
    needs_description=True,
    looks_at=frozenset({"document"}),
    undo=_made_again,
    risk=Risk(Caution.CONFIRM, _takes, after=lambda state, asked: untold(state, asked, "is on it")),
)
VERBS = (NETWORK_DELETE,)
