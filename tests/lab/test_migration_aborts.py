"""Aborts that QEMU may tell as failures: who asked for one is believed, and nothing is claimed.

Each is tried several times: about one in ten ends as if the network had broken
(`core.migration.judgement.abort`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.fleet import Fleet
from core.lab import Lab
from core.model import Answer, Steer, SteerKind
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, Started, opened, said, start, told, until

TIMES = 12
FAST = {"policy": "manual", "bandwidth": 150, "max_downtime": 1}
"""At full speed the thread that copies is nearly always in a write."""


@pytest.fixture
async def consoles(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[tuple[Fleet, Fleet]]:
    journal = tmp_path / "journal.sqlite3"
    async with opened(uris, journal) as owner, opened(uris, journal) as other:
        yield owner, other


@pytest.fixture(scope="module")
def fast(lab: Lab) -> Iterator[str]:
    yield burner.start(lab, "alpha", Burner("fast", memory=512, writes=400, rate=2000))
    burner.remove(lab, "fast")


async def copying(owner: Fleet, name: str) -> Started:
    moved = await start(owner, name, **FAST)
    await moved.reaches(M.RUNNING)
    await moved.passes(1)
    return moved


async def test_an_abort_of_another_console_is_an_abort_each_time(
    consoles: tuple[Fleet, Fleet], fast: str
) -> None:
    owner, other = consoles
    for _ in range(TIMES):
        moved = await copying(owner, fast)
        number = moved.operation.id
        await until(lambda number=number: number in other.state.migrations, "the other sees it")
        aborted = await other.migrations.steer(number, Steer(SteerKind.ABORT))
        assert aborted.answer is Answer.DONE, said(aborted)
        record = await moved.ends()
        assert moved.now.status is M.ABORTED, told(moved.now)
        sent = [step for step in record.steps if step.call == "abort"]
        assert ["domjobabort" in step.virsh for step in sent] == [True], record.steps


async def test_an_abort_of_a_stranger_s_is_called_a_failure_only_with_the_doubt(
    consoles: tuple[Fleet, Fleet], lab: Lab, fast: str
) -> None:
    owner, _ = consoles
    for _ in range(TIMES):
        moved = await copying(owner, fast)
        virsh = lab.host(moved.source.host).virsh
        await asyncio.to_thread(virsh, "domjobabort", fast)
        await moved.ends()
        if moved.now.status is not M.ABORTED:
            assert moved.now.status is M.FAILED, told(moved.now)
            assert "domjobabort" in moved.now.hint, told(moved.now)
