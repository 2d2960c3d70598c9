"""The journal on a real disk: kills, two consoles, damage, permissions, versions."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import JournalError
from core.journal import files
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.ledger import Ledger, Told
from core.journal.owner import NOBODY, Owner, alive, this_process
from core.journal.schema import MIGRATIONS, VERSION
from core.model import HostIdentity, ObjectKey, OperationRecord, OperationStatus, OperationStep
from tests.places import ROOT_DIRECTORY as ROOT

ME = this_process()


def entry(number: int, status: OperationStatus = OperationStatus.QUEUED, **more: object) -> Entry:
    record = OperationRecord(
        id=f"{number:012x}-aaaaaa",
        verb="shutdown",
        host="alpha",
        subject=ObjectKey("instance", "alpha", "u"),
        name="web",
        author="ann@desk",
        created=float(number),
        status=status,
        steps=(OperationStep(1.0, "asked"),),
        options={"timeout": 60.0, "then_stop": False},
        hosts=(HostIdentity("alpha", "test:///default"),),
    )
    return Entry(record, **{"owner": ME, "uri": "test:///default", "progress": "{}", **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(path)
    yield opened
    opened.close()


def test_what_was_put_is_there_after_reopening(ledger: Ledger, path: Path) -> None:
    ledger.put(entry(1))
    ledger.put(entry(1, OperationStatus.DONE))
    ledger.put(entry(2))
    again = Ledger.open(path)
    assert again.recent(10) == [entry(1, OperationStatus.DONE), entry(2)]
    again.close()


def test_nobody_else_may_read_it(ledger: Ledger, path: Path) -> None:
    ledger.put(entry(1))
    names = sorted(each.name for each in path.parent.iterdir())
    assert {"journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"} <= set(names)
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    Ledger.open(path).close()
    path.chmod(0o644)
    Ledger.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_path_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "mine"))
    assert files.default_path() == tmp_path / "mine"
    monkeypatch.delenv("VIRTDECK_JOURNAL")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert files.default_path() == tmp_path / "virtdeck" / "journal.sqlite3"


def test_a_reader_sees_what_another_console_writes_and_only_that(path: Path) -> None:
    one, two = Ledger.open(path), Ledger.open(path)
    seen, entries = two.changes_since(0)
    assert entries == []
    before = two.version()
    assert two.version() == before
    one.put(entry(1))
    one.put(entry(2))
    one.put(entry(1, OperationStatus.DONE))
    assert two.version() != before
    seen, entries = two.changes_since(seen)
    assert entries == [entry(2), entry(1, OperationStatus.DONE)]
    assert two.changes_since(seen) == (seen, [])
    one.close()
    two.close()


def test_a_new_operation_is_written_unless_what_others_wrote_is_against_it(path: Path) -> None:
    one, two = Ledger.open(path), Ledger.open(path)
    told = Told(two.newest(), two.version())
    judged: list[list[Entry]] = []

    def against(entries: list[Entry]) -> bool:
        judged.append(entries)
        return True

    assert two.put_unless(entry(1), told, (), against), "nobody else wrote"
    two.put(entry(2))
    assert judged == []
    one.put(entry(3))
    assert not two.put_unless(entry(4), told, {entry(1).record.id, entry(2).record.id}, against)
    assert judged.pop() == [entry(3)]
    assert two.recent(10) == [entry(1), entry(2), entry(3)]
    assert two.put_unless(entry(4), told, (), lambda _: False)
    told = Told(two.newest(), two.version())
    assert two.put_unless(entry(5), told, (), against), "of all of it was told"
    assert judged == []
    one.close()
    two.close()


def test_only_one_console_takes_an_operation_over(path: Path) -> None:
    one, two = Ledger.open(path), Ledger.open(path)
    dead = Owner(1, 1.0, "another boot", ME.machine)
    one.put(entry(1, owner=dead))
    taken = [one.claim(entry(1).record.id, dead, ME), two.claim(entry(1).record.id, dead, ME)]
    assert taken == [True, False]
    assert two.recent(1)[0].owner == ME
    one.close()
    two.close()


def test_pruning_keeps_the_newest_and_what_is_unfinished_unless_it_is_old(ledger: Ledger) -> None:
    ledger.put(entry(0))
    for number in range(1, 21):
        ledger.put(entry(number, OperationStatus.DONE))
    assert ledger.prune(now=20.0, keep=5) == 15
    left = [each.record.created for each in ledger.recent(100)]
    assert left == [0.0, 16.0, 17.0, 18.0, 19.0, 20.0]
    assert ledger.prune(now=18.5 + 90 * 86_400) == 4
    assert [each.record.created for each in ledger.recent(100)] == [19.0, 20.0]


def test_what_is_connected_is_kept_and_read_however_old_it_is(ledger: Ledger) -> None:
    kept = entry(1, OperationStatus.DONE)
    record = replace(kept.record, result={"connected": {"protocol": "iscsi"}})
    ledger.put(replace(kept, record=record))
    over = entry(2, OperationStatus.DONE)
    ledger.put(replace(over, record=replace(over.record, result={"released": "vdb"})))
    for number in range(3, 9):
        ledger.put(entry(number, OperationStatus.DONE))
    assert [each.record.created for each in ledger.recent(1)] == [1.0, 2.0, 8.0]
    assert ledger.prune(now=1e12) == 6
    assert [each.record.created for each in ledger.recent(1)] == [1.0, 2.0]


def test_an_entry_of_before_identities_is_read_with_its_address(ledger: Ledger) -> None:
    old = entry(1)
    ledger.put(replace(old, record=replace(old.record, hosts=())))
    assert ledger.recent(10) == [old]


def test_recent_gives_the_newest_and_every_unfinished_one(ledger: Ledger) -> None:
    ledger.put(entry(0))
    for number in range(1, 10):
        ledger.put(entry(number, OperationStatus.DONE))
    assert [each.record.created for each in ledger.recent(2)] == [0.0, 8.0, 9.0]


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "garbage":
        path.write_bytes(random.Random(3).randbytes(len(data)))
    elif how == "text":
        path.write_bytes(b"not a database at all, " * 400)
    elif how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    else:
        size = len(data)
        path.write_bytes(data[: size // 2] + bytes(size - size // 2))


SPOILED = {
    "no table": "DROP TABLE operations",
    "no counter": "DELETE FROM counter",
    "no version": "PRAGMA user_version = 0",
}


def spoil(path: Path, how: str) -> None:
    if how == "cut short":
        path.write_bytes(path.read_bytes()[:-1000])
    elif how in SPOILED:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(SPOILED[how])
        connection.close()
    else:
        damage(path, how)


@pytest.mark.parametrize("how", ["garbage", "text", "truncated", "cut short", *SPOILED])
def test_the_advice_for_a_damaged_journal_helps_when_it_is_followed(path: Path, how: str) -> None:
    first = Ledger.open(path)
    for number in range(200):
        first.put(entry(number, OperationStatus.DONE))
    first.close()
    spoil(path, how)
    with pytest.raises(JournalError) as caught:
        Ledger.open(path, read_only=True)
    assert "is damaged" in caught.value.message
    assert caught.value.message.isprintable()
    assert "any command that changes something" in caught.value.hint
    second = Ledger.open(path)
    assert "was damaged" in second.notices[0]
    second.put(entry(1))
    second.close()
    third = Ledger.open(path, read_only=True)
    assert len(third.recent(10)) == 1
    third.close()


@pytest.mark.parametrize("how", ["garbage", "text", "truncated", "zeroed half"])
def test_a_damaged_journal_is_moved_aside_and_said(path: Path, how: str) -> None:
    first = Ledger.open(path)
    for number in range(200):
        first.put(entry(number, OperationStatus.DONE))
    first.close()
    damage(path, how)
    kept = path.read_bytes()
    second = Ledger.open(path)
    assert second.recent(10) == []
    (notice,) = second.notices
    (aside,) = path.parent.glob("*.damaged-*")
    assert str(aside) in notice
    assert notice.isprintable(), "one sentence, though SQLite says it in lines"
    assert aside.read_bytes() == kept
    second.put(entry(1))
    second.close()
    third = Ledger.open(path)
    assert third.notices == []
    assert len(third.recent(10)) == 1
    third.close()


def test_one_unreadable_record_costs_no_other(ledger: Ledger, path: Path) -> None:
    ledger.put(entry(1))
    ledger.put(entry(2))
    raw = sqlite3.connect(path)
    raw.execute("UPDATE operations SET record = '{' WHERE id = ?", (entry(1).record.id,))
    raw.commit()
    raw.close()
    assert ledger.recent(10) == [entry(2)]
    assert "cannot be read" in ledger.notices[0]


def test_a_newer_journal_is_left_alone(path: Path) -> None:
    Ledger.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    with pytest.raises(JournalError, match="newer virtdeck") as caught:
        Ledger.open(path)
    assert "VIRTDECK_JOURNAL" in caught.value.hint


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cookies.sqlite"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE cookies (a)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="some other program"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_every_migration_is_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.open(path).close()
    broken = (*MIGRATIONS, "CREATE TABLE more (a); INSERT INTO nowhere VALUES (1)")
    monkeypatch.setattr("core.journal.schema.MIGRATIONS", broken)
    monkeypatch.setattr("core.journal.schema.VERSION", VERSION + 1)
    with pytest.raises(JournalError):
        Ledger.open(path)
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    raw.close()


def test_a_directory_in_its_place_and_a_place_that_is_a_file(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(JournalError, match="is a directory"):
            Ledger.open(tmp_path, read_only=read_only)
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened") as caught:
        Ledger.open(tmp_path / "file" / "journal")
    assert "VIRTDECK_JOURNAL" in caught.value.hint


def fill(ledger: Ledger) -> None:
    for number in range(2, 200):
        ledger.put(entry(number))


def test_a_full_disk_is_a_sentence_and_the_journal_stays_whole(ledger: Ledger) -> None:
    ledger.put(entry(1))
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="full") as caught:
        fill(ledger)
    assert "Make room" in caught.value.hint
    ledger._connection.execute("PRAGMA max_page_count = 1000000")
    ledger.put(entry(500))
    assert entry(500) in ledger.recent(500)


def test_read_only_changes_nothing_and_needs_the_file(path: Path) -> None:
    with pytest.raises(JournalError):
        Ledger.open(path, read_only=True)
    assert not path.exists()
    writer = Ledger.open(path)
    writer.put(entry(1))
    reader = Ledger.open(path, read_only=True)
    assert reader.recent(5) == [entry(1)]
    with pytest.raises(JournalError):
        reader.put(entry(2))
    reader.close()
    writer.close()


def test_a_file_that_was_only_just_made_holds_no_operations(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    reader = Ledger.open(path, read_only=True)
    assert reader.recent(5) == []
    reader.close()
    assert path.read_bytes() == b""


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_journal import entry
from core.journal.ledger import Ledger
from core.model import OperationStatus
ledger = Ledger.open(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    ledger.put(entry(number))
    ledger.put(entry(number, OperationStatus.DONE))
    print(number, flush=True)
    number += 1
"""


