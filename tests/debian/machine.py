"""Runs a tree as a machine of its own: private mounts, processes, host name and IPC (root only).

The network is the outer machine's. Blocks its thread.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

FIRST_PROCESS = Path(__file__).with_name("first_process.sh")
PROJECT = "/srv/virtdeck"
"""Where the project stands in the tree."""

OWN_VARIABLES = {
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


class Machine:
    """A tree that runs, while the `with` block does and this process lives.

    Every process in it dies with the first one, and that dies with us: each is started with a
    parent death signal (prctl(2), PR_SET_PDEATHSIG), so even SIGKILL to us leaves nothing.
    """

    def __init__(self, tree: Path, environment: Mapping[str, str]) -> None:
        self._tree = tree
        self._environment = {**environment, **OWN_VARIABLES}

    def __enter__(self) -> Self:
        outer = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--ipc"]
        outer += ["--pid", "--fork", "--kill-child=KILL", str(FIRST_PROCESS), str(self._tree)]
        self._unshare = subprocess.Popen(
            outer, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "ready\n":
            self.stop()
            raise RuntimeError(f"{self._tree} could not be entered: see the lines above.")
        (self.first,) = psutil.Process(self._unshare.pid).children()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process in the tree; its mounts go with them."""
        self._unshare.kill()
        self._unshare.wait()
        assert self._unshare.stdout is not None
        self._unshare.stdout.read()  # its end: the first process is gone, and so is all else
        self._unshare.stdout.close()

    def command(self, words: Sequence[str], terminal: str = "") -> list[str]:
        """The command line that runs `words` in the tree, in the project's directory there.

        `terminal` is the kind of terminal it gets; ours where it is not said.
        """
        enter = ["nsenter", "--target", str(self.first.pid), "--mount", "--uts", "--ipc", "--pid"]
        kind = {"TERM": terminal or os.environ.get("TERM", "dumb")}
        variables = [f"{name}={value}" for name, value in (self._environment | kind).items()]
        return [*enter, "env", "--ignore-environment", "--chdir", PROJECT, *variables, *words]

    def run(self, words: Sequence[str]) -> int:
        """Run a command in the tree on our own standard streams; its exit status."""
        return subprocess.run(self.command(words)).returncode
