"""The definitions that are kept beside the journal: what is there after what was written."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import JournalError
from core.journal.definitions import DefinitionStore, Sighting, path_beside
from core.model import Pool

ALPHA, BETA = "qemu://alpha/system", "qemu://beta/system"
RUNS, OFF = Sighting("web", True, False), Sighting("web", False, True)


_OPEN: list[DefinitionStore] = []


def opened(path: Path) -> DefinitionStore:
    """A store that is closed after the test: Python 3.13 complains of one that is not."""
    _OPEN.append(DefinitionStore.open(path))
    return _OPEN[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


@pytest.fixture
def store(tmp_path: Path) -> DefinitionStore:
    return opened(path_beside(tmp_path / "journal.sqlite3"))


def test_what_is_kept_is_there_for_the_next_console(store: DefinitionStore) -> None:
    store.see(ALPHA, 10.0, changed={}, pools=[Pool("alpha", "p", "images", "dir", path="/i")])
    store.put(ALPHA, {"u": ("<domain/>", RUNS), "v": ("<domain>v</domain>", OFF)}, 11.0)
    store.see(ALPHA, 20.0, changed={"u": OFF})
    store.close()
    found = opened(store.path).host(ALPHA)
    assert found.seen == 20.0
    assert [pool.name for pool in found.pools] == ["images"]
    by_uuid = {one.uuid: one for one in found.definitions}
    assert (by_uuid["u"].xml, by_uuid["u"].ran, by_uuid["u"].read) == ("<domain/>", False, 11.0)
    assert by_uuid["v"].autostart


def test_what_a_host_has_no_more_is_dropped(store: DefinitionStore) -> None:
    store.put(ALPHA, {"u": ("<a/>", RUNS), "v": ("<b/>", RUNS)}, 1.0)
    store.put(BETA, {"u": ("<a/>", RUNS)}, 1.0)
    store.see(ALPHA, 2.0, changed={}, there=["v"])
    assert [one.uuid for one in store.host(ALPHA).definitions] == ["v"]
    assert [one.uuid for one in store.host(BETA).definitions] == ["u"]


@pytest.mark.parametrize(
    ("own", "other", "seen", "found"),
    [
        (RUNS, RUNS, (10.0, 20.0), {"u": BETA}),
        (RUNS, RUNS, (20.0, 10.0), {}),
        (OFF, RUNS, (20.0, 10.0), {"u": BETA}),
        (RUNS, OFF, (10.0, 20.0), {}),
    ],
)
def test_another_host_that_showed_it_since_is_told(
    store: DefinitionStore,
    own: Sighting,
    other: Sighting,
    seen: tuple[float, float],
    found: dict[str, str],
) -> None:
    for uri, one, at in ((ALPHA, own, seen[0]), (BETA, other, seen[1])):
        store.put(uri, {"u": ("<a/>", one)}, 1.0)
        store.see(uri, at, changed={})
    assert store.elsewhere(ALPHA) == found


def test_only_its_user_reads_it(store: DefinitionStore) -> None:
    store.put(ALPHA, {"u": ("<a/>", RUNS)}, 1.0)
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_damaged_file_is_moved_aside_and_another_programs_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"no database" * 1000)
    opened(path).put(ALPHA, {"u": ("<a/>", RUNS)}, 1.0)
    assert list(tmp_path.glob("kept.damaged-*"))
    opened(path)._connection.execute("PRAGMA application_id = 7")
    with pytest.raises(JournalError, match="another program"):
        opened(path)


def test_a_kill_leaves_what_was_written(tmp_path: Path) -> None:
    """Killed in the middle of the next write: all of the one before is there, nothing half."""
    path = path_beside(tmp_path / "journal.sqlite3")
    script = f"""
import pathlib, sys
from core.journal.definitions import DefinitionStore, Sighting
store, runs = DefinitionStore.open(pathlib.Path({str(path)!r})), Sighting("web", True, False)
number = 0
while True:
    number += 1
    store.put({ALPHA!r}, {{str(one): (f"<d{{number}}/>", runs) for one in range(200)}}, 1.0)
    print(number, flush=True)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            written = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
    kept = opened(path).host(ALPHA).definitions
    texts = {one.xml for one in kept}
    assert len(kept) == 200
    assert len(texts) == 1
    assert int(texts.pop().strip("</d>")) >= written
