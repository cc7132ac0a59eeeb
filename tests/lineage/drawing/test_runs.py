"""Runs between what artifacts were made from and the artifacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node
from elliptio.lineage.drawing.notation import dot, mermaid
from elliptio.lineage.drawing.runs import Step, details, with_steps
from elliptio.lineage.drawing.svg import svg
from elliptio.lineage.drawing.tree import tree
from tests.lineage.drawing.family import HOSTILE, SHOT, descendants, fan, node
from tests.lineage.drawing.test_svg import boxes


def run(name: str, **facts: Any) -> dict[str, Any]:
    end = SHOT + timedelta(seconds=2.5)
    return {"_id": f"run_{name}", "name": name, "status": "finished", "creation_time": SHOT, "end_time": end} | facts


def made_by(name: str, by: dict[str, Any], generation: int = 0) -> Node:
    return replace(node(name, generation), run=by)


def steps(nodes: list[Node], links: list[Link]) -> list[tuple[Any, Any]]:
    known = {node.artifact_id: node for node in nodes}
    return with_steps(list(known), [(parent, child) for child, parent in links], known)[1]


def test_a_run_stands_between() -> None:
    train = run("train")
    nodes = [node("data", -1), made_by("model", train), made_by("scores", train)]
    step = Step("run_train", 1)
    assert steps(nodes, [("model", "data"), ("scores", "data")]) == [
        ("data", step),
        (step, "model"),
        (step, "scores"),
    ]


def test_what_was_loaded_later_was_not_used_before() -> None:
    train = run("train")
    nodes = [node("data"), made_by("first", train), made_by("second", train)]
    found = steps(nodes, [("first", "data"), ("second", "data"), ("second", "first")])
    one, two = Step("run_train", 1), Step("run_train", 2)
    assert set(found) == {("data", one), (one, "first"), ("data", two), ("first", two), (two, "second")}


def test_what_was_made_from_nothing_has_its_run_too_and_without_a_run_nothing_changes() -> None:
    assert steps([made_by("data", run("load"))], []) == [(Step("run_load", 1), "data")]
    assert steps([node("a"), node("b")], [("b", "a")]) == [("a", "b")]


NODES = [
    node("data", -1),
    made_by("model", run("train")),
    made_by("lost", run("again", status="failed", error={"type": "ValueError", "message": "too large"}), 1),
]
LINKS = [("model", "data"), ("lost", "model")]


def test_the_picture_tells_them_apart() -> None:
    shown = boxes(svg(NODES, LINKS, "model", 300))
    assert shown["train|run  finished  2.5 s"] == ["run", "well"]
    assert shown["again|run  failed  2.5 s"] == ["run", "lost"]
    assert shown["model.csv|andy  2026-11-03 09:12"] == ["here", "asked"]
    assert len(shown) == 5


def test_the_other_notations_too() -> None:
    lines = [line.strip() for line in mermaid(NODES, LINKS, "model").splitlines()]
    assert 'n1(["train<br>run  finished  2.5 s"])' in lines
    assert {"n0 --> n1", "n1 --> n2", "class n1 run", "class n3 lost"} <= set(lines)
    lines = [line.strip() for line in dot(NODES, LINKS, "model").splitlines()]
    assert sum("shape=ellipse" in line for line in lines) == 2
    assert "n1 -> n2" in lines
    assert tree(NODES, LINKS, "model").splitlines() == [
        "┌─ data  data.csv  andy  2026-11-03 09:12",
        "▶ model  model.csv  andy  2026-11-03 09:12  by run train (finished, 2.5 s)",
        "└─ lost  lost.csv  andy  2026-11-03 09:12  by run again (failed, 2.5 s, ValueError)",
    ]


def test_a_run_that_made_nothing_stands_where_it_ended() -> None:
    made = [made_by("model", run("train", params={"rate": 0.1}), 1)]
    ends = [
        DeadEnd(
            f"run_{number}", 1, "here", run=run("train", _id=f"run_{number}", status="killed", params={"rate": number})
        )
        for number in range(40)
    ]
    nodes: list[Node] = [node("data"), *made, *ends]
    links = [(one.artifact_id, "data") for one in nodes[1:]]
    assert steps(nodes, links)[-1] == ("data", Step("run_39", 0))
    shown = boxes(svg(nodes, links, "data", 300))
    assert shown["train  finished  2.5 s|rate=0.1"] == ["run", "well"]
    assert shown["train  killed  2.5 s|rate=3"] == ["run", "lost"]
    assert "… 25 more …" in shown
    lines = tree(nodes, links, "data").splitlines()
    assert lines[1].endswith("by run train (finished, 2.5 s) rate=0.1")
    assert lines[2] == "├─ run_0  run train (killed, 2.5 s) rate=0"
    assert lines[-1] == "└─ … 22 more …"


def test_a_long_name_leaves_room_for_how_it_went() -> None:
    nodes = [made_by("a", run("x" * 100, _id="run_a", params={"rate": 1})), made_by("b", run("x" * 100, params={}))]
    assert f"{'x' * 7}…  finished  2.5 s|rate=1" in boxes(svg(nodes, [], "a", 300))


def test_details() -> None:
    document = run("train", params={"rate": 0.5, "on": "gpu"}, metrics={"loss": 0.123456})
    assert details(document) == ["run_train", "train", "run  finished  2.5 s", "rate=0.5", "on=gpu", "loss=0.1235"]
    failed = details(NODES[2].run or {})
    assert failed[-1] == "ValueError: too large"


def test_folds_count_artifacts_and_hide_their_runs() -> None:
    nodes, links, asked = descendants(fan(50), "root")
    nodes = [replace(each, run=run(each.artifact_id)) if each.artifact_id != asked else each for each in nodes]
    shown = boxes(svg(nodes, links, asked, 300))
    assert "… 35 more …" in shown
    assert sum("run" in kinds for kinds in shown.values()) == 15


def test_what_others_wrote_stays_text() -> None:
    nodes = [
        made_by(f"n{number}", run(text, status=text, params={text: text}, error={"type": text, "message": text}))
        for number, text in enumerate(HOSTILE)
    ]
    picture = svg(nodes, [], "n0", 300)
    assert "\x1b" not in picture + dot(nodes, [], "n0") + mermaid(nodes, [], "n0") + tree(nodes, [], "n0")
    boxes(picture)
    assert "<script" not in picture
