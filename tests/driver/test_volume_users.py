"""Who has a disk on a share, asked of libvirt before it is unmounted."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from core.hypervisor.calls.volume_users import user_below, user_of

XML = """
<domain type='test'>
  <name>{name}</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>
  <devices><disk type='file' device='disk'>
    <source file='{path}'/><target dev='vda' bus='virtio'/>
  </disk></devices>
</domain>"""
SHARE = "/var/lib/virtdeck/mounts/abc"


@pytest.fixture
def conn() -> Iterator[libvirt.virConnect]:
    opened = libvirt.open("test:///default")
    try:
        yield opened
    finally:
        opened.close()


def test_a_share_is_of_who_is_off_too_and_of_who_has_it_from_its_next_start_on(
    conn: libvirt.virConnect,
) -> None:
    assert user_below(conn, SHARE) == ""
    off = conn.defineXML(XML.format(name="off", path=f"{SHARE}/v1"))
    assert user_below(conn, SHARE) == "off"
    assert user_below(conn, f"{SHARE}/") == "off"
    assert user_below(conn, "/var/lib/virtdeck/mounts/ab") == ""
    off.undefine()
    runs = conn.defineXML(XML.format(name="runs", path="/elsewhere/v2"))
    runs.create()
    assert user_below(conn, SHARE) == ""
    later = runs.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace("/elsewhere", SHARE)
    conn.defineXML(later)
    assert user_below(conn, SHARE) == "runs"
    assert user_of(conn, {f"{SHARE}/v2"}) == "runs"
    runs.destroy()
    runs.undefine()
