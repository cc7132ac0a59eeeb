"""The SQL of the embedded index: which documents a narrowing leaves, in which order, and how many."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import bson
from bson.codec_options import CodecOptions

from elliptio.indexes.links import Link, by_generations
from elliptio.indexes.opening import INDEXED_PATHS
from elliptio.indexes.query.ordering import document_sort_key
from elliptio.indexes.sqlite.connection import Connection, Rows
from elliptio.indexes.sqlite.narrowing import Condition, IndexedPath, Lookup, Narrowing
from elliptio.protocols import Document, Sort

_RARE = 1000
"""Up to this many candidates it is quicker to read and sort them all than to walk an index in sort order."""

_VERY_RARE = 16

_MANY_LINKED = 600
"""Documents up to which one recursive query is quickest; of more, SQLite's list of those it knows slows it down."""

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


def add_links(connection: sqlite3.Connection, collection: int, links: Sequence[Link]) -> None:
    """Add the links of a document; inside a transaction."""
    if links:
        ids = dict.fromkeys(identifier for link in links for identifier in link)
        connection.executemany("INSERT OR IGNORE INTO nodes (id) VALUES (?)", [(identifier,) for identifier in ids])
        numbers = "SELECT c.number, p.number, ? FROM nodes c, nodes p WHERE c.id = ? AND p.id = ?"
        connection.executemany(f"INSERT OR IGNORE INTO links {numbers}", [(collection, *link) for link in links])


def remove_links(connection: sqlite3.Connection, collection: int, child: str) -> None:
    """Remove the links of a document to what it is based on; inside a transaction."""
    sql = "DELETE FROM links WHERE child = (SELECT number FROM nodes WHERE id = ?) AND collection = ?"
    connection.execute(sql, (child, collection))


def followed(
    connection: sqlite3.Connection, collections: Sequence[int], ids: Sequence[str], *, up: bool, depth: int
) -> list[Link]:
    """Links on the way up or down from some documents, nearest first."""
    here, there = ("child", "parent") if up else ("parent", "child")
    # CROSS JOIN has SQLite look the links of each document up, whatever it believes of the sizes of the tables.
    theirs = f"CROSS JOIN links ON links.{here} = number AND collection IN ({', '.join(map(str, collections))})"

    def step(generation: Sequence[int]) -> Iterable[tuple[int, int]]:
        found = f"(SELECT value AS number FROM json_each(?)) {theirs}"
        return _pairs(connection, "links.child", "links.parent", found, generation)

    nodes = "SELECT number FROM nodes WHERE id = ?"
    starts = [number for one in ids for (number,) in connection.execute(nodes, (one,))]
    if not depth:
        # Without an ORDER BY, SQLite goes on from what it found first: breadth first.
        reached = f"""WITH RECURSIVE reached (number) AS (
            SELECT value FROM json_each(?) UNION SELECT links.{there} FROM reached {theirs} LIMIT {_MANY_LINKED})"""
        sql = f"{reached} SELECT links.child, links.parent FROM reached {theirs}"
        links = connection.execute(sql, (json.dumps(starts),)).fetchall()
        if len({link[up] for link in links}.union(starts)) < _MANY_LINKED:
            return _named(connection, dict.fromkeys(links))
    return _named(connection, by_generations(step, starts, up=up, depth=depth))


def _named(connection: sqlite3.Connection, links: Collection[tuple[int, int]]) -> list[Link]:
    """Links by the identifiers of the documents, whose numbers make the tables small."""
    numbers = sorted({child for child, _ in links}.union([parent for _, parent in links]))
    found = "json_each(?) CROSS JOIN nodes ON number = value"
    names = dict(_pairs(connection, "nodes.number", "nodes.id", found, numbers))
    return [(names[child], names[parent]) for child, parent in links]


def _pairs(
    connection: sqlite3.Connection, first: str, second: str, found: str, numbers: Sequence[int]
) -> Iterable[tuple[Any, Any]]:
    """Two columns of what is found for some numbers. As text they come a third faster than row by row."""
    sql = f"SELECT json_group_array({first}), json_group_array({second}) FROM {found}"
    return zip(*map(json.loads, connection.execute(sql, (json.dumps(numbers),)).fetchone()), strict=True)


def rarest_first(connection: sqlite3.Connection, narrowing: Narrowing, times: int | None) -> Narrowing:
    """Order conditions by how few documents satisfy each, and let one on the time narrow the rows of another.

    `times` is the path of when documents were made, if its rows are in the order in which all others are.
    """
    conditions = list(narrowing.conditions)
    if len(conditions) < 2 or not all(condition.path for condition in conditions):
        return narrowing
    within = next((one for one in conditions if one.path == times), None)
    if within and any(one.is_one_value for one in conditions if one.path != times):
        conditions.remove(within)
        conditions = _ranked(connection, conditions)
        place = next(place for place, one in enumerate(conditions) if one.is_one_value and one.path != times)
        conditions[place] = replace(conditions[place], times=within.ranges)
        return replace(narrowing, conditions=conditions)
    return replace(narrowing, conditions=_ranked(connection, conditions))


