"""Connect to the embedded index, on any drive and across forks; write in transactions, read rows in portions."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from elliptio.errors import IndexUnavailableError
from elliptio.indexes.sqlite import failures, schema
from elliptio.indexes.sqlite.narrowing import IndexedPath
from elliptio.system.file_systems import network_file_system
from elliptio.system.forking import ForkGate, Lock

log = logging.getLogger(__name__)

Identity = tuple[int, int]

_FIRST_ROWS, _MOST_ROWS = 16, 1024

_open: weakref.WeakSet[Connection] = weakref.WeakSet()
_creating = Lock()
_warned: set[Path] = set()


class Connection(sqlite3.Connection):
    """Connect one thread to one file.

    Attributes
    ----------
    identity
        Device and number of the file; None if it must not be used again.
    pid
        The process that opened it.
    prepared
        Whether it may write: the journal is chosen and the tables are there.
    eager
        Whether rows must be read at once, because a reader who takes its time would keep writers waiting.
    paths, collections
        Numbers of paths and collections never change, so what was once committed is remembered.

    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.identity: Identity | None = None
        self.pid = os.getpid()
        self.prepared = False
        self.eager = False
        self.closed = False
        self.paths: dict[tuple[int, str], IndexedPath] = {}
        self.collections: dict[str, int] = {}
        self.readers: weakref.WeakSet[Rows] = weakref.WeakSet()
        _open.add(self)

    def collection_number(self, name: str) -> int | None:
        """Look the number of a collection up; None if it holds nothing."""
        number = self.collections.get(name)
        if number is None:
            row = self.execute("SELECT number FROM collections WHERE name = ?", (name,)).fetchone()
            if row:
                number = self.collections[name] = int(row[0])
        return number

    def close(self) -> None:
        """Close, after what is still being read was read to its end."""
        with GATE:
            if not self.closed:
                self.closed = True
                for rows in list(self.readers):
                    rows.drain()
            super().close()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self.close()


def _close_all() -> None:
    # SQLite forbids to carry a connection into a child, even to close it there: it would count on locks of its parent.
    for connection in list(_open):
        connection.close()


GATE = ForkGate(_close_all)


class Rows:
    """Fetch the rows of a query in portions, so that nobody is inside the gate while a reader takes its time.

    Made inside the gate, with the first portion. `close` them when they are read, or no longer of interest.
    """

    def __init__(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> None:
        self._cursor: sqlite3.Cursor | None = connection.execute(sql, parameters)
        self._size = _FIRST_ROWS
        self._fetched: list[Any] = self._cursor.fetchmany(self._size)
        if len(self._fetched) < self._size:
            self._cursor = None
        elif connection.eager:
            self.drain()
        else:
            connection.readers.add(self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._fetched) if self._cursor is None else chain.from_iterable(iter(self._portion, []))

    def drain(self) -> None:
        """Keep the rest of the rows in memory; inside the gate."""
        if self._cursor is not None:
            self._fetched += self._cursor.fetchall()
            self._cursor = None

    def close(self) -> None:
        """Let SQLite forget the query."""
        if self._cursor is not None:
            with GATE:
                if self._cursor is not None:
                    self._cursor.close()
                    self._cursor = None

    def _portion(self) -> list[Any]:
        # Nobody else touches what was fetched to its end.
        with GATE if self._cursor is not None else contextlib.nullcontext():
            if not self._fetched and self._cursor is not None:
                self._size = min(2 * self._size, _MOST_ROWS)
                self._fetched = self._cursor.fetchmany(self._size)
                if len(self._fetched) < self._size:
                    self._cursor = None
            fetched, self._fetched = self._fetched, []
            return fetched


def identity_of(path: Path) -> Identity | None:
    """Read device and number of a file; None if there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def connect_to_write(path: Path, *, durable: bool) -> Connection:
    """Open the file, which is made if need be, and prepare it for writing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
    except OSError as error:
        raise IndexUnavailableError(f"The index sqlite:///{path} cannot be made: {error}.") from error
    connection = _connect(path, "mode=rw", cache=True)
    try:
        prepare(connection, path, durable=durable)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    # SQLite would make it 0644 whatever the umask, and its other files like it: a group could not share a lake.
    # Under a lock, because closing a file takes away the locks that other connections of this process have on it.
    with _creating, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666))


def prepare(connection: Connection, path: Path, *, durable: bool) -> None:
    """Choose the journal and make the tables, unless that was done."""
    network = network_file_system(path.parent)
    if network and path not in _warned:
        _warned.add(path)
        log.warning(
            "The index %s lies on a network drive (%s). It is kept in a slower, safer way there, which is as reliable "
            "as the drive's file locks. If many write to it, use MongoDB: index='mongodb://host/db'.", path, network
        )  # fmt: skip

    def attempt() -> None:
        # WAL needs memory that all its users share, which machines do not.
        (mode,) = connection.execute(f"PRAGMA journal_mode = {'DELETE' if network else 'WAL'}").fetchone()
        connection.eager = mode != "wal"
        # Without WAL, NORMAL may lose the whole file in a power cut.
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable or connection.eager else 'NORMAL'}")
        _make_tables(connection, path)

    _patiently(attempt)
    connection.prepared = True


def _make_tables(connection: Connection, path: Path) -> None:
    """Make the tables unless they are there; refuse those of a newer elliptio."""
    if schema.schema_version(connection, path):
        return
    with transaction(connection):
        if not schema.schema_version(connection, path):
            for statement in schema.SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")


def _patiently(attempt: Callable[[], None]) -> None:
    # Switching to WAL takes an exclusive lock for which SQLite does not wait: another process may be at it.
    deadline = time.monotonic() + failures.BUSY_SECONDS
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Write all of what the block does, or nothing, as soon as nobody else writes, or fail after `BUSY_SECONDS`."""
    # SQLite itself looks every 100 ms at last, so a process whose threads write without a pause kept others waiting
    # for many seconds. Looking often, and never in step with others, gives each its turn.
    deadline = time.monotonic() + failures.BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.005))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(failures.BUSY_SECONDS * 1000)}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Where the disk is full, SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect_to_read(path: Path) -> Connection:
    """Open an existing file with what rights there are; nothing is made or changed."""
    ways = ["mode=rw", "mode=ro"] if may_write(path) else ["mode=ro"]
    for way in ways:
        connection = _connect(path, way, cache=True)
        try:
            return _looked_into(connection, path)
        except sqlite3.OperationalError as error:
            connection.close()
            reason = error
            if "locked" in str(error):
                raise
    journal = Path(f"{path}-wal")
    may_try = failures.may_lack_room(reason) or not may_write(path.parent)
    if not may_try or (journal.exists() and journal.stat().st_size):
        raise reason
    # Nobody writes just now, but somebody may in a moment: good for one look only.
    connection = _connect(path, "mode=ro&immutable=1", cache=False)
    connection.eager = True
    return _looked_into(connection, path)


def _looked_into(connection: Connection, path: Path) -> Connection:
    try:
        schema.schema_version(connection, path)
        if not connection.eager:
            connection.eager = connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
    except sqlite3.OperationalError:
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def may_write(path: Path) -> bool:
    """Tell whether this user may write a file, or into a folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _connect(path: Path, way: str, *, cache: bool) -> Connection:
    identity = identity_of(path)
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?{way}",
        uri=True,
        timeout=failures.BUSY_SECONDS,
        isolation_level=None,
        cached_statements=256,
        # The gate keeps threads apart: before a fork, one closes the connections of all.
        check_same_thread=False,
        factory=Connection,
    )
    connection.identity = identity if cache else None
    return connection
