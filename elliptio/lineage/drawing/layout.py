"""Lay out the nodes of a directed graph, drawn left to right in columns.

The method is Sugiyama's, in its plainest form: longest-path columns, way points for edges that cross columns, and rows
by the mean of the neighbours. It is written here because nothing fits: grandalf is under GPL or EPL, networkx makes
columns but puts no order into them, all others need Graphviz or a compiler; and a notebook should show the picture
without an extra.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Edge = tuple[Name, Name]

SWEEPS = 12
SETTLING = 6
"""Sweeps in the end that keep the order and only straighten."""

ROW = 1.0
THIN = 0.35
"""Rows that a passing edge takes."""


@dataclass(frozen=True)
class Layout(Generic[Name]):
    """Column and row of each node, and of the points that each edge passes, in the direction of the edge."""

    places: dict[Name, tuple[int, float]]
    routes: dict[tuple[Name, Name], list[tuple[int, float]]]


def layout(names: Sequence[Name], edges: Sequence[tuple[Name, Name]]) -> Layout[Name]:
    """Place nodes so that edges lead to the right; where edges go in a circle, one of them leads back."""
    order = _order(names, edges)
    forward = [edge if order[edge[0]] < order[edge[1]] else edge[::-1] for edge in edges]
    columns = _columns(sorted(names, key=order.__getitem__), forward)

    # From here on, nodes and way points are numbers. A tree has no crossings when drawn in the order of its branches.
    number = {name: index for index, name in enumerate(names)}
    column = [columns[name] for name in names]
    rank = [order[name] for name in names]
    paths: list[list[int]] = []
    for one, other in forward:
        passed = range(columns[one] + 1, columns[other])
        paths.append([number[one], *range(len(column), len(column) + len(passed)), number[other]])
        column.extend(passed)
        rank.extend(order[other] for _ in passed)
    rows = _rows(column, rank, paths, len(names))
    routes = {
        edge: [(column[point], rows[point]) for point in (path if edge == straight else path[::-1])]
        for edge, straight, path in zip(edges, forward, paths, strict=True)
    }
    return Layout({name: (column[index], rows[index]) for name, index in number.items()}, routes)


def _order(names: Sequence[Name], edges: Sequence[tuple[Name, Name]]) -> dict[Name, int]:
    """Order parents before children, as far as there are no circles."""
    children: dict[Name, list[Name]] = {name: [] for name in names}
    missing = dict.fromkeys(names, 0)
    for one, other in edges:
        children[one].append(other)
        missing[other] += 1
    order: dict[Name, int] = {}
    waiting = [name for name in reversed(names) if not missing[name]]
    rest = iter(names)
    while len(order) < len(names):
        # None is left without parents: a circle, which is cut open anywhere.
        name = waiting.pop() if waiting else next(name for name in rest if name not in order)
        if name in order:
            continue
        order[name] = len(order)
        for child in reversed(children[name]):
            missing[child] -= 1
            if not missing[child]:
                waiting.append(child)
    return order


def _columns(names: Sequence[Name], edges: Sequence[tuple[Name, Name]]) -> dict[Name, int]:
    """Place nodes as far left as parents allow, then those with more children than parents as far right as can be."""
    parents: dict[Name, list[Name]] = {name: [] for name in names}
    children: dict[Name, list[Name]] = {name: [] for name in names}
    for one, other in edges:
        children[one].append(other)
        parents[other].append(one)
    columns: dict[Name, int] = {}
    for name in names:
        columns[name] = max((columns[parent] + 1 for parent in parents[name]), default=0)
    for name in reversed(names):
        if len(children[name]) > len(parents[name]):
            columns[name] = min(columns[child] for child in children[name]) - 1
    return columns


def _rows(column: Sequence[int], rank: Sequence[int], paths: Sequence[Sequence[int]], nodes: int) -> list[float]:
    """Choose rows near the mean of the neighbours': first points move past each other, then the best order is kept."""
    before: list[list[int]] = [[] for _ in column]
    after: list[list[int]] = [[] for _ in column]
    for path in paths:
        for one, other in pairwise(path):
            after[one].append(other)
            before[other].append(one)
    members: list[list[int]] = [[] for _ in range(max(column, default=0) + 1)]
    for point in sorted(range(len(column)), key=rank.__getitem__):
        members[column[point]].append(point)
    size = [ROW if point < nodes else THIN for point in range(len(column))]
    rows = [0.0] * len(column)

    def sweep(number: int, *sides: list[list[int]], moving: bool) -> None:
        for points in members if number % 2 == 0 else reversed(members):
            near = ([rows[one] for side in sides for one in side[point]] for point in points)
            wished = [_mean(found, rows[point]) for found, point in zip(near, points, strict=True)]
            if moving:
                pairs = sorted(zip(wished, points, strict=True), key=itemgetter(0))
                wished, points[:] = [wish for wish, _ in pairs], [point for _, point in pairs]
            _spread(points, wished, size, rows)

    for points in members:
        _spread(points, [0.0] * len(points), size, rows)
    best, fewest = rows[:], _crossings(members, after, rows)
    for number in range(SWEEPS):
        sweep(number, after if number % 2 else before, moving=True)
        if (crossings := _crossings(members, after, rows)) < fewest:
            best, fewest = rows[:], crossings
    rows[:] = best
    for points in members:
        points.sort(key=rows.__getitem__)
    for number in range(SETTLING):
        sweep(number, before, after, moving=False)
    top = min((row - size[point] / 2 for point, row in enumerate(rows)), default=0.0)
    return [row - top for row in rows]


def _crossings(members: Sequence[Sequence[int]], after: Sequence[Sequence[int]], rows: Sequence[float]) -> int:
    """Count the crossings of edges between columns."""
    count = 0
    for points in members:
        passed: list[float] = []
        for point in points:
            ends = sorted(rows[other] for other in after[point])
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return count


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(points: Sequence[int], wished: Sequence[float], size: Sequence[float], rows: list[float]) -> None:
    """Set rows in this order without overlap, as near to the wishes as can be (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []  # (sum of what their points wish for the block, points)
    offsets: list[float] = []
    offset = 0.0
    for position, point in enumerate(points):
        offset += (size[points[position - 1]] + size[point]) / 2 if position else 0.0
        offsets.append(offset)
        total, count = wished[position] - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            other = blocks.pop()
            total, count = total + other[0], count + other[1]
        blocks.append((total, count))
    position = 0
    for total, count in blocks:
        for _ in range(count):
            rows[points[position]] = total / count + offsets[position]
            position += 1
