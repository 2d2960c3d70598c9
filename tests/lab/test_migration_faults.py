"""Live migrations that break: daemons and hypervisor processes killed, consoles killed, adopted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import Lab
from core.model import (
    Answer,
    InstanceState,
    LinkStatus,
    Migration,
    ObjectKey,
    OperationStatus,
    Steer,
    SteerKind,
)
from core.state import resume_crash
from core.verbs.migration.requests import ResumeMigration
from core.verbs.power.requests import Resume, Stop
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, found, opened, passed, said, start, states, told, until
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]

CONSOLE = """
import asyncio, sys
from pathlib import Path
from core import Fleet
from core.model import ObjectKey
from core.verbs.migration.requests import Migrate

async def main(journal, host, uuid, to, post_copy, *uris):
    async with Fleet.open(uris, journal=Path(journal)) as fleet:
        await fleet.ready(200)
        request = Migrate(ObjectKey("instance", host, uuid), to=to, policy="adaptive",
                          bandwidth=4, post_copy=post_copy,
                          post_copy_bandwidth=3 if post_copy == "at-once" else None,
                          auto_converge=False, max_downtime=60000)
        operation = await fleet.submit(request)
        print(operation.id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""
"""Another console: it asks for a migration, and is killed.

Post-copy is slow, so that a busy machine still sees it: at full speed it may be over at once.
"""


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def busy(lab: Lab) -> Iterator[str]:
    name = burner.start(lab, "alpha", Burner("victim", memory=96, writes=48, rate=30))
    yield name
    for host in lab.hosts:
        host.ensure_daemon()
    burner.remove(lab, name)


async def reconnected(fleet: Fleet, host: str) -> None:
    await until(lambda: fleet.state.hosts[host].link.status is LinkStatus.UP, f"{host} is back")


async def test_the_source_daemon_is_killed(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=5, policy="manual")
    await moved.reaches(M.RUNNING)
    alpha = lab.host("alpha")
    assert alpha.pid is not None
    os.kill(alpha.pid, signal.SIGKILL)
    await moved.reaches(M.UNKNOWN)
    assert "out of reach" in moved.now.outcome
    await asyncio.to_thread(alpha.ensure_daemon)
    migration = await moved.reaches(M.FAILED, M.ABORTED)
    assert "still runs on alpha" in migration.outcome, told(migration)
    await moved.ends()
    await until(lambda: states(lab.hosts, busy) == {"alpha": "running"}, "only the source has it")


async def test_the_destination_daemon_is_killed(fleet: Fleet, lab: Lab, busy: str) -> None:
    moved = await start(fleet, busy, bandwidth=5, policy="manual")
    await moved.reaches(M.RUNNING)
    beta = lab.host("beta")
    assert beta.pid is not None
    os.kill(beta.pid, signal.SIGKILL)
    migration = await moved.reaches(M.FAILED)
    assert "still runs on alpha" in migration.outcome, told(migration)
    assert (await moved.ends()).status is OperationStatus.FAILED
    await asyncio.to_thread(beta.ensure_daemon)
    await reconnected(fleet, "beta")
    assert states(lab.hosts, busy)["alpha"] == "running"


async def test_the_destination_process_is_killed_before_the_switch(
    fleet: Fleet, lab: Lab, busy: str
) -> None:
    moved = await start(fleet, busy, bandwidth=5, policy="manual")
    await moved.reaches(M.RUNNING)
    os.kill(lab.host("beta").qemu_pid(busy), signal.SIGKILL)
    migration = await moved.reaches(M.FAILED)
    assert "still runs on alpha" in migration.outcome, told(migration)
    await moved.ends()
    assert passed(moved.now), told(moved.now)  # nothing is left at the destination
    assert states(lab.hosts, busy) == {"alpha": "running"}


async def in_post_copy(fleet: Fleet, name: str) -> Migration:
    """Bring a migration into a post-copy that takes its time, and the guest runs there."""
    moved = await start(
        fleet, name, bandwidth=20, policy="manual", post_copy="allow", post_copy_bandwidth=2
    )
    await moved.reaches(M.RUNNING)
    await moved.passes(1)
    switched = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POST_COPY))
    assert switched.answer is Answer.DONE, said(switched)
    await moved.reaches(M.POST_COPY)
    there = ObjectKey("instance", "beta", moved.now.uuid)

    def goes_on() -> bool:
        instance = fleet.state.instances.get(there)
        return instance is not None and instance.state is InstanceState.RUNNING

    await until(goes_on, "the guest goes on at the destination")
    return moved.now


