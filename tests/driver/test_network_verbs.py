"""Networks made, changed under way, and deleted: on libvirt's test driver.

It keeps networks as the real one does (definitions, virNetworkUpdate, events); what its dnsmasq
gives out it has not: see tests/lab/test_networks.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import libvirt
import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import Network, ObjectKey, OperationStatus
from core.model.network import DhcpHost, DnsHost, NetworkUse, PortGroup
from core.verbs.registry import VERBS
from core.verbs.undoing import undoing
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.patience import PATIENCE
from tests.slow_link import SlowLink

QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)
HOST = ObjectKey("host", "t", "t")
DOMAIN_XML = 14
"""REMOTE_PROC_DOMAIN_GET_XML_DESC."""
TAKEN = """
<network>
  <name>taken</name><bridge name='virbr9'/><ip address='192.168.100.1' netmask='255.255.255.0'/>
</network>
"""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    with PrivateDaemon(instances=1) as daemon:
        opened = Fleet.open([f"t={daemon.uri}"], journal=tmp_path / "j.db", options=QUIET)
        async with opened as found:
            assert await found.ready(10 * PATIENCE)
            await until(lambda: bool(found.state.networks))
            await until(lambda: all(row.described for row in found.state.networks.values()))
            await until(lambda: all(row.described for row in found.state.instances.values()))
            yield found


async def make(fleet: Fleet, verb: str = "network-create", **options: Any) -> ObjectKey:
    request = VERBS[verb].at(HOST, str(uuid4()), options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return request.subject


async def carry_out(fleet: Fleet, verb: str, key: ObjectKey, **options: Any) -> Any:
    record = await (await fleet.submit(VERBS[verb].request(subject=key, **options)))
    assert record.status is OperationStatus.DONE, record
    return record


def row(fleet: Fleet, key: ObjectKey) -> Network:
    return fleet.state.networks[key]


def default(fleet: Fleet) -> ObjectKey:
    return next(key for key, one in fleet.state.networks.items() if one.name == "default")


async def test_a_network_is_made_and_deleted(fleet: Fleet) -> None:
    lab = await make(fleet, name="lab", subnet="10.9.0.0/24", domain="lab.example", mtu=1400)
    assert await fleet.links.network_use(lab) == NetworkUse()  # the test driver tells neither
    made = row(fleet, lab)
    assert (made.active, made.autostart, made.persistent) == (True, True, True)
    assert (made.forward, made.addresses) == ("nat", ("10.9.0.1/24",))
    assert made.dhcp_ranges == (("10.9.0.2", "10.9.0.254"),)
    assert (made.domain, made.mtu) == ("lab.example", 1400)
    for options, words in (
        ({"name": "lab", "mode": "isolated"}, "t has a network lab already"),
        ({"name": "b", "subnet": "10.9.0.128/25"}, r"lab has 10\.9\.0\.0/24"),
    ):
        with pytest.raises(RefusedError, match=words):
            await make(fleet, **options)
    record = await carry_out(fleet, "network-delete", lab)
    assert record.outcome == "the network lab is deleted"
    assert lab not in fleet.state.networks


async def test_a_network_without_addresses_is_made_with_free_ones(fleet: Fleet) -> None:
    await make(fleet, name="one", subnet="192.168.100.0/24")
    request = VERBS["network-create"].at(HOST, str(uuid4()), {"name": "two"})
    record = await (await fleet.submit(request))
    assert record.outcome == "the network two is made and active, with 192.168.101.1/24"
    assert row(fleet, request.subject).dhcp_ranges == (("192.168.101.2", "192.168.101.254"),)


def test_the_command_waits_for_the_addresses_of_the_networks_that_are_there(
    virtdeck: Virtdeck,
) -> None:
    """It had them read by nobody: they come last, after every instance."""
    words = ("-c", "test:///default", "network", "create", "lab")
    rehearsed = virtdeck(*words, "--dry-run")
    assert (rehearsed.status, rehearsed.err) == (0, "")
    assert (
        "defining the network lab with 192.168.100.0/24, which no known network has"
        in rehearsed.out
    )
    made = virtdeck(*words, "--yes")
    assert (made.status, made.err) == (0, "")
    assert "the network lab is made and active, with 192.168.100.1/24" in made.out


def test_on_a_far_host_of_many_instances_it_waits_for_no_more_than_the_networks(
    daemons: Callable[..., PrivateDaemon], virtdeck: Virtdeck
) -> None:
    daemon = daemons(instances=600)
    daemon.keeper.networkDefineXML(TAKEN).create()
    with SlowLink(daemon.directory / "far", daemon.socket, round_trip=0.05) as link:
        uri = f"t=test+unix:///default?socket={link.path}"
        done = virtdeck("-c", uri, "network", "create", "lab", "--dry-run")
        assert (done.status, done.err) == (0, "")
        assert "with 192.168.101.0/24, which no known network has" in done.out
        assert link.calls()[DOMAIN_XML] < 600


async def test_what_somebody_is_on_is_not_deleted(fleet: Fleet) -> None:
    with pytest.raises(RefusedError, match="are on the network default: detach their interfaces"):
        await carry_out(fleet, "network-delete", default(fleet))
    assert row(fleet, default(fleet)).active


@pytest.mark.parametrize("start", [True, False], ids=["active", "off"])
async def test_what_somebody_that_runs_is_defined_with_is_not_deleted(
    fleet: Fleet, start: bool
) -> None:
    """Nothing tells that but its definition, which is asked right before."""
    key = await make(fleet, name="later", subnet="10.7.0.0/24", start=start)
    conn = libvirt.open(fleet.state.hosts["t"].uri)
    domain = conn.lookupByName("test")
    card = "<interface type='network'><source network='later'/></interface></devices>"
    before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    conn.defineXML(before.replace("</devices>", card))
    assert "'later'" not in domain.XMLDesc(0)
    with pytest.raises(OperationFailedError, match="test is on the network later from its next"):
        await carry_out(fleet, "network-delete", key)
    assert row(fleet, key).active == start
    conn.defineXML(before)
    await carry_out(fleet, "network-delete", key)
    assert key not in fleet.state.networks
    conn.close()


async def test_a_network_is_made_from_its_xml_as_that_says(fleet: Fleet) -> None:
    uuid = str(uuid4())
    xml = f"<network><name>x</name><uuid>{uuid}</uuid><bridge name='br-x'/></network>"
    key = await make(fleet, "network-create-from-xml", xml=xml, start=False, autostart=False)
    assert key.id == uuid
    assert (row(fleet, key).bridge, row(fleet, key).active) == ("br-x", False)
    for text, words in (
        (xml, "t has a network x already"),
        ("<network/>", "The XML has no name: give it a <name>"),
        ("<pool><name>p</name></pool>", "network"),
    ):
        with pytest.raises(RefusedError, match=words):
            await make(fleet, "network-create-from-xml", xml=text)
    with pytest.raises(RefusedError, match="is that of another network, y"):
        await carry_out(fleet, "network-edit", key, xml="<network><name>y</name></network>")
    record = await carry_out(
        fleet, "network-edit", key, xml="<network><name>x</name><bridge name='br-y'/></network>"
    )
    assert record.outcome == "the network x is defined anew"
    await until(lambda: row(fleet, key).bridge == "br-y")
    back = undoing(record)
    assert back is not None, record.undo
    await (await fleet.submit(back))
    await until(lambda: row(fleet, key).bridge == "br-x")
    other = "<network><name>x</name><bridge name='br-z'/></network>"
    await carry_out(fleet, "network-edit", key, xml=other)
    with pytest.raises(OperationFailedError, match="x was changed meanwhile, and is not over"):
        await (await fleet.submit(back))  # what it was to undo is not there any more

    deleted = await carry_out(fleet, "network-delete", key)
    assert key not in fleet.state.networks
    again = undoing(deleted)
    assert again is not None
    await (await fleet.submit(again))
    await until(lambda: key in fleet.state.networks and row(fleet, key).bridge == "br-z")
    assert (row(fleet, key).active, row(fleet, key).autostart) == (False, False)


@pytest.mark.parametrize(
    ("kind", "options", "field", "entry", "name"),
    [
        (
            "dhcp-host",
            {"address": "10.9.0.9", "mac": "52:54:00:AA:00:01", "name": "web"},
            "dhcp_hosts",
            DhcpHost("10.9.0.9", "52:54:00:aa:00:01", "web"),
            {"address": "10.9.0.9"},
        ),
        (
            "dns-host",
            {"address": "10.9.0.9", "names": ("web", "www")},
            "dns_hosts",
            DnsHost("10.9.0.9", ("web", "www")),
            {"address": "10.9.0.9"},
        ),
        (
            "port-group",
            {"name": "red", "default": True},
            "port_groups",
            PortGroup("red", default=True),
            {"name": "red"},
        ),
    ],
)
async def test_what_runs_is_changed_at_once_and_back(
    kind: str,
    options: dict[str, Any],
    field: str,
    entry: object,
    name: dict[str, Any],
    fleet: Fleet,
) -> None:
    key = await make(fleet, name="lab", subnet="10.9.0.0/24")
    record = await carry_out(fleet, f"network-add-{kind}", key, **options)
    assert getattr(row(fleet, key), field) == (entry,)
    with pytest.raises(RefusedError, match=r"has the .* already: remove that one first"):
        await carry_out(fleet, f"network-add-{kind}", key, **options)
    back = undoing(record)
    assert back is not None
    assert (await (await fleet.submit(back))).status is OperationStatus.DONE
    assert getattr(row(fleet, key), field) == ()
    with pytest.raises(RefusedError, match="it has none"):
        await carry_out(fleet, f"network-remove-{kind}", key, **name)
    key = await make(fleet, name="off", subnet="10.8.0.0/24", start=False)
    options = {**options, **({"address": "10.8.0.9"} if "address" in options else {})}
    name = {**name, **({"address": "10.8.0.9"} if "address" in name else {})}
    await carry_out(fleet, f"network-add-{kind}", key, **options)
    record = await carry_out(fleet, f"network-remove-{kind}", key, **name)
    again = undoing(record)
    assert again is not None
    assert (await (await fleet.submit(again))).status is OperationStatus.DONE
    (kept,) = getattr(row(fleet, key), field)
    assert type(kept) is type(entry)
