"""Snapshots on real QEMU: made, reverted to, deleted, merged; a console killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model import ObjectKey, OperationStatus, Snapshot
from core.verbs.registry import VERBS
from tests.lab.test_power import domstate, key_of, opened, until


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


async def done(fleet: Fleet, verb: str, subject: ObjectKey, **options: Any) -> str:
    record = await (await fleet.submit(VERBS[verb].request(subject=subject, **options)))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


async def snapshots(fleet: Fleet, vm: ObjectKey) -> dict[str, Snapshot]:
    await until(lambda: fleet.state.instances[vm].described)
    return {one.name: one for one in await fleet.snapshots(vm) or ()}


def listed(alpha: LabHost, name: str) -> set[str]:
    return set(alpha.virsh("snapshot-list", name, "--name").split())


async def test_an_internal_one_is_made_of_a_running_guest_reverted_to_and_deleted(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "kept", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    outcome = await done(fleet, "snapshot-create", vm, name="before", description="a < b")
    assert outcome == "kept has the snapshot before"
    made = (await snapshots(fleet, vm))["before"]
    assert (made.state, made.memory, made.external) == ("running", "internal", False)
    assert made.description == "a < b"
    with pytest.raises(RefusedError, match="has a snapshot called before"):
        await fleet.submit(VERBS["snapshot-create"].request(subject=vm, name="before"))
    await done(fleet, "snapshot-create", vm, name="after")
    await asyncio.to_thread(alpha.virsh, "suspend", name)
    await done(fleet, "snapshot-revert", made.key)
    assert domstate(alpha, name) == "running"
    assert (await snapshots(fleet, vm))["before"].current
    await done(fleet, "snapshot-revert", made.key, then="paused")
    assert domstate(alpha, name) == "paused"
    assert await done(fleet, "snapshot-delete", made.key, children=True)
    assert listed(alpha, name) == set()
    assert await snapshots(fleet, vm) == {}


async def test_an_external_one_lays_a_file_over_the_disk_and_is_merged_again(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "layered", disk="default/clone.qcow2")
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    await done(fleet, "snapshot-create", vm, name="inside")
    await done(fleet, "snapshot-create", vm, name="over", where="external")
    found = await snapshots(fleet, vm)
    assert (found["over"].external, found["over"].disk_only) == (True, True)
    assert "clone.over" in alpha.virsh("domblklist", name)
    with pytest.raises(RefusedError, match="external over lies over inside: delete it first"):
        await fleet.submit(VERBS["snapshot-revert"].request(subject=found["inside"].key))
    request = VERBS["snapshot-revert"].request(subject=found["over"].key)
    if fleet.state.hosts["alpha"].facts.libvirt_number < 9_009_000:  # type: ignore[union-attr]
        with pytest.raises(RefusedError, match=r"it takes libvirt 9\.9"):
            await fleet.submit(request)


async def test_a_raw_disk_has_an_external_one_only(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "plain", disk="default/spare.raw", wanted=Wanted.SHUT_OFF)
    vm = await key_of(fleet, name)
    await snapshots(fleet, vm)
    with pytest.raises(RefusedError, match="only qcow2 can: make an external one"):
        await fleet.submit(VERBS["snapshot-create"].request(subject=vm, name="one"))
    assert listed(alpha, name) == set()
