"""What this machine itself tells of a path: only for daemons that run on it, in its own view.

Runs on a lane thread: a file system whose server is gone may block it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.model.base import Value
from core.model.text import clean

_MOUNTS = Path("/proc/self/mountinfo")
_USERFAULTFD = Path("/proc/sys/vm/unprivileged_userfaultfd")
_ESCAPED = re.compile(r"\\([0-7]{3})")


class LocalFile(Value, frozen=True):
    """A path as the kernel sees it."""

    exists: bool | None
    """None: it may not be looked at."""
    identity: str = ""
    """DEVICE:INODE."""
    file_system: str = ""
    """Its type; empty: not known."""


class Files:
    """The files of this machine as one of its daemons sees them."""

    def __init__(self, root: str = "") -> None:
        """`root` is /proc/PID/root of a daemon with mounts of its own; empty: it has ours."""
        self._root = root
        self._mounts = _read(Path(root).parent / "mountinfo" if root else _MOUNTS)

    def look_at(self, path: str) -> LocalFile:
        """Return what is at a path."""
        return look_at(f"{self._root}{path}", file_system_of(path, self._mounts))


def look_at(path: str, kind: str) -> LocalFile:
    """Return what is at a path, on a file system of that type."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return LocalFile(False, file_system=kind)
    except (OSError, ValueError):  # not allowed to look, a loop of links, a NUL in the name
        return LocalFile(None, file_system=kind)
    return LocalFile(True, f"{found.st_dev}:{found.st_ino}", kind)


def _read(table: Path) -> str:
    try:
        return table.read_text(errors="surrogateescape")
    except OSError:
        return ""


def everybody_has_userfaultfd() -> bool | None:
    """Whether the kernel gives userfaultfd to any process; None: it does not say."""
    try:
        return _USERFAULTFD.read_text().strip() == "1"
    except OSError:
        return None


def file_system_of(path: str, mounts: str) -> str:
    """Return the type of the file system a path is on, by proc's mountinfo. Pure."""
    best, kind = "", ""
    wanted = os.path.normpath(path)
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        words = before.split()
        if len(words) < 5 or not after:
            continue
        point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), words[4])
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # of two on one point, the later covers the other
            best, kind = point, after.split()[0]
    return clean(kind)
