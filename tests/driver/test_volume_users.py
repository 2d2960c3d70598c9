"""Who has a disk on a share, asked of libvirt before it is unmounted."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.block import remove_copy
from core.hypervisor.calls.volume_users import user_below, user_of
from core.model import ObjectKey
from core.verbs.block.calls import CopyRemoveCall

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


@pytest.mark.parametrize("spelled", ["/i//web", "/i/./web", "//i/web"])
def test_a_path_that_is_spelled_otherwise_is_the_same(
    conn: libvirt.virConnect, spelled: str
) -> None:
    made = conn.defineXML(XML.format(name="web", path=spelled))
    assert user_of(conn, {"/i/web"}) == "web"
    assert user_below(conn, "/i/") == "web"
    made.undefine()


@pytest.mark.parametrize(
    ("has", "asked"),
    [
        ("/dev/mapper/vg--a-data", "/dev/vg-a/data"),
        ("/dev/vg-a/data", "/dev/mapper/vg--a-data"),
        ("/dev/mapper/vg-a--b", "/dev/vg/a-b"),
    ],
)
def test_a_logical_volume_is_the_same_by_its_two_paths(
    conn: libvirt.virConnect, has: str, asked: str
) -> None:
    made = conn.defineXML(XML.format(name="web", path=has))
    try:
        assert user_of(conn, {asked}) == "web"
        assert user_of(conn, {f"{asked}2"}) == ""
        assert user_of(conn, {"/dev/vg/a/data"}) == ""
    finally:
        made.undefine()


def test_what_only_runs_is_a_user_where_no_statistics_are_told(conn: libvirt.virConnect) -> None:
    """The test driver has none; a daemon refuses them where they do not fit into one answer."""
    runs = conn.defineXML(XML.format(name="runs", path="/i/now"))
    runs.create()
    conn.defineXML(runs.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace("/i/now", "/i/later"))
    assert user_of(conn, {"/i/now"}) == "runs"
    assert user_of(conn, {"/i/later"}) == "runs"
    runs.destroy()
    runs.undefine()


def test_an_image_on_the_network_is_known_by_its_bare_name(conn: libvirt.virConnect) -> None:
    source = "<source protocol='rbd' name='vms/web'><host name='mon1' port='6789'/></source>"
    xml = XML.format(name="far", path="").replace("<source file=''/>", source)
    made = conn.defineXML(xml.replace("disk type='file'", "disk type='network'"))
    assert user_of(conn, {"vms/web"}) == "far"
    assert user_of(conn, {"vms/other"}) == ""
    made.undefine()


def test_a_copy_is_not_removed_that_is_the_disk_of_an_instance(conn: libvirt.virConnect) -> None:
    made = conn.defineXML(XML.format(name="web", path="/i/copy"))
    with pytest.raises(HypervisorError, match="is used by web: it is left alone"):
        remove_copy(conn, ObjectKey("instance", "alpha", "u-web"), CopyRemoveCall("/i/copy"))
    made.undefine()
