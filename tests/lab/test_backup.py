"""Backups on real QEMU: full, since a checkpoint, cancelled, outgrown, killed; data read back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from core.engine.handle import Handle
from core.errors import OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import AgentState, ObjectKey, OperationStatus
from core.model.checkpoint import Checkpoint
from core.verbs.registry import VERBS
from tests.lab.one_host import until
from tests.lab.scratch_disk import (
    ScratchDisks,
    chain,
    holds,
    info,
    own,
    small_file_system,
    write,
)
from tests.lab.seeing import caught_up, key_of
from tests.lab.test_agent import file_in_guest
from tests.lab.test_image import is_mounted, write_in_guest
from tests.lab.test_snapshot import frozen


async def begin(fleet: Fleet, vm: ObjectKey, verb: str = "backup", **options: Any) -> Handle:
    await until(lambda: fleet.state.instances[vm].described)
    await until(lambda: any(pool.name == "default" for pool in fleet.state.pools.values()))
    return await fleet.submit(VERBS[verb].request(subject=vm, **options))


async def back_up(fleet: Fleet, vm: ObjectKey, verb: str = "backup", **options: Any) -> str:
    record = await (await begin(fleet, vm, verb, **options))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


def qemu_img(*words: str) -> None:
    subprocess.run(["qemu-img", *words], check=True)


def _is_far(handle: Handle) -> bool:
    return (handle.record.progress or 0) > 0


def _is_far_or_over(handle: Handle) -> bool:
    return _is_far(handle) or handle.record.status.final


async def begin_slowly(
    fleet: Fleet, alpha: LabHost, vm: ObjectKey, called: str, **options: Any
) -> Handle:
    """A backup that goes on until it is ended, of 400 MiB, one a second.

    libvirt is told the limit once QEMU has begun: where all was written by then, another is begun.
    """
    name = fleet.state.instances[vm].name
    for number in count(1):
        slow = f"{called}{number}"
        await asyncio.to_thread(write, alpha, name, 1, "400M")
        handle = await begin(fleet, vm, to="default", name=slow, speed=1.0, **options)
        await until(partial(_is_far_or_over, handle))
        if (handle.record.progress or 0) < 0.9:
            return handle
        await handle
        await back_up(fleet, vm, "checkpoint-delete", name=slow)
        (alpha.pool / f"{name}.vda.{slow}.qcow2").unlink()
    raise AssertionError


async def checkpoints(fleet: Fleet, vm: ObjectKey) -> dict[str, Checkpoint]:
    return {one.name: one for one in await fleet.links.checkpoints(vm) or ()}


async def test_increments_add_to_the_backup_before_and_are_read_back_whole(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], tmp_path: Path
) -> None:
    name = still("kept")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "4M")
    outcome = await back_up(fleet, vm, to="default", name="full")
    full = alpha.pool / "kept.vda.full.qcow2"
    assert outcome.startswith(f"kept is backed up in {full} (")
    assert "backing-filename" not in info(full)
    await asyncio.to_thread(write, alpha, name, 8, "1M")
    await back_up(fleet, vm, to="default", kind="incremental", name="one")
    await asyncio.to_thread(write, alpha, name, 16, "1M")
    outcome = await back_up(fleet, vm, to="default", kind="incremental", name="two")
    one, two = (alpha.pool / f"kept.vda.{word}.qcow2" for word in ("one", "two"))
    assert outcome.endswith("with what was written since one")
    assert info(two)["backing-filename"] == str(one)
    assert info(one)["backing-filename"] == str(full)
    assert int(str(info(two)["actual-size"])) < 2 << 20
    await asyncio.to_thread(write, alpha, name, 32, "1M")  # not in it
    flat = tmp_path / "flat.qcow2"
    await asyncio.to_thread(qemu_img, "convert", "-f", "qcow2", "-O", "qcow2", str(two), str(flat))
    assert holds(flat, 1, "4M")
    assert holds(flat, 8, "1M")
    assert holds(flat, 16, "1M")
    assert not holds(flat, 32, "1M")
    assert not holds(one, 16, "1M")
    found = await checkpoints(fleet, vm)
    assert [(each.name, each.parent) for each in found.values()] == [
        ("full", ""),
        ("one", "full"),
        ("two", "one"),
    ]
    assert all(each.backed_up and not each.broken for each in found.values())
    assert [each.changed for each in found.values()] == [3 << 20, 2 << 20, 1 << 20]
    assert chain(alpha, name) == ["kept.qcow2"]
    assert alpha.instances()[name] == "paused"


async def test_what_cannot_be_is_said_before_anything_is_written(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], disks: ScratchDisks,
    guest: Callable[..., str],
) -> None:  # fmt: skip
    name = still("unfit")
    vm = await key_of(fleet, name)
    with pytest.raises(OperationFailedError, match="no checkpoint of which the backup is known"):
        await back_up(fleet, vm, to="default", kind="incremental")
    stray = alpha.pool / "unfit.vda.x.qcow2"
    stray.write_text("mine")
    with pytest.raises(OperationFailedError, match="is there already"):
        await back_up(fleet, vm, to="default", name="x")
    assert stray.read_text() == "mine"
    with pytest.raises(RefusedError, match="has no pool nowhere"):
        await begin(fleet, vm, to="nowhere")
    with pytest.raises(OperationFailedError, match="/no/such/folder"):
        await back_up(fleet, vm, to="/no/such/folder")
    with pytest.raises(RefusedError, match="no disk vdz: it has vda"):
        await begin(fleet, vm, to="default", exclude=("vdz",))
    with pytest.raises(RefusedError, match="none is left"):
        await begin(fleet, vm, to="default", exclude=("vda",))
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await until(lambda: not fleet.state.instances[vm].state.active)
    with pytest.raises(RefusedError, match="is shut off: nothing tells what was written: start it"):
        await begin(fleet, vm, to="default")
    raw = guest("alpha", "rough", disk=disks.make("rough", form="raw"), wanted=Wanted.PAUSED)
    other = await key_of(fleet, raw)
    with pytest.raises(RefusedError, match="keeps no bitmap in it: exclude it, or make a full"):
        await begin(fleet, other, to="default")
    await asyncio.to_thread(write, alpha, raw, 1)
    await back_up(fleet, other, to="default", name="y", checkpoint=False, format="raw")
    assert holds(alpha.pool / "rough.vda.y.raw", 1, form="raw")
    assert not [one for one in alpha.pool.glob("unfit.*") if one.name not in
                ("unfit.qcow2", stray.name)]  # fmt: skip


async def test_an_old_image_keeps_no_bitmap_and_that_is_said_with_the_cure(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("aged")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    image = str(alpha.pool / "aged.qcow2")
    await asyncio.to_thread(qemu_img, "amend", "-f", "qcow2", "-o", "compat=0.10", image)
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    vm = await key_of(fleet, name)
    for verb, options in (("backup", {"to": "default"}), ("checkpoint-create", {"name": "one"})):
        with pytest.raises(OperationFailedError, match="qcow2") as error:
            await back_up(fleet, vm, verb, **options)
        assert "compat=1.1" in error.value.hint
    assert not list(alpha.pool.glob("aged.vda.*"))


async def test_a_backup_that_is_cancelled_or_ended_leaves_nothing_and_the_chain_goes_on(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("stopped", "512M")
    vm = await key_of(fleet, name)
    await back_up(fleet, vm, to="default", name="full")
    handle = await begin_slowly(fleet, alpha, vm, "slow", kind="incremental")
    with pytest.raises(RefusedError, match=r"being backed up|backup of stopped is"):
        await begin(fleet, vm, to="default")
    with pytest.raises(RefusedError, match=r"backup of stopped is .*wait for it, or cancel it"):
        await begin(fleet, vm, "snapshot-create", name="no")
    await (await begin(fleet, vm, "title", text="meanwhile"))  # it goes on beside
    await fleet.cancel(handle.id)
    with pytest.raises(OperationCancelledError, match=r"was ended; what was written .* removed"):
        await handle

    handle = await begin_slowly(fleet, alpha, vm, "slow", kind="incremental")
    await asyncio.to_thread(alpha.virsh, "domjobabort", name)
    with pytest.raises(OperationFailedError, match=r"was ended by somebody else|cancel"):
        await handle
    assert list(await checkpoints(fleet, vm)) == ["full"]
    assert [one.name for one in alpha.pool.glob("stopped.vda.*")] == ["stopped.vda.full.qcow2"]
    await back_up(fleet, vm, to="default", kind="incremental", name="again")
    assert holds(alpha.pool / "stopped.vda.again.qcow2", 1, "400M")


async def test_a_full_folder_is_named_and_nothing_stays_in_it(
    fleet: Fleet, lab: Lab, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("outgrown")
    vm = await key_of(fleet, name)
    with small_file_system(lab, alpha, 8) as small:
        await back_up(fleet, vm, to=str(small), name="small")
        await asyncio.to_thread(write, alpha, name, 1, "32M")
        with pytest.raises(OperationFailedError, match="No space left on device"):
            await back_up(fleet, vm, to=str(small), name="large")
        with pytest.raises(OperationFailedError, match=r"no space left: .* are free where 32M"):
            await back_up(fleet, vm, to=str(small), name="more", kind="incremental")
        assert [one.name for one in small.iterdir()] == ["outgrown.vda.small.qcow2"]
    assert list(await checkpoints(fleet, vm)) == ["small"]
    with pytest.raises(OperationFailedError, match="is not there, the backup that was made with"):
        await back_up(fleet, vm, to="default", kind="incremental")


async def test_a_killed_qemu_breaks_the_chain_and_a_full_backup_begins_another(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("killed")
    vm = await key_of(fleet, name)
    await back_up(fleet, vm, to="default", name="full")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    await caught_up(fleet, vm)
    await back_up(fleet, vm, to="default", kind="incremental", name="kept")  # a power cut does not
    os.kill(alpha.qemu_pid(name), signal.SIGKILL)
    await until(lambda: not fleet.state.instances[vm].state.active)
    assert not any(one.judged for one in (await checkpoints(fleet, vm)).values())
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    await until(lambda: fleet.state.instances[vm].state.active)
    found = await checkpoints(fleet, vm)
    assert [one.broken for one in found.values()] == [("vda",), ("vda",)]
    with pytest.raises(
        RefusedError, match=r"kept is broken: .* take a full backup; delete checkpoint kept"
    ):
        await begin(fleet, vm, to="default", kind="incremental")
    await back_up(fleet, vm, to="default", name="anew")
    await back_up(fleet, vm, to="default", kind="incremental", name="next")
    backing = info(alpha.pool / "killed.vda.next.qcow2")["backing-filename"]
    assert backing == str(alpha.pool / "killed.vda.anew.qcow2")


async def test_an_instance_that_goes_off_in_the_middle_has_no_backup(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("cut", "512M")
    vm = await key_of(fleet, name)
    for end in ("destroy", "kill"):
        handle = await begin_slowly(fleet, alpha, vm, end)
        if end == "kill":
            os.kill(alpha.qemu_pid(name), signal.SIGKILL)
        else:
            await (await begin(fleet, vm, "stop"))
        with pytest.raises(OperationFailedError, match="turned off meanwhile"):
            await handle
        assert not list(alpha.pool.glob("cut.vda.*"))
        await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
        await until(lambda: fleet.state.instances[vm].state.active)
        found = await checkpoints(fleet, vm)
        assert all(one.unfinished for one in found.values())
    await back_up(fleet, vm, to="default", name="after")


async def test_the_backup_of_a_daemon_that_was_restarted_is_followed_to_its_end(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("restarted", "512M")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "300M")
    handle = await begin(fleet, vm, to="default", name="one", speed=8.0)
    await until(lambda: (handle.record.progress or 0) > 0)
    pid = alpha.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(alpha.ensure_daemon)
    outcome = (await handle).outcome
    assert "is backed up in" in outcome
    assert holds(alpha.pool / "restarted.vda.one.qcow2", 1, "300M")


async def test_checkpoints_are_made_and_deleted_also_one_whose_bitmap_is_missing(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("marked")
    vm = await key_of(fleet, name)
    await back_up(fleet, vm, "checkpoint-create", name="one", description="before the upgrade")
    await asyncio.to_thread(write, alpha, name, 1, "2M")
    await back_up(fleet, vm, to="default", name="two")
    found = await checkpoints(fleet, vm)
    assert [one.changed for one in found.values()] == [2 << 20, 0]
    assert [one.backed_up for one in found.values()] == [False, True]
    assert found["one"].description == "before the upgrade"
    with pytest.raises(RefusedError, match="has a checkpoint called one: choose another name"):
        await begin(fleet, vm, "checkpoint-create", name="one")
    # an increment since what others made is based on nothing: how it is put right is told
    record = await (await begin(
        fleet, vm, to="default", kind="incremental", since="one", name="of-one"))  # fmt: skip
    assert "qemu-img rebase -u -F qcow2 -b FULL.qcow2" in record.hint
    assert holds(alpha.pool / "marked.vda.of-one.qcow2", 1, "2M")
    with pytest.raises(RefusedError, match="no checkpoint nope: it has one, two and of-one"):
        await begin(fleet, vm, "checkpoint-delete", name="nope")
    await back_up(fleet, vm, "checkpoint-delete", name="two", children=True)
    assert list(await checkpoints(fleet, vm)) == ["one"]
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await until(lambda: not fleet.state.instances[vm].state.active)
    with pytest.raises(RefusedError, match="only its QEMU deletes a bitmap"):
        await begin(fleet, vm, "checkpoint-delete", name="one")
    await asyncio.to_thread(
        qemu_img, "bitmap", "--remove", "-f", "qcow2", str(alpha.pool / "marked.qcow2"), "one"
    )
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    await until(lambda: fleet.state.instances[vm].state.active)
    assert (await checkpoints(fleet, vm))["one"].broken == ("vda",)
    await back_up(fleet, vm, "checkpoint-delete", name="one")
    assert await checkpoints(fleet, vm) == {}
    await back_up(fleet, vm, "checkpoint-create", name="last")
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await until(lambda: not fleet.state.instances[vm].state.active)
    await back_up(fleet, vm, "checkpoint-delete", name="last", metadata=True)
    assert await checkpoints(fleet, vm) == {}


def kill_qemu(host: LabHost, name: str) -> None:
    os.kill(host.qemu_pid(name), signal.SIGKILL)


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "broken"])
async def test_bitmaps_that_a_forgotten_checkpoint_left_are_told_and_deleted(
    killed: bool, fleet: Fleet, alpha: LabHost, still: Callable[..., str]
) -> None:
    name = still("leftover")
    vm = await key_of(fleet, name)
    await back_up(fleet, vm, "checkpoint-create", name="kept")
    await back_up(fleet, vm, "checkpoint-create", name="one")
    with pytest.raises(RefusedError, match="has a checkpoint one: it is no leftover"):
        await begin(fleet, vm, "checkpoint-delete", name="one", leftover=True)
    await back_up(fleet, vm, "checkpoint-delete", name="one", metadata=True)
    if killed:  # then no bitmap that its image had is whole
        for ends in (partial(alpha.virsh, "destroy", name), partial(kill_qemu, alpha, name)):
            await asyncio.to_thread(ends)
            await until(lambda: not fleet.state.instances[vm].state.active)
            await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
            await until(lambda: fleet.state.instances[vm].state.active)
    cure = "virtdeck checkpoint-delete leftover --name one --leftover"
    for verb, options in (("checkpoint-create", {}), ("backup", {"to": "default"})):
        with pytest.raises(OperationFailedError) as caught:
            await back_up(fleet, vm, verb, name="one", **options)
        assert "has a bitmap one already, of a checkpoint that libvirt knows no more" in str(
            caught.value
        )
        assert cure in str(caught.value)
    assert not list(alpha.pool.glob("leftover.vda.one*"))
    await back_up(fleet, vm, "checkpoint-delete", name="one", leftover=True)
    assert list(await checkpoints(fleet, vm)) == ["kept"]
    with pytest.raises(OperationFailedError, match="has a bitmap one as it runs now"):
        await back_up(fleet, vm, "checkpoint-delete", name="one", leftover=True)
    assert list(await checkpoints(fleet, vm)) == ["kept"]
    await back_up(fleet, vm, "checkpoint-create", name="one")
    assert (await checkpoints(fleet, vm))["one"].broken == ()
    assert bool((await checkpoints(fleet, vm))["kept"].broken) is killed


async def test_what_the_guest_wrote_is_in_its_backups_each_with_its_own_moment(
    fleet: Fleet, lab: Lab, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:  # fmt: skip
    name = guest("alpha", "said", disk=disks.make("said"))
    vm = await key_of(fleet, name)
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: is_mounted(lab, name), 120)
    await until(lambda: fleet.state.instances[vm].agent is AgentState.CONNECTED)
    await asyncio.to_thread(write_in_guest, alpha, name, "/data/said", "first")
    await back_up(fleet, vm, to="default", name="full", quiesce=True)
    assert "thawed" in frozen(alpha, name)
    await asyncio.to_thread(write_in_guest, alpha, name, "/data/said", "second")
    await back_up(fleet, vm, to="default", kind="incremental", name="inc", quiesce=True)
    assert "thawed" in frozen(alpha, name)
    assert alpha.instances()[name] == "running"
    await asyncio.to_thread(write_in_guest, alpha, name, "/data/said", "third")
    for file, text in (("full", "first"), ("inc", "second")):
        flat = alpha.pool / f"{file}-flat.qcow2"
        backup = str(alpha.pool / f"said.vda.{file}.qcow2")
        await asyncio.to_thread(
            qemu_img, "convert", "-f", "qcow2", "-O", "qcow2", backup, str(flat)
        )
        own(lab, flat)
        await asyncio.to_thread(alpha.virsh, "pool-refresh", "default")
        other = guest("alpha", f"{file}-again", disk=f"default/{flat.name}")
        await asyncio.to_thread(booted, "alpha", other)
        await until(partial(is_mounted, lab, other), 120)
        assert file_in_guest(alpha, other, "/data/said") == text
        await asyncio.to_thread(alpha.virsh, "destroy", other)
    await asyncio.to_thread(alpha.virsh, "domfsfreeze", name)
    with pytest.raises(OperationFailedError, match="frozen already, by somebody else"):
        await back_up(fleet, vm, to="default", name="no", quiesce=True)
    assert "frozen" in frozen(alpha, name)
    assert not list(alpha.pool.glob("said.vda.no.*"))
    await asyncio.to_thread(alpha.virsh, "domfsthaw", name)


async def test_verbs_that_would_wait_for_a_backup_of_others_are_refused_at_once(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], tmp_path: Path
) -> None:
    name = still("held")
    vm = await key_of(fleet, name)
    pull = tmp_path / "pull.xml"
    pull.write_text(
        "<domainbackup mode='pull'><server transport='unix' "
        f"socket='{alpha.directory}/home/held.sock'/></domainbackup>"
    )
    await asyncio.to_thread(alpha.virsh, "backup-begin", name, str(pull))
    for verb, options in (
        ("snapshot-create", {"name": "no", "where": "external"}),
        ("save", {}),
        ("backup", {"to": "default"}),
        ("checkpoint-create", {"name": "no"}),
    ):
        with pytest.raises(RefusedError, match="held is being backed up: wait for its end, or end"):
            await (await begin(fleet, vm, verb, **options))
    assert fleet.state.jobs[vm].kind == "backup"
    await asyncio.to_thread(alpha.virsh, "domjobabort", name)
    await until(lambda: vm not in fleet.state.jobs)
    await back_up(fleet, vm, to="default")
