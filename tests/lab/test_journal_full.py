"""A real disk that fills up while a command waits for a guest: its power is not cut without a word.

Root only: the journal is on a small file system of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.lab import LabHost
from tests.unit.core.engine.test_runner_journal import fill

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("file systems are mounted by root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def begin(host: LabHost, journal: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "console", *words, "--connect", f"{host.name}={host.uri}", "--yes"],
        cwd=ROOT,
        env={**os.environ, "VIRTDECK_JOURNAL": str(journal)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_power_of_a_stubborn_guest_stays_on(
    small: Path, alpha: LabHost, guest: Callable[..., str], eventually: Callable[..., None]
) -> None:
    name = guest("alpha", "obstinate", "vd.noshutdown")
    journal = small / "journal.sqlite3"
    command = begin(alpha, journal, "shutdown", name, "--timeout", "15", "--yes", "--json")
    assert command.stdout is not None
    for line in command.stdout:
        if json.loads(line)["status"] == "verifying":  # it was asked
            break
    fill(small)
    out, err = command.communicate()
    assert command.returncode == 1, err
    last = json.loads(out.splitlines()[-1])
    assert last["status"] == "failed"
    assert "cutting its power: not done" in last["outcome"]
    assert "The journal does not hold how" in err
    assert alpha.virsh("domstate", name).strip() == "running"


def test_what_was_done_and_could_not_be_written_is_no_plain_success(
    small: Path, alpha: LabHost, guest: Callable[..., str]
) -> None:
    """The guest was asked, the disk fills up, and the guest is off: its end is nowhere written."""
    name = guest("alpha", "paused-late")
    journal = small / "journal.sqlite3"
    command = begin(alpha, journal, "shutdown", name, "--yes", "--json")
    assert command.stdout is not None
    for line in command.stdout:
        if json.loads(line)["status"] == "verifying":
            break
    fill(small)
    alpha.virsh("destroy", name)
    out, err = command.communicate()
    assert json.loads(out.splitlines()[-1])["status"] == "done"
    assert command.returncode == 4, err
    assert "full" in err or "I/O" in err
