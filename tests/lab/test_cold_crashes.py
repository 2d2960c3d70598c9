"""Cold migrations whose console is killed at every point of its journal, in each of their phases.

The next console ends what was left by itself: an instance has then moved and is held at its source,
or is where it was, as it was; a move that is being confirmed or reverted goes on to its end. In no
case may either host start two of it, or none have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from core.fleet import Fleet
from core.lab import LabHost
from core.lab.places import write_file
from core.model import ObjectKey, OperationStatus
from core.verbs.cold.requests import ColdMigrate
from tests.driver.killed_console import KILLED, Errand, Starter, starter
from tests.lab.migrating import opened, until
from tests.lab.test_create_crashes import Killed, _merged

MOST = 20
"""Points that a verb has at most."""
XML = """
<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>{disk}</devices>
</domain>"""
DISK = """
<disk type='file' device='disk'>
  <source file='{path}'/><target dev='vda' bus='virtio'/>
</disk>"""
DONE, NOT_SENT = OperationStatus.DONE, OperationStatus.CANCELLED
ENDED = (DONE, NOT_SENT, OperationStatus.FAILED)


class Seen(NamedTuple):
    """How both hosts have an instance: the role of its mark, `-` without, empty where it is gone;
    and whether it starts with the host."""

    alpha: str
    beta: str
    starts: tuple[bool, bool]


BEFORE = Seen("-", "", (True, False))
MOVED = Seen("source", "destination", (False, True))
CONFIRMED = Seen("", "-", (False, True))
RESULTS = {
    "cold-migrate": (MOVED, BEFORE),
    "confirm-cold-migration": (CONFIRMED, MOVED),
    "revert-cold-migration": (BEFORE, MOVED),
}
"""What a verb leads to, and what there was before."""


def seen(name: str, alpha: LabHost, beta: LabHost) -> Seen:
    """Look at both hosts. Blocking."""
    roles, starts = [], []
    for host in (alpha, beta):
        there = name in host.instances()
        xml = host.virsh("dumpxml", name, "--inactive") if there else ""
        found = [role for role in ("source", "destination") if f'role="{role}"' in xml]
        found += [role for role in ("source", "destination") if f"role='{role}'" in xml]
        roles.append((found or ["-"])[0] if there else "")
        starts.append(there and "enable" in host.virsh("dominfo", name).split("Autostart:")[1])
    return Seen(roles[0], roles[1], (starts[0], starts[1]))


@pytest.fixture
def made(alpha: LabHost, beta: LabHost, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Instances that are off and start with their host: name to UUID."""
    verb, copied = request.param
    found = {f"cold-{verb[:4]}-{number}": str(uuid4()) for number in range(MOST)}
    for name, uuid in found.items():
        disk = ""
        if copied:
            alpha.virsh("vol-create-as", "default", f"{name}.raw", "64k", "--format", "raw")
            disk = DISK.format(path=alpha.pool / f"{name}.raw")
        path = alpha.directory / f"{name}.xml"
        write_file(path, XML.format(name=name, uuid=uuid, disk=disk), alpha.account)
        alpha.virsh("define", str(path))
        alpha.virsh("autostart", name)
    yield found
    for host in (alpha, beta):
        for name in found.keys() & host.instances().keys():
            host.virsh("undefine", name)
        for path in host.pool.glob(f"cold-{verb[:4]}-*.raw"):
            path.unlink()
        host.virsh("pool-refresh", "default")


async def move(fleet: Fleet, uuids: dict[str, str], options: dict[str, Any]) -> None:
    keys = [ObjectKey("instance", "alpha", uuid) for uuid in uuids.values()]

    def known() -> bool:
        rows = [fleet.state.instances.get(key) for key in keys]
        volumes, hosts = fleet.state.volumes.values(), fleet.state.hosts.values()
        listed = all({"pools", "volumes"} <= host.listed for host in hosts)
        read = all(volume.described for volume in volumes)
        return listed and read and all(row is not None and row.described for row in rows)

    await until(known, "they are seen")
    for operation in [await fleet.submit(ColdMigrate(key, **options)) for key in keys]:
        await operation


async def kill(
    consoles: Starter,
    uris: dict[str, str],
    verb: str,
    uuids: dict[str, str],
    place: Path,
    options: dict[str, Any],
) -> list[Killed]:
    killed: list[Killed] = []
    for point, (name, uuid) in zip(count(1), uuids.items(), strict=False):
        journal = place / f"{point}.sqlite3"
        others = {"beta": uris["beta"]}
        errand = Errand(uris["alpha"], str(journal), verb, uuid, options, point, others)
        killed.append(Killed(name, uuid, await consoles.run(errand), journal))
        if killed[-1].status != KILLED:
            return killed
    raise AssertionError("it has more points than there are instances")


def volumes(name: str, alpha: LabHost, beta: LabHost) -> tuple[bool, bool]:
    """Whether either host has its disk."""
    return (alpha.pool / f"{name}.raw").exists(), (beta.pool / f"{name}.raw").exists()


CASES = [(verb, copied) for copied in (False, True) for verb in RESULTS]
WORDS = [f"{verb}-{'copied' if copied else 'shared'}" for verb, copied in CASES]


@pytest.mark.parametrize(
    ("made", "verb", "copied"),
    [((verb, copied), verb, copied) for verb, copied in CASES],
    indirect=["made"],
    ids=WORDS,
)
async def test_the_next_console_ends_it(
    made: dict[str, str],
    verb: str,
    copied: bool,
    uris: dict[str, str],
    alpha: LabHost,
    beta: LabHost,
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"to": "beta", "copy": ("vda",) if copied else ()}
    if verb != "cold-migrate":
        async with opened(uris, tmp_path / "moved.sqlite3") as fleet:
            await move(fleet, made, options)
        options = {}
    with starter() as consoles:
        killed = await kill(consoles, uris, verb, made, tmp_path, options)
    assert killed[-1].status == 0
    assert len(killed) >= 8, f"too few points: {len(killed)}"
    left = tmp_path / "left.sqlite3"
    await asyncio.to_thread(_merged, killed, left)
    async with opened(uris, left) as fleet:
        await until(
            lambda: all(one.status.final for one in fleet.state.operations.values()), "all ended"
        )
        ends = {one.subject.id: one for one in fleet.state.operations.values()}
    after, before = RESULTS[verb]
    wrong, lost = [], 0
    for each in killed:
        end = ends.get(each.uuid)
        found = await asyncio.to_thread(seen, each.name, alpha, beta)
        wanted = after if end is not None and end.status is DONE else before
        known = end is None or end.status in ENDED
        disks = volumes(each.name, alpha, beta) if copied else (bool(found.alpha), bool(found.beta))
        told = f"default/{each.name}.raw on beta may be what it made"
        if end is not None and told in end.outcome:  # another may have made it: it is left
            lost, disks = lost + 1, (disks[0], False)
        if not known or found != wanted or disks != (bool(wanted.alpha), bool(wanted.beta)):
            wrong.append(f"{each.name}: {end and (end.status, end.outcome)}; {found} {disks}")
    assert not wrong, "\n".join(wrong)
    assert lost <= 1
    assert ends[killed[-1].uuid].status is DONE
    assert sum(end.status is DONE for end in ends.values()) >= len(killed) // 2
