"""The live image of a 1 GiB disk, against virsh's block copy and the same conversion."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

from core.fleet import Fleet
from core.lab import Guest, Lab, LabHost, Wanted, ensure_guest
from core.model import ObjectKey, OperationStatus
from core.verbs.registry import VERBS
from tests.bench.rows import Row
from tests.lab.one_host import opened, until
from tests.lab.scratch_disk import ScratchDisks, flush, write
from tests.lab.seeing import key_of

NAME, SIZE, FULL = "imaged", "1G", 512
"""The guest, its disk, and how many MiB of that hold something."""
REPEATS = 5
LIMIT = 1.05


def run() -> Iterator[Row]:
    """Both by turns, on a lab of their own; medians."""
    lab = Lab("image-bench")
    lab.up(guests=False)
    try:
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as journals:
            yield from asyncio.run(_rows(lab, Path(journals)))
    finally:
        lab.down()


async def _rows(lab: Lab, journals: Path) -> list[Row]:
    alpha = lab.host("alpha")
    disks = ScratchDisks(lab, alpha)
    disk = await asyncio.to_thread(disks.make, NAME, SIZE)
    made = Guest(NAME, NAME, "Made by a bench.", disk=disk, wanted=Wanted.PAUSED)
    await asyncio.to_thread(ensure_guest, alpha, made, lab.root, lab.accelerator)
    for place in range(1, FULL, 64):
        await asyncio.to_thread(write, alpha, NAME, place, "64M")
    await asyncio.to_thread(flush, alpha, NAME)
    try:
        async with opened({"alpha": alpha.uri}, journals / "journal.sqlite3") as fleet:
            vm = await key_of(fleet, NAME)
            await until(lambda: fleet.state.instances[vm].described)
            return [
                await _row(alpha, fleet, vm, compressed=False),
                await _row(alpha, fleet, vm, compressed=True),
            ]
    finally:
        await asyncio.to_thread(alpha.virsh, "destroy", NAME)
        await asyncio.to_thread(disks.remove)


async def _row(alpha: LabHost, fleet: Fleet, vm: ObjectKey, *, compressed: bool) -> Row:
    async def ours(path: Path) -> None:
        request = VERBS["image"].request(subject=vm, to=str(path), compressed=compressed)
        record = await (await fleet.submit(request))
        assert record.status is OperationStatus.DONE, record

    async def theirs(path: Path) -> None:
        await asyncio.to_thread(_virsh, alpha, path, compressed=compressed)

    taken: dict[Callable[[Path], Awaitable[None]], list[float]] = {ours: [], theirs: []}
    for number in range(REPEATS):
        for way, times in taken.items():
            # another name each time: the pool does not see that one is removed
            path = alpha.pool / f"{way.__name__}-{number}-{compressed}.qcow2"
            began = time.monotonic()
            await way(path)
            times.append(time.monotonic() - began)
            path.unlink()
    value, rival = median(taken[ours]), median(taken[theirs])
    how = "compressed" if compressed else "qcow2"
    return Row(
        "image", f"live image of a {SIZE}iB disk, {FULL} MiB full, {how}", value, "s",
        rival, "virsh blockcopy --wait --finish" + (" + qemu-img convert -c" if compressed else ""),
        f"<= {LIMIT}x", value <= rival * LIMIT,
    )  # fmt: skip


def _virsh(alpha: LabHost, path: Path, *, compressed: bool) -> None:
    part = path.with_suffix(".part") if compressed else path
    how = ("--format", "qcow2", "--transient-job", "--wait", "--finish")
    alpha.virsh("blockcopy", NAME, "vda", str(part), *how, deadline=600)
    if compressed:
        words = ("convert", "-c", "-W", "-f", "qcow2", "-O", "qcow2", str(part), str(path))
        subprocess.run(["qemu-img", *words], check=True)
        part.unlink()
