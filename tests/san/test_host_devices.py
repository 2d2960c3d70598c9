"""Devices of a host given to guests and taken back: PCI and USB for real, in an emulated host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from console.screens.hosts.device_columns import device_facts
from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.state.device_tree import DeviceLine, devices_of_host
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.device.device_requests import DeviceAttach
from tests.driver.command import Virtdeck
from tests.lab.seeing import key_of
from tests.lab.test_devices import begin, done
from tests.patience import PATIENCE
from tests.san.hardware import FREE, NVME, PAIR, TWINS, USED, WACOM, XHCI, HardwareHost, PlainHost
from tests.san.image import ensure_image
from tests.san.test_disks import SLOW

GUEST = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='qemu-xhci'/>
  </devices>
</domain>
"""
"""Without a system: with one, emulated within an emulation, it was not up after nine minutes."""
CARD = "02:00:00:00:00:02"
"""The address of the card that is given away."""


@pytest.fixture(scope="module")
def host() -> Iterator[HardwareHost]:
    with HardwareHost(ensure_image(print), print) as made:
        furnish(made)
        yield made


def furnish(made: HardwareHost) -> None:
    """Give it an instance that runs, and another."""
    made.run("/san/libvirt")
    for name in ("idle", "other"):
        definition = made.directory / f"{name}.xml"
        definition.write_text(GUEST.format(name=name).strip())
        made.virsh("define", str(definition))
    made.virsh("start", "idle")


@pytest.fixture(autouse=True)
def clean() -> None:
    """Leave out what is looked at after the tests of volumes: nothing is connected here."""


@pytest.fixture
async def fleet(host: HardwareHost, tmp_path: Path) -> AsyncIterator[Fleet]:
    made = Fleet.open([f"san={host.uri}"], options=SLOW, journal=tmp_path / "journal.sqlite3")
    async with made:
        assert await made.ready(60.0 * PATIENCE)
        yield made


async def lets_go(host: HardwareHost, fleet: Fleet, verb: str, **options: Any) -> str:
    """Do what asks a guest to let go of a device; returns what the operation said.

    There is no system that would, so that its machine is reset: with that QEMU unplugs what was
    asked for.
    """
    idle = await key_of(fleet, "idle")
    ended = asyncio.ensure_future(done(fleet, verb, idle, **options))
    while not (await asyncio.wait({ended}, timeout=2))[0]:
        with suppress(AssertionError):  # it may just now be saved
            if "<hostdev" in await asyncio.to_thread(host.virsh, "dumpxml", "idle"):
                await asyncio.to_thread(host.virsh, "reset", "idle")
    return ended.result()


def driver(host: HardwareHost, word: str) -> str:
    """Return what the host's kernel has on a PCI device; empty: nothing."""
    place = f"/sys/bus/pci/devices/{word.removeprefix('pci:')}/driver"
    return host.run(f"basename $(readlink {place}) 2> /dev/null || :")


def monitor(host: HardwareHost, line: str) -> str:
    """Ask the monitor of the instance's QEMU."""
    return host.virsh("qemu-monitor-command", "idle", "--hmp", line)


async def looked_at(fleet: Fleet) -> dict[str, DeviceLine]:
    await fleet.links.host_devices("san")
    return {one.device.place: one for one in devices_of_host(fleet.state, "san")}


def facts_of(line: DeviceLine) -> str:
    return "\n".join(str(one) for one in device_facts(line))


