"""An increment of a 1 GiB disk in which 64 MiB changed, against virsh's and the whole disk."""

from __future__ import annotations

import asyncio
import subprocess
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

NAME, SIZE, FULL = "backed-up", "1G", 512
"""The guest, its disk, and how many MiB of that hold something."""
CHANGED, PIECE = 64, 4
"""MiB that change between two increments, in pieces of so many, all over the disk."""
REPEATS = 3
LIMIT = 1.1
MIB = 1 << 20


def run() -> Iterator[Row]:
    """Both by turns, on a lab of their own; medians."""
    lab = Lab("backup-bench")
    lab.up(guests=False)
    try:
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as journals:
            yield from asyncio.run(_rows(lab, Path(journals)))
    finally:
        lab.down()


async def _rows(lab: Lab, directory: Path) -> list[Row]:
    alpha = lab.host("alpha")
    disks = ScratchDisks(lab, alpha)
    disk = await asyncio.to_thread(disks.make, NAME, SIZE)
    made = Guest(NAME, NAME, "Made by a bench.", disk=disk, wanted=Wanted.PAUSED)
    await asyncio.to_thread(ensure_guest, alpha, made, lab.root, lab.accelerator)
    for place in range(1, FULL, 64):
        await asyncio.to_thread(write, alpha, NAME, place, "64M")
    await asyncio.to_thread(flush, alpha, NAME)
    try:
        async with opened({"alpha": alpha.uri}, directory / "journal.sqlite3") as fleet:
            vm = await key_of(fleet, NAME)
            await until(lambda: fleet.state.instances[vm].described)
            await until(lambda: bool(fleet.state.pools))
            return await _by_turns(alpha, fleet, vm, directory)
    finally:
        await asyncio.to_thread(alpha.virsh, "destroy", NAME)
        words = ("undefine", NAME, "--checkpoints-metadata")
        await asyncio.to_thread(alpha.virsh, *words)
        await asyncio.to_thread(disks.remove)


async def _by_turns(alpha: LabHost, fleet: Fleet, vm: ObjectKey, directory: Path) -> list[Row]:
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    await _ours(alpha, fleet, vm, "ours-0", "full")
    await asyncio.to_thread(_theirs, alpha, directory, 0)
    for number in range(1, REPEATS + 1):
        for piece in range(CHANGED // PIECE):
            place = 1 + number + piece * (FULL // (CHANGED // PIECE))
            await asyncio.to_thread(write, alpha, NAME, place, f"{PIECE}M")
        ours.append(await _ours(alpha, fleet, vm, f"ours-{number}", "incremental"))
        theirs.append(await asyncio.to_thread(_theirs, alpha, directory, number))
        whole.append(await asyncio.to_thread(_whole, alpha, number))
    size, took = (median(each) for each in zip(*ours, strict=True))
    their_size, their_took = (median(each) for each in zip(*theirs, strict=True))
    whole_size = median(size for size, _ in whole)
    what = f"increment of {SIZE}iB with {CHANGED} MiB changed in {CHANGED // PIECE} places"
    rival = "virsh backup-begin + qemu-img rebase"
    return [
        Row("backup", f"{what}: written", size, "MiB", their_size, rival,
            f"<= {LIMIT}x of the change", size <= CHANGED * LIMIT),
        Row("backup", f"{what}: written", size, "MiB", whole_size, "qemu-img convert -U, whole",
            f"<= {LIMIT}x of the change", size <= CHANGED * LIMIT),
        Row("backup", f"{what}: until it is known to be whole", took, "s", their_took, rival),
    ]  # fmt: skip


async def _ours(
    alpha: LabHost, fleet: Fleet, vm: ObjectKey, name: str, kind: str
) -> tuple[float, float]:
    """Return what was written, in MiB, and how long that took."""
    request = VERBS["backup"].request(subject=vm, to="default", kind=kind, name=name)
    began = time.monotonic()
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    return _mib(alpha.pool / f"{NAME}.vda.{name}.qcow2"), time.monotonic() - began


def _theirs(alpha: LabHost, directory: Path, number: int) -> tuple[float, float]:
    path = alpha.pool / f"theirs-{number}.qcow2"
    since = f"<incremental>theirs-{number - 1}</incremental>" if number else ""
    backup, checkpoint = directory / "backup.xml", directory / "checkpoint.xml"
    backup.write_text(
        f"<domainbackup>{since}<disks><disk name='vda' type='file'><target file='{path}'/>"
        "<driver type='qcow2'/></disk></disks></domainbackup>"
    )
    checkpoint.write_text(
        f"<domaincheckpoint><name>theirs-{number}</name>"
        "<disks><disk name='vda' checkpoint='bitmap'/></disks></domaincheckpoint>"
    )
    began = time.monotonic()
    alpha.virsh("backup-begin", NAME, str(backup), str(checkpoint))
    while "None" not in alpha.virsh("domjobinfo", NAME):
        time.sleep(0.05)
    if number:
        based = ("-b", str(alpha.pool / f"theirs-{number - 1}.qcow2"), "-F", "qcow2")
        subprocess.run(["qemu-img", "rebase", "-u", *based, "-f", "qcow2", str(path)], check=True)
    return _mib(path), time.monotonic() - began


def _whole(alpha: LabHost, number: int) -> tuple[float, float]:
    path = alpha.pool / f"whole-{number}.qcow2"
    words = ("convert", "-U", "-f", "qcow2", "-O", "qcow2", f"{alpha.pool}/{NAME}.qcow2", str(path))
    began = time.monotonic()
    subprocess.run(["qemu-img", *words], check=True)
    took = time.monotonic() - began
    size = _mib(path)
    path.unlink()
    return size, took


def _mib(path: Path) -> float:
    return path.stat().st_blocks * 512 / MIB
