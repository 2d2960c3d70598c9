"""Undo of operations that are done: what was so before is so again, by an operation of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotFoundError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import ObjectKey, OperationRecord, OperationStatus, Request
from core.state.subject import subject_of
from core.verbs.registry import VERBS
from core.verbs.undoing import against_undo, undoing
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import uuid_of
from tests.patience import PATIENCE

KEY = ObjectKey("instance", "alpha", uuid_of(1))


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
async def fleet(daemon: PrivateDaemon, virtdeck: Virtdeck) -> AsyncIterator[Fleet]:
    journal = virtdeck.home / "journal.db"
    options = LinkOptions(statistics_interval=3600, sweep_interval=0)
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal, options=options) as made:
        assert await made.ready(20 * PATIENCE)
        await until(lambda: made.state.instances[KEY].described)
        yield made


async def done(fleet: Fleet, verb: str, **options: Any) -> OperationRecord:
    record = await (await fleet.submit(VERBS[verb].request(subject=KEY, **options)))
    assert isinstance(record, OperationRecord)
    return record


def texts(daemon: PrivateDaemon) -> str:
    return str(daemon.keeper.lookupByUUIDString(KEY.id).XMLDesc(2))


UNDONE: dict[str, tuple[dict[str, Any], Callable[[str], bool]]] = {
    "autostart": ({}, lambda _: True),
    "title": ({"text": "new"}, lambda xml: "<title>old</title>" in xml),
    "description": ({"text": "new"}, lambda xml: "<description>long</description>" in xml),
    "rename": ({"to": "other"}, lambda xml: "<name>vm0001</name>" in xml),
    "set-vcpus": ({"count": 2, "maximum": 4}, lambda xml: ">1</vcpu>" in xml),
    "set-memory": ({"size": 32}, lambda xml: "<currentMemory unit='KiB'>65536<" in xml),
}
"""By verb: what it is asked for, and what its undo makes of the definition."""


@pytest.mark.parametrize("verb", UNDONE)
async def test_what_was_so_before_is_so_again_and_its_undo_is_the_first(
    daemon: PrivateDaemon, fleet: Fleet, verb: str
) -> None:
    options, restored = UNDONE[verb]
    await done(fleet, "title", text="old")
    await done(fleet, "description", text="long")
    before = texts(daemon)
    record = await done(fleet, verb, **options)
    request = undoing(record)
    assert request is not None, record
    undone = await (await fleet.submit(request))
    assert undone.status is OperationStatus.DONE
    assert restored(texts(daemon)), texts(daemon)
    assert texts(daemon) == before
    assert not daemon.keeper.lookupByUUIDString(KEY.id).autostart()
    again = undoing(undone)
    assert again is not None
    assert type(again) is VERBS[verb].request


async def test_what_a_power_verb_stopped_goes_on_again(fleet: Fleet) -> None:
    await done(fleet, "start")
    for verb, undone in (("pause", "resume"), ("resume", "pause"), ("save", "restore")):
        record = await done(fleet, verb)
        assert undoing(record) == VERBS[undone].request(subject=KEY), record


POOL = "<pool type='dir'><name>rest</name><target><path>/rest</path></target></pool>"
NETWORK = "<network><name>rest</name></network>"


@pytest.mark.parametrize("kind", ["pool", "network"])
async def test_a_start_is_undone_by_a_stop_and_that_by_a_start(
    daemon: PrivateDaemon, fleet: Fleet, kind: str
) -> None:
    keeper = daemon.keeper
    made = keeper.storagePoolDefineXML(POOL) if kind == "pool" else keeper.networkDefineXML(NETWORK)
    key = ObjectKey(kind, "alpha", made.UUIDString())
    await until(lambda: subject_of(fleet.state, key) is not None)
    request: Request = VERBS[f"{kind}-start"].request(subject=key)
    for active in (True, False, True):
        record = await (await fleet.submit(request))
        assert record.status is OperationStatus.DONE, record
        assert bool(made.isActive()) is active
        found = undoing(record)
        assert found is not None
        request = found
    assert request.verb == f"{kind}-stop"


async def test_what_changed_nothing_and_what_has_no_undo_say_so(fleet: Fleet) -> None:
    await done(fleet, "title", text="same")
    same = await done(fleet, "title", text="same")
    assert against_undo(same) == "What was so before is not known, or was so already."
    assert "has no undo" in against_undo(await done(fleet, "start"))


async def test_the_command_undoes_after_a_yes_and_refuses_what_it_cannot(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    marked = await done(fleet, "autostart")
    hosts = ("-c", f"alpha={daemon.uri}")
    told = await asyncio.to_thread(virtdeck, "operations", "undo", marked.id, *hosts)
    assert told.status == 0, told.err
    assert not daemon.keeper.lookupByUUIDString(KEY.id).autostart()
    started = await done(fleet, "start")
    refused = await asyncio.to_thread(virtdeck, "operations", "undo", started.id, *hosts)
    assert (refused.status, "start has no undo" in refused.err) == (1, True)
    unknown = await asyncio.to_thread(virtdeck, "operations", "undo", "0-0", *hosts)
    assert (unknown.status, "no operation" in unknown.err) == (1, True)


async def test_what_is_over_is_forgotten_here_and_in_the_journal(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    first, second = await done(fleet, "title", text="a"), await done(fleet, "title", text="b")
    await fleet.forget(first.id)
    assert first.id not in fleet.state.operations
    assert second.id in fleet.state.operations
    with pytest.raises(NotFoundError):
        await fleet.forget(first.id)
    listed = await asyncio.to_thread(virtdeck, "operations", "--json")
    assert [row["id"] for row in listed.rows] == [second.id]
    gone = await asyncio.to_thread(virtdeck, "operations", "forget", second.id, first.id)
    assert (gone.status, first.id in gone.err) == (1, True)
    assert (await asyncio.to_thread(virtdeck, "operations", "forget", second.id)).status == 0
    assert (await asyncio.to_thread(virtdeck, "operations", "--json")).rows == []
    await until(lambda: second.id not in fleet.state.operations)  # an open console hears of it
