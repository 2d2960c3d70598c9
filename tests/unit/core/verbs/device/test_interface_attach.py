"""Attaching a network device: the XML of every kind, and what is refused by its name.

The XML was compared with what libvirt 9.0 takes of it: `tests/lab/test_interface_kinds.py` attaches
a bridge, a macvtap device and a tap device of a real host, `tests/lab/test_switches.py` a bridge of
Open vSwitch and passt. SR-IOV, vhost-user and vDPA need what the machines of the tests do not have.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.hypervisor.calls.device_faults import missing_of, told_of
from core.model import Disk, Host, HostFacts, Instance, Interface, Network, State
from core.model.host import Link, LinkStatus
from core.model.network import PortGroup
from core.verbs.checks import check
from core.verbs.device.plug import KINDS, REFUSED, pci_words, plug_of
from core.verbs.device.requests import InterfaceAttach
from tests.unit.core.verbs.device.test_attaching import other, sent
from tests.unit.power_builders import WEB, S, web

MAC = "52:54:00:aa:00:01"


def asked(network: str, **options: Any) -> InterfaceAttach:
    return InterfaceAttach(WEB, network, **{"mac": MAC, **options})


def against(request: InterfaceAttach, *instances: Instance, version: str = "") -> list[str]:
    """`alpha` has the networks lan and lent (of SR-IOV), which are on, and dark, which is off."""
    networks = [
        Network("alpha", "lan", "lan", active=True, port_groups=(PortGroup("red"),)),
        Network("alpha", "dark", "dark", active=False),
        Network("alpha", "lent", "lent", active=True, forward="hostdev"),
    ]
    link = Link(LinkStatus.UP, 0.0)
    state = State(
        hosts={
            "alpha": Host("alpha", "qemu:///system", link, facts=HostFacts(libvirt_version=version))
        },
        instances={one.key: one for one in instances or (web(),)},
        networks={one.key: one for one in networks},
    )
    return [str(reason) for reason in check(state, request)]


GOLDEN: dict[str, tuple[InterfaceAttach, str, tuple[str, ...]]] = {
    "port group": (
        asked("lan", port_group="red"),
        "network",
        ('<source network="lan" portgroup="red"/>', '<model type="virtio"/>'),
    ),
    "network": (asked("lan"), "network", ('<source network="lan"/>', '<model type="virtio"/>')),
    "bridge": (
        asked("bridge:br0", inbound=1000, inbound_peak=2000, inbound_burst=512, outbound=10),
        "bridge",
        (
            '<source bridge="br0"/>',
            '<model type="virtio"/>',
            '<bandwidth><inbound average="1000" peak="2000" burst="512"/>'
            '<outbound average="10"/></bandwidth>',
        ),
    ),
    "filtered": (
        asked("bridge:br0", nwfilter="clean-traffic", filter_values=("IP=10.0.0.5",), mtu=9000),
        "bridge",
        (
            '<source bridge="br0"/>',
            '<model type="virtio"/>',
            '<filterref filter="clean-traffic"><parameter name="IP" value="10.0.0.5"/></filterref>',
            '<mtu size="9000"/>',
        ),
    ),
    "ovs": (
        asked("ovs:br-int", vlan=7, port=("interfaceid=09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f",)),
        "bridge",
        (
            '<source bridge="br-int"/>',
            '<virtualport type="openvswitch"><parameters '
            'interfaceid="09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f"/></virtualport>',
            '<vlan><tag id="7"/></vlan>',
            '<model type="virtio"/>',
        ),
    ),
    "trunk": (
        asked("ovs:br-int", vlan=7, trunk="20,21"),
        "bridge",
        (
            '<source bridge="br-int"/>',
            '<virtualport type="openvswitch"/>',
            '<vlan trunk="yes"><tag id="7" nativeMode="untagged"/><tag id="20"/><tag id="21"/>'
            "</vlan>",
            '<model type="virtio"/>',
        ),
    ),
    "direct": (
        asked("direct:eth0", queues=4, link="down", boot_order=2),
        "direct",
        (
            '<source dev="eth0" mode="bridge"/>',
            '<model type="virtio"/>',
            '<driver name="vhost" queues="4"/>',
            '<link state="down"/>',
            '<boot order="2"/>',
        ),
    ),
    "vepa": (
        asked("macvtap:eth0", mode="vepa", model="e1000e"),
        "direct",
        ('<source dev="eth0" mode="vepa"/>', '<model type="e1000e"/>'),
    ),
    "hw_veb": (
        asked("hw_veb:eth4", vlan=7),
        "direct",
        (
            '<source dev="eth4" mode="passthrough"/>',
            '<vlan><tag id="7"/></vlan>',
            '<model type="virtio"/>',
        ),
    ),
    "802.1Qbg": (
        asked("802.1qbg:eth0", port=("managerid=11", "typeid=1193047", "typeidversion=2")),
        "direct",
        (
            '<source dev="eth0" mode="vepa"/>',
            '<virtualport type="802.1Qbg"><parameters managerid="11" typeid="1193047" '
            'typeidversion="2"/></virtualport>',
            '<model type="virtio"/>',
        ),
    ),
    "802.1Qbh": (
        asked("802.1qbh:eth0", port=("profileid=finance",)),
        "direct",
        (
            '<source dev="eth0" mode="vepa"/>',
            '<virtualport type="802.1Qbh"><parameters profileid="finance"/></virtualport>',
            '<model type="virtio"/>',
        ),
    ),
    "tap": (
        asked("tap:tap7"),
        "ethernet",
        ('<target dev="tap7" managed="no"/>', '<model type="virtio"/>'),
    ),
    "vhostuser": (
        asked("vhostuser:/run/vpp/vhost.sock", mode="server", queues=2, rx_queue="1024"),
        "vhostuser",
        (
            '<source path="/run/vpp/vhost.sock" type="unix" mode="server"/>',
            '<model type="virtio"/>',
            '<driver queues="2" rx_queue_size="1024"/>',
        ),
    ),
    "vdpa": (
        asked("vdpa:/dev/vhost-vdpa-0"),
        "vdpa",
        ('<source dev="/dev/vhost-vdpa-0"/>', '<model type="virtio"/>'),
    ),
    "hostdev": (
        asked("hostdev:03:10.1", vlan=7),
        "hostdev",
        (
            '<source><address type="pci" domain="0x0000" bus="0x03" slot="0x10" function="0x1"/>'
            "</source>",
            '<vlan><tag id="7"/></vlan>',
        ),
    ),
    "passt": (
        asked("passt", forward=("tcp:2222:22",)),
        "user",
        (
            '<backend type="passt"/>',
            '<portForward proto="tcp"><range start="2222" to="22"/></portForward>',
            '<model type="virtio"/>',
        ),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_an_interface_of_each_kind_is_made_as_libvirt_takes_it(name: str) -> None:
    request, kind, parts = GOLDEN[name]
    assert against(request, version="11.3.0") == []
    managed = ' managed="yes"' if kind == "hostdev" else ""
    whole = f'<interface type="{kind}"{managed}><mac address="{MAC}"/>{"".join(parts)}</interface>'
    flat = "".join(line.strip() for line in sent(request, web()).xml.splitlines())
    assert flat == whole


@pytest.mark.parametrize(
    ("network", "needs"),
    [
        ("lan", ""),
        ("bridge:br0", "net br0"),
        ("hostdev:03:10.1", "pci 03:10.1"),
        ("vdpa:/dev/vhost-vdpa-0", "path /dev/vhost-vdpa-0"),
    ],
)
def test_what_of_the_host_it_needs_is_looked_for(network: str, needs: str) -> None:
    assert sent(asked(network), web()).needs == needs
    assert sent(asked(network, when="next-start"), web()).needs == ""


class _Network:
    """A connection with one network; the network itself, too."""

    def networkLookupByName(self, name: str) -> _Network:  # noqa: N802 - libvirt's word
        assert name == "lan"
        return self

    def XMLDesc(self, _: int) -> str:  # noqa: N802 - libvirt's word
        return "<network><name>lan</name><portgroup name='red'/></network>"


def test_a_port_group_is_looked_for_also_for_what_runs() -> None:
    """libvirt passes one that its network does not have over in silence."""
    assert sent(asked("lan", port_group="red"), web()).needs == "port-group lan/red"
    conn: Any = _Network()
    for live in (False, True):
        assert missing_of(conn, "port-group lan/red", live=live) is None
        missing = missing_of(conn, "port-group lan/blue", live=live)
        assert missing is not None
        assert missing.message == "The network lan has no port group blue."
        assert missing.hint == "Take red."


def test_every_kind_of_nova_is_mapped_or_refused_by_name() -> None:
    nova = {
        *("bridge", "ovs", "ivs", "vrouter", "802.1qbg", "802.1qbh", "hw_veb", "hostdev"),
        *("hostdev_physical", "ib_hostdev", "macvtap", "midonet", "iovisor", "tap", "vhostuser"),
        *("vdpa", "agilio_ovs", "unbound", "binding_failed", "hyperv", "vds", "generic"),
    }
    assert nova <= {*KINDS, *REFUSED}
    for name, (why, cure) in REFUSED.items():
        assert against(asked(f"{name}:x")) == [f"{why}: {cure}."]


def test_a_word_that_is_no_kind_begins_the_name_of_a_network() -> None:
    assert (plug_of("a:b").kind.type, plug_of("a:b").name) == ("network", "a:b")
    assert plug_of("network:user").name == "user"
    assert pci_words("0001:af:00.7") == ("0001", "af", "00", "7")
    assert pci_words("af:00.8") is None


def test_what_its_old_host_has_of_it_has_its_address_and_disturbs_nobody() -> None:
    card = Interface("52:54:00:00:00:08", "user")
    left = Instance("beta", "u", "web", S.SHUTOFF, interfaces=(card,))
    assert against(asked("user", mac="52:54:00:00:00:08"), web(), left) == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (asked(""), "What it is plugged into is not said: name a network"),
        (asked("nets"), "alpha has no network nets: take lan, dark and lent"),
        (asked("dark"), "The network dark of alpha is off: start it"),
        (asked("lan", port_group="blue"), "has no port group blue: take red, or leave it out"),
        (asked("dark", port_group="blue"), "has no port group blue: leave it out"),
        (asked("ovs:br0", port_group="red"), "ovs has no port groups: networks have"),
        (asked("user", mac="52:54:00:00:00:09"), "web has an interface"),
        (asked("user", mac="52:54:00:00:00:08"), "db has the address"),
        (asked("lan", model="e1000e", queues=2), "Queues are virtio's"),
        (asked("lan", model="e1000e", tx_queue="256"), "Queues are virtio's"),
        (asked("user", vlan=3), "libvirt tags no frames of user"),
        (asked("user", queues=2), "user has no queues"),
        (asked("user", mtu=9000), "libvirt sets no packet size of user"),
        (asked("user", mac="01:00:5e:00:00:01"), "an address of one device"),
        (asked("bridge:a-name-too-long-for-linux"), "is no name of a network device"),
        (asked("bridge:br0", vlan=3), "before 11 has no VLANs on a bridge of Linux"),
        (asked("direct:eth0", trunk="3,4"), "macvtap has no VLANs of its own"),
        (asked("ovs:br0", trunk="3,4095"), "A VLAN of 4095 makes no sense: give 1 to 4,094"),
        (asked("ovs:br0", vlan=3, trunk="3"), "cannot be tagged and untagged"),
        (asked("ovs:br0", port=("profile=x",)), "knows no profile: it knows interfaceid and prof"),
        (asked("bridge:br0", port=("profileid=x",)), "has no port that is told anything"),
        (asked("802.1qbh:eth0"), "must be told its profileid: give --port profileid=..."),
        (asked("direct:eth0", nwfilter="clean-traffic"), "libvirt filters no interface of direct"),
        (asked("lan", filter_values=("IP=1",)), "Which filter is told that is not said"),
        (asked("direct:eth0", mode="client"), "direct has no mode client: take bridge, vepa"),
        (asked("lan", mode="vepa"), "network has no mode vepa"),
        (asked("hostdev:eth0"), "eth0 is no address of a PCI device: give it as"),
        (asked("hostdev:03:10.1", model="e1000"), "is in the guest what it is"),
        (asked("hostdev:03:10.1", link="down"), "The cable of hostdev is the host's own"),
        (asked("vhostuser:sock"), "sock is no path of the host"),
        (asked("vdpa:/dev/vhost-vdpa-0", model="e1000"), "Of vdpa a guest sees virtio"),
        (asked("vdpa:/dev/vhost-vdpa-0", inbound=5), "libvirt limits no interface of vdpa"),
        (asked("lan", outbound_peak=5), "A limit has an average: that of outbound is not given"),
        (asked("user", forward=("tcp:1:2",)), "user forwards no ports: take passt"),
        (asked("passt", forward=("tcp:0:99999",)), "names no ports: give 1 to 65,535"),
        (asked("passt"), "libvirt 8.9.0 of alpha has no passt"),
    ],
)  # fmt: skip
def test_an_interface_that_cannot_be_is_refused(request_: InterfaceAttach, words: str) -> None:
    mine = web(interfaces=(Interface("52:54:00:00:00:09"),))
    theirs = other(interfaces=(Interface("52:54:00:00:00:08"),))
    told = against(request_, mine, theirs, version="8.9.0")
    assert any(words in one for one in told), told


def test_a_network_that_lends_functions_gives_a_device_of_the_host() -> None:
    assert against(asked("lent", vlan=7)) == []
    for option, words in (
        ({"queues": 2}, "network has no queues: leave it out."),
        ({"mtu": 9000}, "libvirt sets no packet size of network: leave it out."),
        ({"nwfilter": "clean"}, "libvirt filters no interface of network: leave it out."),
        ({"inbound": 10}, "libvirt limits no interface of network: limit it in the guest."),
        ({"link": "down"}, "The cable of network is the host's own: pull it there."),
    ):
        assert against(asked("lent", **option)) == [words.replace("network", "lent (SR-IOV)")]
        assert against(asked("lan", **option)) == []


def test_its_turn_as_one_boots_is_nobody_elses() -> None:
    numbered = web(disks=(Disk("vda", boot_order=1),), boot=("vda",))
    assert against(asked("lan", boot_order=2), numbered) == []
    (told,) = against(asked("lan", boot_order=1), numbered)
    assert told == "vda is number 1 already: take 2, or leave it out."
    (told,) = against(asked("lan", boot_order=1), web(boot=("hd", "network")))
    assert told.startswith("web boots by classes of devices (hd and network): number its devices")


class _Interfaces:
    """A connection whose host has these network devices."""

    def listAllInterfaces(self, _: int) -> list[Any]:  # noqa: N802 - libvirt's word
        return [type("I", (), {"name": lambda _, n=n: n})() for n in ("br0", "eth0", "lo", "vnet3")]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Cannot get interface MTU on 'nosuch': No such device",
            "The host has no network device nosuch. Make it there first, or take another: it has "
            "br0 and eth0.",
        ),
        ("Unable to get index for interface nosuch: No such device", "no network device nosuch."),
        ("internal error: referenced filter 'x' is missing", "The host has no network filter x."),
        ("internal error: Unable to add port vnet4 to OVS bridge br0", "no bridge of Open vSwitch"),
        (
            "Failed to add chardev 'c': Failed to connect to '/s': No such file or directory",
            "Nobody listens at /s: no such file or directory.",
        ),
        ("Unable to open '/dev/v' for vdpa device: No such file", "The vDPA device /dev/v cannot"),
        ("target managed='no' but specified dev doesn't exist", "has no such tap device"),
        ("Invalid value for attribute 'type' in element 'backend': 'passt'.", "has no passt"),
    ],
)  # fmt: skip
def test_what_libvirt_says_of_the_host_is_told_with_the_cure(message: str, words: str) -> None:
    """The messages are those of libvirt 9.0, as it was asked for each of these."""
    told = told_of(_Interfaces(), message)  # type: ignore[arg-type]
    assert told is not None
    assert words in f"{told.message} {told.hint}"
