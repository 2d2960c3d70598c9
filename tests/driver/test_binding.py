"""What libvirt's binding loses by itself, and `core.hypervisor.connection.binding` keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.hypervisor.connection.binding import libvirt
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
