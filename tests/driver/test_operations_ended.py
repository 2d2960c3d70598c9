"""What a killed console left, and what another one runs, brought to its end by commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from core.journal.entry import Entry
from core.journal.ledger import Ledger
from core.journal.owner import Owner, this_process
from core.model import ObjectKey, OperationRecord, OperationStatus
from tests.driver.command import Virtdeck, finish
from tests.driver.killed_console import KILLED, Errand, starter
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.worlds import uuid_of

SENDING, SENT = 4, 5
"""Points of the journal: right after the entry of the call, and after the call itself."""
KEY = ObjectKey("instance", "alpha", uuid_of(1))


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(1, 1) as private:
        yield private


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
def ledger(virtdeck: Virtdeck) -> Iterator[Ledger]:
    opened = Ledger.open(virtdeck.home / "journal.db")
    yield opened
    opened.close()


async def leave_behind(
    daemon: PrivateDaemon, ledger: Ledger, verb: str, point: int, **options: Any
) -> OperationRecord:
    with starter() as consoles:
        errand = Errand(daemon.uri, str(ledger.path), verb, KEY.id, options, point)
        assert await consoles.run(errand) == KILLED
    (entry,) = ledger.recent(10)
    assert not entry.record.status.final
    return entry.record


def status_of(ledger: Ledger, id_: str) -> OperationStatus:
    return next(one.record.status for one in ledger.recent(10) if one.record.id == id_)


async def test_a_command_waits_for_what_a_killed_console_left_and_does_its_own_then(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger
) -> None:
    """The guest was never asked to power off, and nobody knows: its time passes."""
    left = await leave_behind(daemon, ledger, "shutdown", SENDING, timeout=5.0, then_stop=False)
    told = virtdeck("title", "-c", f"alpha={daemon.uri}", KEY.id, "--text", "meanwhile")
    assert told.status == 0, told
    assert f"To end it: `virtdeck operations cancel {left.id}`" in told.err
    assert status_of(ledger, left.id) is OperationStatus.FAILED


async def test_what_a_killed_console_left_is_waited_for_by_its_id(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger
) -> None:
    left = await leave_behind(daemon, ledger, "shutdown", SENT)
    listed = virtdeck("operations")
    assert f"`virtdeck operations wait {left.id}`" in listed.err
    told = virtdeck("operations", "wait", "-c", f"alpha={daemon.uri}", left.id)
    assert told.status == 0, told
    assert f"{left.id}: no console runs it any more: it is taken over here." in told.err
    assert "done: " in told.out
    assert status_of(ledger, left.id) is OperationStatus.DONE
    again = virtdeck("operations", "cancel", "-c", f"alpha={daemon.uri}", left.id)
    assert (again.status, "is over: done" in again.err) == (1, True), again
    assert virtdeck("operations", "wait").err == "Nothing is under way.\n"
    missing = virtdeck("operations", "wait", "0-0")
    assert (missing.status, "There is no operation '0-0'" in missing.err) == (1, True)


async def test_what_asks_ends_no_wait_by_itself_and_names_the_answers(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger
) -> None:
    left = await leave_behind(daemon, ledger, "nmi", SENDING)
    told = virtdeck("operations", "wait", "-c", f"alpha={daemon.uri}")
    assert told.status == 4, told
    assert f"virtdeck operations answer {left.id} again" in told.err
    refused = virtdeck("operations", "cancel", "-c", f"alpha={daemon.uri}", left.id)
    assert (refused.status, "waits for an answer" in refused.err) == (1, True), refused


async def test_a_host_that_is_not_open_is_named(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger
) -> None:
    left = await leave_behind(daemon, ledger, "shutdown", SENT)
    with PrivateDaemon(1, 1) as other:
        told = virtdeck("operations", "wait", "-c", f"beta={other.uri}", left.id)
    assert told.status == 1, told
    assert f"Name it with --connect {daemon.uri}" in told.err


@pytest.fixture
def console() -> Iterator[Owner]:
    """A console that lives and does nothing; its record is kept by the test."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = round(psutil.Process(process.pid).create_time() - psutil.boot_time(), 2)
    yield replace(this_process(), pid=process.pid, started=started)
    process.communicate()


@pytest.fixture
def runs(ledger: Ledger, console: Owner, daemon: PrivateDaemon) -> Callable[..., Entry]:
    def put(verb: str, **fields: object) -> Entry:
        record = OperationRecord(
            *("0-1", verb, "alpha", KEY, "web", "ann@desk", 1.0),
            **{"status": OperationStatus.VERIFYING, "started": 1.0, **fields},
        )
        entry = Entry(record, console, daemon.uri, "{}")
        ledger.put(entry)
        return entry

    return put


def test_another_console_is_asked_to_cancel_what_it_runs(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger, runs: Callable[..., Entry]
) -> None:
    entry = runs("shutdown")
    asking = virtdeck.begin("operations", "cancel", "-c", f"alpha={daemon.uri}", "0-1")
    while not (asked := ledger.cancels(["0-1"])):
        assert asking.poll() is None, asking.communicate()
    assert asked[0].author
    ended = replace(entry.record, status=OperationStatus.CANCELLED, outcome="left alone")
    ledger.put(replace(entry, record=ended))
    told = finish(asking)
    assert told.status == 0, told
    assert f"0-1: Process {entry.owner.pid} on {entry.owner.machine} runs it (ann@desk)" in told.err
    assert "cancelled: left alone" in told.out


def test_what_comes_too_late_or_cannot_be_is_told_by_the_status(
    daemon: PrivateDaemon, virtdeck: Virtdeck, ledger: Ledger, runs: Callable[..., Entry]
) -> None:
    runs("start")
    sent = virtdeck("operations", "cancel", "-c", f"alpha={daemon.uri}", "0-1")
    assert (sent.status, "cannot be taken back" in sent.err) == (1, True), sent
    entry = runs("shutdown")
    asking = virtdeck.begin("operations", "cancel", "-c", f"alpha={daemon.uri}", "0-1")
    while not ledger.cancels(["0-1"]):
        assert asking.poll() is None, asking.communicate()
    ended = replace(entry.record, status=OperationStatus.DONE, outcome="web is off")
    ledger.put(replace(entry, record=ended))
    assert finish(asking).status == 1
