"""Instances that are made on real QEMU, their console killed at every point of its journal.

The next console on the same journal ends what was left: then either all of the instance is there,
its definition, its disk and its seed, or nothing is, but for a disk whose answer was lost.
tests/driver/test_crash_points.py has every other verb, and says what the points are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from core.journal.ledger import Ledger
from core.lab import LabHost
from core.model import OperationStatus
from tests.driver.killed_console import KILLED, Errand, Starter, starter
from tests.lab.making import SMALL, make, remove, there
from tests.lab.one_host import opened, until

DONE = OperationStatus.DONE
IMAGE = "crash-image.qcow2"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "new-disk": ("create", {"size": 1, "start": True, **SMALL}),
    "copy-and-seed": (
        "create-from-image",
        {"image": f"default/{IMAGE}", "user": "ada", "start": False, **SMALL},
    ),
    "over-and-secret": (
        "create-from-image",
        {
            "image": f"default/{IMAGE}",
            "how": "over",
            "start": False,
            **SMALL,
            "password_hash": "$6$salty$notarealhashbutlongenough",
        },
    ),
}


@pytest.fixture(autouse=True)
def image(alpha: LabHost) -> Iterator[None]:
    alpha.virsh("vol-create-as", "default", IMAGE, "16M", "--format", "qcow2")
    alpha.virsh("pool-refresh", "default")
    yield
    alpha.virsh("vol-delete", IMAGE, "--pool", "default")


class Killed(NamedTuple):
    """One console: what it was to make, and how it ended."""

    name: str
    uuid: str
    status: int
    journal: Path


async def _kill(consoles: Starter, uri: str, case: str, point: int, directory: Path) -> Killed:
    verb, options = CASES[case]
    name, uuid, journal = f"{case}-{point}", str(uuid4()), directory / f"{point}.sqlite3"
    errand = Errand(uri, str(journal), verb, uuid, {"name": name, **options}, point)
    return Killed(name, uuid, await consoles.run(errand), journal)


def _merged(killed: list[Killed], journal: Path) -> None:
    """Put what all of them left into one journal. Blocking."""
    whole = Ledger.open(journal)
    for each in killed:
        one = Ledger.open(each.journal)
        for entry in one.recent(10):
            whole.put(entry)
        one.close()
    whole.close()


@pytest.mark.parametrize("case", CASES)
async def test_all_of_it_is_there_or_nothing(
    case: str, uris: dict[str, str], alpha: LabHost, tmp_path: Path
) -> None:
    before = await there(alpha)
    killed: list[Killed] = []
    try:
        with starter() as consoles:
            for point in count(1):
                killed.append(await _kill(consoles, uris["alpha"], case, point, tmp_path))
                if killed[-1].status != KILLED:
                    break
        assert killed[-1].status == 0
        assert len(killed) > 12, f"too few points: {len(killed)}"
        left = tmp_path / "left.sqlite3"
        await asyncio.to_thread(_merged, killed, left)
        async with opened(uris, left) as fleet:
            await until(
                lambda: all(one.status.final for one in fleet.state.operations.values()), 120
            )
            ends = {one.subject.id: one for one in fleet.state.operations.values()}
        instances, volumes = await there(alpha)
        wrong, lost = [], 0
        for each in killed:
            end = ends.get(each.uuid)
            done = end is not None and end.status is DONE
            mine = {one for one in volumes if one.startswith(f"{each.name}.")}
            mine |= {one for one in volumes if one.startswith(f"{each.name}-seed-")}
            whole = each.name in instances and len(mine) == (1 if case == "new-disk" else 2)
            # what another may have made of its name while no answer came is told of, and left
            told = {one for one in mine if end and f"default/{one} may be what it" in end.outcome}
            nothing = each.name not in instances and mine == told
            lost += len(told)
            if not (whole if done else nothing):
                outcome = end and (end.status, end.outcome)
                wrong.append(f"{each.name}: {outcome}; {each.name in instances}, {mine}")
        assert not wrong, "\n".join(wrong)
        assert ends[killed[-1].uuid].status is DONE
        assert lost <= 1
    finally:
        for each in killed:
            await asyncio.to_thread(remove, alpha, each.name)
    assert await there(alpha) == before


async def test_a_seed_is_in_its_drive_and_its_pool_or_in_neither(
    uris: dict[str, str], alpha: LabHost, tmp_path: Path
) -> None:
    """`remove-seed`, its console killed at every point."""
    before = await there(alpha)
    names = [f"seeded-{point}" for point in range(1, 16)]
    killed: list[Killed] = []
    _, options = CASES["copy-and-seed"]
    try:
        async with opened(uris, tmp_path / "made.sqlite3") as fleet:
            for name in names:
                await make(fleet, "create-from-image", name=name, **options)
        with starter() as consoles:
            for point, name in enumerate(names, 1):
                uuid, journal = alpha.virsh("domuuid", name).strip(), tmp_path / f"{point}.sqlite3"
                errand = Errand(uris["alpha"], str(journal), "remove-seed", uuid, {}, point)
                killed.append(Killed(name, uuid, await consoles.run(errand), journal))
                if killed[-1].status != KILLED:
                    break
        assert killed[-1].status == 0
        left = tmp_path / "left.sqlite3"
        await asyncio.to_thread(_merged, killed, left)
        async with opened(uris, left) as fleet:
            await until(
                lambda: all(one.status.final for one in fleet.state.operations.values()), 120
            )
            ends = {one.subject.id: one for one in fleet.state.operations.values()}
        _, volumes = await there(alpha)
        wrong = []
        for each in killed:
            end = ends.get(each.uuid)
            done = end is not None and end.status is DONE
            seed = f"{each.name}-seed-{each.uuid[:8]}.iso"
            attached = seed in alpha.virsh("dumpxml", "--inactive", each.name)
            if (attached, seed in volumes) != (not done, not done):
                outcome = end and (end.status, end.outcome)
                wrong.append(f"{each.name}: {outcome}; {attached}, {seed in volumes}")
        assert not wrong, "\n".join(wrong)
        assert ends[killed[-1].uuid].status is DONE
    finally:
        for name in names:
            await asyncio.to_thread(remove, alpha, name)
    assert await there(alpha) == before
