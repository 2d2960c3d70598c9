"""What QEMU tells of a run, as the state has it: block jobs to their ends, devices, the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.fleet import Fleet
from core.lab import LabHost
from core.model import BlockJob, BlockJobState, InstanceRun, ObjectKey
from core.state.operations import activity
from tests.lab.one_host import opened, until
from tests.lab.seeing import key_of

INTERFACE = "<interface type='user'><model type='virtio'/><alias name='ua-probe'/></interface>"


def run_of(fleet: Fleet, vm: ObjectKey) -> InstanceRun:
    return fleet.state.runs.get(vm, InstanceRun())


def job_of(fleet: Fleet, vm: ObjectKey) -> BlockJob | None:
    return run_of(fleet, vm).block_job("vda")


def is_in(fleet: Fleet, vm: ObjectKey, state: BlockJobState) -> Callable[[], bool]:
    return lambda: (job := job_of(fleet, vm)) is not None and job.state is state


async def test_a_copy_is_seen_from_its_begin_to_each_of_its_ends(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "copied", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    disk = alpha.virsh("domblklist", name).split("vda")[1].split()[0]

    async def copy(number: int, *options: str) -> None:
        target = str(Path(disk).with_name(f"copied-{number}.qcow2"))
        words = ("blockcopy", name, "vda", target, "--transient-job", *options)
        await asyncio.to_thread(alpha.virsh, *words)

    await copy(1, "--bandwidth", "1")  # MiB/s: it runs while somebody looks
    await fleet.detail(vm)
    seen = job_of(fleet, vm)
    assert seen is not None
    assert seen.type == "copy"
    assert not seen.state.over
    await until(is_in(fleet, vm, BlockJobState.READY))
    assert activity(fleet.state, vm) == "copy of vda ready"
    await fleet.detail(vm)  # the reading knows it is ready too
    assert is_in(fleet, vm, BlockJobState.READY)()
    await asyncio.to_thread(alpha.virsh, "blockjob", name, "vda", "--abort")
    await until(is_in(fleet, vm, BlockJobState.CANCELED))
    await copy(2)
    await until(is_in(fleet, vm, BlockJobState.READY))
    await asyncio.to_thread(alpha.virsh, "blockjob", name, "vda", "--pivot")
    await until(is_in(fleet, vm, BlockJobState.COMPLETED))
    assert run_of(fleet, vm).running_block_jobs == ()
    await fleet.detail(vm)
    assert is_in(fleet, vm, BlockJobState.COMPLETED)(), "a reading after the end says nothing else"


async def test_a_console_that_comes_later_sees_the_job_when_somebody_looks(
    uris: dict[str, str], tmp_path: Path, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "joined", disk="default/clone.qcow2")
    disk = alpha.virsh("domblklist", name).split("vda")[1].split()[0]
    target = str(Path(disk).with_name("joined-copy.qcow2"))
    words = ("blockcopy", name, "vda", target, "--transient-job")
    await asyncio.to_thread(alpha.virsh, *words, "--wait")  # "ready" is told before we listen
    async with opened(uris, tmp_path / "later.sqlite3") as fleet:
        vm = await key_of(fleet, name)
        assert job_of(fleet, vm) is None

        async def ready() -> None:
            while not is_in(fleet, vm, BlockJobState.READY)():
                await fleet.detail(vm)

        await asyncio.wait_for(ready(), 60)
    await asyncio.to_thread(alpha.virsh, "blockjob", name, "vda", "--abort")


async def test_what_became_of_a_device_stands_by_its_alias(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None],
    tmp_path: Path,
) -> None:  # fmt: skip
    name = guest("alpha", "probed")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: (agent := run_of(fleet, vm).agent) and agent.state == "connected")
    xml = tmp_path / "interface.xml"
    xml.write_text(INTERFACE)

    def outcome() -> str:
        found = run_of(fleet, vm).device("ua-probe")
        return "" if found is None else found.outcome

    await asyncio.to_thread(alpha.virsh, "attach-device", name, str(xml), "--live")
    await until(lambda: outcome() == "added")
    await asyncio.to_thread(alpha.virsh, "detach-device-alias", name, "ua-probe", "--live")
    await until(lambda: outcome() == "removed")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await until(lambda: vm not in fleet.state.runs)
