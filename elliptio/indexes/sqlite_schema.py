"""The tables of the embedded index, their version, and what its failures mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from elliptio.errors import FormatError

SCHEMA_VERSION = 1

BUSY_SECONDS = 30.0
"""How long a writer waits for another one."""

SCHEMA = """
CREATE TABLE collections (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, documents INTEGER NOT NULL DEFAULT 0);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, collection INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (collection, id));
CREATE TABLE paths (
    number INTEGER PRIMARY KEY, collection INTEGER NOT NULL, path TEXT NOT NULL, multikey INTEGER NOT NULL DEFAULT 0,
    UNIQUE (collection, path));
CREATE TABLE keys (
    path INTEGER NOT NULL, value BLOB NOT NULL, document INTEGER NOT NULL, PRIMARY KEY (path, value, document)
) WITHOUT ROWID;
"""


def create_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables unless they are there; refuse those of a newer elliptio."""
    if _schema_version(connection, path):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _schema_version(connection, path):
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _schema_version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise FormatError(
            f"The index {path} has schema version {version}, written by a newer elliptio; this one reads up to "
            f"{SCHEMA_VERSION}. Run: pip install --upgrade elliptio"
        )
    return int(version)


def explained(error: sqlite3.Error, path: Path) -> str:
    """Say what a failure of SQLite means and what to do."""
    if "locked" in str(error) or "busy" in str(error):
        return (
            f"The index {path} stayed locked for {BUSY_SECONDS:.0f} seconds: another process is writing to it, "
            f"or hangs. See who has it open with: fuser {path}"
        )
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error)):
        return (
            f"The index {path} is damaged ({error}). Move it away and rebuild it from the lake with Handler.reindex()."
        )
    return f"The index {path} failed: {error}."
