"""Reading single objects of libvirt's test driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.hypervisor.connection.binding import libvirt
from core.hypervisor.observe.detail import read_addresses, read_detail
from core.hypervisor.observe.facts import read_facts
from core.hypervisor.observe.listing import read_instances, read_storage
from core.hypervisor.observe.reading import describe_volume, read_instance, read_network, read_pool
from core.model import Address, InstanceState, PoolState
from tests.driver.command import Virtdeck
from tests.driver.worlds import (
    NETWORK,
    POOL,
    VOLUME,
    instance_xml,
    open_world,
    uuid_of,
)

NOBODY = uuid_of(999)
SNAPSHOT = "<domainsnapshot><name>{}</name><description>by hand</description></domainsnapshot>"


def test_an_instance_is_described(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    domain = conn.defineXML(instance_xml(1, title="Web \u202efront"))
    domain.create()
    domain.suspend()
    domain.setAutostart(1)
    instance = read_instance(conn, "alpha", uuid_of(1))
    assert instance is not None
    assert (instance.host, instance.uuid, instance.name) == ("alpha", uuid_of(1), "vm1")
    assert instance.title == "Web \N{REPLACEMENT CHARACTER}front"
    assert (instance.state, instance.reason) == (InstanceState.PAUSED, "user")
    assert instance.id == domain.ID()
    assert (instance.persistent, instance.autostart, instance.managed_save) == (True, True, False)
    assert instance.described
    assert [disk.target for disk in instance.disks] == ["vda"]
    assert [interface.mac for interface in instance.interfaces] == ["52:54:00:00:00:01"]
    domain.destroy()
    off = read_instance(conn, "alpha", uuid_of(1))
    assert off is not None
    assert (off.state, off.reason, off.id) == (InstanceState.SHUTOFF, "destroyed", None)


def test_a_transient_instance(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    domain = conn.createXML(instance_xml(1), 0)
    instance = read_instance(conn, "alpha", uuid_of(1))
    assert instance is not None
    assert not instance.persistent
    domain.destroy()
    assert read_instance(conn, "alpha", uuid_of(1)) is None


def test_a_pool_and_its_volumes(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    handle = conn.storagePoolDefineXML(POOL.format(name="p", uuid=uuid_of(9)))
    handle.build(0)
    handle.create(0)
    handle.createXML(VOLUME.format(name="a.qcow2"))
    handle.setAutostart(1)
    found = read_pool(conn, "alpha", uuid_of(9))
    assert found is not None
    pool, (named,), handles = found
    assert (pool.name, pool.state, pool.autostart) == ("p", PoolState.ACTIVE, True)
    assert pool.capacity == handle.info()[1]
    assert (named.name, named.path, named.described) == ("a.qcow2", "/pools/p/a.qcow2", False)
    volume = describe_volume(handles.pop(named.key), named)
    assert volume is not None
    assert volume.described
    assert (volume.name, volume.pool, volume.pool_name) == ("a.qcow2", uuid_of(9), "p")
    assert (volume.path, volume.format) == ("/pools/p/a.qcow2", "qcow2")
    assert (volume.capacity, volume.allocation) == (1 << 30, 10 << 20)
    handle.destroy()
    stopped = read_pool(conn, "alpha", uuid_of(9))
    assert stopped is not None
    assert (stopped[0].state, stopped[0].capacity, stopped[1]) == (PoolState.INACTIVE, None, ())


def test_a_network(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    handle = conn.networkDefineXML(NETWORK)
    handle.create()
    network = read_network(conn, "alpha", handle.UUIDString())
    assert network is not None
    assert (network.name, network.active, network.autostart) == ("lan", True, False)
    assert network.addresses == ("10.7.0.1/24",)


@pytest.mark.parametrize("read", [read_instance, read_pool, read_network])
def test_what_does_not_exist_is_none(tmp_path: Path, read: Any) -> None:
    assert read(open_world(tmp_path), "alpha", NOBODY) is None


@pytest.mark.parametrize("read", [read_instance, read_pool, read_network])
def test_a_dead_connection_is_an_error(tmp_path: Path, read: Any) -> None:
    conn = open_world(tmp_path)
    conn.close()
    with pytest.raises(libvirt.libvirtError):
        read(conn, "alpha", NOBODY)


def test_details(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.networkDefineXML(NETWORK).create()
    domain = conn.defineXML(instance_xml(1))
    domain.create()
    domain.snapshotCreateXML(SNAPSHOT.format("one"), 0)
    domain.snapshotCreateXML(SNAPSHOT.format("two"), 0)
    detail = read_detail(conn, "alpha", uuid_of(1), 3.0)
    assert detail is not None
    assert (detail.host, detail.uuid, detail.at) == ("alpha", uuid_of(1), 3.0)
    assert "<name>vm1</name>" in detail.xml
    assert 'id="' in detail.xml
    assert 'id="' not in detail.inactive_xml.partition("<devices>")[0]
    assert [(s.name, s.parent, s.current) for s in detail.snapshots] == [
        ("one", "", False),
        ("two", "one", True),
    ]
    assert detail.snapshots[0].description == "by hand"
    assert detail.snapshots[0].state == "running"
    # the test driver makes addresses up for interfaces of its networks, whoever is asked
    assert {(a.source, a.mac) for a in detail.addresses} == {
        ("lease", "52:54:00:00:00:01"),
        ("arp", "52:54:00:00:00:01"),
    }
    assert detail.notes == ()


def test_details_of_an_instance_that_is_off_or_gone(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1))
    detail = read_detail(conn, "alpha", uuid_of(1), 3.0)
    assert detail is not None
    assert (detail.addresses, detail.snapshots, detail.notes) == ((), (), ())
    assert read_detail(conn, "alpha", NOBODY, 3.0) is None


def test_what_cannot_be_read_is_noted(tmp_path: Path) -> None:
    conn = open_world(tmp_path)  # without the network the interface is plugged into
    conn.createXML(instance_xml(1), 0)
    detail = read_detail(conn, "alpha", uuid_of(1), 3.0)
    assert detail is not None
    assert detail.inactive_xml == ""
    assert [note.split(" could")[0] for note in detail.notes] == [
        "Addresses by lease",
        "Addresses by arp",
    ]
    assert detail.xml


def test_nobody_is_asked_about_interfaces_the_host_does_not_see(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    xml = instance_xml(1).replace("<interface type='network'>", "<interface type='user'>")
    conn.createXML(xml.replace("<source network='lan'/>", ""), 0)
    detail = read_detail(conn, "alpha", uuid_of(1), 3.0)
    assert detail is not None
    assert (detail.addresses, detail.notes) == ((), ())


def test_addresses_of_a_guest_are_not_trusted() -> None:
    told = {
        "lo": {"hwaddr": "00:00:00:00:00:00", "addrs": [{"addr": "127.0.0.1", "prefix": 8}]},
        "eth\x1b0": {
            "hwaddr": None,
            "addrs": [
                {"addr": "10.0.2.15", "prefix": 24},
                {"addr": "fe80::1", "prefix": 64},
                {"addr": "evil\n", "prefix": 0},
            ],
        },
        "down": {"hwaddr": "52:54:00:00:00:02", "addrs": None},
    }
    name = "eth\N{REPLACEMENT CHARACTER}0"
    assert list(read_addresses(told, "agent")) == [
        Address(name, "", "10.0.2.15/24", "agent"),
        Address(name, "", "fe80::1/64", "agent"),
        Address(name, "", "evil ", "agent"),
    ]
    assert list(read_addresses(None, "arp")) == []


def test_details_hold_no_secrets(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    secret = "<metadata><p:password xmlns:p='urn:p'>hunter2</p:password></metadata>"
    conn.defineXML(instance_xml(1).replace("<memory ", f"{secret}<memory "))
    detail = read_detail(conn, "alpha", uuid_of(1), 3.0)
    assert detail is not None
    for xml in (detail.xml, detail.inactive_xml):
        assert "urn:p" in xml
        assert "hunter2" not in xml


def test_facts_of_the_test_driver(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    facts = read_facts(conn)
    info = conn.getInfo()
    assert facts.hypervisor == "TEST"
    assert facts.hostname == conn.getHostname()
    assert facts.uuid == ""  # this driver has none
    assert facts.libvirt_version.count(".") == 2
    assert (facts.cpus, facts.mhz) == (info[2], info[3])
    assert facts.memory == info[1] << 20
    assert facts.memory_free == conn.getFreeMemory()
    assert facts.guest_types == ("test i686",)
    told = {limitation.what for limitation in facts.limitations}
    assert "run guests" in told
    assert any(what.startswith("manage secrets") for what in told)
    assert not any(what.startswith(("manage storage", "manage virtual")) for what in told)


def test_facts_of_a_dead_connection_are_an_error(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.close()
    with pytest.raises(libvirt.libvirtError):
        read_facts(conn)


NAMES = Path(__file__).parents[1] / "data" / "xml" / "names.xml"


def test_names_are_the_same_whether_listed_or_described() -> None:
    conn = libvirt.open(f"test://{NAMES}")
    instances, _ = read_instances(conn, "alpha")
    pools, volumes, handles = read_storage(conn, "alpha")
    described = [read_instance(conn, "alpha", each.uuid) for each in instances]
    names = ["  lead", r"zero\u200bwidth"]
    assert sorted(each.name for each in instances) == names
    assert sorted(each.name for each in described if each) == names
    pool = read_pool(conn, "alpha", pools[0].uuid)
    assert pool is not None
    sized = [describe_volume(handles[each.key], each) for each in volumes]
    expected = {"disk": 10, "disk ": 20, r"disk\u200b": 30, r"disk\u200c": 40, "root.qcow2": 0}
    assert {each.name: (each.capacity or 0) >> 30 for each in sized if each} == expected
    assert {each.path for each in sized if each} == {f"/p/{name}" for name in expected}
    assert {each.key for each in volumes} == {each.key for each in pool[1]}
    assert {each.key for each in volumes} == {each.key for each in sized if each}


def test_what_is_printed_is_found_by_the_command_line(virtdeck: Virtdeck) -> None:
    world = f"t=test://{NAMES}"
    rows = virtdeck("-c", world, "volumes", "--json").rows
    assert sorted(row["name"] for row in rows) == sorted(
        ["disk", "disk ", r"disk\u200b", r"disk\u200c", "root.qcow2"]
    )
    for word in (r"p/disk\u200b", "root.qcow2", "p/disk "):
        shown = virtdeck("-c", world, "show", word, "--json")
        assert shown.status == 0, shown.err
        assert word.endswith(shown.rows[0]["name"])
    for word in ("lead", "  lead", r"zero\u200bwidth"):
        assert virtdeck("-c", world, "show", word).out.startswith("instance "), word


def test_a_world_whose_file_has_no_uuids_is_one_for_all_commands(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    """libvirt makes them up for each connection: what one lists no other one knows."""
    path = tmp_path / "made-up.xml"
    path.write_text(
        "<node><domain type='test'><name>  lead</name><memory>65536</memory><vcpu>1</vcpu>"
        "<os><type>hvm</type></os></domain></node>"
    )
    world = f"t=test://{path}"
    listed = virtdeck("-c", world, "instances", "--json")
    assert (listed.status, listed.err) == (0, "")
    assert [row["name"] for row in listed.rows] == ["  lead"]
    for word in ("lead", "  lead"):
        assert virtdeck("-c", world, "show", word).out.startswith("instance "), word


def test_a_world_with_a_hash_in_its_path(virtdeck: Virtdeck, tmp_path: Path) -> None:
    (tmp_path / "a#b.xml").write_text(NAMES.read_text())
    refused = virtdeck("-c", f"t=test://{tmp_path}/a#b.xml", "instances")
    assert refused.status == 2
    assert "contains a '#'" in refused.err
    assert "%23" in refused.err
    found = virtdeck("-c", f"t=test://{tmp_path}/a%23b.xml", "instances")
    assert (found.status, found.err) == (0, "")


def test_snapshots_are_listed_as_they_were_made(tmp_path: Path) -> None:
    """libvirt lists those of one parent the newest first."""
    conn = open_world(tmp_path)
    domain = conn.defineXML(instance_xml(1))
    redefine = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
    root = "<state>shutoff</state><creationTime>1000</creationTime>" + instance_xml(1)
    domain.snapshotCreateXML(f"<domainsnapshot><name>root</name>{root}</domainsnapshot>", redefine)
    for number in range(12):
        created = f"<creationTime>{1001 + number // 6}</creationTime>"
        below = f"{created}<state>shutoff</state>{instance_xml(1)}"
        xml = f"<name>s{number}</name><parent><name>root</name></parent>{below}"
        domain.snapshotCreateXML(f"<domainsnapshot>{xml}</domainsnapshot>", redefine)
    detail = read_detail(conn, "alpha", uuid_of(1), 0.0)
    assert detail is not None
    assert detail.snapshots is not None
    expected = ["root", *(f"s{number}" for number in range(12))]
    assert [each.name for each in detail.snapshots] == expected
