"""The journal's file as a database: opened, checked, and its errors told with the cure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import JournalError
from core.journal import files
from core.journal.schema import VERSION, flaw, is_ours, migrate, version_of

BUSY_TIMEOUT = 30.0
"""Seconds another console may hold the database."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a file as a journal, made or migrated if it may be.

    Raises sqlite3.Error, and JournalError for a file that is no journal of this version.
    """
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check_kind(connection, path)
        if reason := flaw(connection):
            raise _Damaged(reason)
        if read_only and version_of(connection) == 0:  # made, and not yet written
            connection.close()
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            migrate(connection)
        elif not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    if not is_ours(connection):
        raise JournalError(
            f"{path} is a database of some other program, not a journal of virtdeck.",
            f"Set {files.ENVIRONMENT} to another file.",
        )
    if (version := version_of(connection)) > VERSION:
        raise JournalError(
            f"The journal {path} was written by a newer virtdeck (version {version}; this one "
            f"knows {VERSION}).",
            f"Use that virtdeck, or set {files.ENVIRONMENT} to another file.",
        )


class _Damaged(sqlite3.DatabaseError):
    """The file was found damaged, by SQLite's own check or by ours."""


_MOVE_ASIDE = (
    "The console at its start, and any command that changes something, move it aside and begin a "
    "new one. To do it by hand, rename the file."
)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, _Damaged) or code in _DAMAGE


@contextmanager
def said_well(path: Path) -> Iterator[None]:
    """Raise what SQLite has against a journal as a JournalError with the cure."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(path, error) from error


def _explained(path: Path, error: sqlite3.Error) -> JournalError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    cures = {
        sqlite3.SQLITE_FULL: "Make room on its file system.",
        sqlite3.SQLITE_READONLY: "Make the file and its directory writable for you.",
        sqlite3.SQLITE_CANTOPEN: "Make its directory writable for you.",
        sqlite3.SQLITE_BUSY: "Another console holds it: end that one if it hangs.",
        sqlite3.SQLITE_IOERR: "See the kernel's log for the cause, or make room on its disk.",
    }
    if is_damage(error):
        return JournalError(
            f"The journal {path} is damaged: {' '.join(str(error).split())}.", _MOVE_ASIDE
        )
    cure = cures.get(code, f"Set {files.ENVIRONMENT} to another file.")
    return JournalError(f"The journal {path} cannot be used: {error}.", cure)