def _ranked(connection: sqlite3.Connection, conditions: list[Condition]) -> list[Condition]:
    if len(conditions) < 2:
        return conditions
    for most in (_VERY_RARE, _RARE):  # it costs little to know that one is very rare
        found = [rarity(connection, condition, most) for condition in conditions]
        if min(found) < most:
            break
    return [conditions[place] for place in sorted(range(len(found)), key=found.__getitem__)]


def rarity(connection: sqlite3.Connection, condition: Condition, most: int) -> int:
    """How many rows satisfy a condition, counted no further than `most`."""
    sql, parameters = condition.members()
    return int(connection.execute(f"SELECT count(*) FROM ({sql} LIMIT {most})", parameters).fetchone()[0])


def way_in_order(
    connection: sqlite3.Connection, narrowing: Narrowing, path: int, times: int | None
) -> Condition | None:
    """Rows to walk in the order of `path`; None where it is quicker to read and sort all candidates.

    `narrowing` is that of `rarest_first`, and asks for no identifiers.
    """
    for condition in narrowing.conditions[:1]:
        if condition.is_one_value and path == times:
            return condition
        if rarity(connection, condition, _RARE) < _RARE:
            return None
    whole = next((one for one in narrowing.conditions if one.path == path), None)
    return whole or Condition(path, [("1", [])])


def _where(collection: int, narrowing: Narrowing) -> tuple[str, list[Any]]:
    clauses: list[str] = []
    parameters: list[Any] = []
    for condition in narrowing.conditions:
        if condition.path is None:
            sql, values = condition.test()
        else:
            members, values = condition.members()
            sql = f"number IN ({members})"
        clauses.append(sql)
        parameters += values
    # The unary plus keeps SQLite from walking the whole collection where a condition leads to a few documents.
    plus = "+" if any(condition.path is not None for condition in narrowing.conditions) else ""
    return " AND ".join([*clauses, f"{plus}collection = ?"]), [*parameters, collection]


def counting(collection: int, narrowing: Narrowing, limit: int) -> tuple[str, list[Any]]:
    """SQL that counts what satisfies all conditions, up to a limit; from the rows of the paths where those suffice."""
    if not all(condition.path for condition in narrowing.conditions):
        where, parameters = _where(collection, narrowing)
        matching = f"SELECT number FROM documents WHERE {where}"
    else:
        # Looking whether a document is in a range reads the range: rather walk that one, and look the others up.
        first, *others = sorted(narrowing.conditions, key=lambda condition: not condition.is_range)
        test, parameters = first.test("k.")
        clauses = [test]
        for condition in others:
            sql, values = condition.clause("k")
            clauses.append(sql)
            parameters += values
        once = "" if first.is_one_value else "DISTINCT "
        matching = f"SELECT {once}k.document FROM keys k WHERE {' AND '.join(clauses)}"
    return f"SELECT count(*) FROM ({matching} LIMIT ?)", [*parameters, limit or -1]


def candidates(connection: Connection, collection: int, narrowing: Narrowing) -> Rows:
    """(document,) rows that satisfy all conditions, in any order."""
    sql, parameters = _where(collection, narrowing)
    return Rows(connection, f"SELECT body FROM documents WHERE {sql}", parameters)


def candidates_by_id(connection: Connection, collection: int, narrowing: Narrowing) -> Rows:
    """(identifier, document) pairs in the order of the identifiers, where no condition has rows of its own."""
    where, parameters = _where(collection, narrowing)
    return Rows(connection, f"SELECT id, body FROM documents WHERE {where} ORDER BY id", parameters)


def candidates_in_order(connection: Connection, narrowing: Narrowing, way: Condition, direction: int) -> Rows:
    """(key, document) pairs in the order of the keys, on a way that `way_in_order` chose."""
    test, parameters = way.test("k.")
    clauses = [test]
    for condition in narrowing.conditions:
        if condition is not way:
            sql, values = condition.clause("k")
            clauses.append(sql)
            parameters += values
    key = "k.time" if way.is_one_value else "k.value"
    order = "ASC" if direction > 0 else "DESC"
    return Rows(
        connection,
        f"SELECT {key}, d.body FROM keys k CROSS JOIN documents d ON d.number = k.document "
        f"WHERE {' AND '.join(clauses)} ORDER BY {key} {order}, k.document {order}",
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
    return itertools.islice(_in_order(rows, matches, document_sort_key(sort)), limit or None)


def _in_order(rows: Iterable[tuple[bytes, bytes]], matches: Any, key: Any) -> Iterator[Document]:
    last: bytes | None = None
    tie: list[Document] = []
    for value, body in rows:
        if value != last:
            yield from sorted(tie, key=key) if len(tie) > 1 else tie
            last, tie = value, []
        document = decode(body)
        if matches is None or matches(document):
            tie.append(document)
    yield from sorted(tie, key=key)
