"""Follow links in the embedded index, all generations in one query where that is quickest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from elliptio.indexes.links import Link, by_generations

_MANY_LINKED = 600
"""Documents up to which one recursive query is quickest; of more, SQLite's list of those it knows slows it down."""


def followed(
    connection: sqlite3.Connection, collections: Sequence[int], ids: Sequence[str], *, up: bool, depth: int
) -> list[Link]:
    """Follow the links up or down from some documents, nearest first."""
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
    """Name the documents of links by their identifiers: in the tables they have numbers, which are small."""
    numbers = sorted({child for child, _ in links}.union([parent for _, parent in links]))
    found = "json_each(?) CROSS JOIN nodes ON number = value"
    names = dict(_pairs(connection, "nodes.number", "nodes.id", found, numbers))
    return [(names[child], names[parent]) for child, parent in links]


def _pairs(
    connection: sqlite3.Connection, first: str, second: str, found: str, numbers: Sequence[int]
) -> Iterable[tuple[Any, Any]]:
    """Read two columns of what is found for some numbers."""
    # As text they come a third faster than row by row.
    sql = f"SELECT json_group_array({first}), json_group_array({second}) FROM {found}"
    return zip(*map(json.loads, connection.execute(sql, (json.dumps(numbers),)).fetchone()), strict=True)
