"""Networks are started, stopped, and started with their host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from core.model import Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.usage import instances_on
from core.verbs import activation
from core.verbs.activation import Off
from core.verbs.caution import Caution
from core.verbs.network.calls import NetworkAutostartCall, NetworkCreateCall, NetworkDestroyCall
from core.verbs.verb import Risk, Subjects


class NetworkStart(Request, frozen=True):
    """Start a network (virNetworkCreate)."""

    verb: ClassVar[str] = "network-start"


class NetworkStop(Request, frozen=True):
    """Stop a network (virNetworkDestroy)."""

    verb: ClassVar[str] = "network-stop"


class NetworkAutostart(Request, frozen=True):
    """Have a network started with its host, or no longer (virNetworkSetAutostart)."""

    verb: ClassVar[str] = "network-autostart"
    off: Off = False


def _ends(_: Request, subjects: Subjects) -> str:
    on = "them" if subjects.many else "it"
    return (
        f"Stops {subjects.whom}: instances on {on} lose their connection until they are restarted."
    )


def _vanishing(state: State, requests: Sequence[Request]) -> list[str]:
    networks = [state.networks.get(request.subject) for request in requests]
    gone = [clean(network.name) for network in networks if network and not network.persistent]
    if not gone:
        return []
    return [f"Transient, and so gone once stopped: {listed(gone)}."]


def _users(state: State, requests: Sequence[Request]) -> list[str]:
    networks = [state.networks.get(request.subject) for request in requests]
    users = [
        clean(instance.name)
        for network in networks
        if network is not None
        for instance in instances_on(state, network)
        if instance.state.active
    ]
    names = list(dict.fromkeys(users))
    where = "them" if len(requests) > 1 else "it"
    on = [f"On {where} now: {listed(names)}."] if names else []
    untold = activation.untold(state, requests, f"is on {where}")
    return [*_vanishing(state, requests), *on, *untold]


VERBS = (
    activation.start("network", NetworkStart, NetworkCreateCall, NetworkStop),
    activation.stop(
        *("network", NetworkStop, NetworkDestroyCall, NetworkStart),
        Risk(Caution.CONFIRM, _ends, after=_users),
    ),
    activation.autostart("network", NetworkAutostart, NetworkAutostartCall),
)
