"""The jobs of an instance, on its page: at three sizes, and the keys that steer them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.journal.replay import Replay
from core.model import BlockJob, BlockJobState, ObjectKey, OperationRecord, OperationStatus
from core.model.observation import BlockJobsRead, OperationChanged
from tests.screens.conftest import MOMENTS, SIZES, TAPE, Moment, press

WEB, MIB = "web", 1 << 20


def web() -> str:
    """The UUID of `web` on the tape."""
    replay = Replay.at(TAPE, MOMENTS["loaded"])
    try:
        return next(row.uuid for row in replay.state.instances.values() if row.name == WEB)
    finally:
        replay.close()


def read(at: float, uuid: str, done: int) -> BlockJobsRead:
    """A copy that somebody's operation follows, and an equal one of nobody's."""
    ours = BlockJob(
        *("vda", "copy", BlockJobState.RUNNING, at - 40, at, done * MIB, 1024 * MIB),
        bandwidth=100 * MIB,
        target="/var/lib/libvirt/images/golden.qcow2",
    )
    theirs = BlockJob(
        *("vdb", "active-commit", BlockJobState.READY, at - 300, at, 64 * MIB, 64 * MIB),
        bandwidth=0,
        target="/var/lib/libvirt/images/data.qcow2",
    )
    return BlockJobsRead("alpha", at, uuid, (ours, theirs))


def lines(uuid: str, begin: float) -> Iterator[Any]:
    """What a tape gets after its moment."""
    key = ObjectKey("instance", "alpha", uuid)
    record = OperationRecord(
        *("018e-1", "image", "alpha", key, WEB, "nora@deck", begin - 40),
        status=OperationStatus.VERIFYING,
        started=begin - 40,
        options={"to": "default/golden.qcow2", "disk": "vda"},
    )
    yield OperationChanged("alpha", begin, record)
    for number in range(4):
        yield read(begin + number * 0.2, uuid, 400 + 20 * number)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header, *told = gzip.decompress(TAPE.read_bytes()).decode().splitlines()
    kept = [line for line in told if json.loads(line)["at"] <= _moment(told)]
    more = (msgspec.json.encode(one).decode() for one in lines(web(), _moment(told) - 1))
    path = tmp_path_factory.mktemp("tapes") / "jobs.jsonl"
    path.write_text("\n".join([header, *kept, *more]) + "\n")
    return path


def _moment(told: list[str]) -> float:
    return float(json.loads(told[0])["at"]) + MOMENTS["loaded"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_jobs_tab(
    size: tuple[int, int], tape: Path, console: Moment, snap_compare: Callable[..., bool]
) -> None:
    async def to_jobs(pilot: Any) -> None:
        await press(pilot, "slash", *f"name:{WEB}", "enter", "enter", "j")

    app = console("loaded", tape=tape)
    assert snap_compare(app, terminal_size=size, run_before=to_jobs)
