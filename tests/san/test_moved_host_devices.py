"""A guest with a PCI device moves between two emulated hosts, and has one of each in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from core.fleet import Fleet
from core.model import ObjectKey, OperationRecord, OperationStatus, Steer, SteerKind
from core.model.rewrites import Move, Rewrites
from core.verbs.device.released import DeviceRelease
from core.verbs.migration.requests import Migrate
from tests.lab.migrating import M, found, start, until
from tests.lab.test_devices import done
from tests.patience import PATIENCE
from tests.san.hardware import FREE, MovingHost, OtherHardware
from tests.san.image import ensure_image
from tests.san.slow import SLOW
from tests.san.test_host_devices import furnish

pytestmark = pytest.mark.timeout(3600)

NAME = "idle"
VIRTUAL = "pci:0000:06:00.1"
"""A virtual function of the other host's NVMe controller."""


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[MovingHost, OtherHardware]]:
    with MovingHost(ensure_image(print), print) as one, OtherHardware(one, print) as other:
        other.run("/san/libvirt")
        furnish(one)
        yield one, other


@pytest.fixture(autouse=True)
def clean() -> None:
    """Leave out what is looked at after the tests of volumes: nothing is connected here."""


@asynccontextmanager
async def opened(hosts: tuple[MovingHost, OtherHardware], journal: Path) -> AsyncIterator[Fleet]:
    made = Fleet.open([f"{host.name}={host.uri}" for host in hosts], options=SLOW, journal=journal)
    async with made:
        assert await made.ready(60.0 * PATIENCE)
        yield made