async def test_the_destination_process_is_killed_in_post_copy(
    fleet: Fleet, lab: Lab, busy: str
) -> None:
    migration = await in_post_copy(fleet, busy)
    os.kill(lab.host("beta").qemu_pid(busy), signal.SIGKILL)
    await until(lambda: fleet.state.migrations[migration.id].status.final, "its end")
    migration = fleet.state.migrations[migration.id]
    assert migration.status is M.POST_COPY_FAILED, told(migration)
    assert "is lost" in migration.outcome
    assert not migration.resumable
    source = migration.source_key
    await until(lambda: fleet.state.instances[source].reason == "post-copy failed", "the source")
    await until(lambda: fleet.state.operations[migration.id].status.final, "the operation's end")
    with pytest.raises(RefusedError, match="post-copy failed"):
        await fleet.submit(Resume(source))  # two would write to its disks
    operation = await fleet.submit(ResumeMigration(source))
    with pytest.raises(OperationFailedError, match="lost"):
        await operation
    await (await fleet.submit(Stop(source)))


async def test_a_post_copy_that_broke_is_resumed(fleet: Fleet, lab: Lab, busy: str) -> None:
    migration = await in_post_copy(fleet, busy)
    await asyncio.to_thread(
        lab.host("alpha").virsh, "domjobabort", busy, "--postcopy", deadline=30.0
    )
    await until(lambda: fleet.state.migrations[migration.id].status.final, "the failure")
    broken = fleet.state.migrations[migration.id]
    assert broken.status is M.POST_COPY_FAILED, told(broken)
    assert broken.resumable, told(broken)
    assert "Never resume" in broken.hint
    await until(lambda: fleet.state.operations[migration.id].status.final, "the operation's end")
    failed = "post-copy failed"
    await until(lambda: fleet.state.instances[broken.source_key].reason == failed, "the source")
    with pytest.raises(RefusedError, match="post-copy failed"):
        await fleet.submit(Resume(broken.source_key))
    request = ResumeMigration(broken.source_key)
    why, _ = resume_crash.crash_of(fleet.state, broken.source_key)
    if why:  # this machine's libvirt would die of it
        with pytest.raises(RefusedError, match="known to die"):
            await fleet.submit(request)
        await dies_of_it(fleet, lab, replace(request, accept_crash=busy))
        return
    again = await fleet.submit(request)

    def goes_on() -> bool:
        source = fleet.state.instances.get(broken.source_key)  # it may have left already
        return again.record.status.final or source is None or source.reason == "post-copy"

    await until(goes_on, "it goes on")
    await fleet.migrations.steer(again.id, Steer(SteerKind.POST_COPY_BANDWIDTH, 100))
    with suppress(OperationFailedError):
        await again
    record, resumed = again.record, fleet.state.migrations[again.id]
    assert record.status is OperationStatus.DONE, told(resumed)
    assert resumed.status is M.COMPLETED, told(resumed)
    assert states(lab.hosts, busy) == {"beta": "running"}


