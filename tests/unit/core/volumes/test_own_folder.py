"""The folder in which os-brick leaves files, of a process that was killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from core.volumes.brick.aftermath import own_folder

WRITES = """
import tempfile, time
from core.volumes.brick.aftermath import own_folder
with own_folder("vzstorage"):
    with open(tempfile.mkstemp()[1], "w") as file:
        file.write("password")
    print(tempfile.gettempdir(), flush=True)
    time.sleep(600)
"""
LONG_AGO = time.time() - 3600


def test_what_a_killed_process_left_goes_at_the_next_use_and_no_folder_that_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = [sys.executable, "-c", WRITES]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        os.utime(folder, (LONG_AGO, LONG_AGO))
        with own_folder("lightos"):
            assert folder.exists(), "its process is at work"
        other.kill()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with own_folder("nfs"):
        assert folder.exists(), "nothing is left there by that"
    with own_folder("lightos"):
        assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
