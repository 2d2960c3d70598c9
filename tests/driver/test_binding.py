"""What libvirt's binding loses by itself, and `core.hypervisor.connection.binding` keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.hypervisor.calls.migration import limits
from core.hypervisor.connection.binding import libvirt
from core.model.migration import Limits
from tests.driver.worlds import instance_xml, open_world, uuid_of


@pytest.fixture
def collection_at_once() -> Iterator[None]:
    """Collect garbage at nearly every allocation, in whichever thread makes it."""
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*before)
    gc.enable()


def look_up_while_collecting(conn: Any, uuid: str) -> None:
    gc.set_threshold(1)
    gc.enable()
    conn.lookupByUUIDString(uuid)


def test_an_error_keeps_its_code_when_an_instance_is_freed_meanwhile(
    tmp_path: Path, collection_at_once: None
) -> None:
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1))
    for _ in range(5):
        circle = [conn.lookupByUUIDString(uuid_of(1))]
        circle.append(circle)
        del circle
        with pytest.raises(libvirt.libvirtError, match="Domain not found") as caught:
            look_up_while_collecting(conn, uuid_of(7))
        gc.disable()
        assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN
        assert caught.value.get_error_message() == str(caught.value)


def test_an_error_of_an_earlier_call_is_not_told_twice(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    with pytest.raises(libvirt.libvirtError):
        conn.lookupByUUIDString(uuid_of(7))
    assert conn.numOfDomains() >= 0  # libvirt forgets the error with each call that works
    assert libvirt.libvirtError("no call failed").get_error_code() is None


@pytest.mark.parametrize("call", ["migrateGetMaxDowntime", "migrateGetCompressionCache"])
def test_a_call_that_fails_raises_where_the_binding_gives_none(tmp_path: Path, call: str) -> None:
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1))
    with pytest.raises(libvirt.libvirtError) as caught:
        getattr(conn.lookupByUUIDString(uuid_of(1)), call)(0)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT


def test_limits_that_a_driver_does_not_tell_are_unknown(tmp_path: Path) -> None:
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1))
    assert limits(conn, uuid_of(1)) == Limits()


def test_the_limits_of_an_instance_that_is_gone_are_an_error(tmp_path: Path) -> None:
    """As those of one that left with its migration, a moment before we asked."""
    conn = open_world(tmp_path)
    conn.defineXML(instance_xml(1))
    domain = conn.lookupByUUIDString(uuid_of(1))
    domain.undefine()
    with pytest.raises(libvirt.libvirtError):
        domain.migrateGetMaxSpeed(0)
    with pytest.raises(libvirt.libvirtError):
        limits(conn, uuid_of(1))
