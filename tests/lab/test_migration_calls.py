"""The calls of migrations: each is noted, with its virsh line, its time and what came of it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core.fleet import Fleet
from core.journal.journal import Journal
from core.lab import Lab
from core.model import Answer, Steer, SteerKind
from core.state.calls import calls_made
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import M, found, opened, other, said, start, told, until

BUSY = Burner("noted", memory=96, writes=48, rate=30)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
async def fleet(uris: dict[str, str], journal: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, journal) as made:
        yield made


@pytest.fixture(scope="module")
def busy(lab: Lab) -> Iterator[str]:
    yield burner.start(lab, "alpha", BUSY)
    burner.remove(lab, BUSY.name)


async def test_each_call_of_a_migration_is_there_and_is_kept(
    fleet: Fleet, lab: Lab, busy: str, journal: Path
) -> None:
    moved = await start(fleet, busy, bandwidth=4, policy="manual", post_copy="allow")
    await moved.reaches(M.RUNNING)
    for steer in (Steer(SteerKind.MAX_DOWNTIME, 40), Steer(SteerKind.BANDWIDTH, 3)):
        assert (await fleet.migrations.steer(moved.now.id, steer)).answer is Answer.DONE
    refused = await fleet.migrations.steer(moved.now.id, Steer(SteerKind.MAX_DOWNTIME, 0))
    assert refused.answer is Answer.REFUSED, "by us: no call was made"
    assert (
        await fleet.migrations.steer(moved.now.id, Steer(SteerKind.ABORT))
    ).answer is Answer.DONE
    await moved.ends()
    made = [each.step for each in reversed(calls_made(fleet.state, moved.operation.id))]
    uri = shlex.quote(lab.host(moved.source.host).uri)
    begin = f"virsh -c {uri} "
    assert [step.virsh for step in made if step.call != "migrate"] == [
        f"{begin}migrate-setmaxdowntime {busy} 300",
        f"{begin}migrate-setmaxdowntime {busy} 40",
        f"{begin}migrate-setspeed {busy} 3",
        f"{begin}domjobabort {busy}",
    ], told(moved.now)
    assert [step.call for step in made][1] == "migrate", "after the limits it begins with"
    assert made[1].virsh.startswith(f"{begin}migrate {busy} ")
    assert "abort" in made[1].error.lower() or "cancel" in made[1].error.lower(), made[1]
    assert [step.error for step in made if step.call != "migrate"] == [""] * 4
    assert all(step.took is not None and step.took >= 0 for step in made)
    kept = await Journal.open(journal, read_only=True)
    try:
        (entry,) = await kept.recent()
    finally:
        await kept.close()
    assert [step for step in entry.record.steps if step.call] == made


async def test_what_is_mended_at_the_destination_is_a_call_too(
    fleet: Fleet, guest: Callable[..., str], virsh: Callable[..., str], lab: Lab
) -> None:
    name = guest("alpha", "starts")
    virsh("alpha", "autostart", name)
    await fleet.read(await found(fleet, name))  # autostart has no event
    moved = await start(fleet, name)
    await moved.ends()
    made = [each.step for each in calls_made(fleet.state, moved.operation.id)]
    there = shlex.quote(lab.host("beta").uri)
    assert made[0].virsh == f"virsh -c {there} autostart {name}", told(moved.now)
    assert [step.call for step in made][-2:] == ["migrate", "max-downtime"]


async def test_what_is_done_to_somebody_else_s_migration_is_there(
    fleet: Fleet, lab: Lab, busy: str
) -> None:
    key = await found(fleet, busy)
    here = lab.host(key.host)
    command = [
        *("virsh", "-q", "-c", here.uri, "migrate", busy, lab.host(other(key.host)).uri),
        *("--live", "--p2p", "--persistent", "--undefinesource", "--bandwidth", "2"),
        *("--migrateuri", "tcp://127.0.0.1", "--listen-address", "127.0.0.1"),
    ]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        seen = await until(
            lambda: [m for m in fleet.state.migrations.values() if m.sample is not None], "its job"
        )
        number = seen[0].id
        await until(lambda: fleet.state.migrations[number].status is M.RUNNING, "it runs")
        aborted = await fleet.migrations.steer(number, Steer(SteerKind.ABORT))
        assert aborted.answer is Answer.DONE, said(aborted)
    finally:
        await process.wait()
    (made,) = calls_made(fleet.state)
    assert made.step.virsh == f"virsh -c {shlex.quote(here.uri)} domjobabort {busy}"
    assert made.step.took is not None
    assert (made.name, made.host) == (busy, key.host)
