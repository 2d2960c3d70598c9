"""The definitions of instances as they were last read, kept beside the journal.

Blocking SQLite, on one thread; `core.fleet_kept` keeps it off the core's loop. A file of its own:
a thousand definitions that are written at a connect hold up no operation, and a damaged one costs
none. A write is one transaction: a kill at any moment leaves what was written before. A host is
known by its address, in the words of `core.hypervisor.connection.uri.normalised`.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

import msgspec

from core.errors import JournalError
from core.journal import files
from core.model.kept import KeptDefinition, KeptHost
from core.model.storage import Pool

_APPLICATION_ID = 0x76646B64
"""`vdkd` in the file's header."""
_VERSION = 1
_SCHEMA = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE definitions (
        uri TEXT NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT NOT NULL,
        xml BLOB NOT NULL,
        digest BLOB NOT NULL,
        read REAL NOT NULL,
        ran INTEGER NOT NULL,
        autostart INTEGER NOT NULL,
        PRIMARY KEY (uri, uuid)
    ) WITHOUT ROWID;
    CREATE INDEX definitions_uuid ON definitions (uuid);
    CREATE TABLE hosts (
        uri TEXT PRIMARY KEY,
        seen REAL NOT NULL,
        hostname TEXT NOT NULL,
        pools TEXT NOT NULL
    ) WITHOUT ROWID;
    PRAGMA application_id = {_APPLICATION_ID};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_BUSY = 10.0
"""Seconds another console may hold the file."""
_COLUMNS = "uuid, name, xml, read, ran, autostart"


class Sighting(msgspec.Struct, frozen=True):
    """How an instance stands, as its host shows it."""

    name: str
    ran: bool
    autostart: bool


def path_beside(journal: Path | None) -> Path:
    """Return the file that belongs to a journal; None: to the user's own."""
    path = journal or files.default_path()
    return path.with_name(f"{path.stem}.definitions.sqlite3")


class DefinitionStore:
    """One connection to the file. Not thread-safe; every method may block for milliseconds."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> DefinitionStore:
        """Open the file, making it where there is none; a damaged one is moved aside.

        It holds nothing that hosts which are up do not tell again. Raises JournalError.
        """
        files.prepare(path)
        with files.lock(path):
            try:
                return cls(_connect(path), path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise _told(path, error) from error
                files.move_aside(path)
                files.prepare(path)
            with _said_well(path):
                return cls(_connect(path), path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, uri: str, read: Mapping[str, tuple[str, Sighting]], at: float) -> None:
        """Keep definitions of a host by UUID, read at `at`; one that is kept so costs no text.

        Raises JournalError.
        """
        with self._writing() as connection:
            rows = connection.execute("SELECT uuid, digest FROM definitions WHERE uri = ?", (uri,))
            known: dict[str, bytes] = dict(rows.fetchall())
            for uuid, (xml, seen) in read.items():
                data = xml.encode(errors="surrogatepass")
                digest = blake2b(data, digest_size=16).digest()
                told = (seen.name, at, seen.ran, seen.autostart)
                if known.get(uuid) == digest:
                    connection.execute(
                        "UPDATE definitions SET name = ?, read = ?, ran = ?, autostart = ?"
                        " WHERE uri = ? AND uuid = ?",
                        (*told, uri, uuid),
                    )
                    continue
                connection.execute(
                    "INSERT OR REPLACE INTO definitions"
                    " (uri, uuid, digest, xml, name, read, ran, autostart)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (uri, uuid, digest, zlib.compress(data), *told),
                )

    def see(
        self,
        uri: str,
        at: float,
        *,
        changed: Mapping[str, Sighting],
        hostname: str = "",
        there: Iterable[str] | None = None,
        pools: Iterable[Pool] | None = None,
    ) -> None:
        """Note that a host was seen, and what of its instances is `changed`.

        What is not `there` any more, undefined or moved away, is dropped; None: nothing is.
        Raises JournalError.
        """
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO hosts (uri, seen, hostname, pools) VALUES (?, ?, ?, '[]')"
                " ON CONFLICT (uri) DO UPDATE SET seen = excluded.seen, hostname ="
                " CASE excluded.hostname WHEN '' THEN hostname ELSE excluded.hostname END",
                (uri, at, hostname),
            )
            if pools is not None:
                text = msgspec.json.encode(tuple(pools)).decode()
                connection.execute("UPDATE hosts SET pools = ? WHERE uri = ?", (text, uri))
            connection.executemany(
                "UPDATE definitions SET name = ?, ran = ?, autostart = ?"
                " WHERE uri = ? AND uuid = ?",
                [(one.name, one.ran, one.autostart, uri, uuid) for uuid, one in changed.items()],
            )
            if there is not None:
                known = connection.execute("SELECT uuid FROM definitions WHERE uri = ?", (uri,))
                gone = {uuid for (uuid,) in known.fetchall()} - set(there)
                connection.executemany(
                    "DELETE FROM definitions WHERE uri = ? AND uuid = ?",
                    [(uri, uuid) for uuid in gone],
                )

    def host(self, uri: str) -> KeptHost:
        """Return what is kept of a host, its definitions by name. Raises JournalError."""
        with _said_well(self.path):
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM definitions WHERE uri = ? ORDER BY name", (uri,)
            ).fetchall()
            found = self._connection.execute(
                "SELECT seen, hostname, pools FROM hosts WHERE uri = ?", (uri,)
            ).fetchone()
        definitions = tuple(one for row in rows if (one := _definition(row)) is not None)
        seen, hostname, pools = found or (0.0, "", "[]")
        return KeptHost(uri, seen, hostname, definitions, _pools(pools))

    def elsewhere(self, uri: str) -> dict[str, str]:
        """Return, by UUID, the address of another host that has shown an instance of a host since.

        That is one that showed it running where this one did not, else one that was seen later.
        Raises JournalError.
        """
        with _said_well(self.path):
            rows = self._connection.execute(
                "SELECT own.uuid, other.uri FROM definitions AS own"
                " JOIN definitions AS other ON other.uuid = own.uuid AND other.uri != own.uri"
                " JOIN hosts AS here ON here.uri = own.uri"
                " JOIN hosts AS there ON there.uri = other.uri"
                " WHERE own.uri = ? AND (other.ran > own.ran"
                " OR other.ran = own.ran AND there.seen > here.seen)",
                (uri,),
            ).fetchall()
        return dict(rows)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        with _said_well(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _definition(row: tuple[str, str, bytes, float, int, int]) -> KeptDefinition | None:
    uuid, name, xml, read, ran, autostart = row
    try:
        text = zlib.decompress(xml).decode(errors="surrogatepass")
    except (zlib.error, UnicodeDecodeError):
        return None
    return KeptDefinition(uuid, name, text, read, bool(ran), bool(autostart))


def _pools(text: str) -> tuple[Pool, ...]:
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(text, type=tuple[Pool, ...])
    return ()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        kind = connection.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and kind == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        elif kind != _APPLICATION_ID or version != _VERSION:
            raise sqlite3.OperationalError("it is of another program, or a newer virtdeck")
        elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("it is damaged")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last seconds
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _said_well(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _told(path, error) from error


def _told(path: Path, error: sqlite3.Error) -> JournalError:
    text = f"The kept definitions {path} cannot be used: {' '.join(str(error).split())}."
    return JournalError(text, "Make room, or move that file away: it is made anew.")
