"""Listing a host of libvirt's test driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.hypervisor.connection.binding import libvirt, load
from core.hypervisor.observe import listing
from core.model import InstanceState, PoolState, Volume
from core.model.observation import Listed
from core.model.probe import probe_name
from tests.driver.worlds import (
    NETWORK,
    POOL,
    VOLUME,
    CountingBinding,
    instance_xml,
    open_world,
    read_listing,
    uuid_of,
)


def furnish(conn: Any) -> None:
    """Add a stopped, an autostarting, a saved and a paused instance, a network and two pools."""
    conn.defineXML(instance_xml(100, "off"))
    conn.defineXML(instance_xml(101, "auto")).setAutostart(1)
    saved = conn.defineXML(instance_xml(102, "saved"))
    saved.create()
    saved.managedSave(0)
    conn.createXML(instance_xml(103, "paused"), 0).suspend()
    look = probe_name("b7a4a2f0-4f0e-4a3f-9a51-0c1d2e3f4a5b")
    conn.createXML(instance_xml(104, look))  # as an evacuation looks at disks: no instance
    conn.networkDefineXML(NETWORK)
    conn.networkLookupByName("lan").setAutostart(1)
    for number, name in enumerate(("active", "inactive")):
        pool = conn.storagePoolDefineXML(POOL.format(name=name, uuid=uuid_of(200 + number)))
        pool.build(0)
        if name == "active":
            pool.create(0)
            pool.createXML(VOLUME.format(name="a.qcow2"))
            pool.createXML(VOLUME.format(name="b.qcow2"))


def by_name(listed: Listed) -> list[Volume]:
    return sorted(listed.volumes, key=lambda volume: volume.name)


def test_everything_is_listed(tmp_path: Path) -> None:
    conn = open_world(tmp_path, 2)
    furnish(conn)
    listed = read_listing(conn, "alpha", 12.5)
    assert (listed.host, listed.at) == ("alpha", 12.5)
    by_name = {instance.name: instance for instance in listed.instances}
    assert set(by_name) == {"vm0", "vm1", "off", "auto", "saved", "paused"}
    assert not any(instance.described for instance in listed.instances)
    assert by_name["vm0"].state is InstanceState.RUNNING
    assert by_name["vm0"].id is not None
    assert by_name["vm0"].uuid == uuid_of(0)
    off = by_name["off"]
    assert (off.state, off.id, off.persistent, off.autostart) == (
        InstanceState.SHUTOFF,
        None,
        True,
        False,
    )
    assert by_name["auto"].autostart
    assert by_name["saved"].managed_save
    assert by_name["saved"].reason == "saved"
    assert not by_name["off"].managed_save
    paused = by_name["paused"]
    assert (paused.state, paused.reason, paused.persistent) == (
        InstanceState.PAUSED,
        "user",
        False,
    )


def test_networks_and_storage_are_listed(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    furnish(conn)
    listed = read_listing(conn, "alpha", 0.0)
    (network,) = listed.networks
    assert (network.name, network.active, network.autostart, network.persistent) == (
        "lan",
        False,
        True,
        True,
    )
    assert (network.bridge, network.forward, network.addresses) == ("", "", ())
    assert not network.described, "its XML comes later"
    active, inactive = sorted(listed.pools, key=lambda pool: pool.name)
    assert (active.state, active.path, active.type) == (PoolState.ACTIVE, "/pools/active", "dir")
    assert active.capacity is not None
    assert inactive.state is PoolState.INACTIVE
    assert inactive.capacity is None
    assert [(v.name, v.pool, v.path, v.capacity, v.described) for v in by_name(listed)] == [
        ("a.qcow2", active.uuid, "/pools/active/a.qcow2", None, False),
        ("b.qcow2", active.uuid, "/pools/active/b.qcow2", None, False),
    ]


def count(conn: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    counting = CountingBinding(load().libvirtmod)
    monkeypatch.setattr(load(), "libvirtmod", counting)
    listing.read_instances(conn, "alpha")
    monkeypatch.undo()
    return len(counting.remote)


def test_listing_instances_takes_six_calls_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count(open_world(tmp_path, 3), monkeypatch) == 5
    assert count(open_world(tmp_path, 60), monkeypatch) == 5


def test_a_driver_without_the_bulk_calls_is_asked_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = open_world(tmp_path, 2)
    furnish(conn)
    expected = read_listing(conn, "alpha", 0.0)
    real = load().libvirtmod

    class Poor:
        """The C module of a driver that has neither filters nor bulk statistics."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def virConnectListAllDomains(self, conn: Any, flags: int) -> Any:  # noqa: N802
            # a bit no driver knows: libvirt itself refuses it, with its own error
            return real.virConnectListAllDomains(conn, flags and 1 << 30)

        def virConnectGetAllDomainStats(self, conn: Any, stats: int, flags: int) -> Any:  # noqa: N802
            return real.virConnectGetAllDomainStats(conn, 1 << 20, 1 << 31)

    monkeypatch.setattr(load(), "libvirtmod", Poor())
    found = read_listing(conn, "alpha", 0.0)
    assert found == expected


def test_a_host_without_storage_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = open_world(tmp_path, 1)

    def refuse(_flags: int) -> list[Any]:
        conn.lookupByName("no such instance")  # any error of libvirt's, on a living connection
        return []

    assert listing._all_of(conn, refuse) == []


def test_a_dead_connection_is_an_error_not_an_empty_host(tmp_path: Path) -> None:
    conn = open_world(tmp_path, 1)
    conn.close()
    with pytest.raises(libvirt.libvirtError):
        read_listing(conn, "alpha", 0.0)


def test_names_are_cleaned(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1, "red\u202ebull"))
    (instance,) = read_listing(conn, "alpha", 0.0).instances
    assert instance.name == "red\\u202ebull"
