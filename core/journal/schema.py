"""The journal's tables, and how an older journal becomes a newer one."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x7664636B
"""`vdck` in the file's header: tells our journal from any other SQLite file."""

MIGRATIONS = (
    """
    CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        uri TEXT NOT NULL,
        status TEXT NOT NULL,
        final INTEGER NOT NULL,
        created REAL NOT NULL,
        owner TEXT NOT NULL,
        record TEXT NOT NULL,
        progress TEXT NOT NULL,
        change INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX operations_change ON operations (change);
    CREATE INDEX operations_unfinished ON operations (id) WHERE final = 0;
    CREATE TABLE counter (value INTEGER NOT NULL);
    INSERT INTO counter VALUES (0);
    """,
    """
    CREATE TABLE messages (message TEXT NOT NULL, operation TEXT NOT NULL);
    CREATE INDEX messages_operation ON messages (operation);
    """,
    "SELECT 'messages of the kind cancel, which a virtdeck of before cannot read'",
)
"""Migration N takes a journal of version N to N + 1. Never edit one that was released."""

VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a journal; 0 for an empty file. Raises sqlite3.Error."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether a file is a journal, or empty and so may become one. Raises sqlite3.Error."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application == APPLICATION_ID:
        return True
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return bool(application == 0 and tables == 0)


def flaw(connection: sqlite3.Connection) -> str:
    """Return why a file of ours is no journal any more, a clause; empty: it is sound, or new.

    Raises sqlite3.Error.
    """
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}
    if version_of(connection) == 0:
        return "its version is lost" if tables else ""
    of_version = [{"operations", "counter"}, {"messages"}][: version_of(connection)]
    if missing := set().union(*of_version) - tables:
        return f"the table {min(missing)} is missing"
    if connection.execute("SELECT count(*) FROM counter").fetchone()[0] != 1:
        return "its counter is lost"
    verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if verdict == "ok" else verdict


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a journal to this version, each migration whole or not at all.

    The connection is in autocommit mode. Raises sqlite3.Error.
    """
    for version in range(version_of(connection), VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[version]}; PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {version + 1}; COMMIT;"
        )
