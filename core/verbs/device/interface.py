"""A network device is attached to an instance. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from core.model import Request, State
from core.model.lists import listed
from core.model.new_device import AttachedInterface
from core.model.text import clean
from core.verbs.applied import affects, against_when
from core.verbs.create.site import site_in
from core.verbs.device.attaching import attach_step, attached, taken
from core.verbs.device.calls import AttachCall
from core.verbs.device.requests import InterfaceAttach, InterfaceDetach
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import Situation

KINDS = ("bridge", "direct")
"""What a network device is connected to, before a colon and the name."""


def attach_steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, InterfaceAttach)
    call = attached(now)
    if call is None:
        from core.xml.new_device import interface_xml

        new = _new(now, request)
        live, config = affects(now, request.when)
        call = AttachCall(
            live=live, config=config, kind="interface", name=new.mac, xml=interface_xml(new)
        )
    return list(attach_step(call, f"attaching {clean(request.network)} to {now.name}"))


def _new(now: Situation, request: InterfaceAttach) -> AttachedInterface:
    kind, source = connection(request.network)
    return AttachedInterface(
        mac=_mac(now, request),
        type=kind,
        source=source,
        model=request.model,
        mtu=request.mtu,
        queues=request.queues,
        vlan=request.vlan,
        nwfilter=request.nwfilter,
        link_up=request.link == "up",
    )


def connection(network: str) -> tuple[str, str]:
    """Return the type of an interface and what it is plugged into, from what was asked for."""
    kind, colon, name = network.partition(":")
    if colon and name and kind in KINDS:
        return kind, name
    return ("user", "") if network == "user" else ("network", network)


def _mac(now: Situation, request: InterfaceAttach) -> str:
    """Return the address it has, the same in what runs and in what is defined.

    It depends on nothing but the instance and what it has: the undo is for the same one.
    """
    from core.xml.definition.cloning import new_mac

    if request.mac:
        return request.mac.lower()
    numbers = (new_mac(f"{request.subject.id} attached", number) for number in count())
    has = [one for one in (now.instance, now.defined) if one is not None]
    return next(mac for mac in numbers if not any(taken(one, "interface", mac) for one in has))


def outcome(now: Situation) -> str:
    """Say what is so then."""
    request, call = now.request, attached(now)
    assert isinstance(request, InterfaceAttach)
    assert call is not None
    later = "" if call.live else ", from its next start on"
    return f"an interface {call.name} on {clean(request.network)} is attached to {now.name}{later}"


def undo(now: Situation) -> Request | None:
    """Return what takes it away again."""
    request = now.request
    assert isinstance(request, InterfaceAttach)
    return InterfaceDetach(request.subject, _mac(now, request), request.when)


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why it cannot be attached."""
    assert isinstance(request, InterfaceAttach)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_when(state, request, but)
    yield from _against_network(state, request)
    mac = request.mac.lower()
    if mac and taken(instance, "interface", mac):
        text = f"{instance.name} has an interface {mac} already"
        yield Refusal(RefusalCode.PARAMETER, text, "take another address, or leave it out", "mac")
    for other in state.instances.values() if mac else ():
        if other.key != instance.key and taken(other, "interface", mac):
            text = f"{clean(other.name)} has the address {mac}"
            cure = "two of one address disturb each other: take another, or leave it out"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "mac")
            return
    if request.queues and request.model != "virtio":
        text = f"Queues are virtio's, not {request.model}'s"
        yield Refusal(RefusalCode.PARAMETER, text, "take virtio, or leave them out", "queues")
    if connection(request.network)[0] == "user":
        for field in ("vlan", "nwfilter", "mtu", "queues"):
            if getattr(request, field):
                text = "QEMU's own network has no VLANs, filters, queues or packet size"
                yield Refusal(RefusalCode.PARAMETER, text, "leave it out", field)


def _against_network(state: State, request: InterfaceAttach) -> Iterator[Refusal]:
    kind, name = connection(request.network)
    if kind != "network":
        return
    site = site_in(state, request.subject.host)
    network = site.networks.get(name)
    known = listed([clean(one) for one in site.networks])
    if network is None:
        text = f"{clean(site.name)} has no network {clean(name)}"
        others = "bridge:NAME, direct:DEVICE or user"
        cure = f"take {known}, {others}" if known else f"it has none: take {others}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "network")
    elif not network.active:
        text = f"The network {clean(name)} of {clean(site.name)} is off"
        cure = f"start it: `virtdeck network start {clean(name)}`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "network")
