"""The SQL of the embedded index: which documents a narrowing leaves, in which order, and how many."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions

from elliptio.indexes import INDEXED_PATHS
from elliptio.indexes.links import AT_ONCE, Link, by_generations
from elliptio.indexes.narrowing import IndexedPath, Lookup, Narrowing
from elliptio.indexes.sqlite_connection import Connection, Rows
from elliptio.protocols import Document, Sort
from elliptio.query.ordering import document_sort_key

_RARE = 1000
"""Up to this many candidates it is quicker to read and sort them all than to walk an index in sort order."""

PATH = "SELECT number, multikey FROM paths WHERE collection = ? AND path = ?"

OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


def lookup_in(connection: sqlite3.Connection, collection: str, number: int) -> Lookup:
    """How the paths of a collection are indexed."""
    declared = INDEXED_PATHS.get(collection, ())

    def lookup(path: str) -> IndexedPath | None:
        if path not in declared:
            under_wildcard = any(path.startswith(one[:-1]) for one in declared if one.endswith(".*"))
            # A number in a path may be a position in an array, for which there are no rows.
            if not under_wildcard or any(part.isdigit() for part in path.split(".")):
                return None
        row = connection.execute(PATH, (number, path)).fetchone()
        return IndexedPath(*row) if row else IndexedPath(None, False)

    return lookup


def known_collection(connection: sqlite3.Connection, name: str) -> int | None:
    """Look the number of a collection up; None if it holds nothing."""
    row = connection.execute("SELECT number FROM collections WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None


def collection_number(connection: sqlite3.Connection, name: str) -> int:
    """Look the number of a collection up, or give it one; inside a transaction."""
    number = known_collection(connection, name)
    if number is None:
        number = connection.execute("INSERT INTO collections (name) VALUES (?)", (name,)).lastrowid
    assert number is not None
    return number


def followed(
    connection: sqlite3.Connection, collections: Sequence[int], ids: Sequence[str], *, up: bool, depth: int
) -> list[Link]:
    """Links on the way up or down from some documents, nearest first."""
    here, there = ("child", "parent") if up else ("parent", "child")
    known = f"collection IN ({', '.join(map(str, collections))})"

    def step(generation: Sequence[str]) -> Iterator[Link]:
        marks = ", ".join("?" * len(generation))
        yield from connection.execute(
            f"SELECT child, parent FROM links WHERE {here} IN ({marks}) AND {known}", generation
        )

    if depth or len(ids) > AT_ONCE:
        return by_generations(step, ids, up=up, depth=depth)
    # Without an ORDER BY, SQLite goes on from what it found first: breadth first.
    sql = f"""
        WITH RECURSIVE reached (id) AS (
            VALUES {", ".join(["(?)"] * len(ids))}
            UNION SELECT {there} FROM reached CROSS JOIN links ON {here} = id AND {known})
        SELECT child, parent FROM reached CROSS JOIN links ON {here} = id AND {known}"""
    return list(dict.fromkeys(connection.execute(sql, ids))) if ids else []


def is_rare(connection: sqlite3.Connection, collection: int, narrowing: Narrowing) -> bool:
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


def counting(collection: int, narrowing: Narrowing) -> tuple[str, list[Any]]:
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


def candidates(connection: Connection, collection: int, narrowing: Narrowing) -> Rows:
    """(document,) rows that satisfy all conditions, in any order."""
    sql, parameters = _where(collection, narrowing)
    return Rows(connection, f"SELECT body FROM documents WHERE {sql}", parameters)


def candidates_in_order(
    connection: Connection, collection: int, narrowing: Narrowing, path: int, direction: int
) -> Rows:
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
    return Rows(
        connection,
        "SELECT k.value, d.body FROM keys k CROSS JOIN documents d ON d.number = k.document "
        f"WHERE {' AND '.join(clauses)} ORDER BY k.value {order}, k.document {order}",
        parameters,
    )


def decoded(rows: Iterable[tuple[bytes]]) -> Iterator[Document]:
    """Documents of (document,) rows."""
    return (decode(body) for (body,) in rows)


def decode(body: bytes) -> Document:
    """Read a document back.

    Raises
    ------
    sqlite3.DatabaseError
        If it is damaged, as SQLite says it of its own parts.

    """
    try:
        document = bson.decode(body, OPTIONS)
        if not isinstance(document["_id"], str):
            raise TypeError("its _id is no text")
        return document
    except Exception as error:  # bson fails in many ways, depending on which bit was flipped
        raise sqlite3.DatabaseError(f"a document is malformed: {error}") from error


def ordered_matches(rows: Iterable[tuple[bytes, bytes]], matches: Any, sort: Sort, limit: int) -> Iterator[Document]:
    """Matching documents of rows that are in the order of the first sort key; the other keys order each tie."""
    key = document_sort_key(sort)
    left = limit
    for _, tie in itertools.groupby(rows, key=lambda row: row[0]):
        documents = [decode(body) for _, body in tie]
        found = [document for document in documents if matches is None or matches(document)]
        found.sort(key=key)
        if limit and len(found) >= left:
            yield from found[:left]
            return
        left -= len(found)
        yield from found
