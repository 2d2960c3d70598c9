"""The journal's database: blocking SQLite, on one thread. `core.journal.journal` is its async face.

Every write is one transaction, on the disk when the call returns (WAL, synchronous = FULL): a kill
at any moment loses nothing that was reported written. Consoles share it: each write takes the next
number of one counter, so a reader asks for what came after the last number it saw.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from core.journal import files
from core.journal.database import connect, is_damage, said_well
from core.journal.entry import Entry
from core.journal.message import Message
from core.journal.owner import Owner
from core.model import HostIdentity, OperationRecord

KEEP_RECORDS = 10_000
KEEP_DAYS = 90


class Told(NamedTuple):
    """How much of a journal somebody was told."""

    change: int
    """The number of the newest write."""
    version: int = -1
    """As `Ledger.version` was then."""


_COLUMNS = "record, owner, uri, progress"
_OF_VOLUMES = (
    'instr(record, \'"result":{"connected":\') OR instr(record, \'"result":{"released":\')'
)
"""Of the operations that a host connected a volume for, or let go of it (`core.state.connections`):
they are kept as long as the journal, for a volume may be connected for years."""


class Ledger:
    """One connection to a journal. Not thread-safe; every method may block for milliseconds."""

    def __init__(self, connection: sqlite3.Connection, path: Path, notices: list[str]) -> None:
        self.path = path
        self.notices = notices
        """What the operator should know, a sentence each: a damaged journal was moved aside."""
        self._connection = connection
        self._file = files.identity(path)

    @classmethod
    def open(cls, path: Path | None = None, *, read_only: bool = False) -> Ledger:
        """Open a journal, making or migrating it. Raises JournalError with the cure.

        A damaged one is moved aside and a new one begun: see `notices`. With `read_only` the file
        must exist, and nothing of it is changed.
        """
        path = path or files.default_path()
        if read_only:
            files.refuse_directory(path)
            with said_well(path):
                return cls(connect(path, read_only=True), path, [])
        files.prepare(path)
        with files.lock(path), said_well(path):
            try:
                return cls(connect(path), path, [])
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                reason = " ".join(str(error).split())
                notice = (
                    f"The journal was damaged ({reason}): it is kept as {files.move_aside(path)}, "
                    "and a new one was begun. Operations that were under way are not taken over: "
                    "look at the state of each instance."
                )
            files.prepare(path)
            return cls(connect(path), path, [notice])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, entry: Entry) -> None:
        """Write an operation, on the disk when it returns. Raises JournalError."""
        with self._writing() as change:
            self._write(entry, change)

    def put_unless(
        self,
        entry: Entry,
        told: Told,
        known: Container[str],
        against: Callable[[list[Entry]], bool],
    ) -> bool:
        """Write an operation unless what others wrote since is `against` it; whether it was.

        The look and the write are one transaction: of two consoles one writes first, and the other
        sees that. `known` are ids that are not looked at; with nothing to look at, `against` is not
        asked. Raises JournalError, and what `against` raises.
        """
        with self._writing() as change:
            if self.version() != told.version:
                written = self._read("change > ? ORDER BY change", (told.change,))
                unknown = [one for one in written if one.record.id not in known]
                if unknown and against(unknown):
                    return False
            self._write(entry, change)
            return True

    def _write(self, entry: Entry, change: int) -> None:
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
        with said_well(self.path):
            rows = self._connection.execute(
                "SELECT message FROM messages WHERE operation = ? ORDER BY rowid", (operation_id,)
            ).fetchall()
        return [msgspec.json.decode(text, type=Message) for (text,) in rows]

    def cancels(self, ids: Iterable[str]) -> list[Message]:
        """Return which of these operations are to be cancelled, oldest first."""
        wanted = msgspec.json.encode(list(ids)).decode()
        with said_well(self.path):
            rows = self._connection.execute(
                "SELECT message FROM messages WHERE operation IN (SELECT value FROM json_each(?))"
                " AND json_extract(message, '$.kind') = 'cancel' ORDER BY rowid",
                (wanted,),
            ).fetchall()
        return [msgspec.json.decode(text, type=Message) for (text,) in rows]

    def forget(self, operation_id: str) -> bool:
        """Drop an operation that is over; False where there is none. Raises JournalError."""
        with self._writing():
            statement = "DELETE FROM operations WHERE id = ? AND final = 1"
            return self._connection.execute(statement, (operation_id,)).rowcount == 1

    def recent(self, limit: int) -> list[Entry]:
        """Return the newest operations, every unfinished one and the ledger of connected volumes.

        Oldest first.
        """
        return self._read(
            "id IN (SELECT id FROM operations ORDER BY id DESC LIMIT ?) OR final = 0"
            f" OR {_OF_VOLUMES} ORDER BY id",
            (limit,),
        )

    def ids(self) -> set[str]:
        """Return the id of every operation; milliseconds for ten thousand."""
        with said_well(self.path):
            return {row[0] for row in self._connection.execute("SELECT id FROM operations")}

    def newest(self) -> int:
        """Return the number of the newest write."""
        with said_well(self.path):
            return int(self._connection.execute("SELECT value FROM counter").fetchone()[0])

    def changes_since(self, change: int) -> tuple[int, list[Entry]]:
        """Return the number of the newest write, and the operations written after `change`."""
        newest = self.newest()
        if newest == change:
            return newest, []
        return newest, self._read("change > ? AND change <= ? ORDER BY change", (change, newest))

    def version(self) -> int:
        """Return a number that is another one once another connection wrote; microseconds."""
        files.require_same(self.path, self._file)
        with said_well(self.path):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def prune(self, now: float, keep: int = KEEP_RECORDS, days: float = KEEP_DAYS) -> int:
        """Drop operations that are old, and finished ones that are too many; returns how many.

        One that is unfinished after months is of a host that nobody opens any more.
        """
        with self._writing():
            cursor = self._connection.execute(
                "DELETE FROM operations WHERE (created < ? OR final = 1 AND id <="
                " (SELECT id FROM operations ORDER BY id DESC LIMIT 1 OFFSET ?))"
                f" AND NOT ({_OF_VOLUMES})",
                (now - days * 86_400, keep),
            )
            self._connection.execute(
                "DELETE FROM messages WHERE operation NOT IN (SELECT id FROM operations)"
            )
            return cursor.rowcount

    def _read(self, condition: str, values: Iterable[object] = ()) -> list[Entry]:
        with said_well(self.path):
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
        with said_well(self.path):
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
