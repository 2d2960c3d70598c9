"""A small real iSCSI target for tests: tgtd, a process of its own, on a port of loopback.

    with SmallIscsi() as san:
        iqn = san.make("one", 16)            # a target with one LUN of so many MiB
        iqn = san.make("two", 16, chap=True) # one that lets in only USER, by PASSWORD
        san.file("one")                      # what its LUN is kept in
        san.grow("one", 24)

It dies with the process that made it, and its files are gone when it is closed. No root needed, and
nothing of the system's own service: that has another port, another socket, and stays off.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.patience import PATIENCE
from tests.servers import DIES_WITH_US, PrivateServer, free_port

USER = "virt"
PASSWORD = "let-me-in-1234"
LUN = 1
"""Of each target; 0 is tgtd's own controller."""
LONGEST = 20.0
"""Seconds for an answer on an idle machine."""
_NAME = "iqn.2026-11.org.virtdeck"


class SmallIscsi(PrivateServer):
    """One daemon; a context manager. Blocking, and of the thread that enters it."""

    def __init__(self) -> None:
        super().__init__("vdi-")
        self.portal = f"127.0.0.1:{free_port()}"
        self._environment = os.environ | {"TGT_IPC_SOCKET": str(self.directory / "control")}
        self._targets: dict[str, int] = {}

    def make(self, name: str, mib: int, *, chap: bool = False) -> str:
        """Make a target, and return its name."""
        tid = self._targets[name] = len(self._targets) + 1
        iqn = f"{_NAME}:{name}"
        self._admin("new", "target", "--tid", str(tid), "--targetname", iqn)
        self._put(name, mib)
        self._admin("bind", "target", "--tid", str(tid), "--initiator-address", "ALL")
        if chap:
            self._admin("bind", "account", "--tid", str(tid), "--user", USER)
        return iqn

    def file(self, name: str) -> Path:
        """Return the file that the LUN of a target is kept in."""
        return self.directory / f"{name}.raw"

    def grow(self, name: str, mib: int) -> None:
        """Let a LUN have more; tgtd looks at how large it is only when it is made."""
        where = ("--tid", str(self._targets[name]), "--lun", str(LUN))
        self._admin("delete", "logicalunit", *where)
        self._put(name, mib)

    def url(self, name: str, *, user: str = "") -> str:
        """Return the URL of the LUN of a target."""
        who = f"{user}@" if user else ""
        return f"iscsi://{who}{self.portal}/{_NAME}:{name}/{LUN}"

    def stop(self) -> None:
        """Have nobody listen at its portal any more."""
        self.end()

    def start(self) -> None:
        """Start it; returns when it answers."""
        words = ("tgtd", "-f", "-t", "2", "--iscsi", f"portal={self.portal}")
        daemon = self.launch(*DIES_WITH_US, *words, environment=self._environment)
        daemon.wait_until(lambda: self._ask("show", "portal").returncode == 0, LONGEST)
        self._admin("new", "account", "--user", USER, "--password", PASSWORD)

    def _put(self, name: str, mib: int) -> None:
        """Give a target its LUN, as large as that."""
        path = self.file(name)
        with path.open("ab") as file:
            file.truncate(mib << 20)
        where = ("--tid", str(self._targets[name]), "--lun", str(LUN))
        self._admin("new", "logicalunit", *where, "--backing-store", str(path))

    def _admin(self, operation: str, mode: str, *words: str) -> None:
        told = self._ask(operation, mode, *words)
        assert told.returncode == 0, (
            f"{operation} {mode}: {told.stderr!r}\n{self.processes[0].said()}"
        )

    def _ask(self, operation: str, mode: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = ["tgtadm", "--lld", "iscsi", "--op", operation, "--mode", mode, *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST * PATIENCE,
            check=False, env=self._environment,
        )  # fmt: skip
