"""The embedded index: BSON documents in SQLite, with rows of (path, value, document) for the indexed paths.

SQL narrows, `indexes.query.predicate` decides, so a query means what it means on MongoDB. Safe for many threads and
processes at once (WAL mode).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import bson

from elliptio.errors import IndexUnavailableError
from elliptio.indexes.links import Link, links_of
from elliptio.indexes.opening import INDEXED_PATHS
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query
from elliptio.indexes.sqlite.connection import (
    GATE,
    Connection,
    Rows,
    connect_to_read,
    connect_to_write,
    identity_of,
    may_write,
    prepare,
)
from elliptio.indexes.sqlite.narrowing import IndexedPath, Narrowing, narrow
from elliptio.indexes.sqlite.rows import TIME, index_rows, time_key
from elliptio.indexes.sqlite.schema import explained, transaction
from elliptio.indexes.sqlite.sql import (
    PATH,
    add_links,
    candidates,
    candidates_by_id,
    candidates_in_order,
    collection_number,
    counting,
    decode,
    decoded,
    followed,
    known_collection,
    lookup_in,
    ordered_matches,
    rarest_first,
    remove_links,
    way_in_order,
)
from elliptio.protocols import Document, Query, Sort

log = logging.getLogger(__name__)


class _Found(NamedTuple):
    """Rows among which the answer is; `exact` if all of them are, `ordered` if in the order of the first sort key."""

    rows: Rows
    exact: bool
    ordered: bool


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
            number = collection_number(connection, collection)
            count = sum([self._insert(connection, collection, number, document, paths) for document in documents])
            connection.execute("UPDATE collections SET documents = documents + ? WHERE number = ?", (count, number))
        connection.paths.update(paths)
        return count

    def replace(self, collection: str, document: Mapping[str, Any]) -> None:
        """Put a document in the place of the one with its ``_id``, or add it."""
        with self._failures(), self._writing() as connection:
            number = collection_number(connection, collection)
            removed = self._remove(connection, collection, number, document["_id"])
            paths: dict[tuple[int, str], IndexedPath] = {}
            self._insert(connection, collection, number, document, paths)
            if not removed:
                connection.execute("UPDATE collections SET documents = documents + 1 WHERE number = ?", (number,))
        connection.paths.update(paths)

    def _insert(
        self,
        connection: Connection,
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
        time = time_key(document)
        for path, values, multikey in index_rows(collection, document):
            indexed = paths[number, path] = self._path(connection, number, path, multikey)
            keys += [(indexed.number, value, time, added.lastrowid) for value in values]
        connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)", keys)
        add_links(connection, number, links_of(document))
        return True

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Matching documents, lazily."""
        with self._failures():
            found = self._candidates(collection, query, sort, limit)
            if found is None:
                return
            matches = None if found.exact else compile_query(query)
            if found.ordered:
                yield from ordered_matches(found.rows, matches, sort, limit)
                return
            documents = decoded(found.rows)
            matching = filter(matches, documents) if matches else documents
            yield from sort_documents(matching, sort, limit) if sort or limit else matching

    def _candidates(self, collection: str, query: Query, sort: Sort, limit: int) -> _Found | None:
        with GATE:
            connection, number = self._reading(collection)
            if connection is None or number is None:
                return None
            narrowing = narrow(query, lookup_in(connection, collection, number))
            if narrowing.empty:
                return None
            if limit and not sort and not any(condition.path for condition in narrowing.conditions):
                return _Found(candidates_by_id(connection, number, narrowing), narrowing.exact, True)
            way = None
            if all(condition.path for condition in narrowing.conditions):
                times = self._ordered_path(connection, collection, number, TIME)
                narrowing = rarest_first(connection, narrowing, times)
                path = self._ordered_path(connection, collection, number, sort[0][0]) if sort else None
                if path is not None and (limit or not narrowing.conditions):
                    way = way_in_order(connection, narrowing, path, times)
            if way is None:
                return _Found(candidates(connection, number, narrowing), narrowing.exact, False)
            rows = candidates_in_order(connection, narrowing, way, sort[0][1])
            return _Found(rows, narrowing.exact, True)

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        """How many documents match, up to a limit."""
        with self._failures():
            counted = self._count(collection, query, limit)
            if isinstance(counted, int):
                return counted
            matching = filter(compile_query(query), decoded(counted))
            return sum(1 for _ in islice(matching, limit or None))

    def _count(self, collection: str, query: Query, limit: int) -> int | Rows:
        """The number, or the rows that must be looked at to know it."""
        with GATE:
            connection, number = self._reading(collection)
            if connection is None or number is None:
                return 0
            narrowing: Narrowing = narrow(query, lookup_in(connection, collection, number))
            if narrowing.empty:
                return 0
            if not narrowing.exact:
                return candidates(connection, number, narrowing)
            if not narrowing.conditions:
                sql, parameters = "SELECT documents FROM collections WHERE number = ?", [number]
            else:
                times = self._ordered_path(connection, collection, number, TIME)
                sql, parameters = counting(number, rarest_first(connection, narrowing, times), limit)
            return int(connection.execute(sql, parameters).fetchone()[0])

    def links(self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0) -> list[Link]:
        """Follow ``based_on`` from some documents; all generations in one query."""
        with self._failures(), GATE:
            found = [self._reading(collection) for collection in collections]
            connection = found[0][0]
            if connection is None:
                return []
            numbers = [number for _, number in found if number is not None]
            return followed(connection, numbers, ids, up=up, depth=depth)

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove the documents with these identifiers."""
        with self._failures():
            if identity_of(self.path) is not None:
                self._delete(collection, ids)

    def _delete(self, collection: str, ids: Sequence[str]) -> None:
        with self._writing() as connection:
            number = collection_number(connection, collection)
            count = sum([self._remove(connection, collection, number, identifier) for identifier in ids])
            connection.execute("UPDATE collections SET documents = documents - ? WHERE number = ?", (count, number))

    def _remove(self, connection: Connection, collection: str, number: int, identifier: str) -> bool:
        """Remove a document and its rows; inside a transaction, whose end counts it."""
        row = connection.execute(
            "SELECT number, body FROM documents WHERE collection = ? AND id = ?", (number, identifier)
        ).fetchone()
        if row is None:
            return False
        document = decode(row[1])
        time = time_key(document)
        for path, values, _ in index_rows(collection, document):
            indexed = self._path(connection, number, path, False)
            connection.executemany(
                "DELETE FROM keys WHERE path = ? AND value = ? AND time = ? AND document = ?",
                [(indexed.number, value, time, row[0]) for value in values],
            )
        remove_links(connection, number, identifier)
        connection.execute("DELETE FROM documents WHERE number = ?", (row[0],))
        return True

    def close(self) -> None:
        """Close this thread's connection."""
        self._drop()

    def _drop(self) -> None:
        connection: Connection | None = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _ordered_path(self, connection: sqlite3.Connection, collection: str, number: int, path: str) -> int | None:
        """Number of a path whose rows can be walked in order: one row for each document, and no wildcard."""
        if path not in INDEXED_PATHS.get(collection, ()):
            return None
        indexed = lookup_in(connection, collection, number)(path)
        return indexed.number if indexed and not indexed.multikey else None

    def _path(self, connection: Connection, collection: int, path: str, multikey: bool) -> IndexedPath:
        """Look a path up, or add it, and note whether it holds arrays; inside a transaction."""
        known = connection.paths.get((collection, path))
        if known is None:
            connection.execute("INSERT OR IGNORE INTO paths (collection, path) VALUES (?, ?)", (collection, path))
            known = IndexedPath(*connection.execute(PATH, (collection, path)).fetchone())
        if multikey and not known.multikey:
            connection.execute("UPDATE paths SET multikey = 1 WHERE number = ?", (known.number,))
            known = IndexedPath(known.number, True)
        return known

    def _reading(self, collection: str) -> tuple[Connection | None, int | None]:
        # Reading must not make anything: whoever mistypes a root finds nothing, and leaves nothing.
        identity = identity_of(self.path)
        if identity is None:
            return None, None
        connection = self._current(identity)
        if connection is None:
            connection = self._local.connection = connect_to_read(self.path)
        if connection.prepared or connection.execute("PRAGMA user_version").fetchone()[0]:
            return connection, known_collection(connection, collection)
        return None, None

    def _current(self, identity: tuple[int, int] | None) -> Connection | None:
        """Connection of this thread, if it still leads to the file that lies at the path."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed or connection.pid != os.getpid():
            return None
        if connection.identity is not None and connection.identity == identity:
            return connection
        if connection.identity is not None:
            log.warning(
                "The index %s was removed or replaced while it was in use. What is missing in the one that lies there "
                "now comes back from the lake with Handler.reindex().", self.path
            )  # fmt: skip
        self._drop()
        return None

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise IndexUnavailableError(explained(error, self.path)) from error
        except PermissionError as error:
            raise IndexUnavailableError(f"The index {self.address} cannot be read: {error}.") from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with GATE:
            connection = self._current(identity_of(self.path))
            if connection is not None and not connection.prepared:
                if may_write(self.path):
                    prepare(connection, self.path, durable=self._durable)
                else:
                    self._drop()
                    connection = None
            if connection is None:
                connection = self._local.connection = connect_to_write(self.path, durable=self._durable)
            with transaction(connection):
                yield connection
