"""Networks are made: from what was asked for, or from their XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from core.errors import XmlError
from core.model import Network, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.defined_anew import defined_new
from core.verbs.network.calls import (
    NetworkAutostartCall,
    NetworkCreateCall,
    NetworkDefineCall,
    NetworkUndefineCall,
)
from core.verbs.network.plan import (
    NEEDS_ADDRESSES,
    WITH_ADDRESSES,
    chosen_subnet,
    planned_network,
    range_of,
    subnet_of,
    tags_of,
)
from core.verbs.network.requests import CreateNetwork, CreateNetworkFromXml, DeleteNetwork
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Verb

MOST_TAG = 4094
_Makes = CreateNetwork | CreateNetworkFromXml


def _steps(now: Situation) -> list[Step]:
    """Define it, mark it, start it: what is not done in the end is undone."""
    request = now.request
    assert isinstance(request, _Makes)
    name = clean(request.makes)
    made = next((one.call for one in now.sent if isinstance(one.call, NetworkDefineCall)), None)
    subnet = _subnet(request, now)
    call = made or NetworkDefineCall(_xml(request, subnet))
    chosen = isinstance(request, CreateNetwork) and subnet != request.subnet
    which = f" with {subnet}, which no known network has" if chosen else ""
    text = f"defining the network {name}{which}"
    steps = [
        defined_new(
            Step(call, text, lambda later: _found(later) is not None, NetworkUndefineCall()),
            given=isinstance(request, CreateNetworkFromXml) and bool(_own_id({"xml": request.xml})),
        )
    ]
    if request.autostart:
        steps.append(
            Step(
                NetworkAutostartCall(on=True),
                f"marking {name} to start with its host",
                lambda later: (found := _found(later)) is not None and found.autostart,
            )
        )
    if request.start:
        steps.append(
            Step(
                NetworkCreateCall(),
                f"starting {name}",
                lambda later: (found := _found(later)) is not None and found.active,
            )
        )
    return steps


def _found(now: Situation) -> Network | None:
    return now.subject if isinstance(now.subject, Network) else None


def _subnet(request: _Makes, now: Situation) -> str:
    if not isinstance(request, CreateNetwork):
        return ""
    return chosen_subnet(request, now.around.networks, now.around.host)


def _xml(request: _Makes, subnet: str) -> str:
    from core.xml.naming import named_as
    from core.xml.new_network import network_xml

    if isinstance(request, CreateNetwork):
        return network_xml(planned_network(request, subnet))
    return named_as(request.xml, "network", request.makes, request.subject.id)


def _outcome(now: Situation) -> str:
    request = now.request
    assert isinstance(request, _Makes)
    found, active = _found(now), " and active" if request.start else ""
    chosen = isinstance(request, CreateNetwork) and not request.subnet and not request.subnet6
    has = listed(found.addresses) if found is not None and chosen else ""
    return f"the network {clean(request.makes)} is made{active}{has and f', with {has}'}"


def _undo(now: Situation) -> Request | None:
    return DeleteNetwork(now.request.subject)


def _against_names(state: State, request: _Makes, field: str) -> Iterator[Refusal]:
    host = request.subject.host
    for other in state.networks.values():
        if other.host != host:
            continue
        if other.name == request.makes or other.uuid == request.subject.id:
            text = f"{host} has a network {clean(other.name)} already"
            cure = "choose another name, or delete that one: `virtdeck network delete`"
            yield Refusal(RefusalCode.PARAMETER, text, cure, field)


def _no(field: str, text: str, cure: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, field)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, CreateNetwork)
    yield from _against_names(state, request, "name")
    subnet = chosen_subnet(request, state.networks, state.hosts.get(request.subject.host))
    yield from _against_way(request, subnet)
    yield from _against_bridge(state, request)
    if subnet != request.subnet:
        yield from _against_unread(state, request.subject.host)
    yield from _against_addresses(state, request, subnet, request.dhcp, "subnet")
    yield from _against_addresses(state, request, request.subnet6, request.dhcp6, "subnet6")
    wrong = [tag for tag in tags_of(request.vlan) if not 1 <= tag <= MOST_TAG]
    if wrong:
        yield _no("vlan", f"A VLAN of {wrong[0]} makes no sense", f"give 1 to {MOST_TAG:,}")


def _against_way(request: CreateNetwork, subnet: str) -> Iterator[Refusal]:
    """Tell of what a mode needs, and of what it has no use for."""
    mode = request.mode
    if mode in ("bridge", "ovs") and not request.bridge:
        yield _no("bridge", "Which bridge it leads out by is not said", "give --bridge NAME")
    if mode == "macvtap" and not request.device:
        yield _no("device", "Which device it leads out by is not said", "give --device NAME")
    if request.device and mode in ("bridge", "ovs", "isolated"):
        cure = "leave it out" if mode == "isolated" else "name the bridge instead"
        yield _no("device", f"A network of the mode {mode} leads out by no device", cure)
    if request.bridge and mode == "macvtap":
        yield _no("bridge", "macvtap needs no bridge", "leave it out")
    if request.vlan and mode != "ovs":
        yield _no("vlan", f"A network of the mode {mode} tags no frames", "take ovs, or leave it")
    has = request.subnet or request.subnet6
    if mode in NEEDS_ADDRESSES and not (subnet or has):
        text = f"A network of the mode {mode} needs addresses, and no private ones are free"
        yield _no("subnet", text, "give --subnet with addresses of yours, or take isolated")
    if has and mode not in WITH_ADDRESSES:
        field = "subnet" if request.subnet else "subnet6"
        text = f"On a network of the mode {mode} somebody else gives out addresses"
        yield _no(field, text, "leave it out")
    for field in ("mtu", "domain"):
        if getattr(request, field) and mode not in WITH_ADDRESSES:
            text = f"libvirt sets no {'MTU' if field == 'mtu' else field} of the mode {mode}"
            yield _no(field, text, "leave it out")


def _against_unread(state: State, host: str) -> Iterator[Refusal]:
    """Tell of networks that were listed and not read: what is free is not known then."""
    here = (one for one in state.networks.values() if one.host == host)
    unread = [clean(one.name) for one in here if not one.described]
    if unread:
        text = f"The addresses of {listed(unread)} are not read, and so not which are free"
        yield _no("subnet", text, "try again in a moment, or give --subnet")


def _against_bridge(state: State, request: CreateNetwork) -> Iterator[Refusal]:
    """Tell of another network whose bridge has the name that a new one is to have."""
    for other in state.networks.values() if request.bridge else ():
        same = (other.host, other.bridge) == (request.subject.host, request.bridge)
        if same and request.mode in WITH_ADDRESSES:
            text = f"{clean(request.bridge)} is the bridge of {clean(other.name)}"
            yield _no("bridge", text, "choose another name, or leave it out: libvirt names one")


def _against_addresses(
    state: State, request: CreateNetwork, text: str, dhcp: str, field: str
) -> Iterator[Refusal]:
    if not text:
        return
    addresses = subnet_of(text)
    if addresses is None or addresses.num_addresses < 4:
        cure = "give a network and its prefix, such as 192.168.100.0/24"
        yield _no(field, f"{clean(text)} has no addresses to give out", cure)
        return
    try:
        range_of(dhcp, addresses)
    except ValueError as error:
        yield _no(field.replace("subnet", "dhcp"), f"DHCP cannot give out {clean(dhcp)}: {error}",
                  f"give addresses of {addresses}, all, or none")  # fmt: skip
    for other in state.networks.values():
        if other.host != request.subject.host:
            continue
        for taken in other.addresses:
            theirs = ip_network(taken, strict=False)
            if theirs.version == addresses.version and theirs.overlaps(addresses):
                text = f"{clean(other.name)} has {theirs}, which {addresses} is part of, or has"
                yield _no(field, text, "take other addresses")


def _against_xml(state: State, request: Request, _: str) -> Iterator[Refusal]:
    from core.xml.network import read_network

    assert isinstance(request, CreateNetworkFromXml)
    try:
        found = read_network(request.xml)
    except XmlError as error:
        cure = f"{error.hint[:1].lower()}{error.hint[1:]}".rstrip(".")
        yield _no("xml", error.message.rstrip("."), cure or "see `virsh net-dumpxml` of another")
        return
    if not found.name:
        yield _no("xml", "The XML has no name", "give it a <name>")
    else:
        yield from _against_names(state, request, "xml")


def _own_id(values: Mapping[str, Any]) -> str:
    from core.xml.network import read_network

    try:
        return read_network(values["xml"]).uuid
    except XmlError:
        return ""


def _verb(request: type[Request], **more: Any) -> Verb:
    return Verb(
        request,
        doing="being made",
        group="network",
        subject="host",
        makes="network",
        decide=sequence(_steps, _outcome),
        steps=_steps,
        resumable=True,
        calls=(NetworkDefineCall, NetworkAutostartCall, NetworkCreateCall, NetworkUndefineCall),
        single=True,
        needs_host=True,
        undo=_undo,
        cancelled="What was made of it is removed again.",
        **more,
    )


VERBS = (
    _verb(
        CreateNetwork,
        title="Make a network",
        help="Make a network: with addresses of its own, or on a bridge or device that is there.",
        key="n",
        refusals=_against,
        needs_networks=True,
    ),
    _verb(
        CreateNetworkFromXml,
        title="Make a network from XML",
        help="Make a network from its XML, checked by libvirt before anything is made.",
        key="x",
        refusals=_against_xml,
        own_id=_own_id,
    ),
)
