"""Write documents into the embedded index: their bodies, the rows that they are found by, and their links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any

import bson

from elliptio.indexes.indexed_paths import INDEXED_PATHS
from elliptio.indexes.links import Link, links_of
from elliptio.indexes.query.ordering import index_entries, order_key
from elliptio.indexes.query.paths import ARRAYS, UNDEFINED
from elliptio.indexes.sqlite.candidates import PATH, decode
from elliptio.indexes.sqlite.connection import Connection
from elliptio.indexes.sqlite.narrowing import IndexedPath

TIME = "creation_time"
"""The field whose key all rows of a document carry: rows of the same path and value are in its order.

Every collection that has indexed paths has it among them.
"""

Rows = dict[str, tuple[list[bytes], bool]]
"""The keys of a document's values by the path that they lie at, and whether an array was met on the way there."""

_SCALARS = frozenset({str, int, float, bool, datetime, NoneType})

_TEXT, _NULL, _EMPTY = order_key(""), order_key(None), order_key(UNDEFINED)
"""The beginning of the keys of texts, the key of null, and that of what an empty array holds."""

_NESTED = object()
"""A mark for a value that `index_entries` must look for."""

_DECLARED = {
    collection: [(path, path.partition(".")[0], path.partition(".")[2]) for path in paths]
    for collection, paths in INDEXED_PATHS.items()
}
"""The indexed paths of each collection, with their first name and the rest."""


class Writer:
    """Write documents of one collection; inside a transaction.

    Attributes
    ----------
    number
        That of the collection.
    growth
        Documents that the collection holds more than before.
    paths
        Indexed paths that were new or changed, to be remembered by the connection once all is committed.

    """

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection = connection
        self._collection = collection
        number = connection.collection_number(collection)
        if number is None:
            number = connection.execute("INSERT INTO collections (name) VALUES (?)", (collection,)).lastrowid
        assert number is not None
        self.number = number
        self.growth = 0
        self.paths: dict[tuple[int, str], IndexedPath] = {}

    def add(self, *documents: Mapping[str, Any]) -> int:
        """Add the documents whose ``_id`` is not there, and return how many."""
        before, keys = self.growth, list[tuple[Any, ...]]()
        for document in documents:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO documents (collection, id, body) VALUES (?, ?, ?)",
                (self.number, document["_id"], bytearray(bson.encode(document))),
            )
            if not added.rowcount:
                continue
            self.growth += 1
            keys += self._keys(index_rows(self._collection, document), added.lastrowid, adding=True)
            if document.get("based_on"):
                self._add_links(links_of(document))
        # In the order of their table, where there are many: it grows where it was touched a moment ago.
        rows = sorted(keys) if len(documents) > 1 else keys
        self._connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)", rows)
        return self.growth - before

    def remove(self, identifier: str) -> None:
        """Remove a document, its rows and its links, if it is there."""
        execute = self._connection.execute
        row = execute(
            "SELECT number, body FROM documents WHERE collection = ? AND id = ?", (self.number, identifier)
        ).fetchone()
        if row is None:
            return
        self.growth -= 1
        document = decode(row[1])
        keys = self._keys(index_rows(self._collection, document), row[0], adding=False)
        sql = "DELETE FROM keys WHERE path = ? AND value = ? AND time = ? AND document = ?"
        self._connection.executemany(sql, keys)
        if document.get("based_on"):
            sql = "DELETE FROM links WHERE child = (SELECT number FROM nodes WHERE id = ?) AND collection = ?"
            execute(sql, (identifier, self.number))
        execute("DELETE FROM documents WHERE number = ?", (row[0],))

    def _keys(self, rows: Rows, document: int | None, *, adding: bool) -> list[tuple[Any, ...]]:
        """Make the rows of a document as the table of keys holds them."""
        if not rows:
            return []
        keys, known, time = list[tuple[Any, ...]](), self._connection.paths, bytearray(rows[TIME][0][0])
        for path, (values, multikey) in rows.items():
            at = self.number, path
            indexed = self.paths.get(at) or known.get(at)
            if indexed is None or (adding and multikey and not indexed.multikey):
                indexed = self.paths[at] = self._path(path, adding and multikey)
            number = indexed.number
            # sqlite3 takes a bytearray as it is; of bytes it asks each time whether anybody has an adapter for them.
            for value in values:
                keys.append((number, bytearray(value), time, document))
        return keys

    def _path(self, path: str, multikey: bool) -> IndexedPath:
        """Look a path up, or add it, and note whether it holds arrays."""
        execute = self._connection.execute
        execute("INSERT OR IGNORE INTO paths (collection, path) VALUES (?, ?)", (self.number, path))
        known = IndexedPath(*execute(PATH, (self.number, path)).fetchone())
        if multikey and not known.multikey:
            execute("UPDATE paths SET multikey = 1 WHERE number = ?", (known.number,))
            return IndexedPath(known.number, True)
        return known

    def _add_links(self, links: Sequence[Link]) -> None:
        ids = dict.fromkeys(identifier for link in links for identifier in link)
        connection = self._connection
        connection.executemany("INSERT OR IGNORE INTO nodes (id) VALUES (?)", [(identifier,) for identifier in ids])
        numbers = "SELECT c.number, p.number, ? FROM nodes c, nodes p WHERE c.id = ? AND p.id = ?"
        connection.executemany(f"INSERT OR IGNORE INTO links {numbers}", [(self.number, *link) for link in links])


