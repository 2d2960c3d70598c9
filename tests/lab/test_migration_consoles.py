"""Two consoles and one migration: both see it, one steers it, and the other takes over."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.fleet import Fleet
from core.lab import Lab
from core.model import Answer, Steer, SteerKind
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, opened, passed, said, states, told, until
from tests.lab.test_migration_faults import CONSOLE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def busy(lab: Lab) -> Iterator[str]:
    name = burner.start(lab, "alpha", Burner("between", memory=96, writes=48, rate=30))
    yield name
    burner.remove(lab, name)


@asynccontextmanager
async def running(command: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process, which does not outlive a test that fails."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_console_beside_watches_steers_and_takes_over(
    uris: dict[str, str], lab: Lab, busy: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.sqlite3"
    named = [f"{name}={uri}" for name, uri in uris.items()]
    uuid = (await asyncio.to_thread(lab.host("alpha").virsh, "domuuid", busy)).strip()
    command = [sys.executable, "-c", CONSOLE, str(journal), "alpha", uuid, "beta", "never", *named]
    async with opened(uris, journal) as fleet, running(command) as other:
        assert other.stdout is not None
        number = (await other.stdout.readline()).decode().strip()
        await until(lambda: number in fleet.state.migrations, "the journal tells of it")

        def now() -> Any:
            return fleet.state.migrations[number]

        await until(lambda: now().status is M.RUNNING and now().sample, "it is watched here too")
        assert not now().foreign
        refused = await fleet.migrations.steer(number, Steer(SteerKind.POLICY, text="manual"))
        assert refused.answer is Answer.REFUSED, said(refused)
        slower = await fleet.migrations.steer(number, Steer(SteerKind.BANDWIDTH, 1))
        assert slower.answer is Answer.DONE, said(slower)
        await until(
            lambda: any(step.call == "bandwidth" for step in fleet.state.operations[number].steps),
            "the console that runs it notes what was sent from here",
        )
        assert not now().status.final
        other.send_signal(signal.SIGKILL)
        await other.wait()
        await until(
            lambda: any("taken over" in step.text for step in now().timeline), "it is taken over"
        )
        await fleet.migrations.steer(number, Steer(SteerKind.BANDWIDTH, 200))
        ours = await fleet.migrations.steer(number, Steer(SteerKind.POLICY, text="manual"))
        assert ours.answer in (Answer.DONE, Answer.REFUSED), said(ours)  # it may be over by now
        await until(lambda: now().status.final, "its end")
        assert now().status is M.COMPLETED, told(now())
        assert passed(now()), told(now())
        mine = [
            migration for migration in fleet.state.migrations.values() if migration.uuid == uuid
        ]
        assert len(mine) == 1, "nobody took it for somebody else's"
    assert states(lab.hosts, busy) == {"beta": "running"}


async def test_a_console_that_comes_later_finds_what_a_stranger_began(
    uris: dict[str, str], lab: Lab, busy: str, tmp_path: Path
) -> None:
    """Whether its links are up before or after it looks: nothing tells of what has begun."""
    command = [
        *("virsh", "-q", "-c", lab.host("alpha").uri, "migrate", busy, lab.host("beta").uri),
        *("--live", "--p2p", "--persistent", "--undefinesource", "--bandwidth", "2"),
        *("--migrateuri", "tcp://127.0.0.1", "--listen-address", "127.0.0.1"),
    ]

    def copies() -> bool:
        told = lab.host("alpha").virsh("domjobinfo", busy)
        return "Iteration:        1" in told or "Memory remaining" in told

    async with running(command) as process:
        while not await asyncio.to_thread(copies):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        for number in range(3):
            async with opened(uris, tmp_path / f"journal-{number}.sqlite3") as fleet:
                await sees_the_stranger_s(fleet, abort=number == 2)
        assert await process.wait() != 0
    assert states(lab.hosts, busy) == {"alpha": "running"}


async def sees_the_stranger_s(fleet: Fleet, *, abort: bool) -> None:
    await until(lambda: any(m.sample for m in fleet.state.migrations.values()), "its job", 10)
    (theirs,) = fleet.state.migrations.values()
    assert theirs.foreign
    assert theirs.to == "beta"
    await until(lambda: fleet.state.migrations[theirs.id].status is M.RUNNING, "it runs")
    if abort:
        aborted = await fleet.migrations.steer(theirs.id, Steer(SteerKind.ABORT))
        assert aborted.answer is Answer.DONE, said(aborted)
        await until(lambda: fleet.state.migrations[theirs.id].status is M.ABORTED, "the end")