async def dies_of_it(fleet: Fleet, lab: Lab, request: ResumeMigration) -> None:
    """Resume in spite of the destination's daemon, which dies: it is said what is known."""
    again = await fleet.submit(request)
    await until(lambda: lab.host("beta").pid is None, "the daemon of beta is dead", 60)
    interrupted = M.POST_COPY_INTERRUPTED
    await until(lambda: fleet.state.migrations[again.id].status is interrupted, "it is said")
    outcome = fleet.state.migrations[again.id].outcome
    assert "beta does not answer here either" in outcome
    assert not fleet.state.operations[again.id].status.final
    await asyncio.to_thread(lab.host("beta").ensure_daemon)
    await reconnected(fleet, "beta")
    await until(lambda: fleet.state.operations[again.id].status.final, "both sides' word")
    told_so = fleet.state.migrations[again.id]
    assert told_so.status is M.POST_COPY_FAILED, told(told_so)
    assert told_so.resumable, told(told_so)


@pytest.mark.parametrize("phase", ["pre-copy", "post-copy"])
async def test_a_migration_whose_console_was_killed_is_adopted(
    uris: dict[str, str], lab: Lab, busy: str, tmp_path: Path, phase: str
) -> None:
    journal = tmp_path / "journal.sqlite3"
    named = [f"{name}={uri}" for name, uri in uris.items()]
    uuid = lab.host("alpha").virsh("domuuid", busy).strip()
    post_copy = "at-once" if phase == "post-copy" else "never"
    arguments = [str(journal), "alpha", uuid, "beta", post_copy, *named]
    console = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CONSOLE, *arguments), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert console.stdout is not None
    number = (await console.stdout.readline()).decode().strip()
    job = "--postcopy" if phase == "post-copy" else ""

    def under_way() -> bool:
        if job:
            return "post-copy" in lab.host("alpha").virsh("domstate", busy, "--reason")
        return "Data remaining" in lab.host("alpha").virsh("domjobinfo", busy)

    async with asyncio.timeout(60 * PATIENCE):
        while not await asyncio.to_thread(under_way):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    console.send_signal(signal.SIGKILL)
    await console.wait()
    async with opened(uris, journal) as fleet:
        await until(lambda: number in fleet.state.migrations, "the journal tells of it")
        await until(
            lambda: any("taken over" in s.text for s in fleet.state.migrations[number].timeline),
            "it is taken over",
        )
        await until(lambda: fleet.state.migrations[number].status.final, "its end", 60)
        migration = fleet.state.migrations[number]
        assert migration.status is M.COMPLETED, told(migration)
        assert passed(migration), told(migration)
        by = [record.by for record in migration.steering]
        assert set(by) <= {"policy adaptive"}, told(migration)
        if phase == "pre-copy":  # its policy goes on where the dead console left it
            assert "policy adaptive" in by, told(migration)
        record = fleet.state.operations[number]
        await until(lambda: fleet.state.operations[number].status.final, "the operation")
        record = fleet.state.operations[number]
        assert record.status is OperationStatus.DONE, record
    assert states(lab.hosts, busy) == {"beta": "running"}
    assert await found_again(uris, journal, number) is M.COMPLETED


async def found_again(uris: dict[str, str], journal: Path, number: str) -> str:
    """What a later console says of a migration that is over."""
    async with opened(uris, journal) as fleet:
        await until(lambda: number in fleet.state.migrations, "it is remembered")
        return fleet.state.migrations[number].status


async def test_two_migrations_at_once_are_steered_apart(fleet: Fleet, lab: Lab, busy: str) -> None:
    other_name = burner.start(lab, "alpha", Burner("second", memory=64, writes=16, rate=4))
    try:
        await found(fleet, other_name)
        one = await start(fleet, busy, bandwidth=6, policy="manual")
        two = await start(fleet, other_name, bandwidth=40)
        await one.reaches(M.RUNNING)
        await fleet.migrations.steer(one.now.id, Steer(SteerKind.ABORT))
        await one.reaches(M.ABORTED)
        migration = await two.reaches(M.COMPLETED)
        assert passed(migration), told(migration)
        assert states(lab.hosts, busy) == {"alpha": "running"}
    finally:
        burner.remove(lab, other_name)
