"""A lineage in the terminal."""

from __future__ import annotations

from elliptio.lineage.drawing.nodes import Node
from elliptio.lineage.drawing.tree import MOST_LINES, tree
from tests.lineage.drawing.family import chain, descendants, fan, hostile, node


def test_ancestors_above_and_descendants_below() -> None:
    nodes = [
        Node("gone", -3, "unknown"),
        Node("a", -2, "deleted", node("a").document),
        *(node(name, -1) for name in "bc"),
        node("d"),
        *(node(name, 1) for name in "ef"),
        node("g", 2),
    ]
    links = [("a", "gone"), ("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("e", "d"), ("f", "d"), ("g", "e")]
    shown = tree(nodes, links, "d")
    assert shown.replace("  andy  2026-11-03 09:12", "") == "\n".join(
        [
            "   ┌─ a  a.csv  (again)",
            "┌─ c  c.csv",
            "│     ┌─ gone  unknown",
            "│  ┌─ a  a.csv  deleted",
            "├─ b  b.csv",
            "▶ d  d.csv",
            "├─ e  e.csv",
            "│  └─ g  g.csv",
            "└─ f  f.csv",
        ]
    )
    assert "d  d.csv  andy  2026-11-03 09:12" in shown


def test_long_chains_are_folded() -> None:
    assert "more" not in tree(*descendants(chain(7), "c0"))
    lines = tree(*descendants(chain(1000), "c0")).splitlines()
    assert [line.split()[1] for line in lines] == ["c0", "c1", "c2", "…", "c998", "c999"]
    assert "… 995 more …" in lines[3]


def test_very_many_siblings_are_folded_those_that_go_on_last() -> None:
    lines = tree(*descendants([*fan(60), ("f59", "x")], "root")).splitlines()
    assert len(lines) == 22
    assert lines[2].startswith("│  └─ x")
    assert lines[-1] == "└─ … 41 more …"


def test_a_tree_has_an_end() -> None:
    edges = [(f"n{number // 5}", f"n{number}") for number in range(1, 1000)]
    lines = tree(*descendants(edges, "n0")).splitlines()
    assert len(lines) == MOST_LINES + 2
    assert lines[-1] == f"… {999 - MOST_LINES:,} more lines"


def test_a_circle_has_an_end() -> None:
    shown = tree([node("a"), node("b", 1)], [("b", "a"), ("a", "b")], "a")
    assert [line.split()[1] for line in shown.splitlines()] == ["a", "b", "a"]


def test_nothing_steers_the_terminal() -> None:
    shown = tree(*hostile())
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count("\n") == len(shown.splitlines()) - 1 == 5
