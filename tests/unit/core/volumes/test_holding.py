"""Who connects or disconnects a volume on a host, one after the other: real locks, real files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.volumes.brick.child import LOCKS
from core.volumes.brick.holding import (
    ATTACHING,
    ForeignFolderError,
    Holding,
    VolumeBusyError,
    own_locks,
)

HOLDS = """
import sys, time
from pathlib import Path
from core.volumes.brick.holding import Holding
held = Holding(Path(sys.argv[1]), "iscsi-1")
print("held", flush=True)
time.sleep(600)
"""


def test_a_volume_is_held_by_one_process_until_that_ends_however_it_does(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(VolumeBusyError, match="another virtdeck"):
            Holding(tmp_path, "iscsi-1", waiting=0.2)
        Holding(tmp_path, "iscsi-2", waiting=0.2).close()
        other.kill()
    Holding(tmp_path, "iscsi-1").close()


def test_a_note_tells_for_whom_it_was_connected_until_that_must_have_it(tmp_path: Path) -> None:
    held = Holding(tmp_path, "iscsi-1")
    held.note("web.v1")
    held.note("db.v1")
    held.close()
    again = Holding(tmp_path, "iscsi-1")
    assert again.noted() == ["db.v1", "web.v1"]
    again.forget("web.v1")
    again.forget("web.v1")
    assert again.noted() == ["db.v1"]
    long_ago = time.time() - ATTACHING - 1
    os.utime(tmp_path / "iscsi-1.for.db.v1", (long_ago, long_ago))
    assert again.noted() == []
    assert [one.name for one in tmp_path.iterdir()] == ["iscsi-1.lock"]
    again.close()


def test_locks_are_in_no_folder_that_another_account_may_have_made(tmp_path: Path) -> None:
    folder = own_locks(tmp_path / "locks")
    assert own_locks(folder) == folder, "it is made once"
    folder.chmod(0o777)
    with pytest.raises(ForeignFolderError, match="others of the host write to"):
        own_locks(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(ForeignFolderError):
        own_locks(tmp_path / "link")
    if os.geteuid() == 0:
        os.chown(elsewhere, 65534, 65534)
        with pytest.raises(ForeignFolderError, match="of another account"):
            own_locks(elsewhere)


def test_the_locks_of_root_are_where_only_root_makes_folders() -> None:
    above = next(one for one in Path(LOCKS).parents if one.exists())
    assert above.stat().st_uid == 0
    assert not above.stat().st_mode & 0o022


def test_what_was_noted_before_a_boot_of_the_host_counts_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Holding(tmp_path, "iscsi-1")
    held.note("web.v1")
    a_minute_ago = time.time() - 60
    os.utime(tmp_path / "iscsi-1.for.web.v1", (a_minute_ago, a_minute_ago))
    assert held.noted() == ["web.v1"]
    monkeypatch.setattr(time, "clock_gettime", lambda _: 30.0)
    assert held.noted() == []
    held.close()