def writer(path: Path, first: int) -> subprocess.Popen[str]:
    code = WRITER.format(tests=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(process: subprocess.Popen[str], lines: int, extra: float) -> list[int]:
    """Kill -9 at a random moment after some reported writes; return every reported one."""
    assert process.stdout is not None
    reported = [int(process.stdout.readline()) for _ in range(lines)]
    end = time.monotonic() + extra
    while time.monotonic() < end:
        pass
    process.send_signal(signal.SIGKILL)
    reported += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    process.stdout.close()
    process.wait()
    return reported


def test_a_kill_at_any_moment_loses_nothing_that_was_reported(path: Path) -> None:
    random_ = random.Random(os.getpid())
    first = 0
    for _ in range(6):
        delay = random_.uniform(0.0, 0.02)
        reported = kill_after(writer(path, first), random_.randrange(1, 20), delay)
        ledger = Ledger.open(path)
        assert ledger.notices == []
        there = {each.record.created: each.record.status for each in ledger.recent(10_000)}
        assert all(there[float(number)] is OperationStatus.DONE for number in reported)
        assert ledger._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ledger.close()
        first = reported[-1] + 10


def test_two_consoles_write_at_the_same_time_and_each_sees_the_other(path: Path) -> None:
    Ledger.open(path).close()
    one, two = writer(path, 0), writer(path, 1_000_000)
    reader = Ledger.open(path)
    reported = kill_after(one, 25, 0.0) + kill_after(two, 25, 0.0)
    _, entries = reader.changes_since(0)
    seen = {each.record.created for each in entries if each.record.status.final}
    assert {float(number) for number in reported} <= seen
    reader.close()


def test_a_process_is_told_from_the_next_one_with_its_number() -> None:
    assert alive(ME)
    assert not alive(NOBODY)
    assert not alive(Owner(ME.pid, ME.started - 100, ME.boot, ME.machine))
    assert not alive(Owner(ME.pid, ME.started, "another boot", ME.machine))
    assert alive(Owner(1, 1.0, "another boot", "another machine"))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(child.pid, _started(child.pid), ME.boot, ME.machine)
    assert alive(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(owner), "a zombie runs nothing"
    child.communicate()
    assert not alive(owner)


def _started(pid: int) -> float:
    import psutil

    return psutil.Process(pid).create_time() - psutil.boot_time()


async def test_the_async_face(path: Path) -> None:
    journal, other = await Journal.open(path), await Journal.open(path)
    await journal.put(entry(1))
    assert await other.recent() == [entry(1)]
    await other.put(entry(2))
    assert await journal.news() == [entry(1), entry(2)]
    assert await journal.news() == []
    assert await journal.claim(entry(2).record.id, ME, NOBODY)
    assert [each.owner for each in await other.news()] == [NOBODY]
    await journal.prune(0.0)
    await journal.close()
    await other.close()
    assert journal.path == path
    assert journal.notices == ()


async def test_opening_fails_with_the_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is a directory"):
        await Journal.open(tmp_path)
