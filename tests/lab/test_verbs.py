"""The verbs on guests, definitions, pools and networks on real QEMU: libvirt shows the outcome.

The lab's daemons run without root. They can start a network that stands for a bridge of the host,
for that needs neither a device nor dnsmasq; others are tested on the test driver.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from console.pictures.drawing import read_picture
from core.errors import HypervisorError, OperationFailedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import ObjectKey, OperationStatus, PoolState
from core.verbs.registry import VERBS
from tests.lab.one_host import until
from tests.lab.seeing import key_of


async def carry_out(fleet: Fleet, verb: str, subject: ObjectKey, **options: Any) -> str:
    if subject.kind == "instance":
        await until(lambda: fleet.state.instances[subject].described)
    record = await (await fleet.submit(VERBS[verb].request(subject=subject, **options)))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


class Definition:
    """What libvirt shows of an instance, asked for past the console."""

    def __init__(self, alpha: LabHost, name: str) -> None:
        self._alpha = alpha
        self.name = name

    def live(self, path: str) -> str:
        return self._read(path)

    def next_start(self, path: str) -> str:
        return self._read(path, "--inactive")

    def _read(self, path: str, *flags: str) -> str:
        tree = etree.fromstring(self._alpha.virsh("dumpxml", self.name, *flags))
        return str(tree.xpath(f"string({path})"))


async def test_a_running_guest_is_interrupted_resized_and_described(
    fleet: Fleet,
    lab: Lab,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "versatile", "vd.boot"))  # see test_agent's vCPUs
    shown = Definition(alpha, "versatile")
    await asyncio.to_thread(booted, "alpha", "versatile")

    console = lab.root / "logs/versatile.log"
    await carry_out(fleet, "nmi", vm)
    await until(lambda: "NMI" in console.read_text(errors="replace"))

    await carry_out(fleet, "title", vm, text="now & here", when="now")
    await carry_out(fleet, "description", vm, text="two\nlines")
    assert shown.live("/domain/title") == "now & here"
    assert shown.next_start("/domain/title") == "Versatile"
    assert shown.live("/domain/description") == "two\nlines"
    assert shown.next_start("/domain/description") == "two\nlines"
    await carry_out(fleet, "title", vm, text="")
    assert (shown.live("/domain/title"), shown.next_start("/domain/title")) == ("", "")

    await carry_out(fleet, "autostart", vm)
    assert "enable" in alpha.virsh("dominfo", "versatile").partition("Autostart:")[2]
    await carry_out(fleet, "autostart", vm, off=True)
    assert "disable" in alpha.virsh("dominfo", "versatile").partition("Autostart:")[2]

    outcome = await carry_out(fleet, "set-vcpus", vm, count=2)
    assert outcome == "versatile has 2 vCPUs"
    assert shown.live("/domain/vcpu/@current") in ("", "2")
    assert shown.next_start("/domain/vcpu/@current") in ("", "2")
    assert fleet.state.instances[vm].vcpus == 2
    await carry_out(fleet, "set-vcpus", vm, count=1, maximum=4, when="next-start")
    assert shown.next_start("/domain/vcpu") == "4"
    assert shown.next_start("/domain/vcpu/@current") == "1"
    assert shown.live("/domain/vcpu") == "2"

    await carry_out(fleet, "set-memory", vm, size=90, when="now")
    await until(lambda: shown.live("/domain/currentMemory") == str(90 << 10))
    assert shown.next_start("/domain/currentMemory") == str(96 << 10)
    await until(lambda: fleet.state.instances[vm].memory == 90 << 20)
    await carry_out(fleet, "set-memory", vm, size=92, when="next-start")
    assert shown.next_start("/domain/currentMemory") == str(92 << 10)
    assert shown.live("/domain/currentMemory") == str(90 << 10)

    for from_rtc in (False, True):
        outcome = await carry_out(fleet, "set-time", vm, from_rtc=from_rtc)
        assert outcome == "the clock of versatile is set"

    # no program of the guest asked for these keys: its kernel restarts it at them
    assert await carry_out(fleet, "send-key", vm) == "ctrl+alt+delete was pressed on versatile"
    await until(lambda: console.read_text(errors="replace").count("vd: ready") == 2)


async def test_a_guest_that_gives_no_vcpu_up_keeps_it(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    # one that has not booted cannot be asked to give a vCPU up: QEMU refuses at once
    vm = await key_of(fleet, guest("alpha", "greedy", wanted=Wanted.PAUSED))
    shown = Definition(alpha, "greedy")
    await carry_out(fleet, "set-vcpus", vm, count=2, when="now")
    assert shown.live("/domain/vcpu/@current") in ("", "2")
    assert shown.next_start("/domain/vcpu/@current") == "1"
    with pytest.raises(OperationFailedError, match="unplug"):
        await carry_out(fleet, "set-vcpus", vm, count=1, when="now")
    assert shown.live("/domain/vcpu/@current") in ("", "2")
    assert fleet.state.instances[vm].vcpus == 2


async def test_what_is_off_is_renamed_and_may_have_more_memory(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    remove_guest: Callable[[str], None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "before", wanted=Wanted.SHUT_OFF))
    try:
        assert await carry_out(fleet, "rename", vm, to="after") == "before is called after now"
        names = alpha.instances()
        assert names["after"] == "shut off"
        assert "before" not in names
        assert fleet.state.instances[vm].name == "after"

        shown = Definition(alpha, "after")
        outcome = await carry_out(fleet, "set-memory", vm, size=100, maximum=128)
        assert outcome == "after has 100 MiB from its next start on"
        assert shown.next_start("/domain/memory") == str(128 << 10)
        assert shown.next_start("/domain/currentMemory") == str(100 << 10)
    finally:
        remove_guest("after")


@pytest.fixture
def pool(lab: Lab, alpha: LabHost) -> Iterator[str]:
    """A pool of the test's own: to stop one of the lab's stops the tests beside."""
    place = alpha.directory / "spare"
    alpha.virsh("pool-define-as", "spare", "dir", "--target", str(place))
    alpha.virsh("pool-build", "spare")
    alpha.virsh("pool-start", "spare")
    try:
        yield "spare"
    finally:
        alpha.virsh("pool-destroy", "spare")
        alpha.virsh("pool-undefine", "spare")
        shutil.rmtree(place)


def pool_info(alpha: LabHost, pool: str) -> dict[str, str]:
    return pairs(alpha.virsh("pool-info", pool))


def pairs(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {word: rest.strip() for word, _, rest in lines}


async def test_a_pool_is_refreshed_stopped_started_and_marked(
    fleet: Fleet, alpha: LabHost, pool: str
) -> None:
    def keys() -> list[ObjectKey]:
        pools = fleet.state.pools.values()
        return [each.key for each in pools if each.name == pool and each.active]

    await until(keys)
    (key,) = keys()
    alpha.virsh("vol-create-as", pool, "kept.raw", "1M")
    (alpha.directory / "spare/kept.raw").rename(alpha.directory / "spare/found.raw")
    assert "kept.raw" in alpha.virsh("vol-list", pool)
    assert await carry_out(fleet, "pool-refresh", key) == "the pool spare is read anew"
    volumes = alpha.virsh("vol-list", pool)
    assert "found.raw" in volumes
    assert "kept.raw" not in volumes

    assert await carry_out(fleet, "pool-stop", key) == "the pool spare is stopped"
    assert pool_info(alpha, pool)["State"] == "inactive"
    assert (alpha.directory / "spare/found.raw").exists()
    await carry_out(fleet, "pool-autostart", key)
    assert pool_info(alpha, pool)["Autostart"] == "yes"
    assert await carry_out(fleet, "pool-start", key) == "the pool spare is active"
    assert pool_info(alpha, pool)["State"] == "running"
    await carry_out(fleet, "pool-autostart", key, off=True)
    assert pool_info(alpha, pool)["Autostart"] == "no"
    await until(lambda: fleet.state.pools[key].state is PoolState.ACTIVE)


NETWORK = """
<network>
  <name>spare</name>
  <forward mode='bridge'/>
  <bridge name='vd-none'/>
