"""The tables of the embedded index, their version, and what its failures mean."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Iterator
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
    path INTEGER NOT NULL, value BLOB NOT NULL, time BLOB NOT NULL, document INTEGER NOT NULL,
    PRIMARY KEY (path, value, time, document)
) WITHOUT ROWID;
CREATE TABLE nodes (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE links (
    child INTEGER NOT NULL, parent INTEGER NOT NULL, collection INTEGER NOT NULL,
    PRIMARY KEY (child, parent, collection)
) WITHOUT ROWID;
CREATE INDEX links_by_parent ON links (parent, child);
"""


def create_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables unless they are there; refuse those of a newer elliptio."""
    if schema_version(connection, path):
        return
    with transaction(connection):
        if not schema_version(connection, path):
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of what the block does, or nothing, as soon as nobody else writes."""
    _begin(connection)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Where the disk is full, SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection) -> None:
    """Get the right to write, or fail after `BUSY_SECONDS`.

    SQLite itself looks every 100 ms at last, so a process whose threads write without a pause kept others waiting for
    many seconds. Looking often, and never in step with others, gives each its turn.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.005))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """Version of the tables, 0 where there are none yet; refuse those of a newer elliptio."""
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
        who = " and ".join(holders(path)) or "another process"
        return (
            f"The index {path} stayed locked for {BUSY_SECONDS:g} seconds: {who} is writing to it, or hangs. "
            f"See who has it open with: fuser {path}"
        )
    if "readonly database" in str(error) or not _readable(path):
        return (
            f"The index {path} may not be changed or read by this user ({error}). Have its owner give you access to it "
            "and to its folder (for a group: chmod g+rw, and umask 002 for those who share the lake)."
        )
    if _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return (
            f"The index {path} could not be used: {error}. Its disk is full, or it fails: free some space, or check "
            "its health."
        )
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error)):
        return (
            f"The index {path} is damaged ({error}). Move it away and rebuild it from the lake with Handler.reindex()."
        )
    return f"The index {path} failed: {error}."


def may_lack_room(error: sqlite3.Error) -> bool:
    """Whether SQLite could not make or grow a file, as on a full disk."""
    return _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _readable(path: Path) -> bool:
    return os.access(path, os.R_OK) or not path.exists()


def holders(path: Path) -> list[str]:
    """Other processes that have locked the index, as far as this system tells."""
    try:
        numbers = {os.stat(name).st_ino for name in (path, f"{path}-shm") if os.path.exists(name)}
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    found = {}
    for fields in map(str.split, lines):
        # 1: POSIX ADVISORY WRITE 4242 fe:00:1234567 0 EOF
        if len(fields) > 5 and fields[3] == "WRITE" and int(fields[5].rpartition(":")[2]) in numbers:
            with contextlib.suppress(OSError, ValueError):
                if int(fields[4]) > 0 and int(fields[4]) != os.getpid():
                    found[fields[4]] = Path(f"/proc/{fields[4]}/comm").read_text().strip()
    return [f"process {pid} ({name})" for pid, name in sorted(found.items())]
