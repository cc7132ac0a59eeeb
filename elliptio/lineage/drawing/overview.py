"""Fold a lineage of any size to as many boxes as can be read at once.

Artifacts are alike if those around them are: of these one is shown, the others are a fold beside it. Of a chain the
first and the last are shown. Where that is not enough, fewer differences count, and in the end whole stretches of
generations become one fold each. The artifact that was asked about, the one that a way leads to, and what was opened
are never folded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, TypeAlias

from elliptio.lineage.drawing.graphs import Graph, implied, levels, reached, refined, way
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.system.collector import uncollected

MOST_BOXES = 40
LEAST_BOXES = 8
OPENED = 8
"""Artifacts that come out of a fold that is opened; the others stay in it."""

NEAREST = 1000
"""Artifacts that are looked at, those with the same neighbours as another not counted."""

LEAST_ALIKE = 3
LEAST_FOLDED = 2
"""So many that are alike are folded, and so many in the middle of a chain; fewer stand for themselves."""

ROUNDS = 4

Kind = Literal["alike", "chain", "rest"]


@dataclass(frozen=True)
class Fold:
    """Artifacts that stand in one box.

    Attributes
    ----------
    key
        By which it is opened; it is the same as long as its artifacts are.
    kind
        ``"alike"``: others of the same kind stand beside it or in it; ``"chain"``: one was made of the other;
        ``"rest"``: all that there was no room for.
    members
        Identifiers of its artifacts, in the order of the lineage.
    runs
        How many runs made them.

    """

    key: str
    kind: Kind
    members: tuple[str, ...] = field(repr=False)
    runs: int = 0

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class Overview:
    """A lineage to be shown.

    Attributes
    ----------
    boxes
        Identifiers of artifacts, and keys of folds.
    edges
        (parent, child) pairs of boxes.
    hidden
        Pairs that are not drawn, as a longer way of drawn ones leads from one to the other.
    folds
        Folds by their keys.
    left_out
        Artifacts that are too far away, and in no box.
    way, way_edges
        Boxes and edges on the way that was asked for.

    """

    boxes: list[str]
    edges: list[tuple[str, str]]
    hidden: list[tuple[str, str]]
    folds: dict[str, Fold]
    left_out: int = 0
    way: frozenset[str] = frozenset()
    way_edges: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class _Lineage:
    """A lineage by numbers, and what of it must be seen."""

    looking: Sequence[Hashable]
    graph: Graph
    asked: int
    way: tuple[int, ...]
    kept: frozenset[int]
    left_out: int


@dataclass
class _Box:
    members: list[int]
    kind: Kind


_Found: TypeAlias = tuple[list[_Box], dict[tuple[int, int], None]]
"""Boxes, and edges between them by their places."""


def overview(
    nodes: Sequence[Node],
    links: Sequence[Link],
    asked: str,
    *,
    most: int = MOST_BOXES,
    opened: Sequence[str] = (),
    to: str | None = None,
    known: dict[tuple[str, ...], Overview] | None = None,
) -> Overview:
    """Fold a lineage to at most so many boxes; the same lineage is always folded in the same way.

    Parameters
    ----------
    nodes, links
        What `Lineage.nodes` and `Lineage.links` are; runs that failed may be among them.
    asked
        The artifact that was asked about.
    most
        So many boxes, at least 8.
    opened
        Keys of folds that are opened, in this order: of each the first few artifacts come out. Others are ignored.
    to
        Where a way is to be shown to; nothing is shown where the lineage does not have it.
    known
        The same lineage by what was opened, as it was folded before: who opens one more waits for one folding more.

    Examples
    --------
    >>> import elliptio as eio
    >>> h = eio.Handler("lake")
    >>> with h.new(["data.csv"]) as data:
    ...     data.file.upload_string("1,2")
    >>> for number in range(50):
    ...     with h.new([f"model-{number}.txt"], based_on=data) as model:
    ...         model.file.upload_string(str(number))
    >>> lineage = h.lineage(data)
    >>> shown = overview(lineage.nodes(), lineage.links, data.artifact_id)
    >>> len(shown.boxes), [len(fold) for fold in shown.folds.values()]
    (3, [49])

    """
    most = max(most, LEAST_BOXES)
    with uncollected():
        number = {node.artifact_id: place for place, node in enumerate(nodes)}
        graph = _graph(number, links)
        start = number[asked]
        found = way(graph, start, number[to]) if to in number and to != asked else []
        kept = {start, *found[-1:]}
        seen = [looks(node) for node in nodes]
        known = {} if known is None else known
        done: tuple[str, ...] = ()
        shown = known[done] = known.get(done) or _overview(nodes, seen, graph, start, found, kept, most)
        for key in opened:
            fold = shown.folds.get(key)
            room = most // 2 - len(kept)
            if fold is not None and room > 0:
                kept |= {number[one] for one in fold.members[: min(OPENED, room)]}
                done = (*done, key)
                shown = known[done] = known.get(done) or _overview(nodes, seen, graph, start, found, kept, most)
        return shown


def _graph(number: Mapping[str, int], links: Sequence[Link]) -> Graph:
    """Make a graph of the links that lead from one of the artifacts to another, each once."""
    parents: list[list[int]] = [[] for _ in number]
    children: list[list[int]] = [[] for _ in number]
    for child, parent in dict.fromkeys(links):
        if parent in number and child in number and parent != child:
            one, other = number[parent], number[child]
            parents[other].append(one)
            children[one].append(other)
    return Graph(parents, children)


def _overview(
    nodes: Sequence[Node], seen: Sequence[Hashable], graph: Graph, asked: int, found: Sequence[int], kept: set[int],
    most: int,
) -> Overview:  # fmt: skip
    near = _nearest(seen, graph, [asked, *sorted(kept | set(found))])
    place = {member: at for at, group in enumerate(near) for member in group}
    edges = dict.fromkeys(
        (at, place[child]) for at, group in enumerate(near) for child in graph.children[group[0]] if child in place
    )
    inner = _Lineage(
        [seen[group[0]] for group in near],
        Graph.of(len(near), edges),
        place[asked],
        tuple(place[one] for one in found if one in place),
        frozenset(place[one] for one in kept),
        len(nodes) - len(place),
    )
    return _written(nodes, near, *_folded(inner, most), inner)


def _nearest(looking: Sequence[Hashable], graph: Graph, single: Sequence[int]) -> list[list[int]]:
    """List the artifacts around those that stand for themselves, the nearest of very many.

    Of those with the same neighbours one stands for itself, and the others are together.
    """
    found: list[list[int]] = []
    seen = bytearray(len(looking))
    alone = set(single)
    for start in (*single, *range(len(looking))):
        waiting = [] if seen[start] else [start]
        found += [[start]] if waiting else []
        seen[start] = True
        for number in waiting:
            if len(found) >= NEAREST:
                return sorted(found)
            groups: dict[Hashable, list[int]] = {}
            for other in (*graph.parents[number], *graph.children[number]):
                if not seen[other]:
                    seen[other] = True
                    kind = (frozenset(graph.parents[other]), frozenset(graph.children[other]), looking[other])
                    groups.setdefault(other if other in alone else kind, []).append(other)
            for group in groups.values():
                group.sort()
                parts = [group[:1], group[1:]] if len(group) >= LEAST_ALIKE else [[one] for one in group]
                found += parts
                waiting += [part[0] for part in parts]
    return sorted(found)


def looks(node: Node) -> tuple[Hashable, ...]:
    """Tell artifacts apart that nobody would call alike: by the ending of the first file, and by how they ended."""
    names = node.document.get("file_relpaths") or [""]
    return str(names[0]).rpartition(".")[2], isinstance(node, DeadEnd), node.state


def _folded(inner: _Lineage, most: int) -> _Found:
    """Fold it in the way that keeps most, of those that there is room for."""
    best: _Found | None = None
    for found, is_enough in _attempts(inner, most):
        if len(found[0]) <= most:
            if best is None or len(found[0]) > len(best[0]):
                best = found
            if is_enough:
                return best
    if best is None:
        raise AssertionError("one box has room everywhere")
    return best


def _attempts(inner: _Lineage, most: int) -> Iterator[tuple[_Found, bool]]:
    """Fold it in all ways that there are; those first that keep most, of which the first that fits is enough."""
    depth = levels(inner.graph)
    above, below = (reached(inner.asked, side) for side in (inner.graph.parents, inner.graph.children))
    sides = [(number in above, number in below) for number in range(len(depth))]
    on_way = set(inner.way)

    def colours(level: Sequence[int], *, looks: bool, ways: bool, rounds: int) -> list[int]:
        kinds: list[Hashable] = [
            (number,) if number in inner.kept
            else (level[number], sides[number], ways and number in on_way, looks and look)
            for number, look in enumerate(inner.looking)
        ]  # fmt: skip
        return refined(inner.graph, kinds, rounds)

    if len(depth) <= 3 * most:
        yield _joined(inner, range(len(depth)), first=True, kind="alike"), True
    looking = colours(depth, looks=True, ways=True, rounds=ROUNDS)
    yield _joined(inner, looking, first=True, kind="alike"), True
    alike = colours(depth, looks=False, ways=True, rounds=ROUNDS)
    if alike != looking:  # else all of a kind look alike, and there is no more room than before
        yield _joined(inner, alike, first=True, kind="alike"), True
    yield _joined(inner, alike, first=False, kind="alike"), False
    # Whole stretches of generations, as many as there is room for.
    deepest = max(depth, default=0) + 1
    for stretches in (32, 24, 16, 12, 8, 6, 4, 3, 2, 1):
        level = [one * stretches // deepest for one in depth] if stretches < deepest else depth
        found = colours(level, looks=False, ways=stretches > 4, rounds=0)
        if len(set(found)) <= most:
            yield _joined(inner, found, first=False, kind="rest", chains=False), True
    rest = [number if number in inner.kept else -1 for number in range(len(depth))]
    yield _joined(inner, rest, first=False, kind="rest", chains=False), True


def _joined(inner: _Lineage, colours: Sequence[int], *, first: bool, kind: Kind, chains: bool = True) -> _Found:
    """Make boxes of colours, without the edges that longer ways imply, and fold the chains among them."""
    groups: dict[int, list[int]] = {}
    for number, colour in enumerate(colours):
        groups.setdefault(colour, []).append(number)
    boxes: list[_Box] = []
    chosen: set[int] = set()
    for group in groups.values():
        if not first:
            boxes.append(_Box(group, kind))
        elif len(group) < LEAST_ALIKE:
            boxes += [_Box([one], kind) for one in group]
        else:
            # The one made of what stands for its own kind.
            best = max(group, key=lambda one: (len(chosen.intersection(inner.graph.parents[one])), -one))
            chosen.add(best)
            boxes += [_Box([best], kind), _Box([one for one in group if one != best], kind)]
    boxes.sort(key=lambda box: box.members[0])
    return _without_chains(inner, boxes) if chains else (boxes, _edges_of(inner, boxes))


def _edges_of(inner: _Lineage, boxes: Sequence[_Box]) -> dict[tuple[int, int], None]:
    box_of = {member: at for at, box in enumerate(boxes) for member in box.members}
    found = ((box_of[number], box_of[child]) for number, below in enumerate(inner.graph.children) for child in below)
    return dict.fromkeys(edge for edge in found if edge[0] != edge[1])


def _without_chains(inner: _Lineage, boxes: list[_Box]) -> _Found:
    """Fold the middle of long chains of boxes that have one parent and one child each."""
    edges = _edges_of(inner, boxes)
    whole = Graph.of(len(boxes), edges)
    hidden = implied(whole)
    graph = Graph.of(len(boxes), (edge for edge in edges if edge not in hidden))
    on_way = set(inner.way)

    def is_inside(at: int) -> bool:
        single = len(graph.parents[at]) == len(graph.children[at]) == 1
        return single and inner.kept.isdisjoint(boxes[at].members)

    def is_on_way(at: int) -> bool:
        return not on_way.isdisjoint(boxes[at].members)

    taken: set[int] = set()
    made: list[_Box] = []
    for at in range(len(boxes)):
        if not is_inside(at) or (is_inside(graph.parents[at][0]) and is_on_way(graph.parents[at][0]) == is_on_way(at)):
            continue
        chain = [at]
        while is_inside(following := graph.children[chain[-1]][0]) and is_on_way(following) == is_on_way(at):
            chain.append(following)
        # Where it all begins, or ends, the last one stands for itself anyway.
        first = 0 if _is_end(graph, graph.parents[at][0]) else 1
        last = len(chain) - (0 if _is_end(graph, graph.children[chain[-1]][0]) else 1)
        if last - first >= LEAST_FOLDED:
            taken.update(chain[first:last])
            made.append(_Box(sorted(member for one in chain[first:last] for member in boxes[one].members), "chain"))
    if not made:
        return boxes, edges
    kept = [box for at, box in enumerate(boxes) if at not in taken]
    boxes = sorted([*kept, *made], key=lambda box: box.members[0])
    return boxes, _edges_of(inner, boxes)


def _is_end(graph: Graph, at: int) -> bool:
    """Tell whether a box has just one neighbour."""
    return len(graph.parents[at]) + len(graph.children[at]) == 1


def _written(
    nodes: Sequence[Node],
    near: Sequence[Sequence[int]],
    boxes: Sequence[_Box],
    edges: dict[tuple[int, int], None],
    inner: _Lineage,
) -> Overview:
    """Name the boxes, and part the edges into those that are drawn and those that are not."""
    names: list[str] = []
    folds: dict[str, Fold] = {}
    for box in boxes:
        members = [nodes[number] for one in box.members for number in near[one]]
        if len(members) == 1:
            names.append(members[0].artifact_id)
            continue
        ids = tuple(node.artifact_id for node in members)
        key = f"fold-{hashlib.blake2s(chr(10).join(ids).encode(errors='replace'), digest_size=4).hexdigest()}"
        while key in folds:
            key += "x"
        runs = {str(node.run["_id"]) for node in members if node.run is not None}
        folds[key] = Fold(key, box.kind, ids, len(runs))
        names.append(key)
    hidden = implied(Graph.of(len(boxes), edges))
    box_of = {member: at for at, box in enumerate(boxes) for member in box.members}
    along = [box_of[one] for one in inner.way]
    steps = {*pairwise(along), *pairwise(along[::-1])}
    return Overview(
        names,
        [(names[one], names[other]) for one, other in edges if (one, other) not in hidden],
        [(names[one], names[other]) for one, other in edges if (one, other) in hidden],
        folds,
        inner.left_out,
        frozenset(names[at] for at in along),
        frozenset((names[one], names[other]) for one, other in edges if (one, other) in steps),
    )
