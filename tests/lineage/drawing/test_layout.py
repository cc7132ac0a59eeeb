"""Where boxes and lines go."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from elliptio.lineage.drawing.layout import Layout, layout
from tests.lineage.drawing.family import chain
from tests.performance.counting import calls_of


def some_edges(count: int, seed: int = 3) -> list[tuple[int, int]]:
    chance = random.Random(seed)
    parents = ((chance.sample(range(max(0, child - 40), child), min(child, 2)), child) for child in range(1, count))
    return [(parent, child) for found, child in parents for parent in found]


def crossings(placed: Layout[int]) -> int:
    steps = [step for route in placed.routes.values() for step in pairwise(route)]
    return sum(
        one[0][0] == other[0][0] and (one[0][1] - other[0][1]) * (one[1][1] - other[1][1]) < 0
        for one, other in combinations(steps, 2)
    )


@pytest.mark.parametrize("seed", range(5))
def test_edges_lead_right_and_nothing_overlaps(seed: int) -> None:
    edges = some_edges(60, seed)
    placed = layout(range(60), edges)
    assert list(placed.places) == list(range(60))
    taken = {(place, 1.0) for place in placed.places.values()}
    for edge in edges:
        route = placed.routes[edge]
        assert (route[0], route[-1]) == (placed.places[edge[0]], placed.places[edge[1]])
        assert all(after[0] == before[0] + 1 for before, after in pairwise(route))
        taken |= {(point, 0.35) for point in route[1:-1]}
    for (one, size), (other, another) in combinations(sorted(taken), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) >= (size + another) / 2 - 1e-9


def test_a_tree_has_no_crossings() -> None:
    chance = random.Random(1)
    edges = [(chance.randrange(child // 2, child), child) for child in range(1, 200)]
    assert crossings(layout(range(200), edges)) == 0


def test_crossings_are_few() -> None:
    edges = [(0, 7), (1, 6), (2, 5), (3, 4), (0, 6), (3, 5)]  # without any if the second column is turned over
    assert crossings(layout(range(8), edges)) == 0


def test_a_chain_is_straight() -> None:
    placed = layout([f"c{number}" for number in range(5)], chain(5))
    assert [placed.places[f"c{number}"] for number in range(5)] == [(number, 0.5) for number in range(5)]


def test_a_late_source_stands_before_what_needs_it() -> None:
    placed = layout(["late", *(f"c{number}" for number in range(5))], [*chain(5), ("late", "c4")])
    assert placed.places["late"][0] == 3


def test_a_circle_is_cut_open() -> None:
    edges = [(0, 1), (1, 2), (2, 0), (2, 3)]
    placed = layout(range(4), edges)
    assert sum(placed.routes[edge][0][0] > placed.routes[edge][-1][0] for edge in edges) == 1


@pytest.mark.slow
def test_four_times_as_many_are_placed_in_little_more_than_four_times_the_steps() -> None:
    few, many = (calls_of(lambda count=count: layout(range(count), some_edges(count))) for count in (250, 1000))
    assert many < 8 * few
