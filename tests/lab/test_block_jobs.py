"""Block jobs on real QEMU: copied, pulled, merged, steered, and every way in which they end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.engine.handle import Handle
from core.errors import OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import BlockJob, BlockJobState, ObjectKey, OperationStatus
from core.verbs.registry import VERBS
from tests.lab.one_host import opened, until
from tests.lab.scratch_disk import ScratchDisks, chain, flush, holds, info, small_file_system, write
from tests.lab.seeing import key_of

SLOW = 0.25
"""MiB a second: a job that somebody can look at."""


async def begin(fleet: Fleet, verb: str, vm: ObjectKey, **options: Any) -> Handle:
    await until(lambda: fleet.state.instances[vm].described)
    return await fleet.submit(VERBS[verb].request(subject=vm, **{"disk": "vda", **options}))


async def done(fleet: Fleet, verb: str, vm: ObjectKey, **options: Any) -> str:
    record = await (await begin(fleet, verb, vm, **options))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


def job_of(fleet: Fleet, vm: ObjectKey) -> BlockJob | None:
    run = fleet.state.runs.get(vm)
    return None if run is None else run.block_job("vda")


def runs(fleet: Fleet, vm: ObjectKey) -> bool:
    job = job_of(fleet, vm)
    return job is not None and job.state is BlockJobState.RUNNING and job.end is not None


async def virsh(alpha: LabHost, *words: str) -> str:
    return await asyncio.to_thread(alpha.virsh, *words)


async def layer(alpha: LabHost, name: str, *files: str) -> None:
    """Lay files over the disk of a guest, and write a number into each, the bottom 1."""
    await asyncio.to_thread(write, alpha, name, 1)
    for number, file in enumerate(files, start=2):
        spec = f"vda,file={alpha.pool / file}"
        made = (
            "snapshot-create-as",
            name,
            file,
            "--disk-only",
            "--no-metadata",
            "--diskspec",
            spec,
        )
        await virsh(alpha, *made)
        await asyncio.to_thread(write, alpha, name, number)


async def test_an_instance_goes_on_on_the_copy_or_stays_as_the_operator_says(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("copied")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1)
    kept = await done(fleet, "block-copy", vm, to="default/kept.raw", format="raw", then="abort")
    assert kept == f"{alpha.pool}/kept.raw is vda of copied as it was then"
    assert info(alpha.pool / "kept.raw")["format"] == "raw"
    assert holds(alpha.pool / "kept.raw", 1, form="raw")
    assert chain(alpha, name) == ["copied.qcow2"]
    await until(lambda: any(one.name == "kept.raw" for one in fleet.state.volumes.values()))

    handle = await begin(fleet, "block-copy", vm, to=str(alpha.pool / "moved.qcow2"))
    await until(lambda: handle.record.question is not None)
    await asyncio.to_thread(write, alpha, name, 2)  # it goes to both
    await fleet.answer(handle.id, "pivot")
    assert (await handle).outcome == f"vda of copied is {alpha.pool}/moved.qcow2 now"
    assert chain(alpha, name) == chain(alpha, name, "vda", "--inactive") == ["moved.qcow2"]
    assert all(holds(alpha.pool / "moved.qcow2", number) for number in (1, 2))
    await until(lambda: any(one.name == "moved.qcow2" for one in fleet.state.volumes.values()))
    assert not holds(alpha.pool / "copied.qcow2", 3)
    with pytest.raises(RefusedError, match="is there already: choose another name"):
        await begin(fleet, "block-copy", vm, to="default/moved.qcow2")
    assert alpha.instances()[name] == "paused"


async def test_a_copy_that_is_cancelled_or_ended_by_others_leaves_nothing_behind(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], tmp_path: Path, lab: Lab
) -> None:
    name = still("given-up")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "32M")
    outside = alpha.directory / "home" / "half.qcow2"  # in no pool
    handle = await begin(fleet, "block-copy", vm, to=str(outside), speed=SLOW)
    await until(lambda: runs(fleet, vm))
    await until(lambda: (handle.record.progress or 0) > 0)
    assert outside.exists()
    await fleet.cancel(handle.id)
    with pytest.raises(OperationCancelledError, match=r"what was written of .* is removed"):
        await handle
    assert not outside.exists()
    assert "virtdeck" not in await virsh(alpha, "pool-list", "--all", "--name")

    handle = await begin(fleet, "block-copy", vm, to="default/half.qcow2", speed=SLOW)
    await until(lambda: runs(fleet, vm))
    await virsh(alpha, "blockjob", name, "vda", "--abort")
    with pytest.raises(OperationFailedError, match="ended by somebody else before it was whole"):
        await handle
    assert not (alpha.pool / "half.qcow2").exists()

    handle = await begin(fleet, "block-copy", vm, to="default/half.qcow2")
    await until(lambda: handle.record.question is not None)
    await virsh(alpha, "blockjob", name, "vda", "--abort")
    assert "as somebody else ended it" in (await handle).outcome
    assert holds(alpha.pool / "half.qcow2", 1, "32M")
    assert chain(alpha, name) == ["given-up.qcow2"]


async def test_what_lies_in_the_way_is_not_touched(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("in-the-way")
    vm = await key_of(fleet, name)
    stray = alpha.directory / "home" / "stray.qcow2"
    stray.write_text("mine")
    with pytest.raises(OperationFailedError, match="already exists"):
        await done(fleet, "block-copy", vm, to=str(stray))
    assert stray.read_text() == "mine"
    stray.unlink()
    with pytest.raises(OperationFailedError):
        await done(fleet, "block-copy", vm, to="/no/such/folder/x.qcow2")
    with pytest.raises(RefusedError, match="has no pool nowhere"):
        await begin(fleet, "block-copy", vm, to="nowhere/x.qcow2")
    with pytest.raises(RefusedError, match="has no disk vdz: it has vda"):
        await begin(fleet, "block-copy", vm, disk="vdz", to="default/x.qcow2")


async def test_a_full_target_is_named_and_the_half_copy_removed(
    fleet: Fleet, lab: Lab, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("too-big")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "32M")
    with small_file_system(lab, alpha, 8) as small:
        with pytest.raises(OperationFailedError) as error:
            await done(fleet, "block-copy", vm, to=str(small / "copy.qcow2"))
        assert "no space left: " in str(error.value)
        assert "is removed" in str(error.value)
        assert list(small.iterdir()) == []
    assert chain(alpha, name) == ["too-big.qcow2"]
    assert alpha.instances()[name] == "paused"


async def test_a_chain_is_pulled_down_to_an_image_and_whole(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("pulled")
    vm = await key_of(fleet, name)
    await layer(alpha, name, "pulled.two", "pulled.three", "pulled.four")
    await fleet.read(vm)  # virsh laid files over it, of which no event tells
    with pytest.raises(RefusedError, match="no image with others between"):
        await begin(fleet, "block-pull", vm, base=str(alpha.pool / "pulled.three"))
    base = str(alpha.pool / "pulled.qcow2")
    outcome = await done(fleet, "block-pull", vm, base=base)
    assert outcome == f"vda of pulled stands on {base}"
    assert chain(alpha, name) == ["pulled.four", "pulled.qcow2"]
    assert await done(fleet, "block-pull", vm) == "vda of pulled needs no other image"
    assert chain(alpha, name) == ["pulled.four"]
    await asyncio.to_thread(flush, alpha, name)
    assert all(holds(alpha.pool / "pulled.four", number) for number in (1, 2, 3, 4))
    with pytest.raises(RefusedError, match="is based on nothing: there is nothing to pull"):
        await begin(fleet, "block-pull", vm)


async def test_the_middle_of_a_chain_is_merged_and_then_the_image_in_use(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("merged")
    vm = await key_of(fleet, name)
    await layer(alpha, name, "merged.two", "merged.three", "merged.four")
    await fleet.read(vm)
    paths = {word: str(alpha.pool / f"merged.{word}") for word in ("qcow2", "two", "three", "four")}
    with pytest.raises(RefusedError, match="not where it would have to be in the chain"):
        await begin(fleet, "block-commit", vm, top=paths["two"], base=paths["three"])
    outcome = await done(fleet, "block-commit", vm, top=paths["three"])
    assert outcome == f"{paths['three']} is merged into {paths['two']}; its file stays"
    assert chain(alpha, name) == ["merged.four", "merged.two", "merged.qcow2"]
    outcome = await done(fleet, "block-commit", vm, base=paths["qcow2"])
    assert outcome == f"vda of merged is {paths['qcow2']} now; the merged files stay"
    assert chain(alpha, name) == chain(alpha, name, "vda", "--inactive") == ["merged.qcow2"]
    assert all(holds(alpha.pool / "merged.qcow2", number) for number in (1, 2, 3, 4))


async def test_what_others_are_based_on_is_not_merged_into(
    fleet: Fleet, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str]
) -> None:
    disks.make("common")
    names = [
        guest("alpha", one, disk=disks.make(one, base="common"), wanted=Wanted.PAUSED)
        for one in ("this-one", "other-one")
    ]
    vm = await key_of(fleet, names[0])
    other = await key_of(fleet, names[1])
    await until(lambda: fleet.state.instances[other].described)
    with pytest.raises(RefusedError, match=r"other-one.* is based on: pull instead"):
        await begin(fleet, "block-commit", vm)
    await done(fleet, "block-pull", vm)
    assert chain(alpha, names[0]) == ["this-one.qcow2"]


async def test_jobs_that_others_began_are_steered_and_ours_beside_what_follows_them(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("steered")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "32M")
    with pytest.raises(OperationFailedError, match="has no block job now"):
        await done(fleet, "block-job-abort", vm)
    theirs = str(alpha.pool / "theirs.qcow2")
    slow = ("--bandwidth", "1", "--transient-job")
    await virsh(alpha, "blockcopy", name, "vda", theirs, "--format", "qcow2", *slow)
    with pytest.raises(OperationFailedError, match="not ready for it"):
        await done(fleet, "block-job-pivot", vm)
    job = job_of(fleet, vm)
    assert job is not None
    assert (job.type, job.target, job.bandwidth) == ("copy", theirs, 1 << 20)
    with pytest.raises(RefusedError, match="has a block job: copy, running"):
        await begin(fleet, "block-pull", vm)
    record = await (await begin(fleet, "block-job-speed", vm, speed=0.0))
    assert record.outcome == "the job of vda of steered goes as fast as it can"
    assert record.undo == {"verb": "block-job-speed", "disk": "vda", "speed": 1.0}
    await until(lambda: (job := job_of(fleet, vm)) and job.state is BlockJobState.READY)
    await done(fleet, "block-job-pivot", vm)
    assert chain(alpha, name) == ["theirs.qcow2"]

    handle = await begin(fleet, "block-copy", vm, to="default/ours.qcow2", speed=SLOW, then="pivot")
    await until(lambda: runs(fleet, vm))
    await done(fleet, "block-job-speed", vm, speed=0)
    assert (await handle).outcome == f"vda of steered is {alpha.pool}/ours.qcow2 now"
    handle = await begin(fleet, "block-copy", vm, to="default/last.qcow2", speed=SLOW)
    await until(lambda: runs(fleet, vm))
    await done(fleet, "block-job-abort", vm)
    with pytest.raises(OperationFailedError, match="by somebody else"):
        await handle
    assert not (alpha.pool / "last.qcow2").exists()


async def test_what_ends_with_its_qemu_is_no_success(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("killed")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "32M")
    for end in ("killed", "destroyed"):
        handle = await begin(fleet, "block-copy", vm, to="default/lost.qcow2", speed=SLOW)
        await until(lambda: runs(fleet, vm))
        if end == "killed":
            os.kill(alpha.qemu_pid(name), signal.SIGKILL)
        else:
            await virsh(alpha, "destroy", name)
        with pytest.raises(OperationFailedError, match=r"was turned off meanwhile.*is removed"):
            await handle
        assert not (alpha.pool / "lost.qcow2").exists()
        assert chain(alpha, name) == ["killed.qcow2"]
        await virsh(alpha, "start", name, "--paused")
        await until(lambda: fleet.state.instances[vm].state.active)


@pytest.mark.parametrize("verb", ["block-copy", "block-pull"])
async def test_a_job_outlives_its_daemon_and_ends_right(
    verb: str, fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still(f"orphan-{verb[-4:]}")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "24M")
    options: dict[str, Any] = {"to": "default/orphaned.qcow2", "then": "pivot"}
    if verb == "block-pull":
        await virsh(alpha, "snapshot-create-as", name, "over", "--disk-only", "--no-metadata")
        await fleet.read(vm)
        options = {}
    handle = await begin(fleet, verb, vm, speed=4.0, **options)
    await until(lambda: runs(fleet, vm))
    alpha.stop_daemon()
    await asyncio.sleep(8)  # it becomes ready, or ends, while nobody can tell
    alpha.start_daemon()
    record = await handle
    assert record.status is OperationStatus.DONE
    assert len(chain(alpha, name)) == 1
    await asyncio.to_thread(flush, alpha, name)
    assert holds(alpha.pool / chain(alpha, name)[0], 1, "24M")


async def test_a_console_that_is_gone_is_taken_over_from(
    uris: dict[str, str], tmp_path: Path, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("left")
    await asyncio.to_thread(write, alpha, name, 1, "16M")
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        vm = await key_of(fleet, name)
        handle = await begin(
            fleet, "block-copy", vm, to="default/found.qcow2", speed=4.0, then="pivot"
        )
        await until(lambda: runs(fleet, vm))
    await asyncio.sleep(6)  # it becomes ready, and nobody listens
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        await until(lambda: fleet.state.operations[handle.id].status.final)
        record = fleet.state.operations[handle.id]
    assert record.status is OperationStatus.DONE, record
    assert chain(alpha, name) == ["found.qcow2"]
