"""Hold documents in the embedded index: BSON in SQLite, with rows of (path, value, document) for the indexed paths.

SQL narrows, `indexes.query.predicate` decides, so a query means what it means on MongoDB. Safe for many threads and
processes at once (WAL mode).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, starmap
from pathlib import Path
from typing import Any, NamedTuple

from elliptio.errors import IndexUnavailableError
from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.indexes.links import Link
from elliptio.indexes.query.ordering import sort_documents
from elliptio.indexes.query.predicate import compile_query
from elliptio.indexes.sqlite.candidates import (
    GLANCE,
    Collection,
    candidates,
    candidates_by_id,
    candidates_in_order,
    counting,
    decode,
    first_of,
    in_order,
    rarest_first,
    reads_a_range,
    way_in_order,
)
from elliptio.indexes.sqlite.connection import (
    GATE,
    Connection,
    Rows,
    connect_to_read,
    connect_to_write,
    identity_of,
    may_write,
    prepare,
    transaction,
)
from elliptio.indexes.sqlite.failures import explained
from elliptio.indexes.sqlite.following import followed
from elliptio.indexes.sqlite.narrowing import narrow
from elliptio.indexes.sqlite.repair import set_aside
from elliptio.indexes.sqlite.writing import TIME, Writer
from elliptio.protocols import Document, Index, Query, Sort

log = logging.getLogger(__name__)


class _Found(NamedTuple):
    """Hold rows among which the answer is; `exact` if all are, `ordered` if in the order of the first sort key.

    `first` if they are only the first in that order, among which it may be already.
    """

    rows: Rows
    exact: bool
    ordered: bool
    first: bool = False


class SqliteIndex(Index):
    """Hold documents in one SQLite file.

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

    def insert(self, collection: str, *documents: Mapping[str, Any]) -> int:
        """Add the documents whose ``_id`` is not there, all or none of them, and return how many were added."""
        with self._failures(), self._writing(collection) as writer:
            return writer.add(*documents)

    def replace(self, collection: str, document: Mapping[str, Any]) -> None:
        """Put a document in the place of the one with its ``_id``, or add it."""
        with self._failures(), self._writing(collection) as writer:
            writer.remove(document["_id"])
            writer.add(document)

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        """Find matching documents, lazily."""
        with self._failures():
            if len(query) == 1 and not sort and isinstance(query.get("_id"), str):
                body = self._body(collection, query["_id"])
                if body is not None:
                    yield decode(body)
                return
            found = self._candidates(collection, query, sort, limit, glance=0 < limit < GLANCE)
            if found is not None and found.first:
                with contextlib.closing(found.rows) as rows:
                    few = first_of(rows, compile_query(query), sort, limit)
                if few is not None:
                    yield from few
                    return
                found = self._candidates(collection, query, sort, limit)
            if found is None:
                return
            matches = None if found.exact else compile_query(query)
            with contextlib.closing(found.rows) as rows:
                if found.ordered:
                    yield from islice(in_order(rows, matches, sort), limit or None)
                    return
                documents = starmap(decode, rows)
                matching = filter(matches, documents) if matches else documents
                yield from sort_documents(matching, sort, limit) if sort or limit else matching

    def _body(self, collection: str, identifier: str) -> bytes | None:
        """Read one document, as it is stored, by its identifier."""
        with GATE:
            known = self._reading(collection)
            if known is None:
                return None
            sql = "SELECT body FROM documents WHERE collection = ? AND id = ?"
            row = known.connection.execute(sql, (known.number, identifier)).fetchone()
            return row[0] if row else None

    def _candidates(
        self, collection: str, query: Query, sort: Sort, limit: int, *, glance: bool = False
    ) -> _Found | None:
        """Select the rows among which the answer is, or the first that may be enough; None where it is empty."""
        with GATE:
            known = self._reading(collection)
            narrowing = narrow(query, known.path) if known else None
            if known is None or narrowing is None or narrowing.empty:
                return None
            if limit and not sort and not any(condition.path for condition in narrowing.conditions):
                return _Found(candidates_by_id(known, narrowing), narrowing.exact, True)
            way = None
            if all(condition.path for condition in narrowing.conditions):
                several = len(narrowing.conditions) > 1
                times = known.ordered_path(TIME) if several or (narrowing.conditions and sort and limit) else None
                if several:
                    narrowing = rarest_first(known.connection, narrowing, times)
                if sort and (limit or not narrowing.conditions):
                    way = way_in_order(known, narrowing, sort[0][0], times)
            if way is None:
                return _Found(candidates(known, narrowing), narrowing.exact, False)
            first = glance and reads_a_range(narrowing, way)
            most = GLANCE if first else -1
            rows = candidates_in_order(known.connection, narrowing, way, sort[0][1], most=most)
            return _Found(rows, narrowing.exact, True, first)

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        """Count the documents that match, up to a limit."""
        with self._failures():
            counted = self._count(collection, query, limit)
            if isinstance(counted, int):
                return counted
            with contextlib.closing(counted) as rows:
                matching = filter(compile_query(query), starmap(decode, rows))
                return sum(1 for _ in islice(matching, limit or None))

    def _count(self, collection: str, query: Query, limit: int) -> int | Rows:
        """Count what matches, or give the rows that must be looked at to know it."""
        with GATE:
            known = self._reading(collection)
            narrowing = narrow(query, known.path) if known else None
            if known is None or narrowing is None or narrowing.empty:
                return 0
            if not narrowing.exact:
                return candidates(known, narrowing)
            if not narrowing.conditions:
                sql, parameters = "SELECT documents FROM collections WHERE number = ?", [known.number]
            else:
                if len(narrowing.conditions) > 1:
                    narrowing = rarest_first(known.connection, narrowing, known.ordered_path(TIME))
                sql, parameters = counting(known.number, narrowing, limit)
            return int(known.connection.execute(sql, parameters).fetchone()[0])

    def links(self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0) -> list[Link]:
        """Follow ``based_on`` from some documents; all generations in one query."""
        with self._failures(), GATE:
            known = [found for name in collections if (found := self._reading(name)) is not None]
            if not known:
                return []
            return followed(known[0].connection, [one.number for one in known], ids, up=up, depth=depth)

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove the documents with these identifiers."""
        with self._failures():
            if identity_of(self.path) is not None:
                with self._writing(collection) as writer:
                    for identifier in ids:
                        writer.remove(identifier)

    def close(self) -> None:
        """Close this thread's connection."""
        self._drop()

    def set_aside(self) -> str | None:
        """Move the file away if it is damaged; return where to."""
        self._drop()
        try:
            moved = set_aside(self.path)
        except OSError as error:
            raise IndexUnavailableError(f"The index {self.path} is damaged and cannot be moved: {error}.") from error
        return None if moved is None else str(moved)

    def _drop(self) -> None:
        connection: Connection | None = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _reading(self, collection: str) -> Collection | None:
        """Look a collection up, over the connection of this thread; None if it holds nothing."""
        # Reading must not make anything: whoever mistypes a root finds nothing, and leaves nothing.
        identity = identity_of(self.path)
        if identity is None:
            return None
        connection = self._current(identity)
        if connection is None:
            connection = self._local.connection = connect_to_read(self.path)
        if not connection.prepared and not connection.execute("PRAGMA user_version").fetchone()[0]:
            return None
        number = connection.collection_number(collection)
        return None if number is None else Collection(connection, number, INDEXED_PATHS.get(collection, ()))

    def _current(self, identity: tuple[int, int] | None) -> Connection | None:
        """Give the connection of this thread, if it still leads to the file that lies at the path."""
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
    def _writing(self, collection: str) -> Iterator[Writer]:
        """Write into a collection, all of what the block does or nothing."""
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
                writer = Writer(connection, collection)
                yield writer
                if writer.growth:
                    sql = "UPDATE collections SET documents = documents + ? WHERE number = ?"
                    connection.execute(sql, (writer.growth, writer.number))
            connection.paths.update(writer.paths)
