"""Backups that this machine reads on real QEMU: whole, since a checkpoint, ended, broken off."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from core.errors import HypervisorError, OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls import backup_pull
from core.lab import LabHost
from core.model import ObjectKey
from core.verbs.backup.pull_calls import PullReadCall
from tests.lab.one_host import until
from tests.lab.scratch_disk import holds, info, write
from tests.lab.seeing import key_of
from tests.lab.test_backup import back_up, begin, checkpoints, qemu_img
from tests.lab.test_network_disks import served
from tests.servers import free_port


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def files(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def read(fleet: Fleet, vm: ObjectKey, here: Path, **options: Any) -> str:
    return await back_up(fleet, vm, "backup-pull", to=str(here), **options)


async def test_disks_are_read_in_full_and_since_a_checkpoint_as_they_were_when_it_began(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], here: Path, tmp_path: Path
) -> None:
    name = still("served")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "4M")
    outcome = await read(fleet, vm, here, name="full")
    full = here / "served.vda.full.qcow2"
    assert outcome.startswith(f"served is backed up in {full} (")
    await asyncio.to_thread(write, alpha, name, 8, "1M")
    await read(fleet, vm, here, kind="incremental", name="one", listen=f"127.0.0.1:{free_port()}")
    await asyncio.to_thread(write, alpha, name, 30, "20M")
    outcome = await read(fleet, vm, here, kind="incremental", name="two")
    one, two = (here / f"served.vda.{word}.qcow2" for word in ("one", "two"))
    assert outcome.endswith("with what was written since one")
    assert (info(two)["backing-filename"], info(one)["backing-filename"]) == (str(one), str(full))
    assert int(str(info(one)["actual-size"])) < 2 << 20
    flat = tmp_path / "flat.qcow2"
    await asyncio.to_thread(qemu_img, "convert", "-f", "qcow2", "-O", "qcow2", str(two), str(flat))
    assert holds(flat, 1, "4M")
    assert holds(flat, 8, "1M")
    assert holds(flat, 30, "20M")
    assert not holds(one, 30, "20M")
    await read(fleet, vm, here, name="small", compressed=True, checkpoint=False)
    assert holds(here / "served.vda.small.qcow2", 30, "20M")
    found = await checkpoints(fleet, vm)
    assert [(each.name, each.backed_up) for each in found.values()] == [
        *(("full", True), ("one", True), ("two", True)),
    ]
    assert not list(alpha.pool.glob("*.scratch"))
    assert not [one for one in files(here) if one.endswith(".half")]
    assert alpha.instances()[name] == "paused"


async def test_what_cannot_be_read_is_said_before_it_is_served(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], here: Path
) -> None:
    name = still("unserved")
    vm = await key_of(fleet, name)
    (here / "unserved.vda.x.qcow2").write_text("mine")
    with pytest.raises(OperationFailedError, match="is there already"):
        await read(fleet, vm, here, name="x")
    with pytest.raises(OperationFailedError, match="nowhere on this machine"):
        await read(fleet, vm, here / "nowhere")
    with pytest.raises(RefusedError, match="not compressed: leave compressed out"):
        await begin(fleet, vm, "backup-pull", to=str(here), kind="incremental", compressed=True)
    with pytest.raises(RefusedError, match="is no ADDRESS:PORT"):
        await begin(fleet, vm, "backup-pull", to=str(here), listen="nowhere")
    assert files(here) == ["unserved.vda.x.qcow2"]
    assert await checkpoints(fleet, vm) == {}


def readers() -> list[psutil.Process]:
    """The qemu-img of this process that read."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended while we looked
            found += [one] if "qemu-img" in one.name() else []
    return found


def go_on() -> None:
    """Let those that were held still go on, but for one that was ended as it stood."""
    for process in readers():
        with suppress(psutil.NoSuchProcess):
            process.resume()


async def slow_read(fleet: Fleet, vm: ObjectKey, here: Path, **options: Any) -> Any:
    """Begin to read, and hold qemu-img still in the middle of it."""
    handle = await begin(fleet, vm, "backup-pull", to=str(here), **options)
    await until(lambda: any(readers()) and any(here.glob("*.half")))
    for process in readers():
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    assert not handle.record.status.final, "it was over before it could be held"
    return handle


async def test_a_pull_that_is_cancelled_or_cut_off_leaves_nothing_here_and_nothing_there(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], here: Path
) -> None:
    name = still("let-go", "512M")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "400M")

    handle = await slow_read(fleet, vm, here)
    await fleet.cancel(handle.id)
    go_on()
    with pytest.raises(OperationCancelledError, match=r"was ended; what was written .* removed"):
        await handle
    assert files(here) == []

    handle = await slow_read(fleet, vm, here)
    os.kill(alpha.qemu_pid(name), signal.SIGKILL)
    go_on()
    with pytest.raises(OperationFailedError, match="could not be read"):
        await handle
    assert files(here) == []
    await asyncio.to_thread(alpha.virsh, "start", name, "--paused")
    await until(lambda: fleet.state.instances[vm].state.active)
    assert all(one.unfinished for one in (await checkpoints(fleet, vm)).values())
    assert not list(alpha.pool.glob("*.scratch"))


async def test_a_pull_outlives_the_daemon(
    fleet: Fleet, alpha: LabHost, still: Callable[..., str], here: Path
) -> None:
    name = still("outlived", "512M")
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1, "400M")
    handle = await slow_read(fleet, vm, here, name="one")
    pid = alpha.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(alpha.ensure_daemon)
    go_on()
    assert "is backed up in" in (await handle).outcome
    assert holds(here / "outlived.vda.one.qcow2", 1, "400M")
    assert list(await checkpoints(fleet, vm)) == ["one"]


def test_a_file_that_is_there_for_a_call_made_again_is_its_own_only_if_it_holds_the_disk(
    tmp_path: Path,
) -> None:
    image, path = tmp_path / "served.raw", tmp_path / "backup.qcow2"
    image.write_bytes(b"ours" * 262_144)
    subject = ObjectKey("instance", "alpha", "u")
    connection: Any = None  # it is asked nothing
    with served(image, "vda") as port:
        call = PullReadCall("vda", str(path), f"tcp:127.0.0.1:{port}")
        backup_pull.read(connection, subject, call)
        with pytest.raises(HypervisorError, match="is there already"):
            backup_pull.read(connection, subject, call)
        again = replace(call, again=True)
        assert backup_pull.read(connection, subject, again).files[0].path == str(path)
        make = ["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1M"]
        subprocess.run(make, check=True)
        with pytest.raises(HypervisorError, match="is there already"):
            backup_pull.read(connection, subject, again)
        path.write_text("another's")
        with pytest.raises(HypervisorError, match="could not be compared"):
            backup_pull.read(connection, subject, again)
    assert path.read_text() == "another's"
