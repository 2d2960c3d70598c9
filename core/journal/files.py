"""The journal's file: where it is, who may read it, and what happens when it is damaged."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from core import directories
from core.errors import JournalError

ENVIRONMENT = "VIRTDECK_JOURNAL"
LOCK_PATIENCE = 5.0
"""Seconds another console may take to open the same journal."""

SIDECARS = ("", "-wal", "-shm")
"""A SQLite database in WAL mode is these three files."""


def default_path() -> Path:
    """Return the journal's path: VIRTDECK_JOURNAL, else in the user's state directory (XDG)."""
    if given := os.environ.get(ENVIRONMENT):
        return Path(given).expanduser()
    return directories.state() / "journal.sqlite3"


def prepare(path: Path) -> None:
    """Make the directory (0700) and the file (0600) where missing; close the file to others.

    SQLite gives its -wal and -shm files the mode of the database. Raises JournalError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            for suffix in SIDECARS:
                side = path.with_name(path.name + suffix)
                if side.exists():
                    side.chmod(0o600)
    except OSError as error:
        raise cannot_open(path, error) from error


def identity(path: Path) -> tuple[int, int] | None:
    """Return which file a path names: device and inode; None: none that can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def require_same(path: Path, before: tuple[int, int] | None) -> None:
    """Raise JournalError where a path names another file than before, or none: what is written
    to the old one is lost, and others read the new one.
    """
    if before is not None and identity(path) != before:
        raise JournalError(
            f"The journal {path} was removed or replaced while it was open.",
            "Open virtdeck again: it begins a new one where there is none.",
        )


def refuse_directory(path: Path) -> None:
    """Raise JournalError where a directory has the journal's name: SQLite's words mislead."""
    if path.is_dir():
        raise cannot_open(path, IsADirectoryError())


def cannot_open(path: Path, error: OSError) -> JournalError:
    """Say why a journal's file cannot be used, with the cure."""
    if isinstance(error, IsADirectoryError):
        return JournalError(
            f"The journal {path} is a directory.", f"Set {ENVIRONMENT} to the path of a file."
        )
    return JournalError(
        f"The journal {path} cannot be opened: {error.strerror or error}.",
        f"Make its directory writable, or set {ENVIRONMENT} to another file.",
    )


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep other consoles from opening the same journal meanwhile; blocks up to 5 s.

    Raises JournalError when another one holds it longer than that.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise cannot_open(path, error) from error
    try:
        _acquire(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise JournalError(
                    f"The journal {path} is being opened by another console that does not finish.",
                    "End that console, or set VIRTDECK_JOURNAL to another file.",
                ) from error
            time.sleep(0.02)


def move_aside(path: Path) -> Path:
    """Rename a damaged journal, all its files, and return its new path. Raises JournalError."""
    stamp = datetime.now().astimezone().strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        for suffix in SIDECARS:
            side = path.with_name(path.name + suffix)
            if side.exists():
                side.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise JournalError(
            f"The journal {path} is damaged and cannot be moved aside: {error.strerror}.",
            "Move it away by hand, or set VIRTDECK_JOURNAL to another file.",
        ) from error
    return aside
