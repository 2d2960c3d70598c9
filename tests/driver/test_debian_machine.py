"""The machine that ./dev test --on debian-13 runs on: nothing of it outlives the one that began it.

Its tree is this system's own /usr, bound into an empty directory. Needs root, as the machine does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.debian.bootstrap import NoMirrorError, sources

ROOT = Path(__file__).resolve().parents[2]

MAKE_TREE = """
set -e
for each in usr dev proc sys run root tmp srv/virtdeck; do mkdir -p "$TREE/$each"; done
for each in bin sbin lib lib64; do ln -s "usr/$each" "$TREE/$each"; done
mount --rbind /usr "$TREE/usr"
cp tests/debian/reap.py "$TREE/root"
exec "$@"
"""
"""Run with mounts of its own."""

RUN = """
import sys
from pathlib import Path
from tests.debian.machine import Machine
with Machine(Path(sys.argv[1]), {}) as machine:
    machine.run(["sh", "-c", "setsid sleep 3600 & hostname; echo $$ $(ls /); exec sleep 3600"])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_whoever_began_it(tmp_path: Path, number: signal.Signals) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    words = ["unshare", "--mount", "sh", "-c", MAKE_TREE, "sh", sys.executable, "-c", RUN]
    begun = subprocess.Popen(
        [*words, str(tmp_path)],
        env={**os.environ, "TREE": str(tmp_path)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert begun.stdout is not None
    assert begun.stdout.readline() == "debian-13\n"
    pid, *root = begun.stdout.readline().split()
    assert int(pid) < 100, "its processes are counted from one"
    assert "home" not in root, "its root is the tree"
    inside = psutil.Process(begun.pid).children(recursive=True)
    assert len(inside) >= 4, "unshare, the first process, nsenter, two commands"
    begun.send_signal(number)
    begun.wait()
    _gone, alive = psutil.wait_procs(inside, timeout=60)
    assert not alive
    assert Path("/proc/self/mountinfo").read_text() == mounts
    begun.stdout.close()


def test_the_tree_comes_from_the_mirrors_that_apt_has() -> None:
    main, security = ("http://a/debian/", "Debian"), ("http://b/", "Debian-Security")
    assert sources([main, main, security]) == [
        "deb http://a/debian/ trixie main",
        "deb http://a/debian/ trixie-updates main",
        "deb http://b/ trixie-security main",
    ]
    assert sources([main])[-1].endswith("trixie-updates main")
    with pytest.raises(NoMirrorError, match="add one"):
        sources([security])
