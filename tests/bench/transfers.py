"""A file of 1 GiB, sparse and full, written over a volume and read back, against virsh."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.model import ObjectKey, OperationStatus, Request
from core.verbs.volume_transferring import DownloadVolume, UploadVolume
from tests.bench.rows import Row
from tests.lab.one_host import opened, until

NAME, MIB = "moved.raw", 1 << 20
SIZE, SPARSE = 1024, 128
"""MiB of the file, and those of a sparse one that hold something."""
REPEATS = 5
LIMIT = 1.05

Way = Callable[[Path], Awaitable[None]]


def run() -> Iterator[Row]:
    """Both ways by turns, on a lab of their own; medians."""
    lab = Lab("transfers-bench")
    lab.up(guests=False)
    try:
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
            yield from asyncio.run(_rows(lab.host("alpha"), Path(home)))
    finally:
        lab.down()


async def _rows(alpha: LabHost, home: Path) -> list[Row]:
    words = ("vol-create-as", "default", NAME, f"{SIZE}M", "--format", "raw")
    await asyncio.to_thread(alpha.virsh, *words)
    rows = []
    async with opened({"alpha": alpha.uri}, home / "journal.sqlite3") as fleet:
        key = await _key(fleet)
        for kind, step in (("sparse", SIZE // SPARSE), ("full", 1)):
            file = home / f"{kind}.raw"
            await asyncio.to_thread(_fill, file, step)
            rows += await _both(alpha, fleet, key, file, kind)
            file.unlink()
    return rows


async def _key(fleet: Fleet) -> ObjectKey:
    def known() -> bool:
        return any(one.name == NAME and one.described for one in fleet.state.volumes.values())

    await until(known)
    return next(key for key, one in fleet.state.volumes.items() if one.name == NAME)


def _fill(file: Path, step: int) -> None:
    """Write every `step`th MiB; the others are holes."""
    with file.open("wb") as out:
        out.truncate(SIZE * MIB)
        for place in range(0, SIZE, step):
            out.seek(place * MIB)
            out.write(os.urandom(MIB))
    file.chmod(0o644)


async def _both(alpha: LabHost, fleet: Fleet, key: ObjectKey, file: Path, kind: str) -> list[Row]:
    async def ask(request: Request) -> None:
        record = await (await fleet.submit(request))
        assert record.status is OperationStatus.DONE, record

    async def upload(_: Path) -> None:
        await ask(UploadVolume(key, str(file)))

    async def virsh_upload(_: Path) -> None:
        words = ("vol-upload", NAME, str(file), "--pool", "default", "--sparse")
        await asyncio.to_thread(alpha.virsh, *words, deadline=600)

    async def download(to: Path) -> None:
        await ask(DownloadVolume(key, str(to)))

    async def virsh_download(to: Path) -> None:
        words = ("vol-download", NAME, str(to), "--pool", "default", "--sparse")
        await asyncio.to_thread(alpha.virsh, *words, deadline=600)

    return [
        await _row(file, f"upload of {SIZE} MiB, {kind}", upload, virsh_upload, "vol-upload"),
        await _row(file, f"download of {SIZE} MiB, {kind}", download, virsh_download,
                   "vol-download"),
    ]  # fmt: skip


async def _row(file: Path, what: str, ours: Way, theirs: Way, rival_name: str) -> Row:
    taken: dict[Way, list[float]] = {ours: [], theirs: []}
    for number in range(REPEATS):
        for way, times in taken.items():
            to = file.with_name(f"got-{number}")
            began = time.monotonic()
            await way(to)
            times.append(time.monotonic() - began)
            to.unlink(missing_ok=True)
    value, rival = median(taken[ours]), median(taken[theirs])
    return Row(
        "transfers", what, value, "s", rival, f"virsh {rival_name} --sparse",
        f"<= {LIMIT}x", value <= rival * LIMIT,
    )  # fmt: skip
