"""A disk moves from pool to pool, to a device and back, and grows, while its guest runs."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import Lab, LabHost
from tests.lab.one_host import until
from tests.lab.scratch_disk import chain, holds, own, write
from tests.lab.seeing import key_of
from tests.lab.test_block_jobs import begin, done

pytestmark = pytest.mark.usefixtures("disks")


@pytest.fixture
def fast(alpha: LabHost, fleet: Fleet) -> Iterator[Path]:
    """A second pool, with nothing in it."""
    place = alpha.directory / "home" / "fast"
    place.mkdir()
    place.chmod(0o777)
    alpha.virsh("pool-create-as", "fast", "dir", "--target", str(place))
    yield place
    alpha.virsh("pool-destroy", "fast")
    for path in place.iterdir():
        path.unlink()
    place.rmdir()


@contextmanager
def device(lab: Lab, directory: Path, mib: int) -> Iterator[Path]:
    """Have a block device of so many MiB that a lab may write to. Root only."""
    image = directory / "device.img"
    with image.open("wb") as file:
        file.truncate(mib << 20)
    command = ["losetup", "--find", "--show", str(image)]
    path = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    own(lab, path)
    try:
        yield path
    finally:
        subprocess.run(["chown", "root:disk", str(path)], check=True)
        subprocess.run(["losetup", "--detach", str(path)], check=True)


def enlarge(path: Path, directory: Path, mib: int) -> None:
    """Have a device be larger, as a storage does it. Root only."""
    os.truncate(directory / "device.img", mib << 20)
    subprocess.run(["losetup", "--set-capacity", str(path)], check=True)


def limits(alpha: LabHost, name: str, *when: str) -> str:
    told = alpha.virsh("blkdeviotune", name, "vda", *when)
    return next(line for line in told.splitlines() if line.startswith("total_iops_sec"))


def seen(alpha: LabHost, name: str) -> int:
    """How large the guest sees its disk, in bytes."""
    told = alpha.virsh("domblkinfo", name, "vda").splitlines()
    return next(int(line.split()[1]) for line in told if line.startswith("Capacity"))


async def test_a_disk_moves_to_another_pool_with_its_limits_and_the_old_volume_goes(
    fleet: Fleet,
    alpha: LabHost,
    still: Callable[..., str],
    fast: Path,
) -> None:
    name = still("mover")
    vm = await key_of(fleet, name)
    await until(
        lambda: any(one.name == "fast" and one.active for one in fleet.state.pools.values())
    )
    tune = ("blkdeviotune", name, "vda", "--total-iops-sec", "4321", "--live", "--config")
    await asyncio.to_thread(alpha.virsh, *tune)
    await asyncio.to_thread(write, alpha, name, 1)
    old = alpha.pool / "mover.qcow2"
    outcome = await done(fleet, "volume-swap", vm, to="fast", old="delete")
    assert outcome == f"vda of mover is {fast}/mover.qcow2 now; {old} is deleted"
    assert not old.exists()
    assert chain(alpha, name) == chain(alpha, name, "vda", "--inactive") == ["mover.qcow2"]
    await asyncio.to_thread(write, alpha, name, 2)
    assert all(holds(fast / "mover.qcow2", number) for number in (1, 2))
    for when in ("--live", "--config"):
        assert limits(alpha, name, when).endswith("4321"), when
    assert alpha.instances()[name] == "paused"


async def test_a_disk_moves_to_a_device_and_back(
    fleet: Fleet,
    lab: Lab,
    alpha: LabHost,
    still: Callable[..., str],
    fast: Path,
    tmp_path: Path,
) -> None:
    name = still("lender")
    vm = await key_of(fleet, name)
    await until(
        lambda: any(one.name == "fast" and one.active for one in fleet.state.pools.values())
    )
    await asyncio.to_thread(write, alpha, name, 1)
    with device(lab, tmp_path, 64) as path:
        outcome = await done(fleet, "volume-swap", vm, to=str(path))
        kept = alpha.pool / "lender.qcow2"
        assert outcome == f"vda of lender is {path} now; {kept} is as it was then"
        assert "<disk type='block'" in alpha.virsh("dumpxml", name, "--inactive")
        await asyncio.to_thread(write, alpha, name, 2)
        assert all(holds(path, number, form="raw") for number in (1, 2))
        assert not holds(kept, 2)
        await until(lambda: fleet.state.instances[vm].disks[0].source.path == str(path))
        with pytest.raises(RefusedError, match="is needed: by"):
            await begin(fleet, "volume-swap", vm, to=str(path))
        with pytest.raises(OperationFailedError, match="vda has no new size: its guest sees 64"):
            await done(fleet, "volume-extend", vm)
        await asyncio.to_thread(enlarge, path, tmp_path, 96)
        outcome = await done(fleet, "volume-extend", vm)
        assert outcome == "the guest of lender sees vda as large as its device is"
        assert seen(alpha, name) == 96 << 20
        await done(fleet, "volume-swap", vm, to="fast/back.qcow2", format="qcow2")
        assert chain(alpha, name) == ["back.qcow2"]
    assert all(holds(fast / "back.qcow2", number) for number in (1, 2))
    await until(
        lambda: any(
            one.name == "back.qcow2" and one.described for one in fleet.state.volumes.values()
        )
    )
    assert await done(fleet, "volume-extend", vm, size="128M") == "vda of lender has 128 MiB"
    assert seen(alpha, name) == 128 << 20
