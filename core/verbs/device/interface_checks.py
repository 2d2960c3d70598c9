"""Why a network device cannot be attached as it was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Instance, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.applied import against_when
from core.verbs.create.site import site_in
from core.verbs.device.attaching import taken
from core.verbs.device.boot_turn import against_turn
from core.verbs.device.host_place import against_place
from core.verbs.device.interface import forwards, pairs, tags
from core.verbs.device.plug import LENT, PORT_KEYS, Plug, pci_words, plug_of, refused_kind
from core.verbs.device.requests import InterfaceAttach
from core.verbs.refusal import Refusal, RefusalCode

OTHERS = "bridge:NAME, ovs:BRIDGE, direct:DEVICE or user"
"""What there is on a host without networks."""
VLAN_ON_BRIDGES = 11_000_000
"""libvirt from which a Linux bridge has VLANs."""
PASST = 9_000_000
"""libvirt from which there is passt."""
MOST_TAG, MOST_PORT = 4094, 65535
_MACVTAP = ("bridge", "vepa", "private", "passthrough")
_SOCKET = ("client", "server")


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why it cannot be attached."""
    assert isinstance(request, InterfaceAttach)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_when(state, request, but)
    if not request.network:
        yield _no("network", "What it is plugged into is not said", f"name a network, {OTHERS}")
        return
    unlike = _against_kind(state, request)
    yield from unlike
    if unlike:  # what else it could be does not matter
        return
    plug = plug_of(request.network)
    network = site_in(state, request.subject.host).networks.get(plug.name)
    if plug.kind.type == "network" and network is not None and network.forward == "hostdev":
        plug = Plug(f"{clean(plug.name)} (SR-IOV)", LENT, plug.name)
    yield from _against_network(state, request)
    yield from _against_mac(state, instance, request)
    yield from _against_options(request, plug)
    yield from _against_vlan(state, request, plug)
    yield from _against_port(request, plug)
    yield from against_turn(instance, request.boot_order)
    yield from _against_passt(state, request, plug)
    yield from against_place(state, request, "network")


def _no(field: str, text: str, cure: str = "leave it out") -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, field)


def _against_kind(state: State, request: InterfaceAttach) -> list[Refusal]:
    """Tell of kinds of Nova's that are not to be had, and of names that are none of their kind."""
    refused = refused_kind(request.network)
    if refused is not None and request.network not in site_in(state, request.subject.host).networks:
        return [_no("network", *refused)]
    plug = plug_of(request.network)
    name = clean(plug.name)
    if plug.kind.of_host == "pci" and pci_words(plug.name) is None:
        cure = "give it as hostdev:0000:03:10.1, domain, bus, slot and function"
        return [_no("network", f"{name} is no address of a PCI device", cure)]
    if plug.kind.of_host == "path" and not plug.name.startswith("/"):
        what = "/run/vhost.sock" if plug.kind.type == "vhostuser" else "/dev/vhost-vdpa-0"
        cure = f"give the whole path, such as {plug.word}:{what}"
        return [_no("network", f"{name} is no path of the host", cure)]
    if plug.kind.of_host == "net" and not _is_device(plug.name):
        cure = "a name has at most 15 characters, without / and blanks"
        return [_no("network", f"{name} is no name of a network device", cure)]
    return []


def _is_device(name: str) -> bool:
    short = len(name.encode(errors="surrogatepass")) <= 15
    return short and "/" not in name and not any(each.isspace() for each in name)


def _against_network(state: State, request: InterfaceAttach) -> Iterator[Refusal]:
    plug = plug_of(request.network)
    if plug.kind.type != "network":
        if request.port_group:
            yield _no("port_group", f"{plug.word} has no port groups: networks have")
        return
    site = site_in(state, request.subject.host)
    network, name = site.networks.get(plug.name), clean(plug.name)
    known = listed([clean(one) for one in site.networks])
    if network is None:
        cure = f"take {known}, {OTHERS}" if known else f"it has none: take {OTHERS}"
        yield _no("network", f"{clean(site.name)} has no network {name}", cure)
    elif not network.active:
        cure = f"start it: `virtdeck network start {clean(site.name)}/{name}`"
        yield _no("network", f"The network {name} of {clean(site.name)} is off", cure)
    groups = [] if network is None else [one.name for one in network.port_groups]
    if network is not None and network.described and request.port_group not in ("", *groups):
        text = f"The network {name} has no port group {clean(request.port_group)}"
        cure = f"take {listed([clean(one) for one in groups])}, or leave it out" if groups else ""
        yield _no("port_group", text, cure or "leave it out")


def _against_mac(state: State, instance: Instance, request: InterfaceAttach) -> Iterator[Refusal]:
    mac = request.mac.lower()
    if mac and taken(instance, "interface", mac):
        text = f"{instance.name} has an interface {mac} already"
        yield _no("mac", text, "take another address, or leave it out")
    for other in state.instances.values() if mac else ():
        # what another host has of the same UUID is the same instance, from before it was moved
        if other.uuid != instance.uuid and taken(other, "interface", mac):
            text = f"{clean(other.name)} has the address {mac}"
            cure = "two of one address disturb each other: take another, or leave it out"
            yield _no("mac", text, cure)
            return


