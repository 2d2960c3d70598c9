"""Networks that give out addresses, bridges and shared directories of root's libvirt. Root only.

One guest, booted once. Its host has a network of its own: dnsmasq, iptables and ebtables are the
real ones and touch nothing of the machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.model import (
    InstanceState,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Request,
)
from core.state.network_members import members
from core.verbs.registry import VERBS
from tests.driver.command import Virtdeck
from tests.lab.migrating import found, opened, until
from tests.lab.networked import NetworkedHost, NetworkedHosts
from tests.lab.plugged_guest import CARD_UP, at_length, booted, define, done, said
from tests.lab.seeing import caught_up, key_of

NAME = "plugged"
MAC = "52:54:9a:bc:de:11"
"""Without a zero before a digit: some ebtables leave that out."""
ALPHA = ObjectKey("host", "alpha", "alpha")
SAVES_WITH_SHARES = 10_006_000
"""libvirt that saves the memory of a guest with virtiofs."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkedHosts]:
    """Hosts with control groups, as root's libvirt has them, and a guest that is given a share."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces are made by root")
    with NetworkedHosts(controllers=("cpu", "cpuacct", "memory")) as made:
        define(made, NAME)
        try:
            asyncio.run(start_with_a_share(made, tmp_path_factory.mktemp("begun") / "journal"))
            booted(made, NAME)
            yield made
        finally:
            with suppress(LabError):
                made.host("alpha").virsh("destroy", NAME)  # its groups are the machine's: away


async def start_with_a_share(made: NetworkedHosts, journal: Path) -> None:
    (made.root / "shared/greeting").write_text("hello\n")
    async with opened(made.uris, journal, hosts=("alpha",)) as fleet:
        vm = await key_of(fleet, NAME, InstanceState.SHUTOFF)
        told = await done(fleet, "device-share", vm, directory=str(made.root / "shared"), tag="one")
        assert "from its next start on: its guest mounts it by `mount -t virtiofs one" in told
        await done(fleet, "start", vm)


@pytest.fixture
def alpha(hosts: NetworkedHosts) -> NetworkedHost:
    return hosts.host("alpha")


@pytest.fixture
async def fleet(hosts: NetworkedHosts, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(hosts.uris, tmp_path / "journal", hosts=("alpha",)) as made:
        yield made


async def ended(fleet: Fleet, request: Request) -> OperationRecord:
    """What became of it, done or not."""
    operation = await fleet.submit(request)
    with suppress(OperationFailedError):
        await operation
    return operation.record


async def make(fleet: Fleet, **options: Any) -> ObjectKey:
    request = VERBS["network-create"].at(ALPHA, str(uuid4()), options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return request.subject


async def in_it(hosts: NetworkedHosts, script: str) -> str:
    return await asyncio.to_thread(said, hosts, NAME, script)


async def leased(hosts: NetworkedHosts) -> str:
    """Have the only device of the guest ask for an address; what it says."""
    ask = f"udhcpc -n -q -i eth0 -s /sbin/lease -x hostname:{NAME}; ip -4 address show eth0"
    return await in_it(hosts, f"{CARD_UP}; {ask}")


async def mounted(hosts: NetworkedHosts, tag: str, script: str) -> str:
    """What a script prints once a share is mounted."""
    mount = at_length(f"mount -t virtiofs {tag} /mnt 2> /dev/null")
    return await in_it(hosts, f"{mount}; {script}")


async def test_a_guest_reads_and_writes_what_its_host_shares(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    assert await mounted(hosts, "one", "cat /mnt/greeting; echo thanks > /mnt/answer") == "hello"
    assert (hosts.root / "shared/answer").read_text() == "thanks\n"
    facts = fleet.state.hosts["alpha"].facts
    if facts is not None and facts.libvirt_number < SAVES_WITH_SHARES:
        with pytest.raises(RefusedError, match="has one by virtiofs, with which libvirt"):
            await fleet.submit(VERBS["save"].request(subject=vm))
    assert await in_it(hosts, "umount /mnt && echo gone") == "gone"
    told = await done(fleet, "device-detach", vm, device="share:one")
    assert told == f"share:one is detached from {NAME}"
    await until(lambda: "virtiofsd" not in alpha.run("ps", "-eo", "comm="), "virtiofsd has ended")

    await done(fleet, "device-share", vm, directory=str(hosts.root / "shared"), tag="two")
    assert await mounted(hosts, "two", "cat /mnt/answer") == "thanks"
    for xml in (alpha.virsh("dumpxml", NAME), alpha.virsh("dumpxml", NAME, "--inactive")):
        assert "<target dir='two'/>" in xml
        assert "<target dir='one'/>" not in xml
    await in_it(hosts, "umount /mnt")
    await done(fleet, "device-detach", vm, device="share:two")


async def test_an_address_is_kept_leased_and_shown(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet, tmp_path: Path
) -> None:
    vm = await found(fleet, NAME)
    lan = await make(fleet, name="lan", subnet="10.91.0.0/24", domain="lab.example",
                     dhcp="10.91.0.100-10.91.0.120")  # fmt: skip
    await done(fleet, "network-add-dhcp-host", lan, address="10.91.0.55", mac=MAC, name=NAME)
    await done(fleet, "network-add-dns-host", lan, address="10.91.0.9", names=("printer",))
    await done(fleet, "interface-attach", vm, network="lan", mac=MAC)
    assert "inet 10.91.0.55/24" in await leased(hosts)
    assert "Address: 10.91.0.9" in await in_it(hosts, "nslookup printer.lab.example 10.91.0.1")
    assert "1 packets received" in await in_it(hosts, "ping -c 1 -W 5 10.91.0.1")

    detail = await fleet.detail(vm)
    told = {(one.source, one.mac, one.address) for one in detail.addresses}
    assert {("lease", MAC, "10.91.0.55/24"), ("agent", MAC, "10.91.0.55/24")} <= told
    assert detail.notes == ()
    use = await fleet.links.network_use(lan)
    assert use is not None
    assert use.ports == 1
    (member,) = members(fleet.state, fleet.state.networks[lan], use)
    assert (member.addresses, member.name) == (("10.91.0.55/24",), NAME)
    assert member.instance is not None
    assert member.instance.key == vm
    virtdeck = Virtdeck(tmp_path)
    words = ("-c", f"alpha={hosts.uris['alpha']}", "show", "network:lan")
    (row,) = (await asyncio.to_thread(virtdeck, *words, "--json")).rows
    (lease,) = row["detail"]["leases"]
    assert (lease["mac"], lease["address"], lease["name"]) == (MAC, "10.91.0.55/24", NAME)
    assert f"mac={MAC} address=10.91.0.55/24" in (await asyncio.to_thread(virtdeck, *words)).out
    with pytest.raises(RefusedError, match=f"{NAME} is on the network lan"):
        await fleet.submit(VERBS["network-delete"].request(subject=lan))
    await cable(hosts, fleet, vm)
    await bandwidth(alpha, fleet, vm)

    await done(fleet, "network-remove-dhcp-host", lan, address="10.91.0.55")
    await done(fleet, "interface-detach", vm, interface=MAC)
    assert await in_it(hosts, "ls /sys/class/net") == "lo"
    await caught_up(fleet, vm)
    assert await done(fleet, "network-delete", lan) == "the network lan is deleted"
    assert "dnsmasq" not in alpha.run("ps", "-eo", "comm=")


async def cable(hosts: NetworkedHosts, fleet: Fleet, vm: ObjectKey) -> None:
    """The guest sees its cable pulled, and plugged in again."""
    for state, carrier in (("down", "0"), ("up", "1")):
        await done(fleet, "set-link", vm, interface=MAC, state=state)
        assert await in_it(hosts, "cat /sys/class/net/eth*/carrier") == carrier


async def bandwidth(alpha: NetworkedHost, fleet: Fleet, vm: ObjectKey) -> None:
    """A limit is the kernel's then; a kernel that has none is told of, and nothing is changed."""
    limits = VERBS["set-network-limits"].request(subject=vm, interface=MAC, inbound=1000)
    record = await ended(fleet, limits)
    if record.status is OperationStatus.DONE:
        tap = alpha.virsh("domiflist", NAME).split()[0]
        assert "rate 8Mbit" in alpha.run("tc", "class", "show", "dev", tap)
    else:
        assert "The kernel of the host lacks what libvirt limits by" in record.hint
        assert "<bandwidth>" not in alpha.virsh("dumpxml", NAME)
        assert "<bandwidth>" not in alpha.virsh("dumpxml", NAME, "--inactive")


