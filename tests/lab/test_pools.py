"""A pool of a directory made, built, used, and deleted with what is in it: on a real host."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.errors import LabError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.model import ObjectKey, OperationRecord
from core.verbs.registry import VERBS
from tests.lab.one_host import do, opened, until
from tests.lab.seeing import key_of

HOST = ObjectKey("host", "alpha", "alpha")


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        kinds = {"instances", "pools", "volumes", "networks"}
        await until(lambda: kinds <= made.state.hosts["alpha"].listed)
        await until(lambda: all(row.described for row in made.state.instances.values()))
        yield made


@pytest.fixture
def place(alpha: LabHost) -> Iterator[Path]:
    """Where a pool `barn` may lie; it is gone after the test."""
    found = alpha.directory / "barn"
    yield found
    for command in ("pool-destroy", "pool-undefine"):
        with suppress(LabError):
            alpha.virsh(command, "barn")
    shutil.rmtree(found, ignore_errors=True)


async def make(fleet: Fleet, **options: Any) -> ObjectKey:
    request = VERBS["pool-create"].at(HOST, str(uuid4()), {"name": "barn", **options})
    await do(fleet, request)
    await until(lambda: request.subject in fleet.state.pools)
    return request.subject


async def ask(fleet: Fleet, verb: str, key: ObjectKey, **options: Any) -> OperationRecord:
    return await do(fleet, VERBS[verb].request(subject=key, **options))


def entries(place: Path) -> list[str] | None:
    """Return what is in a folder; None: it is not there."""
    return sorted(one.name for one in place.iterdir()) if place.exists() else None


async def test_a_pool_is_made_and_deleted_with_its_volumes_unless_they_are_used(
    fleet: Fleet, alpha: LabHost, place: Path
) -> None:
    key = await make(fleet, path=str(place), build=True)
    assert entries(place) == []
    await ask(fleet, "volume-create", key, name="a.raw", size="1M")
    await until(lambda: any(one.pool == key.id for one in fleet.state.volumes.values()))

    (place / "unnamed").mkdir()  # libvirt calls a folder a volume
    with pytest.raises(OperationFailedError, match="By now barn has unnamed too"):
        await ask(fleet, "pool-delete", key)
    await until(lambda: any(one.name == "unnamed" for one in fleet.state.volumes.values()))
    with pytest.raises(OperationFailedError, match="unnamed of barn is a folder"):
        await ask(fleet, "pool-delete", key)
    assert entries(place) == ["a.raw", "unnamed"], "nothing went"
    (place / "unnamed").rmdir()

    await ask(fleet, "volume-create", key, name="b.raw", size="1M")
    await until(lambda: any(one.name == "b.raw" for one in fleet.state.volumes.values()))
    assert (await ask(fleet, "pool-delete", key)).outcome == "the pool barn is deleted"
    assert entries(place) is None
    assert "barn" not in alpha.virsh("pool-list", "--all", "--name").split()


async def test_a_pool_that_is_made_where_nothing_is_is_undefined_again(
    fleet: Fleet, alpha: LabHost, place: Path
) -> None:
    with pytest.raises(OperationFailedError, match="what was done before was undone") as caught:
        await make(fleet, path=str(place))
    assert "`virtdeck pool build`" in caught.value.hint
    assert "barn" not in alpha.virsh("pool-list", "--all", "--name").split()


async def test_a_pool_in_use_is_not_deleted(fleet: Fleet, guest: Callable[..., str]) -> None:
    # one of the test's own: whatever else is gone, the lab's pool is in use
    await key_of(fleet, guest("alpha", "user", disk="default/clone.qcow2", wanted=Wanted.SHUT_OFF))
    used = next(pool for pool in fleet.state.pools.values()
                if pool.host == "alpha" and pool.name == "default")  # fmt: skip
    with pytest.raises(RefusedError, match="is in use: by"):
        await ask(fleet, "pool-delete", used.key)