def _against_options(request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    """Tell of what libvirt would refuse of such a device, or pass over in silence."""
    kind, word = plug.kind, plug.word
    sizes = {request.rx_queue, request.tx_queue} != {"default"}
    if request.model != "virtio" and (request.queues or sizes):
        field = "queues" if request.queues else "rx_queue"
        yield _no(field, f"Queues are virtio's, not {request.model}'s",
                  "take virtio, or leave them out")  # fmt: skip
    if kind.virtio_only and request.model != "virtio":
        yield _no("model", f"Of {word} a guest sees virtio, not {request.model}", "take virtio")
    if kind.type == "hostdev" and request.model != "virtio":
        yield _no("model", "A device of the host is in the guest what it is", "leave it out")
    unfit = {
        "nwfilter": (kind.filters, f"libvirt filters no interface of {word}"),
        "mtu": (kind.mtu, f"libvirt sets no packet size of {word}"),
        "queues": (kind.queues, f"{word} has no queues"),
    }
    for field, (fits, text) in unfit.items():
        if getattr(request, field) and not fits:
            yield _no(field, text)
    if request.filter_values and not request.nwfilter:
        yield _no("filter_values", "Which filter is told that is not said", "give --nwfilter, too")
    if request.link == "down" and not kind.link:
        yield _no("link", f"The cable of {word} is the host's own", "pull it there")
    yield from _against_rates(request, plug)
    yield from _against_mode(request, plug)


def _against_rates(request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    rates = [name for name in ("inbound", "outbound") if getattr(request, name)]
    if rates and not plug.kind.bandwidth:
        yield _no(rates[0], f"libvirt limits no interface of {plug.word}", "limit it in the guest")
    for way in ("inbound", "outbound"):
        more = [one for one in (f"{way}_peak", f"{way}_burst") if getattr(request, one)]
        if more and not getattr(request, way):
            yield _no(more[0], f"A limit has an average: that of {way} is not given",
                      f"give --{way}, too")  # fmt: skip


def _against_mode(request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    known = {"direct": _MACVTAP, "vhostuser": _SOCKET}.get(plug.kind.type, ())
    if request.mode != "default" and request.mode not in known:
        cure = f"take {listed(known)}" if known else "leave it out"
        yield _no("mode", f"{plug.word} has no mode {request.mode}", cure)


def _against_vlan(state: State, request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    field = "vlan" if request.vlan else "trunk"
    if not request.vlan and not request.trunk:
        return
    trunk = tags(request.trunk)
    bad = [tag for tag in trunk if not 1 <= tag <= MOST_TAG]
    if bad:
        yield _no("trunk", f"A VLAN of {bad[0]} makes no sense", f"give 1 to {MOST_TAG:,}")
    if request.vlan in trunk:
        yield _no("trunk", f"The VLAN {request.vlan} cannot be tagged and untagged",
                  "leave it out of either")  # fmt: skip
    through = plug.kind.type == "direct" and request.mode == "passthrough"
    host = state.hosts.get(request.subject.host)
    number = 0 if host is None or host.facts is None else host.facts.libvirt_number
    if plug.kind.vlan or through or (plug.word == "bridge" and number >= VLAN_ON_BRIDGES):
        return
    if plug.word == "bridge":
        cure = "take ovs:BRIDGE, a bridge that is in that VLAN, or libvirt 11 on the host"
        yield _no(field, "libvirt before 11 has no VLANs on a bridge of Linux", cure)
    elif plug.kind.type == "direct":
        cure = "take a VLAN device of the host (direct:eth0.7), or --mode passthrough"
        yield _no(field, "macvtap has no VLANs of its own", cure)
    else:
        yield _no(field, f"libvirt tags no frames of {plug.word}", "leave it out")


def _against_port(request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    """Tell of what the port of a switch is not told, and of what it does not know."""
    given = [name for name, _ in pairs(request.port)]
    must, may = PORT_KEYS.get(plug.kind.virtualport, ((), ()))
    if given and not plug.kind.virtualport:
        yield _no("port", f"{plug.word} has no port that is told anything", "leave it out")
        return
    missing = [name for name in must if name not in given]
    if missing:
        cure = f"give --port {missing[0]}=..."
        yield _no("port", f"A port of {plug.word} must be told its {listed(missing)}", cure)
    unknown = [name for name in given if name not in (*must, *may)]
    if unknown:
        cure = f"it knows {listed((*must, *may))}"
        yield _no("port", f"A port of {plug.word} knows no {clean(unknown[0])}", cure)


def _against_passt(state: State, request: InterfaceAttach, plug: Plug) -> Iterator[Refusal]:
    if request.forward and plug.word != "passt":
        yield _no("forward", f"{plug.word} forwards no ports", "take passt, or leave them out")
    for protocol, here, there in forwards(request.forward):
        if not (1 <= here <= MOST_PORT and 1 <= there <= MOST_PORT):
            yield _no("forward", f"{protocol}:{here}:{there} names no ports",
                      f"give 1 to {MOST_PORT:,}")  # fmt: skip
    host = state.hosts.get(request.subject.host)
    number = 0 if host is None or host.facts is None else host.facts.libvirt_number
    if plug.word == "passt" and 0 < number < PASST:
        version = "" if host is None or host.facts is None else host.facts.libvirt_version
        text = f"libvirt {version} of {clean(request.subject.host)} has no passt"
        yield _no("network", text, "take user, or a newer libvirt")