async def test_a_filter_is_bound_and_an_address_on_a_bridge_is_shown(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    vm = await found(fleet, NAME)
    alpha.run("ip", "link", "add", "br7", "type", "bridge")
    alpha.run("ip", "address", "add", "10.92.0.1/24", "dev", "br7")
    alpha.run("ip", "link", "set", "br7", "up")
    rule = "<rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>"
    xml = f"<filter name='own-mac' chain='root'>{rule}</filter>"
    await done(fleet, "nwfilter-define", ALPHA, xml=xml)
    await done(fleet, "interface-attach", vm, network="bridge:br7", mac=MAC, nwfilter="own-mac")
    assert f"{MAC} -j DROP" in alpha.run("ebtables", "-t", "nat", "-L")
    script = "ip address add 10.92.0.2/24 dev eth0; ping -c 1 -W 5 10.92.0.1"
    assert "1 packets received" in await in_it(hosts, f"{CARD_UP}; {script}")
    other = "ip link set eth0 down address 52:54:00:00:07:99 up; ping -c 1 -W 2 10.92.0.1"
    assert "0 packets received" in await in_it(hosts, other), "it goes by another address"
    addresses = (await fleet.detail(vm)).addresses
    assert ("agent", "10.92.0.2/24") in {(one.source, one.address) for one in addresses}
    with pytest.raises(OperationFailedError, match="The filter own-mac is in use"):
        await done(fleet, "nwfilter-delete", ALPHA, filter="own-mac")

    await done(fleet, "interface-detach", vm, interface=MAC)
    assert "DROP" not in alpha.run("ebtables", "-t", "nat", "-L")
    await done(fleet, "nwfilter-delete", ALPHA, filter="own-mac")
    alpha.run("ip", "link", "del", "br7")


@pytest.mark.parametrize("mode", ["isolated", "route", "open"])
async def test_a_network_of_each_mode_starts_and_ends(
    alpha: NetworkedHost, fleet: Fleet, mode: str
) -> None:
    """Of nat another test has a guest."""
    network = await make(fleet, name=mode, mode=mode, subnet="10.93.0.0/24")
    assert "10.93.0.1/24" in alpha.run("ip", "address", "show", "type", "bridge")
    assert ("10.93.0.0/24" in alpha.run("iptables", "-S")) == (mode == "route")
    assert "stopped" in await done(fleet, "network-stop", network)
    assert "10.93.0.1" not in alpha.run("ip", "address", "show", "type", "bridge")
    await done(fleet, "network-start", network)
    await done(fleet, "network-delete", network)
    assert alpha.virsh("net-list", "--all").strip() == ""


async def test_a_share_that_a_daemon_started_anew_refuses_is_told_with_what_helps(
    hosts: NetworkedHosts, alpha: NetworkedHost, fleet: Fleet
) -> None:
    """libvirt 9.0 forgets that a guest that runs shares its memory; another one may not."""
    vm = await found(fleet, NAME)
    await asyncio.to_thread(alpha.kill_daemon)
    await asyncio.to_thread(alpha.start_daemon)
    await until(lambda: fleet.state.hosts["alpha"].link.status is LinkStatus.UP, "it is back")
    await caught_up(fleet, vm)
    share = {"directory": str(hosts.root / "shared"), "tag": "three", "when": "next-start"}
    record = await ended(fleet, VERBS["device-share"].request(subject=vm, **share))
    if record.status is OperationStatus.DONE:
        assert "<target dir='three'/>" in alpha.virsh("dumpxml", NAME, "--inactive")
    else:
        assert f"libvirt forgot that {NAME} shares its memory" in record.outcome
        assert "stop and start it first" in record.hint
        assert "<filesystem" not in alpha.virsh("dumpxml", NAME, "--inactive")