async def test_the_tree_has_pci_and_usb_groups_and_functions(
    host: HardwareHost, fleet: Fleet, tmp_path: Path
) -> None:
    lines = await looked_at(fleet)
    free, used = lines[FREE].device, lines[USED].device
    assert (free.work, free.driver, free.iommu_others) == ("network", "virtio-pci", ())
    assert free.iommu_group is not None
    assert free.iommu_group != used.iommu_group
    assert PAIR[1] in lines[PAIR[0]].device.iommu_others
    assert PAIR[0] in lines[PAIR[1]].device.iommu_others
    nvme = lines[NVME].device
    functions = ("pci:0000:06:00.1", "pci:0000:06:00.2")
    assert (nvme.work, nvme.virtual_functions, nvme.virtual_maximum) == ("nvme", functions, 2)
    for one in functions:
        assert lines[one].device.physical_function == NVME
        assert lines[one].depth == lines[NVME].depth + 1
    usb = [one for one in lines.values() if one.device.kind == "usb_device"]
    models = [one.device.model for one in usb]
    assert (models.count(TWINS), models.count(WACOM)) == (2, 1)
    assert all(one.depth > lines[XHCI].depth for one in usb)
    pair = facts_of(lines[PAIR[0]])
    assert PAIR[1].removeprefix("pci:") in pair
    assert "2 of 2: 0000:06:00.1, 0000:06:00.2" in facts_of(lines[NVME])

    words = ("-c", f"san={host.uri}", "devices", "--json")
    for _ in range(int(PATIENCE)):  # its deadlines are an operator's, and the host is emulated
        told = await asyncio.to_thread(Virtdeck(tmp_path), *words)
        if told.rows:
            break
    rows = {row["device"]["place"]: row for row in told.rows}
    assert FREE in rows, told.err
    assert rows[FREE]["device"]["iommu_group"] == free.iommu_group
    assert rows[functions[0]]["device"]["physical_function"] == NVME


async def test_a_usb_device_is_told_apart_from_its_twin(host: HardwareHost, fleet: Fleet) -> None:
    idle, lines = await key_of(fleet, "idle"), await looked_at(fleet)
    twins = sorted(it.device.place for it in lines.values() if it.device.model == TWINS)
    with pytest.raises(RefusedError) as several:
        await begin(fleet, "device-attach", idle, device=TWINS, when="now")
    assert f"2 devices {TWINS}: {twins[0]} and {twins[1]}" in str(several.value)
    with pytest.raises(RefusedError, match="the USB controller of san itself"):
        await begin(fleet, "device-attach", idle, device="usb:1.1", when="now")
    for word in (twins[1], WACOM):
        assert danger(fleet.state, DeviceAttach(idle, word)).caution is Caution.CONFIRM
        await done(fleet, "device-attach", idle, device=word, when="now")
    seen = await asyncio.to_thread(monitor, host, "info usb")
    assert seen.count("Product") == 2, seen
    lines = await looked_at(fleet)
    held = {
        it.device.place for it in lines.values() if [one.name for one in it.holders] == ["idle"]
    }
    wacom = next(it.device.place for it in lines.values() if it.device.model == WACOM)
    assert held == {twins[1], wacom}
    other = await key_of(fleet, "other")
    assert fleet.state.instances[other].name == "other"
    for word in (twins[1], WACOM):
        await done(fleet, "device-detach", idle, device=word, when="now")
    seen = await asyncio.to_thread(monitor, host, "info usb")
    assert "Product" not in seen


async def test_a_group_is_given_once_its_host_has_let_go_of_the_rest(
    host: HardwareHost, fleet: Fleet
) -> None:
    idle, _ = await key_of(fleet, "idle"), await looked_at(fleet)
    with pytest.raises(RefusedError) as group:
        await begin(fleet, "device-attach", idle, device=PAIR[0], when="now")
    assert f"{PAIR[0]} is in one IOMMU group with {PAIR[1]} (e1000)" in str(group.value)
    asked = "virsh nodedev-detach pci_0000_05_02_0"
    assert asked in str(group.value)
    await asyncio.to_thread(host.virsh, *asked.split()[1:])
    await looked_at(fleet)
    await done(fleet, "device-attach", idle, device=PAIR[0], when="now")
    assert await asyncio.to_thread(driver, host, PAIR[0]) == "vfio-pci"
    await lets_go(host, fleet, "device-detach", device=PAIR[0], when="now")
    await asyncio.to_thread(host.virsh, "nodedev-reattach", "pci_0000_05_02_0")
    for one in PAIR:
        assert await asyncio.to_thread(driver, host, one) == "e1000"


