"""The journal's database: blocking SQLite, on one thread. `core.journal.journal` is its async face.

Every write is one transaction, on the disk when the call returns (WAL, synchronous = FULL): a kill
at any moment loses nothing that was reported written. Consoles share it: each write takes the next
number of one counter, so a reader asks for what came after the last number it saw.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from core.errors import JournalError
from core.journal import files
from core.journal.entry import Entry
from core.journal.message import Message
from core.journal.owner import Owner
from core.journal.schema import VERSION, flaw, is_ours, migrate, version_of
from core.model import HostIdentity, OperationRecord

BUSY_TIMEOUT = 30.0
"""Seconds another console may hold the database."""

KEEP_RECORDS = 10_000
KEEP_DAYS = 90

_COLUMNS = "record, owner, uri, progress"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Ledger:
    """One connection to a journal. Not thread-safe; every method may block for milliseconds."""

    def __init__(self, connection: sqlite3.Connection, path: Path, notices: list[str]) -> None:
        self.path = path
        self.notices = notices
        """What the operator should know, a sentence each: a damaged journal was moved aside."""
        self._connection = connection
        self._file = files.identity(path)
        self._seen_version = -1

    @classmethod
    def open(cls, path: Path | None = None, *, read_only: bool = False) -> Ledger:
        """Open a journal, making or migrating it. Raises JournalError with the cure.

        A damaged one is moved aside and a new one begun: see `notices`. With `read_only` the file
        must exist, and nothing of it is changed.
        """
        path = path or files.default_path()
        if read_only:
            files.refuse_directory(path)
            with _said_well(path):
                return cls(_connect(path, read_only=True), path, [])
        files.prepare(path)
        with files.lock(path), _said_well(path):
            try:
                return cls(_connect(path), path, [])
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                reason = " ".join(str(error).split())
                notice = (
                    f"The journal was damaged ({reason}): it is kept as {files.move_aside(path)}, "
                    "and a new one was begun. Operations that were under way are not taken over: "
                    "look at the state of each instance."
                )
            files.prepare(path)
            return cls(_connect(path), path, [notice])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, entry: Entry) -> None:
        """Write an operation, on the disk when it returns. Raises JournalError."""
        record = entry.record
        values = (
            record.id,
            record.host,
            entry.uri,
            record.status.value,
            record.status.final,
            record.created,
            _json(entry.owner),
            _json(record),
            entry.progress,
        )
        with self._writing() as change:
            self._connection.execute(
                "INSERT OR REPLACE INTO operations (id, host, uri, status, final, created, owner,"
                " record, progress, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, change),
            )

    def claim(self, operation_id: str, old: Owner, new: Owner) -> bool:
        """Hand an operation over from `old`; False when another console was faster."""
        with self._writing() as change:
            cursor = self._connection.execute(
                "UPDATE operations SET owner = ?, change = ? WHERE id = ? AND owner = ?",
                (_json(new), change, operation_id, _json(old)),
            )
            return cursor.rowcount == 1

    def send(self, message: Message) -> None:
        """Leave a message for whoever runs an operation. Raises JournalError."""
        with self._writing():
            self._connection.execute(
                "INSERT INTO messages (operation, message) VALUES (?, ?)",
                (message.operation, _json(message)),
            )

    def messages(self, operation_id: str) -> list[Message]:
        """Return the messages about an operation, oldest first."""
        with _said_well(self.path):
            rows = self._connection.execute(
                "SELECT message FROM messages WHERE operation = ? ORDER BY rowid", (operation_id,)
            ).fetchall()
        return [msgspec.json.decode(text, type=Message) for (text,) in rows]

    def forget(self, operation_id: str) -> bool:
        """Drop an operation that is over; False where there is none. Raises JournalError."""
        with self._writing():
            statement = "DELETE FROM operations WHERE id = ? AND final = 1"
            return self._connection.execute(statement, (operation_id,)).rowcount == 1

    def recent(self, limit: int) -> list[Entry]:
        """Return the newest operations and every unfinished one, oldest first."""
        return self._read(
            "id IN (SELECT id FROM operations ORDER BY id DESC LIMIT ?) OR final = 0 ORDER BY id",
            (limit,),
        )

    def ids(self) -> set[str]:
        """Return the id of every operation; milliseconds for ten thousand."""
        with _said_well(self.path):
            return {row[0] for row in self._connection.execute("SELECT id FROM operations")}

    def newest(self) -> int:
        """Return the number of the newest write."""
        with _said_well(self.path):
            return int(self._connection.execute("SELECT value FROM counter").fetchone()[0])

    def changes_since(self, change: int) -> tuple[int, list[Entry]]:
        """Return the number of the newest write, and the operations written after `change`."""
        newest = self.newest()
        if newest == change:
            return newest, []
        return newest, self._read("change > ? AND change <= ? ORDER BY change", (change, newest))

    def others_wrote(self) -> bool:
        """Whether another connection wrote since the last call; costs microseconds."""
        files.require_same(self.path, self._file)
        with _said_well(self.path):
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        changed, self._seen_version = version != self._seen_version, version
        return changed

    def prune(self, now: float, keep: int = KEEP_RECORDS, days: float = KEEP_DAYS) -> int:
        """Drop operations that are old, and finished ones that are too many; returns how many.

        One that is unfinished after months is of a host that nobody opens any more.
        """
        with self._writing():
            cursor = self._connection.execute(
                "DELETE FROM operations WHERE created < ? OR final = 1 AND id <="
                " (SELECT id FROM operations ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (now - days * 86_400, keep),
            )
            self._connection.execute(
                "DELETE FROM messages WHERE operation NOT IN (SELECT id FROM operations)"
            )
            return cursor.rowcount

    def _read(self, condition: str, values: Iterable[object] = ()) -> list[Entry]:
        with _said_well(self.path):
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM operations WHERE {condition}", tuple(values)
            ).fetchall()
        return [entry for row in rows if (entry := self._entry(row)) is not None]

    def _entry(self, row: tuple[str, str, str, str]) -> Entry | None:
        record, owner, uri, progress = row
        try:
            told = msgspec.json.decode(record, type=OperationRecord)
            if not told.hosts:  # written before identities were kept
                told = replace(told, hosts=(HostIdentity(told.host, uri),))
            return Entry(told, msgspec.json.decode(owner, type=Owner), uri, progress)
        except msgspec.DecodeError as error:
            notice = f"An operation in the journal {self.path} cannot be read and is left out"
            if not any(notice in known for known in self.notices):
                self.notices.append(f"{notice}: {error}.")
            return None

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """One durable transaction; gives the number of the write."""
        connection = self._connection
        files.require_same(self.path, self._file)
        with _said_well(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                row = connection.execute("UPDATE counter SET value = value + 1 RETURNING value")
                yield int(row.fetchone()[0])
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
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


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, _Damaged) or code in _DAMAGE


@contextmanager
def _said_well(path: Path) -> Iterator[None]:
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
    if _is_damage(error):
        return JournalError(
            f"The journal {path} is damaged: {' '.join(str(error).split())}.", _MOVE_ASIDE
        )
    cure = cures.get(code, f"Set {files.ENVIRONMENT} to another file.")
    return JournalError(f"The journal {path} cannot be used: {error}.", cure)
