"""A 1 GiB disk moved under a running instance, against virsh's block copy with a pivot."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
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

NAME, SIZE, FULL = "moved", "1G", 512
"""The guest, its disk, and how many MiB of that hold something."""
REPEATS = 5
LIMIT = 1.05


def run() -> Iterator[Row]:
    """Both by turns, on a lab of their own; medians."""
    lab = Lab("swap-bench")
    lab.up(guests=False)
    try:
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as journals:
            yield asyncio.run(_row(lab, Path(journals)))
    finally:
        lab.down()


async def _row(lab: Lab, journals: Path) -> Row:
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
            return await _moves(alpha, fleet, vm)
    finally:
        await asyncio.to_thread(alpha.virsh, "destroy", NAME)
        await asyncio.to_thread(disks.remove)


async def _moves(alpha: LabHost, fleet: Fleet, vm: ObjectKey) -> Row:
    old = alpha.pool / f"{NAME}.qcow2"
    ours, theirs = [], []
    for number in range(REPEATS):
        for times in (ours, theirs):
            new = alpha.pool / f"{NAME}-{number}-{'ours' if times is ours else 'theirs'}.qcow2"
            began = time.monotonic()
            if times is ours:
                await _swap(fleet, vm, new)
            else:
                await asyncio.to_thread(_virsh, alpha, new)
            times.append(time.monotonic() - began)
            old.unlink()
            old = new
            await until(lambda path=str(new): _writes_to(fleet, vm) == path)  # type: ignore[misc]
    value, rival = median(ours), median(theirs)
    return Row(
        "swap", f"move of a {SIZE}iB disk, {FULL} MiB full, under its guest", value, "s",
        rival, "virsh blockcopy --wait --pivot", f"<= {LIMIT}x", value <= rival * LIMIT,
    )  # fmt: skip


async def _swap(fleet: Fleet, vm: ObjectKey, new: Path) -> None:
    request = VERBS["volume-swap"].request(subject=vm, disk="vda", to=str(new))
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record


def _virsh(alpha: LabHost, new: Path) -> None:
    how = ("--format", "qcow2", "--transient-job", "--wait", "--pivot")
    alpha.virsh("blockcopy", NAME, "vda", str(new), *how, deadline=600)


def _writes_to(fleet: Fleet, vm: ObjectKey) -> str:
    source = fleet.state.instances[vm].disks[0].source
    return "" if source is None else source.path