def index_rows(collection: str, document: Mapping[str, Any]) -> Rows:
    """Make the keys of a document's values at each indexed path.

    What documents mostly hold is encoded here, which takes no call for each value; the rest is left to
    `index_entries`, with the same result.
    """
    rows: Rows = {}
    for path, name, rest in _DECLARED.get(collection, ()):
        value = document.get(name)
        if rest == "*":
            if value is None:
                continue  # it has no leaves
            found = _leaves(value, name)
        else:
            found = {path: _end(value, rest) if rest and value is not None else value}
        for one, end in found.items():
            kind = type(end)
            if kind is str:
                rows[one] = [_TEXT + end.encode()], False
            elif end is None:
                rows[one] = [_NULL], False
            elif kind in _SCALARS:
                rows[one] = [order_key(end)], False
            elif kind is list:
                keys = [_TEXT + each.encode() if type(each) is str else order_key(each) for each in end] or [_EMPTY]
                rows[one] = list(dict.fromkeys(keys)), True
            else:
                entries, multikey = index_entries(document, one)
                rows[one] = list(entries), multikey
    return rows


def _end(value: Any, name: str) -> Any:
    """Follow a path to its end, into the documents of an array too, if that is simple."""
    if "." in name:
        return _NESTED
    if type(value) is dict:
        return value.get(name)
    if value and type(value) is list and all(type(each) is dict for each in value):
        found = [each.get(name) for each in value]
        return _NESTED if any(isinstance(each, ARRAYS) for each in found) else found
    return _NESTED


def _leaves(value: Any, path: str) -> dict[str, Any]:
    """Find all paths below one, with the values that are plain."""
    if type(value) is not dict:
        return dict.fromkeys(_leaf_paths(value, path), _NESTED)
    found: dict[str, Any] = {}
    for name, item in value.items():
        if type(item) in _SCALARS and "." not in name:
            found[f"{path}.{name}"] = item
        elif type(item) is not dict or item:  # an empty one has none
            found.update(dict.fromkeys(_leaf_paths(item, f"{path}.{name}"), _NESTED))
    return found


def _leaf_paths(value: Any, path: str) -> Iterator[str]:
    """Find the distinct dotted paths of all values below one that are no dicts."""
    found: dict[str, None] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                walk(item, f"{path}.{name}")
        else:
            found[path] = None
            if isinstance(value, list):
                for item in value:
                    if isinstance(item, Mapping):
                        walk(item, path)

    walk(value, path)
    return iter(found)
