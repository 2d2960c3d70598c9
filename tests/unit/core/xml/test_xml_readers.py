"""Pools, volumes, networks, snapshots, capabilities, and XML for people."""

from __future__ import annotations

import pytest

from core.model import HugePages, Network, NumaCell, Pool, Snapshot, SnapshotDisk, Volume
from core.model.network import DhcpHost, DnsHost, PortGroup
from core.xml import (
    format_xml,
    read_capabilities,
    read_network,
    read_pool,
    read_snapshot,
    read_volume,
)
from core.xml.interface import read_interface
from core.xml.snapshot import in_order
from tests.places import DATA_DIRECTORY

DATA = DATA_DIRECTORY / "xml"


def data(name):
    return (DATA / f"{name}.xml").read_text()


def test_pools():
    assert read_pool(data("pool-dir"), "alpha") == Pool(
        host="alpha",
        uuid="aaaaaaaa-2222-3333-4444-999999999999",
        name="images",
        type="dir",
        path="/var/lib/libvirt/images",
        capacity=1_000_000,
        allocation=250_000,
        available=732 * 1024,
    )
    ceph = read_pool(data("pool-rbd"))
    assert (ceph.type, ceph.path, ceph.capacity) == ("rbd", "rbd", None)


def test_the_servers_of_a_pool_have_no_control_characters():
    spoilt = data("pool-rbd").replace("<host name='", "<host name='\x7f\x9b31m")
    assert spoilt != data("pool-rbd")
    assert not set(read_pool(spoilt).source) & {"\x7f", "\x9b"}


def test_volume():
    assert read_volume(data("volume"), "alpha", "p1", "images") == Volume(
        host="alpha",
        pool="p1",
        pool_name="images",
        name="shop.snap2",
        path="/var/lib/libvirt/images/shop.snap2",
        type="file",
        format="qcow2",
        capacity=10 * 2**30,
        allocation=196616,
        backing="/var/lib/libvirt/images/shop.snap1",
        encrypted=True,
    )


def test_network():
    assert read_network(data("network"), "alpha") == Network(
        host="alpha",
        uuid="aaaaaaaa-2222-3333-4444-bbbbbbbbbbbb",
        name="default",
        bridge="virbr0",
        forward="nat",
        addresses=("192.168.122.1/24", "fd00::1/64", "10.0.0.1/nonsense", "10.1.0.1"),
        dhcp_ranges=(("192.168.122.2", "192.168.122.254"),),
    )
    assert read_network("<network><name>lonely</name></network>").forward == ""


def test_network_entries():
    found = read_network(
        "<network><name>lab</name><mtu size='1400'/><domain name='lab.example'/>"
        "<forward mode='bridge'><interface dev='eth0'/></forward>"
        "<portgroup name='red' default='yes'><vlan trunk='yes'><tag id='7'/><tag id='8'/></vlan>"
        "</portgroup><dns><host ip='10.0.0.9'><hostname>web</hostname><hostname>www</hostname>"
        "</host></dns><ip address='10.0.0.1' prefix='24'><dhcp>"
        "<host mac='52:54:00:AA:00:01' name='web' ip='10.0.0.9'/></dhcp></ip>"
        "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host id='0:1' ip='fd00::9'/>"
        "</dhcp></ip></network>"
    )
    assert found.dhcp_hosts == (
        DhcpHost("10.0.0.9", "52:54:00:aa:00:01", "web"),
        DhcpHost("fd00::9", duid="0:1"),
    )
    assert found.dns_hosts == (DnsHost("10.0.0.9", ("web", "www")),)
    assert found.port_groups == (PortGroup("red", default=True, vlans=(7, 8)),)
    assert (found.mtu, found.domain, found.devices) == (1400, "lab.example", ("eth0",))


def test_what_a_network_is_limited_to_is_told_in_words():
    found = read_network(
        "<network><name>lab</name><bandwidth><inbound average='1000' peak='5000' burst='1024'/>"
        "<outbound average='128'/></bandwidth></network>"
    )
    assert found.limits == (
        "inbound 1,000 KiB/s on average, 5,000 KiB/s at most, 1,024 KiB at a burst",
        "outbound 128 KiB/s on average",
    )