async def test_a_card_is_given_to_a_running_guest_and_goes_back(
    host: HardwareHost, fleet: Fleet
) -> None:
    idle, other = await key_of(fleet, "idle"), await key_of(fleet, "other")
    await looked_at(fleet)
    for word in (FREE, USED):
        asked = danger(fleet.state, DeviceAttach(idle, word))
        assert asked.caution is Caution.CONFIRM
        assert "whose driver virtio-pci uses it: there go its network interface" in asked.text
    await done(fleet, "device-attach", idle, device=FREE, when="now")
    await given(host, fleet)
    with pytest.raises(RefusedError, match=f"idle has {FREE}"):
        await begin(fleet, "device-attach", other, device=FREE)
    await lets_go(host, fleet, "device-detach", device=FREE, when="now")
    await given_back(host, fleet)


async def test_a_card_leaves_before_the_memory_is_saved_and_comes_back_after(
    host: HardwareHost, fleet: Fleet
) -> None:
    idle, _ = await key_of(fleet, "idle"), await looked_at(fleet)
    await done(fleet, "device-attach", idle, device=FREE, when="both")
    await given(host, fleet)
    said = await lets_go(host, fleet, "save")
    assert f"without {FREE}, which restore attaches again" in said
    assert await asyncio.to_thread(driver, host, FREE) == "virtio-pci"
    with pytest.raises(RefusedError, match=f"goes on from it without {FREE}"):
        await begin(fleet, "start", idle)
    said = await done(fleet, "restore", idle)
    assert f"{FREE} is attached again" in said
    await given(host, fleet)
    await lets_go(host, fleet, "device-detach", device=FREE, when="both")
    await given_back(host, fleet)


async def given(host: HardwareHost, fleet: Fleet) -> None:
    """See that the guest's QEMU has the card by VFIO, and its host no more."""
    assert await asyncio.to_thread(driver, host, FREE) == "vfio-pci"
    assert [one.name for one in (await looked_at(fleet))[FREE].holders] == ["idle"]
    assert CARD not in await asyncio.to_thread(host.run, "cat /sys/class/net/*/address")
    qtree = await asyncio.to_thread(monitor, host, "info qtree")
    assert "dev: vfio-pci," in qtree
    assert 'host = "0000:02:00.0"' in qtree
    assert "PCI device 1af4:1041" in await asyncio.to_thread(monitor, host, "info pci")


async def given_back(host: HardwareHost, fleet: Fleet) -> None:
    """See that the host has the card again, and its guest no more."""
    assert await asyncio.to_thread(driver, host, FREE) == "virtio-pci"
    assert CARD in await asyncio.to_thread(host.run, "cat /sys/class/net/*/address")
    assert "1af4:1041" not in await asyncio.to_thread(monitor, host, "info pci")
    assert not (await looked_at(fleet))[FREE].holders


async def test_what_is_not_there_is_said_to_be_gone(host: HardwareHost, fleet: Fleet) -> None:
    idle, _ = await key_of(fleet, "idle"), await looked_at(fleet)
    gone = "pci:0000:06:00.2"
    await asyncio.to_thread(host.run, "echo 0 > /sys/bus/pci/devices/0000:06:00.0/sriov_numvfs")
    for word in (gone, "usb:dead:beef"):
        with pytest.raises(OperationFailedError) as missing:
            await (await begin(fleet, "device-attach", idle, device=word, when="now"))
        assert "The host has no" in str(missing.value)
        assert "virtdeck devices" in missing.value.hint
    assert gone not in await looked_at(fleet)
    await asyncio.to_thread(host.run, "echo 2 > /sys/bus/pci/devices/0000:06:00.0/sriov_numvfs")


async def test_a_host_without_an_iommu_gives_no_pci_device_away(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    with PlainHost(ensure_image(print), print) as plain:
        furnish(plain)
        async with Fleet.open([f"san={plain.uri}"], options=SLOW, journal=journal) as fleet:
            assert await fleet.ready(60.0 * PATIENCE)
            idle, lines = await key_of(fleet, "idle"), await looked_at(fleet)
            assert lines[FREE].device.iommu_group is None
            with pytest.raises(OperationFailedError) as refused:
                await (await begin(fleet, "device-attach", idle, device=FREE, when="now"))
            assert "intel_iommu=on" in refused.value.hint, refused.value
            assert await asyncio.to_thread(driver, plain, FREE) == "virtio-pci"
            await done(fleet, "device-attach", idle, device=WACOM, when="now")  # which needs none
