"""Instances resized on real QEMU: off, restarted for it, and a disk of one that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from core.errors import RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model import InstanceState, ObjectKey
from core.verbs.danger import danger
from core.verbs.power.requests import Start
from core.verbs.resizing import Resize
from core.verbs.undoing import undoing
from tests.lab.one_host import do, until
from tests.lab.scratch_disk import ScratchDisks, holds, info, write
from tests.lab.seeing import caught_up, key_of

MIB = 1 << 20


async def known(fleet: Fleet, name: str) -> ObjectKey:
    key = await key_of(fleet, name)

    def read() -> bool:
        volumes = fleet.state.volumes.values()
        volume = next((one for one in volumes if one.name == f"{name}.qcow2"), None)
        described = fleet.state.instances[key].described
        return described and volume is not None and volume.capacity is not None

    await until(read)
    return key


async def test_all_of_it_at_once_and_its_vcpus_and_memory_back(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks
) -> None:
    disk = await asyncio.to_thread(disks.make, "resized")
    name = await asyncio.to_thread(
        lambda: guest("alpha", "resized", disk=disk, wanted=Wanted.SHUT_OFF)
    )
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    await asyncio.to_thread(write, alpha, name, 5, "1M")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    key = await known(fleet, name)
    before = fleet.state.instances[key]
    request = Resize(key, vcpus=3, memory=128, grow=("vda=1G",))
    said = danger(fleet.state, request).text
    assert f"{before.vcpus_maximum} to 3 vCPUs" in said
    assert "vda from 64 MiB to 1.0 GiB, for good" in said, said
    record = await do(fleet, request)
    assert record.outcome == f"{name} has 3 vCPUs and 128 MiB, vda of 1.0 GiB", record.outcome
    row = fleet.state.instances[key]
    assert (row.vcpus, row.memory, row.memory_maximum) == (3, 128 * MIB, 128 * MIB)
    image = alpha.pool / f"{name}.qcow2"
    assert info(image)["virtual-size"] == 1 << 30
    assert holds(image, 5, "1M")
    await do(fleet, Start(key))
    assert fleet.state.instances[key].state is InstanceState.RUNNING
    assert "1073741824" in await asyncio.to_thread(alpha.virsh, "domblkinfo", name, "vda")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await caught_up(fleet, key)
    undo = undoing(record)
    assert undo is not None
    await do(fleet, undo)
    again = fleet.state.instances[key]
    assert (again.vcpus, again.memory_maximum) == (before.vcpus, before.memory_maximum)
    assert info(image)["virtual-size"] == 1 << 30


async def test_a_disk_of_one_that_runs_grows_at_once_and_nothing_shrinks(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], disks: ScratchDisks
) -> None:
    disk = await asyncio.to_thread(disks.make, "growing")
    name = await asyncio.to_thread(lambda: guest("alpha", "growing", disk=disk))
    key = await known(fleet, name)
    with pytest.raises(RefusedError, match="vda has 64 MiB, and never shrinks to 32 MiB"):
        await fleet.submit(Resize(key, grow=("vda=32M",)))
    with pytest.raises(RefusedError, match=f"{name} is on: shut it down first, or have it"):
        await fleet.submit(Resize(key, vcpus=2))
    with pytest.raises(RefusedError, match="No size was given"):
        await fleet.submit(Resize(key))
    with pytest.raises(RefusedError, match="has no disk vdq"):
        await fleet.submit(Resize(key, grow=("vdq=1G",)))
    await do(fleet, Resize(key, grow=("vda=256M",)))
    assert str(256 * MIB) in await asyncio.to_thread(alpha.virsh, "domblkinfo", name, "vda")


async def test_one_that_is_on_is_shut_down_for_it_and_started_again(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    disks: ScratchDisks,
    booted: Callable[..., None],
) -> None:
    disk = await asyncio.to_thread(disks.make, "restarted")
    name = await asyncio.to_thread(lambda: guest("alpha", "restarted", disk=disk))
    await asyncio.to_thread(booted, "alpha", name)
    key = await known(fleet, name)
    record = await do(fleet, Resize(key, vcpus=2, grow=("vda=128M",), restart=True))
    assert record.outcome == f"{name} has 2 vCPUs, vda of 128 MiB and runs again"
    row = fleet.state.instances[key]
    assert (row.state, row.vcpus) == (InstanceState.RUNNING, 2)
    assert str(128 * MIB) in await asyncio.to_thread(alpha.virsh, "domblkinfo", name, "vda")
