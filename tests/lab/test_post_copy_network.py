"""Post-copy migrations whose network is cut: one side says "failed", and QEMU goes on by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import RefusedError
from core.fleet import Fleet
from core.model import (
    Answer,
    InstanceState,
    Migration,
    ObjectKey,
    OperationStatus,
    Steer,
    SteerKind,
)
from core.state.resume_crash import crashes
from core.verbs.migration.requests import ResumeMigration
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, Started, found, opened, passed, said, start, states, told, until
from tests.lab.networked import NetworkedHosts

SLOW = 1
"""MiB/s in post-copy: what is cut off early has half a minute of copying to go on with."""
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def busy(networked: NetworkedHosts) -> Iterator[str]:
    name = burner.start(networked, "alpha", Burner("mover", memory=64, writes=30, rate=2))
    yield name
    networked.mend()
    for host in networked.hosts:
        host.ensure_daemon()
    burner.remove(networked, name)


async def fetching(fleet: Fleet, networked: NetworkedHosts, name: str) -> Started:
    """Bring a migration into a post-copy of half a minute; the guest runs at the destination."""
    await found(fleet, name)
    way = networked.way("beta")
    moved = await start(
        fleet, name, bandwidth=4, policy="manual", post_copy="allow",
        post_copy_bandwidth=SLOW, **way,
    )  # fmt: skip
    await moved.reaches(M.RUNNING)
    await moved.passes(1)
    switched = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.POST_COPY))
    assert switched.answer is Answer.DONE, said(switched)
    await moved.reaches(M.POST_COPY)
    there = moved.now.destination_key

    def goes_on() -> bool:
        instance = fleet.state.instances.get(there)
        return instance is not None and instance.state is InstanceState.RUNNING

    await until(goes_on, "the guest goes on at the destination")
    return moved


async def is_interrupted(fleet: Fleet, number: str) -> Migration:
    """Wait for the source's libvirt to give up on a network that is silent for 30 s."""
    await until(
        lambda: fleet.state.migrations[number].status not in (M.POST_COPY, M.UNKNOWN),
        "the source says that it failed",
        90,
    )
    migration = fleet.state.migrations[number]
    assert migration.status is M.POST_COPY_INTERRUPTED, told(migration)
    assert "alpha lost the connection to beta" in migration.outcome
    assert "mover runs on beta and waits" in migration.outcome
    assert not migration.resumable
    assert not fleet.state.operations[number].status.final
    return migration


async def ends_well(fleet: Fleet, networked: NetworkedHosts, number: str) -> None:
    operations = fleet.state.operations
    await until(lambda: fleet.state.operations[number].status.final, "its end", 150)
    operations = fleet.state.operations
    migration = fleet.state.migrations[number]
    assert operations[number].status is OperationStatus.DONE, told(migration)
    assert migration.status is M.COMPLETED, told(migration)
    assert "mover runs on beta" in migration.outcome
    assert passed(migration), told(migration)
    assert not migration.resumable
    # libvirt forgot that the definition was to go: it is gone, and that is said
    assert states(networked.hosts, "mover") == {"beta": "running"}
    assert any("definition on alpha was removed" in step.text for step in migration.timeline)


async def test_it_goes_on_by_itself_after_36_seconds(
    networked: NetworkedHosts, busy: str, tmp_path: Path
) -> None:
    async with opened(networked.uris, tmp_path / "journal.sqlite3") as fleet:
        moved = await fetching(fleet, networked, busy)
        cut = time.monotonic()
        networked.cut()
        await is_interrupted(fleet, moved.now.id)
        with pytest.raises(RefusedError):
            await fleet.submit(ResumeMigration(moved.source))
        await asyncio.sleep(max(0.0, cut + 36 - time.monotonic()))
        networked.mend()
        await ends_well(fleet, networked, moved.now.id)


async def test_another_console_sees_it_through_after_83_seconds(
    networked: NetworkedHosts, busy: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with opened(networked.uris, journal) as fleet:
        moved = await fetching(fleet, networked, busy)
        number = moved.now.id
        cut = time.monotonic()
        networked.cut()
        await is_interrupted(fleet, number)
    await asyncio.sleep(max(0.0, cut + 83 - time.monotonic()))
    async with opened(networked.uris, journal) as fleet:
        await until(lambda: number in fleet.state.migrations, "it is remembered")
        await is_interrupted(fleet, number)
        networked.mend()
        await ends_well(fleet, networked, number)
        taken = [step.text for step in fleet.state.migrations[number].timeline]
        assert "taken over from a console that ended" in taken


async def test_a_failure_that_both_say_is_taken_back(
    networked: NetworkedHosts, busy: str, tmp_path: Path
) -> None:
    alpha = networked.host("alpha")
    async with opened(networked.uris, tmp_path / "journal.sqlite3") as fleet:
        moved = await fetching(fleet, networked, busy)
        await asyncio.to_thread(alpha.virsh, "domjobabort", busy, "--postcopy")
        record = await moved.ends()
        assert record.status is OperationStatus.FAILED, told(moved.now)
        assert moved.now.status is M.POST_COPY_FAILED
        assert "both hosts say so" in moved.now.outcome
        assert moved.now.resumable
        there = ObjectKey("instance", "beta", moved.source.id)
        failed = "post-copy failed"
        await until(lambda: fleet.state.instances[there].reason == failed, "it is seen on beta")
        facts = fleet.state.hosts["beta"].facts
        if facts is not None and crashes(facts.libvirt_version):
            # nobody can resume it with this libvirt: what both hosts end is settled
            for host in networked.hosts:
                await asyncio.to_thread(host.virsh, "destroy", busy)
            await until(lambda: moved.now.settled, "it is settled", 60)
            assert moved.now.status is M.POST_COPY_FAILED, told(moved.now)
            return
        resume = [
            *("migrate", busy, "qemu+tcp://beta/system", "--live", "--p2p", "--persistent"),
            *("--undefinesource", "--postcopy", "--postcopy-resume", "--migrateuri", "tcp://beta"),
        ]
        await asyncio.to_thread(alpha.virsh, *resume, deadline=150.0)  # somebody else's hands
        await until(lambda: moved.now.status is M.COMPLETED, "it is taken back", 60)
        number = moved.now.id
        await until(
            lambda: fleet.state.operations[number].status is OperationStatus.DONE, "and the record"
        )
        assert "(seen later)" in fleet.state.operations[number].outcome
        assert passed(moved.now), told(moved.now)
        assert states(networked.hosts, busy) == {"beta": "running"}
