"""Backups that this machine reads: planned, served, read, ended; what is refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import Host, InstanceRun, Link, LinkStatus, State
from core.model import OperationStatus as Status
from core.verbs import checks
from core.verbs.around import Around
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupConfirmCall,
    BackupSizes,
    BackupStatus,
    BackupStatusCall,
    FileSize,
)
from core.verbs.backup.family import PULL
from core.verbs.backup.pull_calls import (
    PullBeginCall,
    PullDiscardCall,
    PullPlace,
    PullPlanCall,
    PullReadCall,
    PullStopCall,
    Served,
)
from core.verbs.backup.pull_request import BackupPull
from core.verbs.situation import Action, Sent, Wait
from core.xml.checkpoint import BITMAP, pull_xml, read_backup_files
from tests.unit.core.verbs.test_backup_verb import DISKS, WEB, checkpoint
from tests.unit.core.verbs.test_block_verbs import NOW, called, decide, ended, sent, web
from tests.unit.core.verbs.test_block_verbs import now as situation

PLACE = PullPlace((Served("vda", "/pool/a.scratch"), Served("vdb", "/pool/b.scratch")), "unix:/s")
PATHS = ("/here/web.vda.b1.qcow2", "/here/web.vdb.b1.qcow2")

PART = uuid.uuid5(uuid.NAMESPACE_OID, f"{WEB.key.id} 100.0").hex[:12]
"""Of an operation whose first call was made at 100."""


def asked(**options: Any) -> BackupPull:
    return BackupPull(WEB.key, **{"to": "/here/", "name": "b1", **options})


def told(request: BackupPull, *calls: Sent, **fields: Any) -> Action:
    found = Around(instance=WEB, run=InstanceRun(), checkpoints=fields.pop("checkpoints", ()))
    return decide(PULL, situation(request, *calls, instance=WEB, around=found, **fields))


def begun(request: BackupPull, **fields: Any) -> tuple[Sent, Sent]:
    plan = sent(called(told(request)), 100.0, answer=PLACE)
    return plan, sent(called(told(request, plan)), 101.0, **fields)


def reads(request: BackupPull) -> list[Sent]:
    calls, at = [*begun(request)], 102.0
    for path in PATHS:
        answer = BackupSizes((FileSize(path, 1 << 20),))
        calls.append(sent(called(told(request, *calls)), at, answer=answer))
        at += 1
    return calls


def test_each_disk_is_read_from_where_it_is_served_to_a_file_of_this_machine() -> None:
    plan, begin = begun(asked())
    assert isinstance(plan.call, PullPlanCall)
    assert tuple(disk.path for disk in plan.call.disks) == PATHS
    assert isinstance(begin.call, PullBeginCall)
    assert read_backup_files(begin.call.text) == ("/pool/a.scratch", "/pool/b.scratch")
    first = called(told(asked(compressed=True), plan, begin))
    assert first == PullReadCall("vda", PATHS[0], "unix:/s", compressed=True, part=PART)
    second = called(told(asked(), plan, begin, sent(PullReadCall("vda", PATHS[0], "unix:/s"))))
    assert second == PullReadCall("vdb", PATHS[1], "unix:/s", part=PART)


def test_an_increment_is_read_from_its_bitmap_and_put_on_its_parent() -> None:
    request = asked(kind="incremental")
    known = (checkpoint("one"),)
    plan = sent(called(told(request, checkpoints=known)), 100.0, answer=PLACE)
    begin = called(told(request, plan))
    assert isinstance(begin, PullBeginCall)
    assert begin.text.count(f'exportbitmap="{BITMAP}"') == 2
    read = called(told(request, plan, sent(begin, 101.0)))
    old = "/old/web.vda.one.qcow2"
    assert read == PullReadCall("vda", PATHS[0], "unix:/s", old, since=True, part=PART)


def test_it_is_done_when_all_was_read_and_nothing_is_served_any_more() -> None:
    calls = reads(asked())
    abort = called(told(asked(), *calls))
    assert abort == BackupAbortCall()
    calls.append(sent(abort, 104.0, error="no job is active."))  # what was read was read
    confirm = called(told(asked(), *calls))
    assert isinstance(confirm, BackupConfirmCall)
    end = ended(told(asked(), *calls, sent(confirm, 105.0)), Status.DONE, f"{PATHS[0]} (1.0M)")
    assert "qemu-img convert" in end.hint


def test_what_was_not_read_is_removed_and_served_no_more() -> None:
    calls = begun(asked())
    read = called(told(asked(), *calls))
    failed = (*calls, sent(read, 102.0, error="vda could not be read: gone."))
    abort = called(told(asked(), *failed))
    assert abort == BackupAbortCall()
    discard = called(told(asked(), *failed, sent(abort, 103.0)))
    assert discard == PullDiscardCall((), "b1", part=PART)
    end = told(asked(), *failed, sent(abort, 103.0), sent(discard, 104.0))
    ended(end, Status.FAILED, "vda could not be read: gone; what else was written of it is removed")
    refused = begun(asked(), error="no.")
    assert called(told(asked(), *refused)) == PullDiscardCall((), part=PART)


def test_only_files_that_it_made_are_removed() -> None:
    first, second = (one.call for one in reads(asked())[2:])
    calls = [*begun(asked()), sent(first, 102.0), sent(second, 103.0, error="it is there already.")]
    calls.append(sent(BackupAbortCall(), 104.0))
    assert called(told(asked(), *calls)) == PullDiscardCall(PATHS[:1], "b1", part=PART)
    lost = [*calls[:3], sent(second, 103.0, ended=None), calls[-1]]
    given_up = called(told(asked(), *lost, cancelled="enough"))
    unheard = PullDiscardCall(PATHS[:1], "b1", PATHS[1:], PART)
    assert given_up == unheard, "another may have made what is there"


def test_a_cancel_stops_what_reads_at_once() -> None:
    calls = begun(asked())
    read = sent(called(told(asked(), *calls)), 102.0, ended=None)
    assert isinstance(told(asked(), *calls, read, calling=True), Wait)
    stop = called(told(asked(), *calls, read, calling=True, cancelled="enough"))
    assert stop == PullStopCall()
    over = (*calls, replace(read, ended=103.0, error="The reading was ended."), sent(stop, 102.5))
    assert called(told(asked(), *over, cancelled="enough")) == BackupAbortCall()
    last = (
        *over,
        sent(BackupAbortCall(), 104.0),
        sent(PullDiscardCall((), "b1", part=PART), 105.0),
    )
    ended(told(asked(), *last, cancelled="enough"), Status.CANCELLED, "was ended; what was written")


def test_a_console_that_takes_over_reads_again_what_is_served_still() -> None:
    plan, begin = begun(asked())
    later: dict[str, Any] = {"adopted": NOW - 1}
    ended(told(asked(), plan, **later), Status.CANCELLED, "its console ended first")
    read = sent(called(told(asked(), plan, begin)), 102.0, ended=None)
    assert isinstance(read.call, PullReadCall)
    again = replace(read.call, again=True)
    assert called(told(asked(), plan, begin, read, **later)) == again
    lost = replace(begin, ended=None)
    look = called(told(asked(), plan, lost, **later))
    assert look == BackupStatusCall("b1", ("/pool/a.scratch", "/pool/b.scratch"))
    runs = sent(look, NOW - 0.5, answer=BackupStatus(runs=True))
    assert called(told(asked(), plan, lost, runs, **later)) == read.call
    none = sent(look, NOW - 0.5, answer=BackupStatus(runs=False))
    assert called(told(asked(), plan, lost, none, **later)) == BackupAbortCall()


def test_what_serves_is_told_where() -> None:
    assert '<server transport="unix" socket="/a b/s"/>' in pull_xml([], [], "unix:/a b/s", "")
    assert '<server transport="tcp" name="::1" port="9"/>' in pull_xml([], [], "tcp:::1:9", "")


@pytest.mark.parametrize(
    ("uri", "options", "why"),
    [
        ("qemu:///system", {"to": "here"}, "is no folder: give its whole path"),
        ("qemu:///system", {"listen": "nowhere"}, "is no ADDRESS:PORT"),
        ("qemu:///system", {"listen": "a:70000"}, "is no ADDRESS:PORT"),
        ("qemu:///system", {"kind": "incremental", "compressed": True}, "not compressed"),
        ("qemu+ssh://far/system", {}, "is not reached from this machine: give listen"),
        ("qemu+ssh://far/system", {"listen": "far:10809"}, ""),
        ("qemu:///system", {}, ""),
    ],
)
def test_what_cannot_be_read_is_refused(uri: str, options: dict[str, Any], why: str) -> None:
    instance = web(disks=DISKS, type="kvm")
    host = Host("alpha", uri, link=Link(LinkStatus.UP))
    state = State(hosts={"alpha": host}, instances={instance.key: instance})
    found = " ".join(map(str, checks.check(state, asked(**options))))
    assert (why in found) if why else not found
