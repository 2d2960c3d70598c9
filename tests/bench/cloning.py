"""A clone of an instance with a sparse disk of 1 GiB, against virt-clone."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

from core.lab import Guest, Lab, LabHost, Wanted, ensure_guest
from core.model import OperationStatus
from core.verbs.cloning import Clone
from tests.bench.rows import Row
from tests.driver.command import Virtdeck
from tests.lab.one_host import opened, until
from tests.lab.scratch_disk import ScratchDisks
from tests.lab.seeing import key_of

NAME, SIZE, FULL = "original", "1G", 512
"""The instance, its disk, and how many MiB of that hold something."""
REPEATS = 5
MIB = 1 << 20


def run() -> Iterator[Row]:
    """Both by turns, on a lab of their own; medians."""
    lab = Lab("cloning-bench")
    lab.up(guests=False)
    try:
        alpha = lab.host("alpha")
        disks = ScratchDisks(lab, alpha)
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
            disk = disks.make(NAME, SIZE)
            for place in range(0, FULL * 2, 128):
                write = f"write -P 7 {place}M 64M"
                subprocess.run(
                    ["qemu-io", "-f", "qcow2", "-c", write, str(alpha.pool / f"{NAME}.qcow2")],
                    check=True, stdout=subprocess.DEVNULL,
                )  # fmt: skip
            made = Guest(NAME, NAME, "Made by a bench.", disk=disk, wanted=Wanted.SHUT_OFF)
            ensure_guest(alpha, made, lab.root, lab.accelerator)
            try:
                yield from asyncio.run(_rows(alpha, Path(home)))
            finally:
                alpha.virsh("undefine", NAME)
                disks.remove()
    finally:
        lab.down()


async def _rows(alpha: LabHost, home: Path) -> list[Row]:
    """In the console that is open; the same by a command, which starts first as virt-clone does."""
    virtdeck = Virtdeck(home)
    async with opened({"alpha": alpha.uri}, home / "journal.sqlite3") as fleet:
        vm = await key_of(fleet, NAME)
        await until(lambda: fleet.state.instances[vm].described)

        async def ours(name: str) -> None:
            record = await (await fleet.submit(Clone(vm, to=name)))
            assert record.status is OperationStatus.DONE, record

        async def command(name: str) -> None:
            words = ("-c", f"alpha={alpha.uri}", "clone", NAME, "--to", name)
            done = await asyncio.to_thread(virtdeck, *words)
            assert done.status == 0, done

        async def theirs(name: str) -> None:
            file = alpha.pool / f"{name}.qcow2"
            words = ["virt-clone", "--connect", alpha.uri, "--original", NAME, "--name", name]
            words += ["--file", str(file), "--quiet"]
            await asyncio.to_thread(subprocess.run, words, check=True)

        taken: dict[Callable[[str], Awaitable[None]], list[float]]
        taken = {ours: [], command: [], theirs: []}
        held: dict[Callable[[str], Awaitable[None]], float] = {}
        for number in range(REPEATS):
            for way, times in taken.items():
                name = f"{way.__name__}-{number}"
                before = set(alpha.pool.iterdir())
                began = time.monotonic()
                await way(name)
                times.append(time.monotonic() - began)
                (made,) = set(alpha.pool.iterdir()) - before
                held[way] = made.stat().st_blocks * 512 / MIB
                words = ("undefine", name, "--remove-all-storage")
                await asyncio.to_thread(alpha.virsh, *words)
    rival = median(taken[theirs])
    what = f"clone with a disk of {SIZE}iB, {FULL} MiB full"
    rows = [
        Row("cloning", f"{what}{how}", value, "s", rival, "virt-clone", "<= 1x", value <= rival)
        for how, value in (("", median(taken[ours])), (", by a command", median(taken[command])))
    ]
    mine, his = held[ours], held[theirs]
    words = ("what the clone's disk takes", mine, "MiB", his, "virt-clone", "as much")
    return [*rows, Row("cloning", *words, abs(mine - his) < 1)]
