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
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.patience import PATIENCE

USER = "virt"
PASSWORD = "let-me-in-1234"
LUN = 1
"""Of each target; 0 is tgtd's own controller."""
LONGEST = 20.0 * PATIENCE
_NAME = "iqn.2026-11.org.virtdeck"


class SmallIscsi:
    """One daemon; a context manager. Blocking, and of the thread that enters it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="vdi-", dir="/tmp"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.portal = f"127.0.0.1:{free.getsockname()[1]}"
        self._environment = os.environ | {"TGT_IPC_SOCKET": str(self.directory / "control")}
        self._daemon: subprocess.Popen[bytes] | None = None
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

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and remove its files."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self) -> None:
        """Have nobody listen at its portal any more."""
        if self._daemon is not None:
            self._daemon.kill()  # it takes no notice of a SIGTERM
            self._daemon.wait()
            self._daemon = None

    def _start(self) -> None:
        # it ends with the thread that started it, whatever that dies of
        words = ["tgtd", "-f", "-t", "2", "--iscsi", f"portal={self.portal}"]
        with (self.directory / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
            )  # fmt: skip
        until = time.monotonic() + LONGEST
        while self._ask("show", "portal").returncode:
            assert self._daemon.poll() is None, self._log()
            assert time.monotonic() < until, self._log()
            time.sleep(0.05)
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
        assert told.returncode == 0, f"{operation} {mode}: {told.stderr!r}\n{self._log()}"

    def _ask(self, operation: str, mode: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = ["tgtadm", "--lld", "iscsi", "--op", operation, "--mode", mode, *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False,
            env=self._environment,
        )  # fmt: skip

    def _log(self) -> str:
        return (self.directory / "log").read_text()[-2000:]
