"""Addresses of DHCP on a network of both IPv4 and IPv6: each is kept where its subnet is."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest
from msgspec.structs import replace

from core.hypervisor.calls.network import update
from core.model import Network, Request, State
from core.model.network import DhcpHost
from core.verbs.network.calls import NetworkUpdateCall
from core.verbs.network.requests import AddDhcpHost, RemoveDhcpHost
from core.verbs.preview import planned
from core.xml.network import read_network

DUID = "0:3:0:1:0:16:3e:11:22:33"
DUAL = f"""
<network><name>dual</name><bridge name='virbr9'/><forward mode='nat'/>
  <ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.0.2' end='10.9.0.9'/></dhcp></ip>
  <ip family='ipv6' address='fd00:9::1' prefix='64'><dhcp>
    <range start='fd00:9::10' end='fd00:9::20'/><host id='{DUID}' name='old' ip='fd00:9::5'/>
    <host id='{DUID[:-1]}4' ip='fd00:9::6'/></dhcp></ip>
</network>"""


@pytest.fixture
def network() -> Iterator[libvirt.virNetwork]:
    conn = libvirt.open("test:///default")
    found = conn.networkDefineXML(DUAL)
    found.create()
    try:
        yield found
    finally:
        found.destroy()
        found.undefine()
        conn.close()


def read(network: libvirt.virNetwork) -> Network:
    return replace(read_network(network.XMLDesc(0), "t"), active=True)


def test_addresses_of_ipv6_are_kept_and_released_beside_ipv4(network: libvirt.virNetwork) -> None:
    key, before = read(network).key, read(network).dhcp_hosts

    def carry_out(request: Request) -> None:
        row = read(network)
        (step,) = planned(State(networks={row.key: row}), request)
        assert isinstance(step.call, NetworkUpdateCall)
        update(network.connect(), key, step.call)

    assert before[0] == DhcpHost("fd00:9::5", "", "old", DUID)
    named = DhcpHost("fd00:9::7", "", "web")
    known = DhcpHost("fd00:9::8", "", "", DUID[:-1] + "5")
    wired = DhcpHost("10.9.0.7", "52:54:00:00:00:01")
    for one in (named, known, wired):
        carry_out(AddDhcpHost(key, one.address, one.mac, one.name, one.duid))
    assert set(read(network).dhcp_hosts) == {*before, named, known, wired}
    for one in (*before, named, known, wired):
        carry_out(RemoveDhcpHost(key, one.address))
    assert read(network).dhcp_hosts == ()