</network>"""


@pytest.fixture
def network(lab: Lab, alpha: LabHost, tmp_path: Path) -> Iterator[str]:
    """A network that stands for a bridge which nobody uses."""
    file = tmp_path / "network.xml"
    file.write_text(NETWORK)
    alpha.virsh("net-define", str(file))
    try:
        yield "spare"
    finally:
        if "yes" in network_info(alpha, "spare")["Active"]:
            alpha.virsh("net-destroy", "spare")
        alpha.virsh("net-undefine", "spare")


def network_info(alpha: LabHost, network: str) -> dict[str, str]:
    return pairs(alpha.virsh("net-info", network))


async def test_a_network_is_started_marked_and_stopped(
    fleet: Fleet, alpha: LabHost, network: str
) -> None:
    def keys() -> list[ObjectKey]:
        return [each.key for each in fleet.state.networks.values() if each.name == network]

    await until(keys)
    (key,) = keys()
    assert await carry_out(fleet, "network-start", key) == "the network spare is active"
    assert network_info(alpha, network)["Active"] == "yes"
    assert fleet.state.networks[key].active
    await carry_out(fleet, "network-autostart", key)
    assert network_info(alpha, network)["Autostart"] == "yes"
    await carry_out(fleet, "network-autostart", key, off=True)
    assert network_info(alpha, network)["Autostart"] == "no"
    assert await carry_out(fleet, "network-stop", key) == "the network spare is stopped"
    assert network_info(alpha, network)["Active"] == "no"
    assert not fleet.state.networks[key].active


SCREEN = """
<graphics type='vnc'><listen type='none'/></graphics>
<video><model type='vga'/></video>"""


def give_screen(alpha: LabHost, name: str, directory: Path) -> None:
    """Define an instance that is off again, with a screen."""
    tree = etree.fromstring(alpha.virsh("dumpxml", name, "--inactive"))
    devices = tree.find("devices")
    assert devices is not None
    devices.extend(etree.fromstring(f"<devices>{SCREEN}</devices>"))
    file = directory / "screen.xml"
    file.write_bytes(etree.tostring(tree))
    alpha.virsh("define", str(file))


async def test_a_picture_is_taken_of_what_a_guest_shows(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], tmp_path: Path
) -> None:
    vm = await key_of(fleet, guest("alpha", "pictured", wanted=Wanted.SHUT_OFF))
    give_screen(alpha, "pictured", tmp_path)
    await carry_out(fleet, "start", vm)
    picture = tmp_path / "pictured.png"
    await carry_out(fleet, "screenshot", vm, to=str(picture))
    assert picture.read_bytes()[:4] in (b"\x89PNG", b"P6\n7", b"P6\n6")
    assert picture.stat().st_size > 100
    with pytest.raises(OperationFailedError, match="exists already"):
        await carry_out(fleet, "screenshot", vm, to=str(picture))
    with pytest.raises(OperationFailedError):
        await carry_out(fleet, "screenshot", vm, to=str(tmp_path / "other"), screen=9)
    assert not (tmp_path / "other").exists()
    width, height = read_picture(await fleet.consoles.picture(vm)).size
    assert width >= 640
    assert height >= 350
    await carry_out(fleet, "stop", vm)
    without = await key_of(fleet, "web")
    with pytest.raises(HypervisorError, match="It has no screen"):
        await fleet.consoles.picture(without)
