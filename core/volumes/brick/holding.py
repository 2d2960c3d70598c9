"""One process at a time connects or disconnects a volume. It is sent along with `child`.

Who has connected a volume is noted on the host until its instance has the disk: libvirt shows that
only then, and who disconnects the volume meanwhile would take the device away.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

WAITING = 45.0
"""Seconds for which another that connects or disconnects the same volume is waited for."""
ATTACHING = 900.0
"""Seconds after which what was connected is no longer about to be a disk: longer than any attach
may take. Whose console was lost is disconnected by the next one."""


class VolumeBusyError(Exception):
    """Another process connects or disconnects the volume."""


class ForeignFolderError(Exception):
    """The folder of the locks is another's, who may lead what is written there elsewhere."""


def own_locks(folder: Path) -> Path:
    """Return a folder for locks that nobody else writes to; raises ForeignFolderError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or others:
        text = f"{folder} is a folder that others of the host write to, or of another account"
        raise ForeignFolderError(text)
    return folder


class Holding:
    """Holds the lock of one volume, or share, until the process ends."""

    def __init__(self, folder: Path, key: str, waiting: float = WAITING) -> None:
        """`key` is a file's name. Raises VolumeBusyError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._key = folder, key
        self._lock: IO[bytes] = (folder / f"{key}.lock").open("ab")
        until = time.monotonic() + waiting
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    self._lock.close()
                    text = f"another virtdeck has connected or disconnected it for {waiting:.0f} s"
                    raise VolumeBusyError(text) from None
            time.sleep(0.1)

    def noted(self) -> list[str]:
        """Return for whom the volume was connected whose instances may not have it yet."""
        found = []
        # no console's attach goes on past a boot of the host, and these files stay
        counts = min(ATTACHING, time.clock_gettime(time.CLOCK_BOOTTIME))
        for note in self._folder.glob(f"{self._key}.for.*"):
            if time.time() - note.stat().st_mtime < counts:
                found.append(note.name.rpartition(".for.")[2])
            else:
                note.unlink()
        return sorted(found)

    def note(self, whom: str) -> None:
        """Note for whom it is connected now."""
        self._note(whom).touch()

    def forget(self, whom: str) -> None:
        """Forget that it was connected for someone."""
        with suppress(FileNotFoundError):
            self._note(whom).unlink()

    def close(self) -> None:
        """Let the next one have it; the process's end does that, too."""
        self._lock.close()

    def _note(self, whom: str) -> Path:
        return self._folder / f"{self._key}.for.{whom.replace('/', '_')}"
