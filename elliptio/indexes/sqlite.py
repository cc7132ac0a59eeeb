"""The embedded index: BSON documents in SQLite, with rows of (path, value, document) for the indexed paths.

SQL narrows, `elliptio.query.predicate` decides, so a query means what it means on MongoDB. Safe for many threads and
processes at once (WAL mode).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bson
from bson.codec_options import CodecOptions

from elliptio.errors import IndexUnavailableError
from elliptio.indexes import INDEXED_PATHS
from elliptio.indexes.narrowing import IndexedPath, Narrowing, narrow
from elliptio.indexes.sqlite_rows import index_rows
from elliptio.indexes.sqlite_schema import BUSY_SECONDS, create_schema, explained
from elliptio.protocols import Document, Query, Sort
from elliptio.query.ordering import document_sort_key, sort_documents
from elliptio.query.predicate import compile_query

_RARE = 1000
"""Up to this many candidates it is quicker to read and sort them all than to walk an index in sort order."""

_PATH = "SELECT number, multikey FROM paths WHERE collection = ? AND path = ?"

_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


class SqliteIndex:
    """Documents in one SQLite file.

    Parameters
    ----------
    path
        The file; it and its folder are made when first written to.
    durable
        False leaves flushing to the system: faster, but a power cut may lose the last documents.

    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True) -> None:
        self.path = Path(path).absolute()
        self.address = f"sqlite:///{self.path}"
        self._durable = durable
        self._local = threading.local()
        # Numbers of paths never change, so what was once committed can be remembered.
        self._paths: dict[tuple[int, str], IndexedPath] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "durable": self._durable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"], durable=state["durable"])  # type: ignore[misc]

    def insert(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Add a document unless its ``_id`` is there."""
        return bool(self.insert_many(collection, [document]))

    def insert_many(self, collection: str, documents: Iterable[Mapping[str, Any]]) -> int:
        """Add the documents whose ``_id`` is not there, all or none of them, and return how many were added."""
        paths: dict[tuple[int, str], IndexedPath] = {}
        with self._failures(), self._writing() as connection:
            number = _collection_number(connection, collection)
            count = sum([self._insert(connection, collection, number, document, paths) for document in documents])
            connection.execute("UPDATE collections SET documents = documents + ? WHERE number = ?", (count, number))
        self._paths.update(paths)
        return count

    def _insert(
        self,
        connection: sqlite3.Connection,
        collection: str,
        number: int,
        document: Mapping[str, Any],
        paths: dict[tuple[int, str], IndexedPath],
    ) -> bool:
        body = bson.encode(document)
        added = connection.execute(
            "INSERT OR IGNORE INTO documents (collection, id, body) VALUES (?, ?, ?)", (number, document["_id"], body)
        )
        if not added.rowcount:
            return False
        keys = []
        # Index what a reader will see: encoding cuts microseconds and turns tuples into lists.
        for path, values, multikey in index_rows(collection, bson.decode(body, _OPTIONS)):
            indexed = paths[number, path] = self._path(connection, number, path, multikey)
            keys += [(indexed.number, value, added.lastrowid) for value in values]
        connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", keys)
        return True

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Matching documents, lazily."""
        with self._failures():
            connection, number = self._reading(collection)
            if connection is None or number is None:
                return
            narrowing = narrow(query, _lookup(connection, collection, number))
            if narrowing.empty:
                return
            matches = None if narrowing.exact else compile_query(query)
            ordered = self._ordered_path(connection, collection, number, sort)
            if ordered is None or (not limit and len(narrowing.conditions)) or _rare(connection, number, narrowing):
                documents = _decoded(_candidates(connection, number, narrowing))
                found = filter(matches, documents) if matches else documents
                yield from sort_documents(found, sort, limit) if sort or limit else found
                return
            rows = _candidates_in_order(connection, number, narrowing, ordered, sort[0][1])
            yield from _ordered_matches(rows, matches, sort, limit)

    def count(self, collection: str, query: Query) -> int:
        """How many documents match."""
        with self._failures():
            connection, number = self._reading(collection)
            if connection is None or number is None:
                return 0
            narrowing = narrow(query, _lookup(connection, collection, number))
            if narrowing.empty:
                return 0
            if not narrowing.exact:
                matches = compile_query(query)
                return sum(map(matches, _decoded(_candidates(connection, number, narrowing))))
            if not narrowing.conditions:
                (total,) = connection.execute(
                    "SELECT documents FROM collections WHERE number = ?", (number,)
                ).fetchone()
                return int(total)
            sql, parameters = _counting(number, narrowing)
            return int(connection.execute(sql, parameters).fetchone()[0])

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove the documents with these identifiers."""
        if not self.path.exists():
            return
        with self._failures(), self._writing() as connection:
            number = _collection_number(connection, collection)
            for identifier in ids:
                row = connection.execute(
                    "SELECT number, body FROM documents WHERE collection = ? AND id = ?", (number, identifier)
                ).fetchone()
                if row is None:
                    continue
                for path, values, _ in index_rows(collection, bson.decode(row[1], _OPTIONS)):
                    indexed = self._path(connection, number, path, False)
                    connection.executemany(
                        "DELETE FROM keys WHERE path = ? AND value = ? AND document = ?",
                        [(indexed.number, value, row[0]) for value in values],
                    )
                connection.execute("DELETE FROM documents WHERE number = ?", (row[0],))
                connection.execute("UPDATE collections SET documents = documents - 1 WHERE number = ?", (number,))

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._local.pid == os.getpid():
            connection.close()
        self._local.__dict__.clear()

    def _ordered_path(self, connection: sqlite3.Connection, collection: str, number: int, sort: Sort) -> int | None:
        """Path whose rows can be walked in the order of `sort`: one row for each document, and no wildcard."""
        if not sort or sort[0][0] not in INDEXED_PATHS.get(collection, ()):
            return None
        indexed = _lookup(connection, collection, number)(sort[0][0])
        return indexed.number if indexed and not indexed.multikey else None

    def _path(self, connection: sqlite3.Connection, collection: int, path: str, multikey: bool) -> IndexedPath:
        """Look a path up, or add it, and note whether it holds arrays; inside a transaction."""
        known = self._paths.get((collection, path))
        if known is None:
            connection.execute("INSERT OR IGNORE INTO paths (collection, path) VALUES (?, ?)", (collection, path))
            known = IndexedPath(*connection.execute(_PATH, (collection, path)).fetchone())
        if multikey and not known.multikey:
            connection.execute("UPDATE paths SET multikey = 1 WHERE number = ?", (known.number,))
            known = IndexedPath(known.number, True)
        return known

    def _reading(self, collection: str) -> tuple[sqlite3.Connection | None, int | None]:
        # Reading must not make anything: whoever mistypes a root finds nothing, and leaves nothing.
        if not self.path.exists():
            return None, None
        connection = self._connection()
        return connection, _known_collection(connection, collection)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise IndexUnavailableError(explained(error, self.path)) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        # A connection must not cross a fork, nor be used by two threads at once.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.connection = self._connect()
            self._local.pid = os.getpid()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexUnavailableError(f"The index {self.address} cannot be made: {error}.") from error
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256)
        # Switching to WAL takes an exclusive lock for which SQLite does not wait: another process may be at it.
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
                create_schema(connection, self.path)
                return connection
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    connection.close()
                    raise
                time.sleep(0.01)


def _lookup(connection: sqlite3.Connection, collection: str, number: int) -> Any:
    declared = INDEXED_PATHS.get(collection, ())

    def lookup(path: str) -> IndexedPath | None:
        if path not in declared:
            under_wildcard = any(path.startswith(one[:-1]) for one in declared if one.endswith(".*"))
            # A number in a path may be a position in an array, for which there are no rows.
            if not under_wildcard or any(part.isdigit() for part in path.split(".")):
                return None
        row = connection.execute(_PATH, (number, path)).fetchone()
        return IndexedPath(*row) if row else IndexedPath(None, False)

    return lookup


def _known_collection(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT number FROM collections WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def _collection_number(connection: sqlite3.Connection, name: str) -> int:
    number = _known_collection(connection, name)
    if number is None:
        number = connection.execute("INSERT INTO collections (name) VALUES (?)", (name,)).lastrowid
    assert number is not None
    return number


def _rare(connection: sqlite3.Connection, collection: int, narrowing: Narrowing) -> bool:
    """Whether some condition leaves so few candidates that walking in sort order would look at more."""
    for condition in narrowing.conditions:
        if condition.path is None:
            return True
        sql, parameters = condition.members()
        (found,) = connection.execute(f"SELECT count(*) FROM ({sql} LIMIT {_RARE})", parameters).fetchone()
        if found < _RARE:
            return True
    return False


def _where(collection: int, narrowing: Narrowing) -> tuple[str, list[Any]]:
    clauses: list[str] = []
    parameters: list[Any] = []
    for condition in narrowing.conditions:
        if condition.path is None:
            sql, values = condition.clause("number")
        else:
            members, values = condition.members()
            sql = f"number IN ({members})"
        clauses.append(sql)
        parameters += values
    # The unary plus keeps SQLite from walking the whole collection where a condition leads to a few documents.
    plus = "+" if any(condition.path is not None for condition in narrowing.conditions) else ""
    return " AND ".join([*clauses, f"{plus}collection = ?"]), [*parameters, collection]


def _counting(collection: int, narrowing: Narrowing) -> tuple[str, list[Any]]:
    """SQL that counts what satisfies all conditions, from the rows of the indexed paths alone where those suffice."""
    if any(condition.path is None for condition in narrowing.conditions):
        where, parameters = _where(collection, narrowing)
        return f"SELECT count(*) FROM documents WHERE {where}", parameters
    first, *others = sorted(narrowing.conditions, key=lambda condition: not condition.is_range)
    members, parameters = first.members()
    clauses = ["1"]
    for condition in others:
        sql, values = condition.clause("found.document")
        clauses.append(sql)
        parameters += values
    return f"SELECT count(DISTINCT document) FROM ({members}) AS found WHERE {' AND '.join(clauses)}", parameters


def _candidates(connection: sqlite3.Connection, collection: int, narrowing: Narrowing) -> Iterator[bytes]:
    sql, parameters = _where(collection, narrowing)
    for (body,) in connection.execute(f"SELECT body FROM documents WHERE {sql}", parameters):
        yield body


def _candidates_in_order(
    connection: sqlite3.Connection, collection: int, narrowing: Narrowing, path: int, direction: int
) -> Iterator[tuple[bytes, bytes]]:
    """(value, document) pairs in the order of the values of one path."""
    clauses, parameters = ["k.path = ?"], [path]
    for condition in narrowing.conditions:
        if condition.path == path:
            clauses.append(
                "("
                + " OR ".join(f"k.value {sql}".replace("AND value", "AND k.value") for sql, _ in condition.ranges)
                + ")"
            )
            parameters += [value for _, values in condition.ranges for value in values]
        else:
            sql, values = condition.clause("k.document")
            clauses.append(sql)
            parameters += values
    order = "ASC" if direction > 0 else "DESC"
    yield from connection.execute(
        "SELECT k.value, d.body FROM keys k CROSS JOIN documents d ON d.number = k.document "
        f"WHERE {' AND '.join(clauses)} ORDER BY k.value {order}, k.document {order}",
        parameters,
    )


def _decoded(bodies: Iterable[bytes]) -> Iterator[Document]:
    return (bson.decode(body, _OPTIONS) for body in bodies)


def _ordered_matches(rows: Iterator[tuple[bytes, bytes]], matches: Any, sort: Sort, limit: int) -> Iterator[Document]:
    """Matching documents of rows that are in the order of the first sort key; the other keys order each tie."""
    key = document_sort_key(sort)
    left = limit
    for _, tie in itertools.groupby(rows, key=lambda row: row[0]):
        documents = [bson.decode(body, _OPTIONS) for _, body in tie]
        found = [document for document in documents if matches is None or matches(document)]
        found.sort(key=key)
        if limit and len(found) >= left:
            yield from found[:left]
            return
        left -= len(found)
        yield from found