@pytest.fixture
async def fleet(hosts: tuple[MovingHost, OtherHardware], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(hosts, tmp_path / "journal.sqlite3") as made:
        yield made


def driver(host: MovingHost, word: str) -> str:
    """Return what the host's kernel has on a PCI device; empty: nothing."""
    place = f"/sys/bus/pci/devices/{word.removeprefix('pci:')}/driver"
    return host.run(f"basename $(readlink {place}) 2> /dev/null || :")


def holds(host: MovingHost, *, defined: bool = False) -> bool:
    """Whether the instance has a device of a host, which the host has it by."""
    return "<hostdev" in host.virsh("dumpxml", NAME, *(("--inactive",) if defined else ()))


async def moving(fleet: Fleet, to: MovingHost, **options: Any) -> Any:
    uri = f"qemu+tcp://{to.address}/system"
    return await start(fleet, NAME, to=to.name, destination_uri=uri, **options)


async def letting_go(host: MovingHost, ended: asyncio.Future[Any]) -> None:
    """Reset its machine, which has no system that would let go, until it has."""
    while not (await asyncio.wait({ended}, timeout=2))[0]:
        with suppress(AssertionError):  # it may just now be gone
            if not await asyncio.to_thread(holds, host):
                return
            await asyncio.to_thread(host.virsh, "reset", NAME)


async def ends(host: MovingHost, started: Any) -> OperationRecord:
    over = asyncio.ensure_future(started.ends())
    await letting_go(host, over)
    record: OperationRecord = await over
    return record


async def give(fleet: Fleet, host: MovingHost) -> ObjectKey:
    """Have the instance run on a host with its card."""
    vm = await found(fleet, NAME)
    await fleet.links.host_devices(host.name)
    if not await asyncio.to_thread(holds, host, defined=True):
        await done(fleet, "device-attach", vm, device=FREE, when="both")
    elif not await asyncio.to_thread(holds, host):
        await done(fleet, "device-reattach", vm)
    assert await asyncio.to_thread(driver, host, FREE) == "vfio-pci"
    return vm


async def test_without_such_a_device_there_it_is_refused_before_anything_is_touched(
    hosts: tuple[MovingHost, OtherHardware], fleet: Fleet
) -> None:
    one, other = hosts
    await give(fleet, one)
    nowhere = Rewrites(pci=(Move(FREE.removeprefix("pci:"), "0000:3f:00.0"),))
    record = await ends(one, await moving(fleet, other, rewrites=nowhere))
    assert record.status is OperationStatus.REFUSED
    assert "other has no pci:0000:3f:00.0, which it would be given there" in record.outcome
    assert await asyncio.to_thread(driver, one, FREE) == "vfio-pci"


async def test_one_that_is_aborted_has_its_card_again_where_it_is(
    hosts: tuple[MovingHost, OtherHardware], fleet: Fleet
) -> None:
    one, other = hosts
    await give(fleet, one)
    started = await moving(fleet, other, bandwidth=1, policy="manual")
    over = asyncio.ensure_future(started.ends())
    await letting_go(one, over)
    assert await asyncio.to_thread(driver, one, FREE) == "virtio-pci"
    await started.reaches(M.RUNNING)
    await fleet.migrations.steer(started.now.id, Steer(SteerKind.ABORT))
    record = await over
    assert record.status is OperationStatus.CANCELLED
    assert record.outcome.endswith(f"; {FREE} is attached on {one.name}"), record.outcome
    assert await asyncio.to_thread(driver, one, FREE) == "vfio-pci"
    assert await asyncio.to_thread(driver, other, FREE) == "virtio-pci"


async def test_a_console_that_ends_meanwhile_leaves_it_its_card(
    hosts: tuple[MovingHost, OtherHardware], tmp_path: Path
) -> None:
    one, other = hosts
    journal = tmp_path / "journal.sqlite3"
    async with opened(hosts, journal) as fleet:
        vm = await give(fleet, one)
        uri = f"qemu+tcp://{other.address}/system"
        asked = await fleet.submit(Migrate(vm, to=other.name, destination_uri=uri))
        await until(lambda: _asked(fleet), "its guest is asked to let go", 120)
    async with opened(hosts, journal) as fleet:
        await until(lambda: fleet.state.operations[asked.id].status.final, "it is over", 120)
        record = fleet.state.operations[asked.id]
        assert record.status is OperationStatus.CANCELLED, record
        assert "its console ended" in record.outcome
        assert record.outcome.endswith(f"; {FREE} is attached on {one.name}"), record.outcome
    assert await asyncio.to_thread(driver, one, FREE) == "vfio-pci"
    # what it was asked for stays asked for: its next reset does it
    await asyncio.to_thread(one.virsh, "reset", NAME)
    for _ in range(int(30 * PATIENCE)):
        if not await asyncio.to_thread(holds, one):
            break
        await asyncio.sleep(1)


def _asked(fleet: Fleet) -> bool:
    asked = [one for one in fleet.state.operations.values() if one.verb == DeviceRelease.verb]
    return any(step.call for one in asked for step in one.steps)


async def test_it_moves_there_and_back_and_has_the_device_of_each(
    hosts: tuple[MovingHost, OtherHardware], fleet: Fleet
) -> None:
    one, other = hosts
    await give(fleet, one)
    there = Rewrites(pci=(Move(FREE.removeprefix("pci:"), VIRTUAL.removeprefix("pci:")),))
    record = await ends(one, await moving(fleet, other, rewrites=there))
    assert record.status is OperationStatus.DONE, record.outcome
    assert record.outcome.endswith(f"; {FREE} is attached on other"), record.outcome
    assert await asyncio.to_thread(driver, one, FREE) == "virtio-pci"
    assert await asyncio.to_thread(driver, other, VIRTUAL) == "vfio-pci"
    assert "bus='0x06'" in await asyncio.to_thread(other.virsh, "dumpxml", NAME, "--inactive")

    back = Rewrites(pci=(Move(VIRTUAL.removeprefix("pci:"), FREE.removeprefix("pci:")),))
    record = await ends(other, await moving(fleet, one, rewrites=back))
    assert record.status is OperationStatus.REFUSED
    assert f"{FREE} would be taken from san, whose driver virtio-pci uses it" in record.outcome
    mine = (f"leaving-{VIRTUAL}",)
    record = await ends(other, await moving(fleet, one, rewrites=back, overrides=mine))
    assert record.status is OperationStatus.DONE, record.outcome
    assert await asyncio.to_thread(driver, one, FREE) == "vfio-pci"
    assert await asyncio.to_thread(driver, other, VIRTUAL) == ""
