"""Network devices on a real bridge, a real tap device and a real macvtap device of a host.

The host has a network of its own, with a bridge `br0`, a tap device `tap7` and its card `net0`.
Open vSwitch and passt are tried in tests/lab/test_switches.py. What the machines of the tests do
not have (SR-IOV, a vhost-user switch, vDPA) is tried as XML only, in
tests/unit/core/verbs/device/test_interface_attach.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.model import ObjectKey, OperationStatus
from core.verbs.registry import VERBS
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened, until
from tests.lab.networked import CARD, NetworkedHosts

PLUGGED = Burner("plugged-in", memory=32, writes=1, rate=1)


@pytest.fixture
def plugged(networked: NetworkedHosts) -> Iterator[str]:
    """A guest of a host that has a bridge and a tap device."""
    host = networked.host("alpha")
    host.run("ip", "link", "add", "br0", "type", "bridge")
    host.run("ip", "tuntap", "add", "tap7", "mode", "tap")
    try:
        yield burner.start(networked, "alpha", PLUGGED)
    finally:
        burner.remove(networked, PLUGGED.name)
        for device in ("br0", "tap7"):
            with suppress(LabError):
                host.run("ip", "link", "del", device)


async def attach(fleet: Fleet, vm: ObjectKey, network: str, **options: Any) -> str:
    request = VERBS["interface-attach"].request(subject=vm, network=network, **options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


async def test_a_guest_is_plugged_into_what_its_host_has_and_into_nothing_else(
    networked: NetworkedHosts, plugged: str, tmp_path: Path
) -> None:
    host = networked.host("alpha")
    async with opened(networked.uris, tmp_path / "journal") as fleet:
        vm = await found(fleet, plugged)
        before = (host.virsh("dumpxml", plugged), host.virsh("dumpxml", plugged, "--inactive"))
        for network, words in (
            ("bridge:nosuch", "The host has no network device nosuch"),
            ("direct:nosuch", "The host has no network device nosuch"),
            ("tap:nosuch", "The host has no such tap device"),
            ("ovs:br0", "br0 is no bridge of Open vSwitch"),
            ("vhostuser:/nosuch", r"Nobody listens at /nosuch|requires shared memory"),
            ("vdpa:/dev/vhost-vdpa-9", "The vDPA device /dev/vhost-vdpa-9 cannot be opened"),
        ):
            with pytest.raises(OperationFailedError, match=words):
                await attach(fleet, vm, network)
        with pytest.raises(OperationFailedError, match="no network filter nosuch"):
            await attach(fleet, vm, "bridge:br0", nwfilter="nosuch")
        after = (host.virsh("dumpxml", plugged), host.virsh("dumpxml", plugged, "--inactive"))
        assert after == before

        said = await attach(fleet, vm, "bridge:br0", mtu=1400)
        assert "on bridge:br0 is attached to plugged-in" in said
        assert "master br0" in host.run("ip", "link", "show", "type", "tun")
        assert "mtu 1400" in host.run("ip", "link", "show", "master", "br0")
        await attach(fleet, vm, "tap:tap7")
        await attach(fleet, vm, f"direct:{CARD}", mode="private")
        assert "private" in host.run("ip", "-details", "link", "show", "type", "macvtap")
        for xml in (host.virsh("dumpxml", plugged), host.virsh("dumpxml", plugged, "--inactive")):
            assert xml.count("<interface ") == 3


async def make(fleet: Fleet, **options: Any) -> ObjectKey:
    host = ObjectKey("host", "alpha", "alpha")
    request = VERBS["network-create"].at(host, str(uuid4()), options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return request.subject


async def test_a_network_is_made_on_a_bridge_and_what_does_not_start_is_not_kept(
    networked: NetworkedHosts, plugged: str, tmp_path: Path
) -> None:
    host = networked.host("alpha")
    async with opened(networked.uris, tmp_path / "journal") as fleet:
        vm = await found(fleet, plugged)
        yard = await make(fleet, name="yard", mode="bridge", bridge="br0")
        try:
            assert "yard" in host.virsh("net-list", "--autostart")
            assert "on yard is attached" in await attach(fleet, vm, "yard")
            await until(lambda: fleet.state.instances[vm].interfaces, "its interface is seen")
            use = await fleet.links.network_use(yard)
            assert use is not None
            assert use.ports == 1
            with pytest.raises(RefusedError, match="plugged-in is on the network yard: detach"):
                await fleet.submit(VERBS["network-delete"].request(subject=yard))
            with pytest.raises(OperationFailedError, match="what was done before was undone"):
                await make(fleet, name="second", mode="open", bridge=CARD, subnet="10.78.0.0/24")
            assert "second" not in host.virsh("net-list", "--all")
        finally:
            burner.remove(networked, plugged)
        await until(lambda: vm not in fleet.state.instances, "the guest is gone")
        deletes = VERBS["network-delete"].request(subject=yard)
        assert (await (await fleet.submit(deletes))).outcome == "the network yard is deleted"
        assert host.virsh("net-list", "--all").strip() == ""


async def test_no_share_is_plugged_into_a_guest_without_control_groups(
    networked: NetworkedHosts, plugged: str, tmp_path: Path
) -> None:
    """libvirt before 10.2 would die of it: this host has none. A later one looks at the memory."""
    host = networked.host("alpha")
    async with opened(networked.uris, tmp_path / "journal") as fleet:
        vm = await found(fleet, plugged)
        share = {"directory": str(networked.root / "shared"), "tag": "data", "when": "now"}
        asked = VERBS["device-share"].request(subject=vm, **share)
        with pytest.raises(OperationFailedError, match=r"in no control group|shared memory"):
            await (await fleet.submit(asked))
    assert "virtiofsd" not in host.run("ps", "-eo", "comm=")
    assert plugged in host.virsh("list")


FILTER = "<filter name='no-spoof' chain='root'><rule action='drop' direction='out'/></filter>"


async def test_a_filter_is_defined_listed_and_deleted(
    networked: NetworkedHosts, tmp_path: Path
) -> None:
    """One that is bound is in tests/lab/test_networks.py."""
    alpha = ObjectKey("host", "alpha", "alpha")
    async with opened(networked.uris, tmp_path / "journal") as fleet:
        defines = VERBS["nwfilter-define"].request(subject=alpha, xml=FILTER)
        assert (await (await fleet.submit(defines))).status is OperationStatus.DONE
        found = await fleet.links.network_filters("alpha")
        assert found is not None
        assert [(one.name, one.chain, one.rules) for one in found.filters] == [
            ("no-spoof", "root", 1)
        ]
        deletes = VERBS["nwfilter-delete"].request(subject=alpha, filter="no-spoof")
        assert (await (await fleet.submit(deletes))).status is OperationStatus.DONE
        with pytest.raises(OperationFailedError, match="no network filter no-spoof"):
            await (await fleet.submit(deletes))
        devices = await fleet.links.host_devices("alpha")
        assert devices is not None
        assert any(one.kind == "pci" and one.place.startswith("pci:") for one in devices)