def test_an_interface_is_of_its_network_whatever_that_makes_of_it():
    """As libvirt 9.0 tells of one that runs on a network of the mode bridge."""
    from core.xml.tree import parse

    xml = (
        "<interface type='bridge'><mac address='52:54:00:00:00:01'/>"
        "<source network='yard' portid='p' bridge='br0'/><target dev='vnet1'/></interface>"
    )
    found = read_interface(parse(xml, "interface"))
    assert (found.type, found.source) == ("network", "yard")


def test_snapshot():
    assert read_snapshot(data("snapshot")) == Snapshot(
        name="before-upgrade",
        parent="clean",
        created=1_700_000_000.0,
        state="disk-snapshot",
        description="line one\nline two",
        external=True,
        memory="no",
        disks=(SnapshotDisk("vda", "external", "/a.snap"), SnapshotDisk("vdb", "no")),
    )
    assert not read_snapshot("<domainsnapshot><disks><disk/></disks></domainsnapshot>").external


def test_capabilities():
    found = read_capabilities(data("capabilities"))
    assert (found.architecture, found.cpu_model, found.cpu_vendor) == (
        "x86_64",
        "Skylake-Server",
        "Intel",
    )
    assert found.cpu_features == ("aes", "vmx")
    assert (found.sockets, found.cores, found.threads) == (1, 8, 2)
    pages = (HugePages(2 * 2**20, 64), HugePages(2**30, 1))
    assert found.numa == (NumaCell(0, 2**30, 8, pages), NumaCell(1, 2**30, 8))
    assert found.guest_types == ("qemu x86_64", "kvm x86_64", "qemu aarch64")
    assert found.migration_transports == ("tcp", "rdma")
    assert read_capabilities("<capabilities/>").numa == ()


def test_xml_for_people_has_no_secrets_and_can_be_formatted_again():
    pretty = format_xml(data("modern"))
    assert format_xml(pretty) == pretty
    for secret in ("hunter2", "topsecret", "password=abc", "jsonsecret", "envsecret"):
        assert secret not in pretty
    assert 'passwd="***"' in pretty
    assert "user=me,password=***,other=1" in pretty
    assert "/home" in pretty
    assert '\n      <target dev="vda" bus="virtio"/>\n' in pretty


def test_the_query_of_a_web_disk_may_be_a_token():
    pretty = format_xml("<source protocol='https' name='a.iso' query='X-Sig=monster'/>")
    assert "monster" not in pretty
    assert "a.iso" in pretty


def test_cookies_of_web_disks_are_secrets():
    pretty = format_xml("<source><cookies><cookie name='a'>monster</cookie></cookies></source>")
    assert "monster" not in pretty


def test_xml_for_people_is_clean_and_keeps_comments():
    pretty = format_xml("<a><!-- why --><b>x&#x9b;&#x202e;&#xd;</b></a>")
    assert pretty == "<a>\n  <!-- why -->\n  <b>x\ufffd\ufffd&#13;</b>\n</a>"


def made(name, created=None, parent=""):
    return Snapshot(name, parent, created)


@pytest.mark.parametrize(
    ("snapshots", "order"),
    [
        ([made("s10", 5.0), made("s9", 5.0), made("s2", 7.0)], "s9 s10 s2"),
        ([made("b", 1.0, "a"), made("a", 9.0)], "a b"),  # redefined with a time of its own
        (
            [made("c", 3.0, "a"), made("b", 2.0, "a"), made("a", 1.0)],
            "a b c",
        ),
        ([made("b"), made("a", 1.0)], "a b"),
        ([made("b", 1.0, "gone"), made("a", 2.0)], "b a"),
        ([made("a", 1.0, "b"), made("b", 2.0, "a"), made("c", 3.0)], "c a b"),
    ],
    ids=["one second", "parent", "tree", "no time", "no parent", "circle"],
)
def test_snapshots_in_the_order_they_were_made(snapshots, order):
    assert " ".join(each.name for each in in_order(snapshots)) == order


def test_three_thousand_snapshots_in_order():
    chain = [made(f"s{n}", 1.0, f"s{n - 1}" if n % 3 else "") for n in range(3000)]
    shuffled = sorted(chain, key=lambda each: each.name[::-1])
    found = [each.name for each in in_order(shuffled)]
    assert sorted(found) == sorted(each.name for each in chain)
    assert all(found.index(e.parent) < found.index(e.name) for e in chain[:300] if e.parent)
