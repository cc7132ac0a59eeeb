"""A lineage of any size in at most 40 boxes."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elliptio.lineage.drawing import overview as drawing
from elliptio.lineage.drawing.layout import layout
from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.lineage.drawing.overview import MOST_BOXES, Overview, overview
from tests.lineage.drawing.family import chain, descendants, fan, node

Edges = list[tuple[str, str]]


def lineage(edges: Edges, asked: str) -> tuple[list[Node], list[Link], str]:
    """A lineage of (parent, child) pairs, of which nobody says how far they are away."""
    names = dict.fromkeys([asked, *(name for edge in edges for name in edge)])
    return [node(name) for name in names], [(child, parent) for parent, child in edges], asked


def team() -> Edges:
    """What a team makes: two inputs, a sweep of 64, 621 shards, a chain of 230, a report of all."""
    edges = [
        ("raw", "train"),
        ("config", "train"),
        ("field", "emb"),
        ("train", "emb"),
        ("emb", "feat"),
        ("train", "feat"),
    ]
    for number in range(64):
        edges += [("feat", f"sweep{number}"), ("train", f"sweep{number}"), (f"sweep{number}", "model")]
    for number in range(621):
        edges += [("model", f"shard{number}"), ("feat", f"shard{number}"), (f"shard{number}", "metrics")]
    edges += [("feat", "model"), ("metrics", "report"), ("model", "report"), ("model", "tuned0")]
    return edges + [(f"tuned{number}", f"tuned{number + 1}") for number in range(229)]


def check(shown: Overview, nodes: list[Node], links: list[Link], asked: str, most: int = MOST_BOXES) -> None:
    """What holds for every lineage."""
    assert len(shown.boxes) == len(set(shown.boxes)) <= most
    assert asked in shown.boxes
    box_of = {
        member: box for box in shown.boxes for member in (shown.folds[box].members if box in shown.folds else [box])
    }
    assert len(box_of) + shown.left_out == len(nodes)
    assert set(shown.folds) <= set(shown.boxes)
    assert all(len(fold) > 1 for fold in shown.folds.values())
    true = {
        (box_of[parent], box_of[child])
        for child, parent in links
        if parent in box_of and child in box_of and box_of[parent] != box_of[child]
    }
    assert {*shown.edges, *shown.hidden} == true
    assert len(shown.edges) + len(shown.hidden) == len(true)
    following: dict[str, list[str]] = {}
    for one, other in shown.edges:
        following.setdefault(one, []).append(other)
    for one, other in shown.hidden:  # a longer way of drawn edges leads there
        reached = [step for first in following[one] if first != other for step in [first]]
        for step in reached:
            reached += [more for more in following.get(step, []) if more not in reached]
        assert other in reached
    layout(shown.boxes, shown.edges)


def test_the_lineage_of_a_team_is_read_at_a_glance() -> None:
    nodes, links, asked = lineage(team(), "train")
    shown = overview(nodes, links, asked)
    check(shown, nodes, links, asked)
    assert [box for box in shown.boxes if box not in shown.folds] == [
        "train", "raw", "config", "field", "emb", "feat", "sweep0", "model", "shard0", "metrics", "report", "tuned0",
        "tuned229",
    ]  # fmt: skip
    assert [(fold.kind, len(fold)) for fold in shown.folds.values()] == [("alike", 63), ("alike", 620), ("chain", 228)]
    assert shown.left_out == 0
    assert ("train", "feat") in shown.hidden
    assert max(column for column, _ in layout(shown.boxes, shown.edges).places.values()) < 10


@pytest.mark.parametrize(
    ("edges", "asked", "folds"),
    [
        (chain(3), "c0", []),
        (chain(230), "c0", [("chain", 228)]),
        (chain(230), "c100", [("chain", 98), ("chain", 127)]),
        (fan(621), "root", [("alike", 620)]),
        ([(f"p{number}", "all") for number in range(500)], "all", [("alike", 499)]),
        ([edge for n in range(64) for edge in [("d", f"m{n}"), (f"m{n}", f"e{n}"), (f"e{n}", "r")]], "d",
         [("alike", 63), ("alike", 63)]),
    ],
)  # fmt: skip
def test_likes_and_chains(edges: Edges, asked: str, folds: list[tuple[str, int]]) -> None:
    nodes, links, asked = lineage(edges, asked)
    shown = overview(nodes, links, asked)
    check(shown, nodes, links, asked)
    assert [(fold.kind, len(fold)) for fold in shown.folds.values()] == folds


def test_a_few_stand_for_themselves() -> None:
    nodes, links, asked = lineage([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")], "a")
    shown = overview(nodes, links, asked)
    assert (shown.folds, sorted(shown.boxes), shown.hidden) == ({}, ["a", "b", "c", "d"], [("a", "d")])


def test_only_what_looks_alike_is_alike() -> None:
    nodes = [node("d"), *(node(f"x{n}", file_relpaths=[f"{n}.csv"]) for n in range(9))]
    nodes += [node(f"y{n}", file_relpaths=[f"{n}.png"]) for n in range(9)]
    nodes += [DeadEnd(f"run{n}", 1, "here", run={"_id": f"run{n}", "status": "failed"}) for n in range(9)]
    links = [(one.artifact_id, "d") for one in nodes[1:]]
    shown = overview(nodes, links, "d")
    assert [len(fold) for fold in shown.folds.values()] == [8, 8, 8]
    assert {fold.members[0][0] for fold in shown.folds.values()} == set("xyr")
    assert shown.folds[shown.boxes[-1]].runs == 8


def graphs() -> st.SearchStrategy[tuple[Edges, int]]:
    """Any graphs, circles among them."""
    numbers = st.integers(0, 60)
    return st.tuples(st.lists(st.tuples(numbers, numbers), max_size=200), st.integers(8, 40)).map(
        lambda drawn: ([(f"a{one}", f"a{other}") for one, other in drawn[0]], drawn[1])
    )


@given(graphs(), st.data())
@pytest.mark.slow
def test_any_graph_is_folded(drawn: tuple[Edges, int], data: st.DataObject) -> None:
    edges, most = drawn
    nodes, links, asked = lineage(edges, "a0")
    shown = overview(nodes, links, asked, most=most)
    check(shown, nodes, links, asked, most)
    assert overview(nodes, links, asked, most=most) == shown
    opened = data.draw(st.lists(st.sampled_from(sorted(shown.folds)), max_size=3)) if shown.folds else []
    to = data.draw(st.sampled_from([one.artifact_id for one in nodes]))
    more = overview(nodes, links, asked, most=most, opened=[*opened, "fold-unknown"], to=to)
    check(more, nodes, links, asked, most)
    assert to == asked or to in more.boxes or not more.way


@pytest.mark.parametrize("seed", range(6))
def test_graphs_without_any_likeness_are_folded(seed: int) -> None:
    dice = random.Random(seed)
    edges = [(f"a{dice.randrange(max(0, n - 10 ** (1 + seed % 3)), n)}", f"a{n}") for n in range(1, 400) for _ in "ab"]
    for asked in ("a0", "a200", "a399"):
        nodes, links, asked = lineage(edges, asked)
        shown = overview(nodes, links, asked, to="a300")
        check(shown, nodes, links, asked)
        assert len(shown.boxes) > 12
        assert shown.left_out == 0


def shapes(seed: int) -> Edges:
    """A thousand artifacts: sweeps, chains, fans in and out and parts without any likeness, one behind another."""
    dice = random.Random(seed)
    edges: Edges = []
    ends, count = ["a0"], 1

    def made(parents: list[str]) -> str:
        nonlocal count
        count += 1
        edges.extend((parent, f"a{count - 1}") for parent in dict.fromkeys(parents))
        return f"a{count - 1}"

    while count < 1000:
        start, size = dice.sample(ends, min(len(ends), 1 + dice.randrange(3))), 1 + dice.randrange(300)
        shape = dice.choice(["fan out", "fan in", "sweep", "chain", "any"])
        if shape == "chain":
            for _ in range(size):
                start = [made(start)]
            ends += start
        elif shape == "any":
            near = list(start)
            for _ in range(size):
                near.append(made(dice.sample(near[-30:], min(len(near[-30:]), 1 + dice.randrange(3)))))
            ends += near[-3:]
        else:
            wide = [made([] if shape == "fan in" else start) for _ in range(size)]
            ends += wide[:3] if shape == "fan out" else [made([*start, *wide])]
    return edges


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.slow if seed > 1 else ()) for seed in range(8)])
def test_a_thousand_of_any_shape_have_room_in_forty_boxes(seed: int) -> None:
    nodes, links, asked = lineage(shapes(seed), "a0")
    dice = random.Random(seed)
    other, far = (f"a{dice.randrange(len(nodes))}" for _ in "ab")
    for asked in ("a0", other):
        first = overview(nodes, links, asked)
        check(first, nodes, links, asked)
        check(overview(nodes, links, asked, to=far), nodes, links, asked)
        opened = list(first.folds)[:3]
        check(overview(nodes, links, asked, to=far, opened=opened), nodes, links, asked)


def test_the_order_of_links_does_not_matter() -> None:
    nodes, links, asked = lineage(team(), "train")
    shown = overview(nodes, links, asked)
    other = overview(nodes, links[::-1], asked)
    assert (other.boxes, set(other.edges), other.folds) == (shown.boxes, set(shown.edges), shown.folds)


def test_a_fold_is_opened_by_its_key() -> None:
    nodes, links, asked = lineage(team(), "train")
    shown = overview(nodes, links, asked)
    for key, fold in shown.folds.items():
        more = overview(nodes, links, asked, opened=[key])
        check(more, nodes, links, asked)
        assert set(fold.members[:8]) <= set(more.boxes)
        assert key not in more.boxes
        others = set(shown.folds) - {key}
        assert others <= set(more.folds), "the others stay as they are"
        again = next(name for name in more.folds if name not in shown.folds)
        last = overview(nodes, links, asked, opened=[key, again])
        check(last, nodes, links, asked)
        assert len([one for one in fold.members if one in last.boxes]) >= 16


def test_the_way_to_an_artifact_is_marked() -> None:
    nodes, links, asked = lineage(team(), "train")
    shown = overview(nodes, links, asked, to="report")
    check(shown, nodes, links, asked)
    assert "report" in shown.way
    assert {"train", "model", "report"} <= shown.way
    assert all({one, other} <= shown.way for one, other in shown.way_edges)
    assert shown.way_edges <= {*shown.edges, *shown.hidden}
    inside = overview(nodes, links, asked, to="shard300")
    check(inside, nodes, links, asked)
    assert "shard300" in inside.boxes
    far = overview(nodes, links, asked, to="tuned229")
    check(far, nodes, links, asked)
    assert len(far.way) < 12
    assert overview(nodes, links, "report", to="raw").way >= {"report", "raw"}
    assert overview(nodes, links, asked, to="nobody").way == frozenset()


def calls(work: Callable[[], Any]) -> int:
    """Count the calls that a piece of work makes."""
    count = 0

    def step(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a_thousand_take_few_steps() -> None:
    nodes, links, asked = lineage(team(), "train")
    assert calls(lambda: overview(nodes, links, asked)) < 32_000


@pytest.mark.slow
def test_very_many_are_folded_or_left_out() -> None:
    wide = descendants(fan(100_000), "root")
    shown = overview(*wide)
    check(shown, *wide)
    assert [len(fold) for fold in shown.folds.values()] == [99_999]
    dice = random.Random(1)
    edges = [(f"a{dice.randrange(max(0, n - 50), n)}", f"a{n}") for n in range(1, 100_000) for _ in "ab"]
    nodes, links, asked = lineage(edges, "a50000")
    shown = overview(nodes, links, asked)
    check(shown, nodes, links, asked)
    assert shown.left_out > 90_000
    assert calls(lambda: overview(nodes, links, asked)) < 1_500_000


def test_opening_one_more_takes_one_folding_more(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, links, asked = lineage(shapes(0), "a0")
    foldings, fold = [0], drawing._overview

    def counted(*arguments: Any) -> Overview:
        foldings[0] += 1
        return fold(*arguments)

    known: dict[tuple[str, ...], Overview] = {}
    opened: list[str] = []
    shown = overview(nodes, links, asked, known=known)
    while key := next((key for key in shown.folds if key not in opened and len(opened) < 2), None):
        opened.append(key)
        monkeypatch.setattr(drawing, "_overview", fold)
        alone = overview(nodes, links, asked, opened=opened)
        monkeypatch.setattr(drawing, "_overview", counted)
        foldings[0] = 0
        shown = overview(nodes, links, asked, opened=opened, known=known)
        assert (foldings[0], shown) == (1, alone)
        assert overview(nodes, links, asked, opened=[*opened, "fold-unknown"], known=known) == alone
        assert foldings[0] == 1
    assert len(opened) == 2
