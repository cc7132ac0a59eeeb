"""A lineage for Mermaid, Graphviz and networkx."""

from __future__ import annotations

import re
import sys

import pytest

import elliptio as eio
from elliptio.lineage.drawing.nodes import Node
from elliptio.lineage.drawing.notation import dot, graph, mermaid
from tests.lineage.drawing.family import HOSTILE, hostile, node

NODES = [Node("old", -1, "unknown"), node("new"), Node("gone", 1, "deleted", node("gone").document)]
LINKS = [("new", "old"), ("gone", "new"), ("gone", "new"), ("new", "not asked for")]


def test_mermaid() -> None:
    assert mermaid(NODES, LINKS, "new") == (
        """\
flowchart LR
    %% n0 is old
    n0["old<br>unknown"]
    %% n1 is new
    n1["new.csv<br>andy  2026-11-03 09:12"]
    %% n2 is gone
    n2["gone.csv<br>andy  2026-11-03 09:12  deleted"]
    n0 --> n1
    n1 --> n2
    classDef asked stroke-width:4px
    classDef deleted stroke-dasharray:5 4
    classDef unknown opacity:0.6
    class n0 unknown
    class n2 deleted
    class n1 asked
"""
    )


def test_what_others_wrote_is_no_mermaid() -> None:
    safe = r"(?:[\w ,-]|\.|:(?=\d\d)|#\d+;)*"
    lines = mermaid(*hostile()).splitlines()
    boxes = [line for line in lines if '"' in line]
    assert len(boxes) == len(HOSTILE)
    for line in boxes:
        assert re.fullmatch(rf'    n\d+\["{safe}<br>{safe}"\]', line), line
    for line in lines:
        assert line in boxes or re.fullmatch(
            r"flowchart LR|    (%% n\d+ is [\w-]+|n\d+ --> n\d+|classDef .*|class n\d+ \w+)", line
        )
    assert "1#46; one" in "".join(lines)  # no list


def test_dot() -> None:
    lines = dot(NODES, LINKS, "new").splitlines()
    assert lines[0] == "digraph lineage {"
    assert lines[-1] == "}"
    assert (
        '    n1 [label="new.csv\\nandy  2026-11-03 09:12", tooltip="new\\nnew.csv\\nandy  2026-11-03 09:12", '
        'style="rounded", penwidth=3]'
    ) in lines
    assert lines[-3:-1] == ["    n0 -> n1", "    n1 -> n2"]
    assert 'style="rounded,dashed"' in lines[5]


def test_what_others_wrote_is_no_dot() -> None:
    text = r'"(?:[^"\\<>]|\\\\|\\"|\\n)*"'
    lines = [line for line in dot(*hostile()).splitlines() if "label=" in line]
    assert len(lines) == len(HOSTILE)
    for line in lines:
        assert re.fullmatch(rf'    n\d+ \[label={text}, tooltip={text}, style="\w+"(, penwidth=3)?\]', line), line


@pytest.mark.slow
def test_networkx() -> None:
    import networkx

    made = graph(NODES, LINKS)
    assert list(networkx.topological_sort(made)) == ["old", "new", "gone"]
    assert set(made.edges) == {("old", "new"), ("new", "gone")}
    assert made.nodes["new"]["username"] == "andy"
    assert made.nodes["new"]["file_relpaths"] == ["new.csv"]
    assert [made.nodes[name]["state"] for name in made] == ["unknown", "here", "deleted"]
    assert [made.nodes[name]["generation"] for name in made] == [-1, 0, 1]


def test_without_networkx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(eio.MissingExtraError, match=r"elliptio\[lineage\]"):
        graph(NODES, LINKS)
