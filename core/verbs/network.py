"""What is done to virtual networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Network, Request, State
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.wording import listed


class NetworkStart(Request, frozen=True):
    """Start a network (virNetworkCreate)."""

    verb: ClassVar[str] = "network-start"


class NetworkStop(Request, frozen=True):
    """Stop a network (virNetworkDestroy)."""

    verb: ClassVar[str] = "network-stop"


class NetworkAutostart(Request, frozen=True):
    """Have a network started with its host, or no longer (virNetworkSetAutostart)."""

    verb: ClassVar[str] = "network-autostart"
    off: Annotated[bool, parameter("Start it no longer with its host.")] = False


class NetworkCreateCall(Call, frozen=True):
    """virNetworkCreate."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh net-start`."""
        return ("net-start", name)


class NetworkDestroyCall(Call, frozen=True):
    """virNetworkDestroy."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh net-destroy`."""
        return ("net-destroy", name)


class NetworkAutostartCall(Call, frozen=True):
    """virNetworkSetAutostart."""

    on: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh net-autostart`."""
        return ("net-autostart", name) if self.on else ("net-autostart", name, "--disable")


def _network(situation: Situation) -> Network | None:
    return situation.subject if isinstance(situation.subject, Network) else None


def _start(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        network = _network(now)
        return network is not None and network.active

    return [Step(NetworkCreateCall(), f"starting {situation.name}", shows)]


def _stop(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        network = _network(now)
        return network is None or not network.active

    return [Step(NetworkDestroyCall(), f"stopping {situation.name}", shows)]


def _autostart(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, NetworkAutostart)
    on = not request.off

    def shows(now: Situation) -> bool:
        network = _network(now)
        return network is not None and network.autostart == on

    text = f"{'marking' if on else 'unmarking'} {situation.name} to start with its host"
    return [Step(NetworkAutostartCall(on), text, shows)]


def _is_active(state: State, request: Request, _: str) -> Iterator[Refusal]:
    network = state.networks.get(request.subject)
    if network is not None and network.active:
        yield Refusal(RefusalCode.STATE, f"The network {network.name} is already active")


def _is_inactive(state: State, request: Request, _: str) -> Iterator[Refusal]:
    network = state.networks.get(request.subject)
    if network is not None and not network.active:
        yield Refusal(RefusalCode.STATE, f"The network {network.name} is not active")


def _is_transient(state: State, request: Request, _: str) -> Iterator[Refusal]:
    network = state.networks.get(request.subject)
    if network is not None and not network.persistent:
        text = f"The network {network.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "only what is defined starts with its host")


def _ends(_: Request, subjects: Subjects) -> str:
    return f"Stops {subjects.whom}: instances on it lose their connection until they are restarted."


def _vanishing(state: State, requests: Sequence[Request]) -> list[str]:
    networks = [state.networks.get(request.subject) for request in requests]
    gone = [clean(network.name) for network in networks if network and not network.persistent]
    if not gone:
        return []
    return [f"Transient, and so gone once stopped: {listed(gone)}."]


def _users(state: State, requests: Sequence[Request]) -> list[str]:
    names = {
        (network.host, network.name)
        for request in requests
        if (network := state.networks.get(request.subject)) is not None
    }
    users = [
        clean(instance.name)
        for instance in state.instances.values()
        if instance.state.active
        and any((instance.host, one.source) in names for one in instance.interfaces)
    ]
    return [*_vanishing(state, requests), *([f"On it now: {listed(users)}."] if users else [])]


def _autostarts(situation: Situation) -> str:
    assert isinstance(situation.request, NetworkAutostart)
    how = "no longer starts" if situation.request.off else "starts"
    return f"the network {situation.name} {how} with its host"


NETWORK_START = Verb(
    NetworkStart,
    title="Start",
    help="Start the network.",
    doing="starting",
    group="network",
    key="o",
    subject="network",
    decide=sequence(_start, lambda now: f"the network {now.name} is active"),
    steps=_start,
    calls=(NetworkCreateCall,),
    refusals=_is_active,
)
NETWORK_STOP = Verb(
    NetworkStop,
    title="Stop",
    help="Stop the network.",
    doing="stopping",
    group="network",
    key="f",
    subject="network",
    decide=sequence(_stop, lambda now: f"the network {now.name} is stopped"),
    steps=_stop,
    calls=(NetworkDestroyCall,),
    refusals=_is_inactive,
    risk=Risk(Caution.CONFIRM, _ends, after=_users),
    needs_description=True,
)
NETWORK_AUTOSTART = Verb(
    NetworkAutostart,
    title="Autostart",
    help="Have the network started with its host, or no longer.",
    doing="setting autostart",
    group="network",
    key="a",
    subject="network",
    decide=sequence(_autostart, _autostarts),
    steps=_autostart,
    calls=(NetworkAutostartCall,),
    refusals=_is_transient,
)

VERBS = (NETWORK_START, NETWORK_STOP, NETWORK_AUTOSTART)
