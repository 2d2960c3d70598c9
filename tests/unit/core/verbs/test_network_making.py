"""Networks that are made: the XML of each mode, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as struct_replace

from console.screens.form_choices import choices_of
from core.model import (
    Host,
    Instance,
    Interface,
    Network,
    ObjectKey,
    OperationStatus,
    Request,
    State,
)
from core.model.host import Link, LinkStatus
from core.model.network import DhcpHost, PortGroup
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.network.calls import NetworkDefineCall, NetworkUpdateCall
from core.verbs.network.free import free_subnet
from core.verbs.network.requests import (
    AddDhcpHost,
    AddDnsHost,
    AddPortGroup,
    CreateNetwork,
    CreateNetworkFromXml,
    DeleteNetwork,
    RemoveDhcpHost,
    RemoveDnsHost,
    RemovePortGroup,
)
from core.verbs.preview import planned
from core.verbs.registry import verb_of
from core.verbs.situation import Action, Progress, Situation
from core.xml.network import read_network
from tests.unit.power_builders import ended, sent, step

NEW = ObjectKey("network", "alpha", "u-new")
LAB = Network("alpha", "u-lab", "lab", active=True, addresses=("10.0.0.1/24", "fd00::1/64"),
              dhcp_ranges=(("10.0.0.2", "10.0.0.9"),),
              dhcp_hosts=(DhcpHost("10.0.0.7", "52:54:00:00:00:07"),))  # fmt: skip
STATE = State(
    hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
    networks={LAB.key: LAB},
    instances={
        one.key: one
        for one in (
            Instance("alpha", "u", "web", interfaces=(Interface("52:54:00:00:00:01", "network",
                                                                "lab"),)),
        )
    },
)  # fmt: skip


def made(**options: Any) -> CreateNetwork:
    return CreateNetwork(NEW, **{"name": "new", **options})


def against(request: Request) -> list[str]:
    return [str(reason) for reason in check(STATE, request)]


GOLDEN = [
    (
        made(subnet="192.168.100.7/24"),
        '<forward mode="nat"/>'
        '<ip address="192.168.100.1" prefix="24">'
        '<dhcp><range start="192.168.100.2" end="192.168.100.254"/></dhcp></ip>',
    ),
    (
        made(subnet="10.1.0.0/16", dhcp="10.1.0.10-10.1.0.20", subnet6="fd00:1::/64",
             domain="lab.example", mtu=1400, device=("eth0",), bridge="br-new"),
        '<forward mode="nat"><interface dev="eth0"/><nat ipv6="yes"/></forward>'
        '<bridge name="br-new"/><mtu size="1400"/><domain name="lab.example" localOnly="yes"/>'
        '<ip address="10.1.0.1" prefix="16">'
        '<dhcp><range start="10.1.0.10" end="10.1.0.20"/></dhcp></ip>'
        '<ip address="fd00:1::1" prefix="64" family="ipv6"/>',
    ),
    (
        made(mode="route", subnet="10.1.0.0/16", dhcp="none"),
        '<forward mode="route"/><ip address="10.1.0.1" prefix="16"/>',
    ),
    (made(mode="isolated"), ""),
    (made(mode="open", subnet6="fd00:1::/64", dhcp6="all"),
     '<forward mode="open"/><ip address="fd00:1::1" prefix="64" family="ipv6">'
     '<dhcp><range start="fd00:1::2" end="fd00:1::ffff:ffff:ffff:fffe"/></dhcp></ip>'),
    (made(mode="bridge", bridge="br0"), '<forward mode="bridge"/><bridge name="br0"/>'),
    (
        made(mode="ovs", bridge="br-int", vlan="7,8"),
        '<forward mode="bridge"/><bridge name="br-int"/><virtualport type="openvswitch"/>'
        '<vlan trunk="yes"><tag id="7"/><tag id="8"/></vlan>',
    ),
    (
        made(mode="macvtap", device=("eth0", "eth1")),
        '<forward mode="bridge"><interface dev="eth0"/><interface dev="eth1"/></forward>',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "inside"), GOLDEN)
def test_a_network_of_each_mode_is_made_as_libvirt_takes_it(
    request_: CreateNetwork, inside: str
) -> None:
    assert against(request_) == []
    call = planned(STATE, request_)[0].call
    assert isinstance(call, NetworkDefineCall)
    flat = "".join(line.strip() for line in call.xml.splitlines())
    assert flat == f"<network><name>new</name><uuid>u-new</uuid>{inside}</network>"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (made(name="lab", mode="isolated"), "alpha has a network lab already: choose another name"),
        (made(dhcp="10.1.0.2-10.1.0.9"), "it is not all of 192.168.100.0/24: give addresses of"),
        (made(subnet="10.0.0.0/16"), "lab has 10.0.0.0/24, which 10.0.0.0/16 is part of, or has"),
        (made(subnet="10.1.0.0/31"), "10.1.0.0/31 has no addresses to give out"),
        (made(subnet="10.1.0.999/24"), "10.1.0.999/24 has no addresses to give out"),
        (made(subnet="10.1.0.0/24", dhcp="10.2.0.1-10.2.0.2"), "it is not all of 10.1.0.0/24"),
        (made(subnet="10.1.0.0/24", dhcp="10.1.0.9-10.1.0.2"), "it ends before it begins"),
        (made(mode="bridge"), "Which bridge it leads out by is not said"),
        (made(mode="macvtap"), "Which device it leads out by is not said"),
        (made(mode="bridge", bridge="br0", subnet="10.1.0.0/24"), "somebody else gives out addr"),
        (made(mode="bridge", bridge="br0", vlan="7"), "of the mode bridge tags no frames"),
        (made(mode="ovs", bridge="br0", vlan="4095"), "A VLAN of 4095 makes no sense"),
        (made(mode="isolated", device=("eth0",)), "of the mode isolated leads out by no device"),
        (made(mode="ovs", bridge="br0", mtu=1400), "libvirt sets no MTU of the mode ovs"),
        (CreateNetworkFromXml(NEW, "<network><name>lab</name></network>"), "lab already"),
        (CreateNetworkFromXml(NEW, "<network"), ""),
        (DeleteNetwork(LAB.key), "web is on the network lab: detach their interfaces first"),
        (AddDhcpHost(LAB.key, "10.0.1.5", "52:54:00:00:00:01"), "10.0.1.5 is no address of lab"),
        (AddDhcpHost(LAB.key, "10.0.0.1", "52:54:00:00:00:01"), "10.0.0.1 is the host's own"),
        (AddDhcpHost(LAB.key, "10.0.0.5"), "Whose address it is to be is not said: give its MAC"),
        (AddDhcpHost(LAB.key, "fd00::5"), "Whose address it is to be is not said: give its host"),
        (AddDhcpHost(LAB.key, "fd00::5", "52:54:00:00:00:01", "db"), "of IPv6 knows no guest by"),
        (AddDhcpHost(LAB.key, "10.0.0.5", "52:54:00:00:00:01", duid="0:3:1"), "knows no guest by"),
        (AddDhcpHost(LAB.key, "10.0.0.5", "52:54:00:00:00:07"), "is given 10.0.0.7 already"),
        (AddDhcpHost(LAB.key, "10.0.0.07", "52:54:00:00:00:01"), "is no IP address"),
        (AddDnsHost(LAB.key, "10.0.0.5"), "By which names it is known is not said"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_cure(request_: Request, words: str) -> None:
    told = against(request_)
    assert told
    assert any(words in one for one in told), told


def network(name: str, *addresses: str, host: str = "alpha", described: bool = True) -> Network:
    return Network(host, f"u-{name}", name, addresses=addresses, described=described)


def free(*networks: Network, uri: str = "qemu:///system") -> str:
    host = Host("alpha", uri, Link(LinkStatus.UP, 0.0))
    return str(free_subnet({one.key: one for one in networks}, host, NEW))


@pytest.mark.parametrize(
    "request_",
    [AddDhcpHost(LAB.key, ""), AddDnsHost(LAB.key, ""), AddPortGroup(LAB.key, "", "4095"),
     RemoveDhcpHost(LAB.key, ""), RemoveDnsHost(LAB.key, ""), RemovePortGroup(LAB.key, "")],
)  # fmt: skip
def test_an_entry_that_no_field_names_yet_is_refused_like_any_other(request_: Request) -> None:
    assert against(request_)


ALL_OF_192_168 = network("wide", "192.168.0.1/16")


@pytest.mark.parametrize(
    ("networks", "uri", "found"),
    [
        ((), "qemu:///system", "192.168.100.0/24"),
        ((network("a", "192.168.100.1/24"),), "qemu:///system", "192.168.101.0/24"),
        # a part of them, a whole that they are part of, and one without a prefix
        ((network("a", "192.168.100.129/25"),), "qemu:///system", "192.168.101.0/24"),
        ((network("a", "192.168.100.1/22"),), "qemu:///system", "192.168.104.0/24"),
        ((network("a", "192.168.100.1"),), "qemu:///system", "192.168.101.0/24"),
        ((network("a", "fd00::1/64", "not one"),), "qemu:///system", "192.168.100.0/24"),
        ((network("a", "192.168.64.1/18"), network("b", "192.168.128.1/17")), "qemu:///system",
         "192.168.2.0/24"),
        ((ALL_OF_192_168,), "qemu:///system", "172.16.0.0/24"),
        ((ALL_OF_192_168, network("b", "172.16.0.1/12")), "qemu:///system", "10.0.0.0/24"),
        ((ALL_OF_192_168, network("b", "172.16.0.1/12"), network("c", "10.0.0.1/8")),
         "qemu:///system", "None"),
        # the host's own address, where its name is one
        ((), "qemu+ssh://root@192.168.100.7/system", "192.168.101.0/24"),
        ((), "qemu+ssh://[fd00::7]:22/system", "192.168.100.0/24"),
        ((), "qemu+ssh://[fd00/system", "192.168.100.0/24"),
        # those of other hosts, as long as there are others
        ((network("a", "192.168.100.1/24", host="beta"),), "qemu:///system", "192.168.101.0/24"),
        ((ALL_OF_192_168, network("b", "172.16.0.1/12"),
          network("c", "10.0.0.1/8", host="beta")), "qemu:///system", "10.0.0.0/24"),
    ],
)  # fmt: skip
def test_free_addresses_are_private_and_of_no_network_that_is_known(
    networks: tuple[Network, ...], uri: str, found: str
) -> None:
    assert free(*networks, uri=uri) == found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8"]).map(ip_network),
            st.integers(0, 2**24 - 1),
            st.integers(8, 30),
        ),
        max_size=12,
    )
)
def test_free_addresses_overlap_nothing(words: list[tuple[Any, int, int]]) -> None:
    taken = [
        ip_network((int(base[0]) + offset % base.num_addresses, prefix), strict=False)
        for base, offset, prefix in words
    ]
    found = free(*(network(f"n{at}", str(one)) for at, one in enumerate(taken)))
    if found != "None":
        assert not any(ip_network(found).overlaps(one) for one in taken)
        assert ip_network(found).is_private


@pytest.mark.parametrize("mode", ["nat", "route", "open"])
def test_a_network_without_addresses_gets_free_ones(mode: str) -> None:
    assert against(made(mode=mode)) == []
    send = planned(STATE, made(mode=mode))[0]
    assert send.text == "defining the network new with 192.168.100.0/24, which no known network has"
    assert '<ip address="192.168.100.1" prefix="24">' in send.call.text
    assert choices_of(STATE, ObjectKey("host", "alpha", "alpha"), "free-subnets") == (
        ("192.168.100.0/24", "no known network has it"),
    )


def test_what_is_free_is_not_known_where_a_network_is_not_read() -> None:
    other = network("other", described=False)
    state = replace(STATE, networks={other.key: other})
    assert [str(one) for one in check(state, made())] == [
        "The addresses of other are not read, and so not which are free: "
        "try again in a moment, or give --subnet."
    ]
    assert list(check(state, made(subnet="10.9.0.0/24"))) == []


def test_addresses_are_asked_for_where_no_private_ones_are_free() -> None:
    all_ = network("all", "192.168.0.1/16", "172.16.0.1/12", "10.0.0.1/8")
    told = [str(one) for one in check(replace(STATE, networks={all_.key: all_}), made())]
    assert told == [
        "A network of the mode nat needs addresses, and no private ones are free: "
        "give --subnet with addresses of yours, or take isolated."
    ]


def part_of(*parts: str) -> Network:
    """A network with those parts, as it is read."""
    xml = f"<network><name>lab</name><uuid>{NEW.id}</uuid>{''.join(parts)}</network>"
    return read_network(xml, "alpha")


def undone(row: Network, request: Any) -> Request | None:
    undo = verb_of(request).undo
    assert undo is not None
    return undo(Situation(request, "lab", 0.0, Progress(), subject=row))


V4 = "<ip address='10.0.0.1' prefix='24'><dhcp><host mac='52:54:00:00:00:07' ip='10.0.0.7'{}</ip>"
V6 = "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host {} ip='fd00::5'/></dhcp></ip>"


@pytest.mark.parametrize(
    ("asked", "parent", "xml"),
    [
        (AddDhcpHost(NEW, "fd00::6", name="db"), 1, '<host name="db" ip="fd00::6"/>'),
        (
            AddDhcpHost(NEW, "fd00::6", name="db", duid="0:3:0:1"),
            1,
            '<host id="0:3:0:1" name="db" ip="fd00::6"/>',
        ),
        (RemoveDhcpHost(NEW, "fd00:0::5"), 1, '<host id="0:3:0:2" name="old" ip="fd00::5"/>'),
        (RemoveDhcpHost(NEW, "10.0.0.7"), 0, '<host mac="52:54:00:00:00:07" ip="10.0.0.7"/>'),
    ],
)
def test_an_address_of_dhcp_is_changed_in_its_own_subnet(asked: Any, parent: int, xml: str) -> None:
    row = part_of(V4.format("/></dhcp>"), V6.format("id='0:3:0:2' name='old'"))
    asked = type(asked)(row.key, *[getattr(asked, name) for name in asked.__struct_fields__[1:]])
    (step,) = planned(State(networks={row.key: row}), asked)
    assert isinstance(step.call, NetworkUpdateCall)
    assert (step.call.parent, step.call.xml) == (parent, xml)
    line = step.call.virsh("lab")
    assert line[line.index("--parent-index") + 1] == str(parent)


def test_only_what_would_be_as_it_was_is_put_back() -> None:
    known = part_of(V6.format("id='0:3:0:2' name='old'"))
    back = undone(known, RemoveDhcpHost(known.key, "fd00::5"))
    assert back == AddDhcpHost(known.key, "fd00::5", "", "old", "0:3:0:2")
    leased = part_of(V4.format("><lease expiry='1' unit='hours'/></host></dhcp>"))
    assert leased.dhcp_hosts[0].beyond == ("a lease time",)
    assert undone(leased, RemoveDhcpHost(leased.key, "10.0.0.7")) is None
    plain = part_of("<portgroup name='red'><vlan trunk='yes'><tag id='7'/><tag id='8'/></vlan>",
                    "</portgroup>")  # fmt: skip
    assert plain.port_groups == (PortGroup("red", vlans=(7, 8)),)
    assert undone(plain, RemovePortGroup(plain.key, "red")) is not None


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (
            " trustGuestRxFilters='yes'><virtualport type='802.1Qbh'/><bandwidth/><vlan>"
            "<tag id='5' nativeMode='untagged'/></vlan>",
            "the VLAN 5, a native VLAN, trust in its guests' filters, a virtual port and limits; "
            "that cannot be undone.",
        ),
        (" default='yes'><vlan trunk='yes'><tag id='5'/></vlan>",
         "the VLAN 5, a trunk and the interfaces that ask for none; that cannot be undone."),
        ("><vlan><tag id='5'/></vlan>", "the VLAN 5."),
    ],
)  # fmt: skip
def test_the_removal_of_a_port_group_is_asked_for_and_says_what_it_has(
    inside: str, words: str
) -> None:
    row = part_of(f"<portgroup name='eng'{inside}</portgroup>")
    asked = RemovePortGroup(row.key, "eng")
    found = danger(State(networks={row.key: row}), asked)
    assert found.caution is Caution.CONFIRM
    assert "Takes the port group eng from the network lab" in found.text
    assert f"It has {words}" in found.text
    assert (undone(row, asked) is None) == ("undone" in words)


def test_an_entry_that_somebody_else_added_is_not_taken_for_its_own() -> None:
    asked = AddDhcpHost(LAB.key, "10.0.0.8", "52:54:00:AA:00:08")
    (first,) = planned(STATE, asked)
    said = "there is an existing dhcp host entry"
    call = sent(first.call, error=said)

    def seen(mac: str) -> Action:
        row: Any = struct_replace(
            LAB, dhcp_hosts=(DhcpHost("10.0.0.8", mac, beyond=("a lease time",)),)
        )
        return step(asked, call, instance=row)

    assert ended(seen("52:54:00:bb:00:08"), OperationStatus.FAILED).outcome == said
    ended(seen("52:54:00:aa:00:08"), OperationStatus.DONE)
