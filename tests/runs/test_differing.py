"""In which parameters runs of one name differ, and where that and their end is shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lake import dead_runs, run_records
from elliptio.runs.differing import differing
from elliptio.system import liveness


def texts(*params: Any, names: str = "") -> list[str]:
    named = zip(names or "x" * len(params), params, strict=True)
    runs = [{"_id": f"run_{place}", "name": name, "params": one} for place, (name, one) in enumerate(named)]
    found = differing(runs)
    return [found[str(run["_id"])] for run in runs]


def test_only_what_differs_is_said() -> None:
    assert texts({"rate": 0.1, "on": "gpu"}, {"rate": 0.25, "on": "gpu"}) == ["rate=0.1", "rate=0.25"]
    assert texts({"rate": 0.1}) == [""]
    assert texts({"a": 1}, {"a": 1}) == ["", ""]
    assert texts({"a": 1}, {}) == ["a=1", ""]
    assert texts({"a": float("nan")}, {"a": float("nan")}) == ["", ""]


def test_those_of_another_name_do_not_matter() -> None:
    assert texts({"a": 1}, {"a": 2}, {"a": 1}, names="xyx") == ["", "", ""]
    assert texts({"a": 1}, {"a": 2}, {"b": 1}, names="xxy") == ["a=1", "a=2", ""]


def test_what_is_inside_of_others_differs_by_itself() -> None:
    one, other = {"opt": {"name": "adam", "rate": 1}}, {"opt": {"name": "adam", "rate": 2}}
    assert texts(one, other) == ["opt.rate=1", "opt.rate=2"]
    assert texts({"opt": {}}, {"opt": {"rate": [1, 2]}}) == ["opt={}", "opt.rate=[1, 2]"]


def test_what_differs_is_shown_as_different() -> None:
    assert texts({"a": 0.30000000000000004}, {"a": 0.25}) == ["a=0.3", "a=0.25"]
    assert texts({"a": 0.10001}, {"a": 0.10002}) == ["a=0.10001", "a=0.10002"]
    long = "x" * 100
    assert texts({"a": f"{long}1"}, {"a": f"{long}2"}) == [f"a='{long}1'", f"a='{long}2'"]


def test_documents_of_others_and_steering_break_nothing() -> None:
    assert texts(None, [1], {"a\x1b": "\u202e"}) == ["", "", "a\ufffd=\ufffd"]


@pytest.fixture
def sweep(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Four runs on one artifact, which was loaded around them: one makes something, one fails, one is killed."""
    raw = local.upload(data)
    runs = {}
    with local.run("search") as search:
        local.get(raw.artifact_id)
        for rate, name in ((0.1, "made"), (0.2, "failed"), (0.3, "idle")):
            try:
                with local.run("train", {"rate": rate, "on": "cpu"}) as run:
                    runs[name] = run.run_id
                    if name == "made":
                        runs["model"] = local.upload(data, based_on=raw).artifact_id
                    if name == "failed":
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass
    with local.run("train", {"rate": 0.4}) as run:
        local.get(raw.artifact_id)
        runs["killed"] = run.run_id
    seem_killed(local, run.run_id)
    with monkeypatch.context() as patch:
        patch.setattr(liveness, "is_alive", lambda *_, **__: False)
        dead_runs.bury(local.lake)
    return runs | {"search": search.run_id, "raw": raw.artifact_id}


def seem_killed(h: eio.Handler, run_id: str) -> None:
    """As if nobody had lived to end it."""
    (Path(h.store.root) / run_records.key(run_id, run_records.END)).unlink()
    h.lake.record_run(run_records.read(h.lake, run_id))


def test_a_tree_shows_by_what_a_sweep_differs_and_who_failed(local: eio.Handler, sweep: dict[str, Any]) -> None:
    tree = local.runs.tree(sweep["search"], artifacts=False)
    lines = [re.sub(r"  [0-9.]+ s", "", line) for line in str(tree).splitlines()]
    assert lines[1:] == [
        f"├─ {sweep['made']}  train  finished  rate=0.1",
        f"├─ {sweep['failed']}  train  failed  ZeroDivisionError  rate=0.2",
        f"└─ {sweep['idle']}  train  finished  rate=0.3",
    ]
    page = tree._repr_html_()
    assert re.findall("<span[^>]*color:[^>]*>([^<]*)<", page) == ["failed"]
    assert re.sub("<[^>]*>", "", page) == str(tree)


def test_a_lineage_shows_who_failed_and_was_killed(local: eio.Handler, sweep: dict[str, Any]) -> None:
    found = local.lineage(sweep["raw"])
    assert found.descendants == [sweep["model"]]
    lines = re.sub(r", [0-9.]+ s", "", str(found)).splitlines()
    assert lines[1].startswith(f"├─ {sweep['model']}")
    assert lines[1].endswith("by run train (finished) rate=0.1 on=cpu")
    assert lines[2:] == [
        f"├─ {sweep['failed']}  run train (failed, ZeroDivisionError) rate=0.2 on=cpu",
        f"└─ {sweep['killed']}  run train (killed) rate=0.4",
    ]
    picture = found.to_svg()
    assert picture.count('class="run lost"') == 2
    assert picture.count('class="run well"') == 1
    assert "rate=0.2 on=cpu</text>" in picture
    assert found.to_mermaid().count("%% n") == found.to_dot().count("tooltip=") == 5
    assert "class n3,n4 lost" in found.to_mermaid()
    assert found.to_dot().count("#c0564a") == 2
    assert len(found.to_frame()) == 2


def test_what_was_not_asked_for_does_not_stand_in_a_lineage(local: eio.Handler, sweep: dict[str, Any]) -> None:
    assert "lost" not in local.lineage(sweep["raw"], direction="up").to_mermaid()
    assert "lost" not in local.lineage(sweep["model"]).to_mermaid()
    assert len(str(local.lineage(sweep["raw"], depth=1)).splitlines()) == 4


def test_a_lineage_finds_out_who_was_killed(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = local.upload(data)
    with local.run("train") as run:
        local.get(raw.artifact_id)
    seem_killed(local, run.run_id)
    monkeypatch.setattr(liveness, "is_alive", lambda *_, **__: False)
    assert "run train (killed" in str(local.lineage(raw))
