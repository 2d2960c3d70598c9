"""Pools made, built and removed: on libvirt's test driver, which checks each XML by the schema.

What they do to devices it does not do: see tests/lab/test_pools.py for a directory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import ObjectKey, OperationStatus, Pool
from core.verbs.registry import VERBS
from core.verbs.undoing import undoing
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.patience import PATIENCE
from tests.unit.core.verbs.test_pool_making import GOLDEN

QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0)
HOST = ObjectKey("host", "t", "t")


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    with PrivateDaemon(instances=1) as daemon:
        opened = Fleet.open([f"t={daemon.uri}"], journal=tmp_path / "j.db", options=QUIET)
        async with opened as found:
            assert await found.ready(10 * PATIENCE)
            await until(lambda: bool(found.state.pools))
            await until(lambda: all(row.described for row in found.state.instances.values()))
            yield found


async def make(fleet: Fleet, verb: str = "pool-create", **options: Any) -> ObjectKey:
    request = VERBS[verb].at(HOST, str(uuid4()), options)
    record = await (await fleet.submit(request))
    assert record.status is OperationStatus.DONE, record
    await until(lambda: request.subject in fleet.state.pools)
    return request.subject


async def carry_out(fleet: Fleet, verb: str, key: ObjectKey, **options: Any) -> str:
    record = await (await fleet.submit(VERBS[verb].request(subject=key, **options)))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


def row(fleet: Fleet, key: ObjectKey) -> Pool:
    return fleet.state.pools[key]


async def test_a_pool_is_made_built_and_deleted_with_its_volumes(fleet: Fleet) -> None:
    key = await make(fleet, name="lab", path="/lab", build=True)
    made = row(fleet, key)
    assert (made.active, made.autostart, made.persistent) == (True, True, True)
    assert (made.type, made.path) == ("dir", "/lab")
    with pytest.raises(RefusedError, match="t has a pool lab already"):
        await make(fleet, name="lab", path="/other")
    assert await carry_out(fleet, "pool-delete", key) == "the pool lab is deleted"
    assert key not in fleet.state.pools


async def test_a_pool_that_is_off_is_built_and_undefined(fleet: Fleet) -> None:
    key = await make(fleet, name="lab", path="/lab", start=False, autostart=False)
    assert not row(fleet, key).active
    assert await carry_out(fleet, "pool-build", key) == "what lab lies on is made"
    record = await (await fleet.submit(VERBS["pool-undefine"].request(subject=key)))
    assert record.outcome == "the pool lab is undefined"
    assert key not in fleet.state.pools
    back = undoing(record)
    assert back is not None
    await (await fleet.submit(back))
    await until(lambda: key in fleet.state.pools)
    assert (row(fleet, key).path, row(fleet, key).active) == ("/lab", False)


async def test_the_xml_of_every_type_fits_libvirts_schema(fleet: Fleet) -> None:
    for type_, request, _ in GOLDEN:
        options = {
            name: value
            for name, value in msgspec.structs.asdict(request).items()
            if name != "subject"
        }
        options |= {"name": type_, "type": type_, "start": False, "autostart": False}
        key = await make(fleet, **options)
        assert row(fleet, key).type == type_
        await carry_out(fleet, "pool-undefine", key)  # two pools of one source are refused


async def test_a_pool_is_made_from_its_xml_as_that_says(fleet: Fleet) -> None:
    uuid = str(uuid4())
    inside = f"<name>x</name><uuid>{uuid}</uuid><target><path>/x</path></target>"
    xml = f"<pool type='dir'>{inside}</pool>"
    key = await make(fleet, "pool-create-from-xml", xml=xml, start=False, autostart=False)
    assert (key.id, row(fleet, key).path) == (uuid, "/x")
    with pytest.raises(RefusedError, match="t has a pool x already"):
        await make(fleet, "pool-create-from-xml", xml=xml)
    wrong = {"xml": "<pool type='dir'><name>y</name><wrong/></pool>"}
    with pytest.raises(OperationFailedError, match="failed to validate against schema"):
        await make(fleet, "pool-create-from-xml", **wrong)


async def test_a_pool_is_defined_anew_unless_somebody_else_just_did(fleet: Fleet) -> None:
    key = await make(fleet, name="x", path="/pools/x", start=False, autostart=False)
    at = "<pool type='dir'><name>x</name><target><path>{}</path></target></pool>"
    for text, words in (
        ("<pool type='dir'><name>y</name></pool>", "is that of another pool, y"),
        ("<pool type='fs'><name>x</name></pool>", "x is of the type dir, and not fs"),
        ("<network/>", "pool"),
    ):
        with pytest.raises(RefusedError, match=words):
            await carry_out(fleet, "pool-edit", key, xml=text)
    operation = await fleet.submit(
        VERBS["pool-edit"].request(subject=key, xml=at.format("/pools/z"))
    )
    record = await operation
    assert record.outcome == "the pool x is defined anew"
    await until(lambda: row(fleet, key).path == "/pools/z")
    back = undoing(record)
    assert back is not None, record.undo
    await (await fleet.submit(back))
    await until(lambda: row(fleet, key).path == "/pools/x")
    await carry_out(fleet, "pool-edit", key, xml=at.format("/pools/other"))
    with pytest.raises(OperationFailedError, match="x was changed meanwhile, and is not over"):
        await (await fleet.submit(back))


async def test_a_pool_that_runs_counts_its_new_definition_from_its_next_start(
    fleet: Fleet,
) -> None:
    key = await make(fleet, name="r", path="/pools/r", start=True, autostart=False)
    await until(lambda: row(fleet, key).active)
    xml = "<pool type='dir'><target><path>/pools/q</path></target></pool>"
    outcome = await carry_out(fleet, "pool-edit", key, xml=xml)
    assert outcome == "the pool r is defined anew; it counts once it is stopped and started"
