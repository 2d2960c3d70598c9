"""Of two devices of one name neither is detached."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.device import detach
from core.model import ObjectKey
from core.verbs.device.calls import DetachCall

PAIR = """
<domain type='test'>
  <name>pair</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>
  <devices>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>
      <model type='virtio'/><teaming type='persistent'/><alias name='ua-p'/></interface>
    <interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/>
      <source><address type='pci' domain='0' bus='3' slot='0x10' function='1'/></source>
      <teaming type='transient' persistent='ua-p'/></interface>
  </devices>
</domain>"""
MAC = "52:54:00:00:00:01"


@pytest.fixture
def conn() -> Iterator[libvirt.virConnect]:
    opened = libvirt.open("test:///default")
    try:
        yield opened
    finally:
        opened.close()


def test_of_a_failover_pair_neither_goes_by_the_address_that_both_have(
    conn: libvirt.virConnect,
) -> None:
    domain = conn.defineXML(PAIR)
    try:
        key, before = ObjectKey("instance", "t", domain.UUIDString()), domain.XMLDesc(0)
        with pytest.raises(HypervisorError, match="pair has 2 that are the interface 52:54"):
            detach(conn, key, DetachCall("interface", MAC, "default", live=False))
        assert domain.XMLDesc(0) == before
        # each has a name of its own: what it is connected to is compared with what it was
        for name, source in (("ua-p", "default"), ("pci:0000:03:10.1", "pci 0000:03:10.1")):
            with pytest.raises(HypervisorError, match=f"{name} of pair is {source} by now"):
                detach(conn, key, DetachCall("interface", name, "elsewhere", live=False))
        detach(conn, key, DetachCall("interface", "ua-gone", "default", live=False))
        assert domain.XMLDesc(0) == before
    finally:
        domain.undefine()
