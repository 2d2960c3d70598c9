"""Who connects or disconnects a volume on a host, one after the other: real locks, real files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.volumes.brick.holding import ATTACHING, Holding, VolumeBusyError

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
