"""A network device is attached to an instance. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from core.model import Request
from core.model.new_device import AttachedInterface, Bandwidth
from core.model.text import clean
from core.verbs.applied import affects
from core.verbs.device.attaching import attach_step, attached, known_again, taken
from core.verbs.device.calls import AttachCall
from core.verbs.device.plug import pci_words, plug_of
from core.verbs.device.requests import InterfaceAttach, InterfaceDetach
from core.verbs.sequence import Step
from core.verbs.situation import Situation


def attach_steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, InterfaceAttach)
    call = attached(now)
    if call is None:
        from core.xml.new_interface import interface_xml

        new = _new(now, request)
        live, config = affects(now, request.when)
        call = AttachCall(
            live=live,
            config=config,
            kind="interface",
            name=new.mac,
            xml=interface_xml(new),
            needs=_needs(request),
        )
        call = known_again(now, call)
    return list(attach_step(call, f"attaching {clean(request.network)} to {now.name}"))


def _new(now: Situation, request: InterfaceAttach) -> AttachedInterface:
    plug = plug_of(request.network)
    kind = plug.kind
    asked = "" if request.mode == "default" else request.mode
    return AttachedInterface(
        mac=_mac(now, request),
        type=kind.type,
        source=address_of(plug.name) if kind.type == "hostdev" else plug.name,
        model="" if kind.type == "hostdev" else request.model,
        mode=(asked or kind.mode) if kind.mode else "",
        virtualport=kind.virtualport,
        port=pairs(request.port),
        port_group=request.port_group,
        backend="passt" if plug.word == "passt" else "",
        forwards=forwards(request.forward),
        mtu=request.mtu,
        queues=request.queues,
        vlan=request.vlan,
        trunk=tags(request.trunk),
        nwfilter=request.nwfilter,
        filter_values=pairs(request.filter_values),
        boot_order=request.boot_order,
        inbound=Bandwidth(request.inbound, request.inbound_peak, request.inbound_burst),
        outbound=Bandwidth(request.outbound, request.outbound_peak, request.outbound_burst),
        rx_queue=_size(request.rx_queue),
        tx_queue=_size(request.tx_queue),
        link_up=request.link == "up",
    )


def _needs(request: InterfaceAttach) -> str:
    """Return what its host must have for it: `net br0`; nothing where that may come later."""
    plug = plug_of(request.network)
    if request.port_group:
        return f"port-group {plug.name}/{request.port_group}"
    if not plug.kind.of_host or request.when == "next-start":
        return ""
    return f"{plug.kind.of_host} {plug.name}"


def pairs(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return names and values of `NAME=VALUE`."""
    return tuple((word.partition("=")[0], word.partition("=")[2]) for word in words)


def tags(trunk: str) -> tuple[int, ...]:
    """Return the VLANs of a trunk."""
    return tuple(int(word) for word in trunk.split(",") if word)


def forwards(words: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return protocol and ports of `tcp:2222:22`."""
    found = (word.split(":") for word in words)
    return tuple((protocol, int(here), int(there)) for protocol, here, there in found)


def address_of(name: str) -> str:
    """Return the whole address of a PCI device; as it was given where it is none."""
    words = pci_words(name)
    return name if words is None else "{}:{}:{}.{}".format(*words)


def _size(word: str) -> int:
    return 0 if word == "default" else int(word)


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
