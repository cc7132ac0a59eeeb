"""Follow a lineage as a graph of numbers: levels, what is above and below, ways, and edges that longer ways imply."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Graph:
    """Parents and children of each of so many nodes, by number."""

    parents: list[list[int]]
    children: list[list[int]]

    @classmethod
    def of(cls, count: int, edges: Iterable[tuple[int, int]]) -> Graph:
        """Make one of (parent, child) pairs."""
        parents: list[list[int]] = [[] for _ in range(count)]
        children: list[list[int]] = [[] for _ in range(count)]
        for parent, child in edges:
            if parent != child:
                parents[child].append(parent)
                children[parent].append(child)
        return cls(parents, children)


def ordered(graph: Graph) -> list[int]:
    """Order parents before children; where they go in a circle, it is cut open at the first of them."""
    missing = [len(parents) for parents in graph.parents]
    waiting = [number for number, count in enumerate(missing) if not count]
    done = [False] * len(missing)
    order: list[int] = []
    rest = iter(range(len(missing)))
    while len(order) < len(missing):
        if not waiting:
            waiting.append(next(number for number in rest if not done[number]))
        number = waiting.pop()
        if done[number]:
            continue
        done[number] = True
        order.append(number)
        for child in graph.children[number]:
            missing[child] -= 1
            if not missing[child]:
                waiting.append(child)
    return order


def levels(graph: Graph) -> list[int]:
    """Measure the longest way to each node from where it all begins."""
    order = ordered(graph)
    place = [0] * len(order)
    for at, number in enumerate(order):
        place[number] = at
    found = [0] * len(order)
    for number in order:
        for child in graph.children[number]:
            if place[child] > place[number]:
                found[child] = max(found[child], found[number] + 1)
    return found


def reached(start: int, following: Sequence[Sequence[int]]) -> dict[int, int]:
    """Find all that is reached from a node, the nearest first, each with the one before it."""
    before = {start: start}
    waiting = [start]
    for number in waiting:
        for other in following[number]:
            if other not in before:
                before[other] = number
                waiting.append(other)
    return before


def way(graph: Graph, start: int, end: int) -> list[int]:
    """Find the shortest way between two nodes: along parents, else along children, else along both; empty if none."""
    both = [[*above, *below] for above, below in zip(graph.parents, graph.children, strict=True)]
    for following in (graph.parents, graph.children, both):
        before = reached(start, following)
        if end in before:
            found = [end]
            while found[-1] != start:
                found.append(before[found[-1]])
            return found[::-1]
    return []


def refined(graph: Graph, colours: Sequence[Hashable], rounds: int) -> list[int]:
    """Part nodes of a colour until those of one colour have parents and children of the same colours.

    At most so many times; two nodes that are told apart stay so.
    """
    numbers: dict[Hashable, int] = {}
    now = [numbers.setdefault(colour, len(numbers)) for colour in colours]
    for _ in range(rounds):
        count, numbers = len(numbers), {}
        look: Callable[[int], int] = now.__getitem__
        now = [
            numbers.setdefault((own, frozenset(map(look, above)), frozenset(map(look, below))), len(numbers))
            for own, above, below in zip(now, graph.parents, graph.children, strict=True)
        ]
        if len(numbers) == count:
            break
    return now


def implied(graph: Graph) -> set[tuple[int, int]]:
    """Find the edges beside which a longer way leads to the same; of those in circles none."""
    order = ordered(graph)
    place = [0] * len(order)
    for at, number in enumerate(order):
        place[number] = at
    below = [0] * len(order)  # sets of numbers, as bits
    found = set()
    for number in reversed(order):
        known = 0
        for child in sorted(graph.children[number], key=place.__getitem__):
            if place[child] < place[number]:
                continue
            if known >> child & 1:
                found.add((number, child))
            else:
                known |= below[child] | 1 << child
        below[number] = known
    return found
