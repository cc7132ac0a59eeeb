"""What hangs on an artifact: "if this is wrong"."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

import elliptio as eio
from elliptio.lineage.consequences import Consequences, consequences
from elliptio.lineage.drawing.nodes import DeadEnd
from tests.lineage.drawing.family import node


def test_all_that_was_made_of_it() -> None:
    nodes = [
        node("above", username="andy", tags=["source"]),
        node("asked", username="andy", tags=["golden"]),
        node("model", username="brenda", tags=["prod", "candidate"]),
        node("report", username="charlie"),
        node("beside", username="dora", tags=["other"]),
        DeadEnd("run_1", 1, "here", run={"_id": "run_1", "status": "failed"}),
    ]
    nodes[2] = replace(nodes[2], run={"_id": "run_2", "status": "running", "username": "brenda"})
    links = [
        ("asked", "above"), ("model", "asked"), ("report", "model"), ("report", "asked"), ("beside", "above"),
        ("run_1", "asked"), ("asked", "report"),
    ]  # fmt: skip
    runs = [
        {"_id": "run_3", "status": "running", "username": "emil", "used": ["report"]},
        {"_id": "run_4", "status": "running", "username": "farid", "inherited": ["asked"]},
        {"_id": "run_5", "status": "finished", "username": "gina", "used": ["model"]},
        {"_id": "run_6", "status": "running", "username": "hugo", "used": ["above"]},
    ]
    assert consequences(nodes, links, "asked", runs=runs) == Consequences(
        ["model", "report"],
        ["candidate", "golden", "prod"],
        ["brenda", "charlie", "emil", "farid"],
        ["run_2", "run_3", "run_4"],
    )
    assert consequences(nodes, links, "beside") == Consequences([], ["other"], [], [])


def test_what_is_unknown_counts_too() -> None:
    assert consequences([], [("b", "a"), ("c", "b")], "a") == Consequences(["b", "c"], [], [], [])


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30))
def test_any_graph(pairs: list[tuple[int, int]]) -> None:
    links = [(str(child), str(parent)) for child, parent in pairs]
    found = consequences([node(str(n)) for n in range(9)], links, "0")
    assert len(set(found.artifacts)) == len(found.artifacts)
    assert "0" not in found.artifacts
    known = {"0", *found.artifacts}
    assert all(child in known for child, parent in links if parent in known)


def test_of_a_lake(h: eio.Handler) -> None:
    with eio.mock_username("andy"), h.new(["data.csv"]) as data:
        data.file.upload_string("1")
    with eio.mock_username("brenda"), h.run("train") as run, run.new(["model.txt"], based_on=data) as model:
        model.file.upload_string("2")
    h.tag(model, "prod")
    lineage = h.lineage(data)
    assert consequences(lineage.nodes(), lineage.links, data.artifact_id) == Consequences(
        [model.artifact_id], ["prod"], ["brenda"], []
    )
