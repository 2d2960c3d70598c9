"""The checkpoints of an instance, below its snapshots: at three sizes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.screens.instances.instance import TABS
from core.model.checkpoint import Checkpoint, CheckpointDisk
from core.model.observation import CheckpointsRead
from tests.screens.conftest import MOMENTS, SIZES, TAPE, Moment, press
from tests.screens.test_jobs_tab import WEB, web

MIB = 1 << 20


def disks(name: str, changed: int | None, *, known: bool = True, broken: bool = False) -> Any:
    """Two disks of a checkpoint."""
    return tuple(
        CheckpointDisk(
            *(target, name, changed),
            f"/srv/backup/web.{target}.{name}.qcow2" if known else "",
            broken=broken,
        )
        for target in ("vda", "vdb")
    )


READ = (
    Checkpoint("sunday", "", 1.7e9, disks=disks("sunday", None, broken=True), judged=True),
    Checkpoint("monday", "", 1.7e9 + 86_400, disks=disks("monday", 96 * MIB), judged=True),
    Checkpoint("by-hand", "monday", 1.7e9 + 90_000, "before the upgrade",
               disks("by-hand", 40 * MIB, known=False), judged=True),
    Checkpoint("tuesday", "by-hand", 1.7e9 + 172_800, disks=disks("tuesday", 7 * MIB, known=False),
               unfinished=True, judged=True),
)  # fmt: skip


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header, *told = gzip.decompress(TAPE.read_bytes()).decode().splitlines()
    moment = float(json.loads(told[0])["at"]) + MOMENTS["loaded"]
    kept = [line for line in told if json.loads(line)["at"] <= moment]
    read = CheckpointsRead("alpha", moment - 1, web(), READ)
    path = tmp_path_factory.mktemp("tapes") / "checkpoints.jsonl"
    path.write_text("\n".join([header, *kept, msgspec.json.encode(read).decode()]) + "\n")
    return path


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_checkpoints(
    size: tuple[int, int], tape: Path, console: Moment, snap_compare: Callable[..., bool]
) -> None:
    async def to_snapshots(pilot: Any) -> None:
        keys = ("slash", *f"name:{WEB}", "enter", "enter", *["tab"] * TABS.index("snapshots"))
        await press(pilot, *keys)

    app = console("loaded", tape=tape)
    assert snap_compare(app, terminal_size=size, run_before=to_snapshots)
