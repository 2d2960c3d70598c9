"""Open vSwitch and passt, as root's libvirt plugs into them. Root only.

The switch is the real one with its datapath in user space, in the network of the host, which is its
own. In it are the VLAN 42, and what is in none, each with a device of the host.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.model import ObjectKey, OperationStatus
from core.verbs.registry import VERBS
from tests.lab.migrating import found, opened
from tests.lab.networked import ADDRESSES, NetworkedHost, NetworkedHosts
from tests.lab.plugged_guest import CARD_UP, booted, define, done, said

NAME = "switched"
MAC = "52:54:9a:bc:de:12"
ALPHA = ObjectKey("host", "alpha", "alpha")
SWITCH = """\
cd /run/openvswitch
ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server conf.db --remote=punix:db.sock --pidfile --detach --no-chdir -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach --no-chdir -vconsole:off
ovs-vsctl --timeout=60 add-br ovs0 -- set bridge ovs0 datapath_type=netdev \
    -- add-port ovs0 plain -- set interface plain type=internal \
    -- add-port ovs0 tagged tag=42 -- set interface tagged type=internal
ip address add 10.94.0.1/24 dev plain; ip link set plain up
ip address add 10.95.0.1/24 dev tagged; ip link set tagged up
"""
HEARD = """\
import socket, time
for _ in range(60):
    try:
        with socket.create_connection(("127.0.0.1", 2222), 5) as one:
            if said := one.recv(100):
                print(said.decode())
                break
    except OSError:
        pass
    time.sleep(1)
"""
"""What comes from the port of the host that leads to the guest."""
PLAIN, TAGGED = "10.94.0", "10.95.0"


@pytest.fixture(scope="module")
def hosts() -> Iterator[NetworkedHosts]:
    """Hosts, a guest that is plugged into nothing, and a switch."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces are made by root")
    with NetworkedHosts() as made:
        host = made.host("alpha")
        host.run("mkdir", "/run/openvswitch")
        host.run("sh", "-ec", SWITCH, deadline=120)
        define(made, NAME)
        host.virsh("start", NAME)
        booted(made, NAME)
        yield made


@pytest.fixture
def alpha(hosts: NetworkedHosts) -> NetworkedHost:
    return hosts.host("alpha")


@pytest.fixture
async def fleet(hosts: NetworkedHosts, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(hosts.uris, tmp_path / "journal", hosts=("alpha",)) as made:
        yield made


async def reached(hosts: NetworkedHosts, net: str) -> bool:
    """Whether the guest, which has an address of a net, reaches its host there."""
    script = f"ip address flush dev eth0; ip address add {net}.2/24 dev eth0"
    pinged = await asyncio.to_thread(
        said, hosts, NAME, f"{CARD_UP}; {script}; ping -c 3 -W 3 {net}.1"
    )
    return " 0 packets received" not in pinged


def port_of(alpha: NetworkedHost, *columns: str) -> list[str]:
    """Columns of the port that the guest is plugged into, as the switch has them."""
    device = alpha.virsh("domiflist", NAME).split()[0]
    return [alpha.run("ovs-vsctl", "get", "port", device, one).strip() for one in columns]


def ports(alpha: NetworkedHost) -> set[str]:
    return set(alpha.run("ovs-vsctl", "list-ports", "ovs0").split())


async def test_a_guest_is_in_its_vlan_and_in_no_other(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    told = await done(fleet, "interface-attach", vm, network="ovs:ovs0", mac=MAC, vlan=42)
    assert told == f"an interface {MAC} on ovs:ovs0 is attached to {NAME}"
    assert port_of(alpha, "tag", "trunks") == ["42", "[]"]
    assert await reached(hosts, TAGGED)
    assert not await reached(hosts, PLAIN)
    await done(fleet, "set-link", vm, interface=MAC, state="down")
    assert not await reached(hosts, TAGGED)
    await done(fleet, "set-link", vm, interface=MAC, state="up")
    assert await reached(hosts, TAGGED)

    await done(fleet, "interface-detach", vm, interface=MAC)
    assert ports(alpha) == {"plain", "tagged"}, "the switch has let go of it"
    await done(fleet, "interface-attach", vm, network="ovs:ovs0", mac=MAC)
    assert await reached(hosts, PLAIN)
    assert not await reached(hosts, TAGGED)
    await done(fleet, "interface-detach", vm, interface=MAC)


async def test_a_port_of_a_trunk_is_told_what_it_carries(
    alpha: NetworkedHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    identity = str(uuid4())
    await done(fleet, "interface-attach", vm, network="openvswitch:ovs0", mac=MAC, vlan=7,
               trunk="20,42", port=(f"interfaceid={identity}",))  # fmt: skip
    assert port_of(alpha, "tag", "trunks", "vlan_mode") == ["7", "[7, 20, 42]", "native-untagged"]
    device = alpha.virsh("domiflist", NAME).split()[0]
    external = alpha.run("ovs-vsctl", "get", "interface", device, "external_ids")
    assert f'iface-id="{identity}"' in external
    await done(fleet, "interface-detach", vm, interface=MAC)
    assert ports(alpha) == {"plain", "tagged"}


async def test_a_network_of_the_switch_has_ports_of_its_groups(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    """One of a name that it does not have libvirt would pass over in silence."""
    vm = await found(fleet, NAME)
    request = VERBS["network-create"].at(
        ALPHA, str(uuid4()), {"name": "floor", "mode": "ovs", "bridge": "ovs0"}
    )
    assert (await (await fleet.submit(request))).status is OperationStatus.DONE
    floor = request.subject
    await done(fleet, "network-add-port-group", floor, name="lab", vlan="42")
    with pytest.raises(RefusedError, match="The network floor has no port group office"):
        await done(fleet, "interface-attach", vm, network="floor", port_group="office")
    await done(fleet, "interface-attach", vm, network="floor", mac=MAC, port_group="lab")
    assert port_of(alpha, "tag") == ["42"]
    assert await reached(hosts, TAGGED)
    await done(fleet, "interface-detach", vm, interface=MAC)
    await done(fleet, "interface-attach", vm, network="floor", mac=MAC)
    assert port_of(alpha, "tag") == ["[]"]
    await done(fleet, "interface-detach", vm, interface=MAC)
    await done(fleet, "network-delete", floor)
    assert ports(alpha) == {"plain", "tagged"}


async def test_ports_of_the_host_lead_to_a_guest_by_passt(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    if "<value>passt</value>" not in alpha.virsh("domcapabilities", "--virttype", "qemu"):
        with pytest.raises(OperationFailedError, match="The libvirt of its host has no passt"):
            await done(fleet, "interface-attach", vm, network="passt")
        return
    # passt gives its guest the address by which its host leads anywhere
    alpha.run("ip", "route", "add", "default", "via", ADDRESSES["beta"])
    await done(fleet, "interface-attach", vm, network="passt", mac=MAC, forward=("tcp:2222:22",))
    serve = "(echo hello | nc -l -p 22 > /dev/null 2>&1 &)"
    script = f"{CARD_UP}; udhcpc -n -q -i eth0 -s /sbin/lease; {serve}"
    await asyncio.to_thread(said, hosts, NAME, script)
    heard = await asyncio.to_thread(alpha.run, sys.executable, "-c", HEARD, deadline=120)
    assert heard.strip() == "hello"
    await done(fleet, "interface-detach", vm, interface=MAC)
    with suppress(LabError):
        assert "passt" not in alpha.run("ps", "-eo", "comm=")
