"""The preflight's looks at libvirt's test driver, which cannot tell most of what is asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.observe.daemon import read_machine
from core.hypervisor.observe.memory_use import begin_dirty_rate, read_memory_used
from core.hypervisor.observe.preflight import read_needs_of, read_source
from core.hypervisor.observe.preflight_destination import read_destination
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.facts import why
from tests.driver.private_daemon import PrivateDaemon
from tests.slow_link import SlowLink

NOWHERE = "00000000-0000-4000-8000-000000000000"
ALPHA, BETA = parse_uri("alpha=test:///default"), parse_uri("beta=test:///default")


@pytest.fixture
def conn() -> Iterator[Any]:
    made = libvirt.open("test:///default")
    yield made
    made.close()


def uuid_of(conn: Any) -> str:
    return str(conn.lookupByName("test").UUIDString())


def test_the_source_is_read(conn: Any) -> None:
    first = read_needs_of(conn, uuid_of(conn))
    assert first is not None
    source = read_source(conn, ALPHA, uuid_of(conn), 5.0, first)
    assert source is not None
    assert source.at == 5.0
    assert source.needs is not None
    assert source.needs.instance.name == "test"
    assert source.active is True
    assert source.persistent is True
    assert source.snapshots == 0
    assert source.libvirt
    assert source.gaps == ()


def test_each_look_at_the_destination_that_fails_costs_no_other(conn: Any) -> None:
    first = read_needs_of(conn, uuid_of(conn))
    assert first is not None
    there = read_destination(conn, BETA, first.needs, 5.0, name="other")
    assert [(twin.name, twin.active) for twin in there.twins or ()] == [("test", True)]
    assert there.networks is not None
    assert [(each.name, each.active) for each in there.networks] == [("default", True)]
    assert there.pools is not None
    assert [each.name for each in there.pools] == ["default-pool"]
    assert there.cpu is None
    assert there.emulator_known is None
    assert why(there, "memory"), "no memory statistics in any libvirt"
    assert there.memory_free is not None, "but the free memory, asked for in their place"
    known = (
        there.machine_known
    )  # the test driver of libvirt 11 has domain capabilities, that of 9 not
    assert known or why(there, "machine")


def test_an_instance_that_is_gone(conn: Any) -> None:
    first = read_needs_of(conn, uuid_of(conn))
    assert first is not None
    assert read_source(conn, ALPHA, NOWHERE, 0.0, first) is None
    assert read_needs_of(conn, NOWHERE) is None


def test_each_xml_of_an_instance_is_asked_for_once(tmp_path: Path) -> None:
    with (
        PrivateDaemon(instances=1, running=1) as daemon,
        SlowLink(tmp_path / "far", daemon.socket) as link,
    ):
        conn = libvirt.open(f"test+unix:///default?socket={link.path}")
        uuid = uuid_of(conn)
        first = read_needs_of(conn, uuid)
        assert first is not None
        source = read_source(conn, ALPHA, uuid, 0.0, first)
        assert source is not None
        assert (source.needs, source.xml) == (first.needs, first.xml)
        assert source.inactive_xml
        conn.close()
        assert link.calls()[14] == 3, "as it is, as it migrates, as it is defined"


def test_a_driver_without_a_dirty_rate(conn: Any) -> None:
    assert begin_dirty_rate(conn, uuid_of(conn), 1) is False
    with pytest.raises(libvirt.libvirtError):
        begin_dirty_rate(conn, NOWHERE, 1)


def test_what_a_guest_has_touched(conn: Any) -> None:
    """The test driver: two GiB given, of which one is unused and one held."""
    assert read_memory_used(conn, uuid_of(conn)) == 1 << 30
    with pytest.raises(libvirt.libvirtError):
        read_memory_used(conn, NOWHERE)


def test_a_daemon_at_a_local_address_with_another_name_is_not_of_this_machine(
    conn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_machine(Reads(conn), ALPHA).local
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    assert not read_machine(Reads(conn), ALPHA).local
