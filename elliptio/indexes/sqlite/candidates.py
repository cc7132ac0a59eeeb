"""Select the documents that a narrowing leaves, by SQL: which, in which order, and how many."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import bson
from bson.codec_options import CodecOptions

from elliptio.indexes.query.ordering import document_sort_key
from elliptio.indexes.sqlite.connection import Connection, Rows
from elliptio.indexes.sqlite.narrowing import WHOLE, Condition, IndexedPath, Narrowing
from elliptio.protocols import Document, Sort

_RARE = 1000
"""Candidates up to which it is quicker to read and sort them all than to walk an index in sort order."""

_VERY_RARE = 16

GLANCE = 200
"""Documents that are looked at in order before a range is read: of a wide one, those wanted are mostly among them."""

PATH = "SELECT number, multikey FROM paths WHERE collection = ? AND path = ?"
"""SQL that looks an indexed path up."""

OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


class Collection(NamedTuple):
    """Tell how the paths of a collection that holds something are indexed.

    Attributes
    ----------
    connection, number
        Where it is, and its number there.
    declared
        Its indexed paths.

    """

    connection: Connection
    number: int
    declared: tuple[str, ...]

    def path(self, path: str) -> IndexedPath | None:
        """Tell how a path is indexed; None if it is not."""
        if path not in self.declared:
            under_wildcard = any(path.startswith(one[:-1]) for one in self.declared if one.endswith(".*"))
            # A number in a path may be a position in an array, for which there are no rows.
            if not under_wildcard or any(part.isdigit() for part in path.split(".")):
                return None
        row = self.connection.execute(PATH, (self.number, path)).fetchone()
        return IndexedPath(*row) if row else IndexedPath(None, False)

    def ordered_path(self, path: str) -> int | None:
        """Tell the number of a path whose rows can be walked in order: one row for each document, and no wildcard."""
        row = self.connection.execute(PATH, (self.number, path)).fetchone() if path in self.declared else None
        return int(row[0]) if row and not row[1] else None


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
    """Count the rows that satisfy a condition, no further than `most`."""
    sql, parameters = condition.members()
    return int(connection.execute(f"SELECT count(*) FROM ({sql} LIMIT {most})", parameters).fetchone()[0])


def way_in_order(known: Collection, narrowing: Narrowing, path: str, times: int | None) -> Condition | None:
    """Choose the rows to walk in the order of a path; None where it is quicker to read and sort all candidates.

    `narrowing` is that of `rarest_first`, and asks for no identifiers.
    """
    # Rows of one value lie in the order of their times, which says nothing of those who are equal in it.
    wide = [condition for condition in narrowing.conditions if not condition.is_one_value]
    number = known.ordered_path(path)
    if number is None:
        # Not all documents have rows of a path under a wildcard; those have that satisfy a condition on it.
        indexed = known.path(path)
        if indexed is None or indexed.multikey or not any(one.path == indexed.number for one in wide):
            return None
        number = indexed.number
    for condition in narrowing.conditions[:1]:
        if condition.is_one_value and number == times:
            return condition
        if rarity(known.connection, condition, _RARE) < _RARE:
            return None
    whole = next((one for one in wide if one.path == number), None)
    return whole or Condition(number, WHOLE)


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
    """Write SQL that counts what satisfies all conditions, up to a limit; from rows of paths where those suffice."""
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
        once = "" if first.is_one_value or first.single else "DISTINCT "
        where = f"FROM keys k WHERE {' AND '.join(clauses)}"
        if not limit:  # SQLite counts twice as fast what it does not have to hand on first
            return f"SELECT count({once}k.document) {where}", parameters
        matching = f"SELECT {once}k.document {where}"
    return f"SELECT count(*) FROM ({matching} LIMIT ?)", [*parameters, limit or -1]


def candidates(known: Collection, narrowing: Narrowing) -> Rows:
    """Select (document,) rows that satisfy all conditions, in any order."""
    sql, parameters = _where(known.number, narrowing)
    return Rows(known.connection, f"SELECT body FROM documents WHERE {sql}", parameters)


def candidates_by_id(known: Collection, narrowing: Narrowing) -> Rows:
    """Select (identifier, document) pairs in the order of the identifiers; no condition may have rows of its own."""
    where, parameters = _where(known.number, narrowing)
    return Rows(known.connection, f"SELECT id, body FROM documents WHERE {where} ORDER BY id", parameters)


def candidates_in_order(
    connection: Connection, narrowing: Narrowing, way: Condition, direction: int, *, most: int = -1
) -> Rows:
    """Select (key, document) pairs in the order of the keys, on a way that `way_in_order` chose.

    Where only the first are selected, at `most`, no range is read for that: some may lie outside of those.
    """
    test, parameters = way.test("k.")
    clauses = [test]
    for condition in narrowing.conditions:
        if condition is not way and not (most >= 0 and condition.is_range):
            sql, values = condition.clause("k")
            clauses.append(sql)
            parameters += values
    key = "k.time" if way.is_one_value else "k.value"
    order = "ASC" if direction > 0 else "DESC"
    return Rows(
        connection,
        f"SELECT {key}, d.body FROM keys k CROSS JOIN documents d ON d.number = k.document "
        f"WHERE {' AND '.join(clauses)} ORDER BY {key} {order}, k.document {order} LIMIT ?",
        [*parameters, most],
    )


def reads_a_range(narrowing: Narrowing, way: Condition) -> bool:
    """Tell whether a range is read before the first document on a way can be selected."""
    return any(condition.is_range for condition in narrowing.conditions if condition is not way)


def first_of(
    rows: Iterable[tuple[bytes, bytes]], matches: Callable[[Document], bool], sort: Sort, limit: int
) -> list[Document] | None:
    """Find the first matching documents among the first `GLANCE` on a way; None where others may come before one."""
    seen = list(rows)
    whole = len(seen) < GLANCE
    # More documents may have the last key.
    sure = seen if whole else [row for row in seen if row[0] != seen[-1][0]]
    found = list(islice(in_order(sure, matches, sort), limit))
    return found if whole or len(found) == limit else None


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


def in_order(
    rows: Iterable[tuple[bytes, bytes]], matches: Callable[[Document], bool] | None, sort: Sort
) -> Iterator[Document]:
    """Sort the matching documents of rows that are in the order of the first sort key: the others order each tie."""
    key = None
    last: bytes | None = None
    tie: list[Document] = []
    for value, body in rows:
        if value != last:
            if len(tie) > 1:
                key = key or document_sort_key(sort)
                tie.sort(key=key)
            yield from tie
            last, tie = value, []
        document = decode(body)
        if matches is None or matches(document):
            tie.append(document)
    # Several keys refuse a document with two lists, a lone one as well.
    yield from sorted(tie, key=document_sort_key(sort)) if len(tie) > 1 or len(sort) > 1 else tie
