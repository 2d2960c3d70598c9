"""What a network device is plugged into, from one word: `lan`, `bridge:br0`, `ovs:br-int`. Pure.

The kinds are libvirt's own types of interfaces, and the names Nova has for its VIFs, each mapped
to what libvirt makes of it or refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlugKind:
    """How what is named behind the colon is connected."""

    type: str
    """libvirt's type of interface."""
    virtualport: str = ""
    """The type of the port of the switch; empty: it has none."""
    mode: str = ""
    """How a macvtap device, or a socket, is used where nothing else is asked for."""
    of_host: str = ""
    """What of the host is named: a network device (`net`), a PCI device (`pci`), a `path`."""
    bandwidth: bool = False
    """libvirt limits what it carries."""
    filters: bool = False
    """libvirt filters it."""
    mtu: bool = False
    queues: bool = True
    vlan: bool = False
    link: bool = True
    virtio_only: bool = False


@dataclass(frozen=True, slots=True)
class Plug:
    """What one network device is plugged into."""

    word: str
    """The kind as it was said: bridge, ovs, hw_veb..."""
    kind: PlugKind
    name: str = ""
    """Of the network, bridge, device or socket; empty: it has none."""


_NETWORK = PlugKind("network", bandwidth=True, filters=True, mtu=True, vlan=True)
_BRIDGE = PlugKind("bridge", of_host="net", bandwidth=True, filters=True, mtu=True)
_OVS = PlugKind("bridge", "openvswitch", of_host="net", bandwidth=True, filters=True, mtu=True,
                vlan=True)  # fmt: skip
_DIRECT = PlugKind("direct", mode="bridge", of_host="net", bandwidth=True)
_TAP = PlugKind("ethernet", of_host="net", bandwidth=True, filters=True, mtu=True)
_SOCKET = PlugKind("vhostuser", mode="client", of_host="path", mtu=True, virtio_only=True)
_VDPA = PlugKind("vdpa", of_host="path", virtio_only=True, link=False)
_FUNCTION = PlugKind("hostdev", of_host="pci", queues=False, vlan=True, link=False)
_OWN = PlugKind("user", queues=False)

LENT = PlugKind("network", queues=False, vlan=True, link=False)
"""A network that lends functions of SR-IOV (`<forward mode='hostdev'>`): what it gives to one that
runs is a device of the host, of which libvirt passes over or refuses all else."""

KINDS: Mapping[str, PlugKind] = {
    "network": _NETWORK,
    "bridge": _BRIDGE,
    "ovs": _OVS,
    "direct": _DIRECT,
    "tap": _TAP,
    "vhostuser": _SOCKET,
    "vdpa": _VDPA,
    "hostdev": _FUNCTION,
    # as Nova's VIFs are called
    "openvswitch": _OVS,
    "macvtap": _DIRECT,
    "generic": _TAP,
    "hostdev_physical": _FUNCTION,
    "ib_hostdev": _FUNCTION,
    "hw_veb": PlugKind("direct", mode="passthrough", of_host="net", bandwidth=True, vlan=True),
    "802.1qbg": PlugKind("direct", "802.1Qbg", "vepa", of_host="net", bandwidth=True),
    "802.1qbh": PlugKind("direct", "802.1Qbh", "vepa", of_host="net", bandwidth=True),
}
"""By the word before the colon."""

ALONE: Mapping[str, PlugKind] = {"user": _OWN, "passt": _OWN}
"""Those that name nothing: QEMU's own network, and that of the program passt."""

_PLUGGED = "make the tap device with its own tools, and attach it as tap:NAME"
REFUSED: Mapping[str, tuple[str, str]] = {
    "midonet": ("MidoNet is no longer made, and libvirt does not plug its ports", _PLUGGED),
    "iovisor": ("PLUMgrid's IO Visor is no longer made, and libvirt does not plug its ports",
                _PLUGGED),
    "vrouter": ("libvirt does not plug ports of a Contrail vRouter", _PLUGGED),
    "agilio_ovs": ("An Agilio card gives no port by its name alone: its agent chooses a function",
                   "attach that as hostdev:ADDRESS, or its socket as vhostuser:PATH"),
    "ivs": ("Indigo Virtual Switch is no longer made, and libvirt does not plug its ports",
            _PLUGGED),
    "hyperv": ("A port of Hyper-V's switch is none of a libvirt host", "name one of this host"),
    "vds": ("A port of a VMware switch is none of a QEMU host", "name one of this host"),
    "unbound": ("An unbound port leads nowhere: its network service has not chosen a host",
                "name what it is to be plugged into on this host"),
    "binding_failed": ("The binding of this port has failed: it leads nowhere",
                       "name what it is to be plugged into on this host"),
}  # fmt: skip
"""What Nova knows and no libvirt of a QEMU host can be told: why, and what to do instead."""

PORT_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "openvswitch": ((), ("interfaceid", "profileid")),
    "802.1Qbg": (("managerid", "typeid", "typeidversion"), ("instanceid",)),
    "802.1Qbh": (("profileid",), ()),
}
"""What the port of a switch must be told, and may be told, by its type."""

ADDRESS = re.compile(r"(?:([0-9a-fA-F]{4}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")
"""Of a PCI device: its domain, bus, slot and function."""


def plug_of(network: str) -> Plug:
    """Return what a network device is plugged into; a word that is no kind begins a name."""
    if network in ALONE:
        return Plug(network, ALONE[network])
    word, colon, name = network.partition(":")
    if colon and name and word.lower() in KINDS:
        return Plug(word.lower(), KINDS[word.lower()], name)
    return Plug("network", _NETWORK, network)


def refused_kind(network: str) -> tuple[str, str] | None:
    """Return why a kind that Nova knows cannot be had here, and the cure; None: it is no such."""
    return REFUSED.get(network.partition(":")[0].lower())


def pci_words(address: str) -> tuple[str, str, str, str] | None:
    """Return domain, bus, slot and function of `0000:03:10.1`; None: it is no such address."""
    found = ADDRESS.fullmatch(address)
    return None if found is None else (found[1] or "0000", found[2], found[3], found[4])
