"""``elliptio runs``."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


@pytest.fixture
def made(root: Path, data: Path) -> list[str]:
    """Two runs, the second in the first, which fails."""
    with eio.Handler(root, progress=False) as h, pytest.raises(ZeroDivisionError), h.run("train") as outer:
        h.upload(data / "train.txt")
        with h.run("fold", {"number": 1}) as inner:
            inner.log(loss=0.25)
        _ = 1 / 0
    return [outer.run_id, inner.run_id]


def test_runs_are_listed(cli: Run, made: list[str]) -> None:
    outer, inner = made
    lines = cli("runs").out.splitlines()
    assert lines[0].split() == ["RUN", "TIME", "(UTC)", "NAME", "STATUS", "BY", "PARAMS", "METRICS"]
    assert [line.split()[0] for line in lines[1:]] == [inner, outer]
    assert "number=1" in lines[1]
    assert lines[1].endswith("loss=0.25")
    assert [row["run_id"] for row in cli("runs", "--status", "failed", "--json").json] == [outer]
    assert [row["run_id"] for row in cli("runs", "--name", "fold", "--json").json] == [inner]
    (row,) = cli("runs", '{"metrics.loss": {"$lt": 0.5}}', "--columns", "metrics.loss", "--json").json
    assert row == {"run_id": inner, "metrics.loss": 0.25}
    result = cli("runs", "--limit", 1)
    assert "1 of 2 runs" in result.err
    assert result.code == 0
    assert cli("runs", "--name", "x").err == "elliptio: note: No runs match.\n"
    assert cli("runs", '{"loss": 1}').code == 1


def test_a_run_is_shown_as_a_tree(cli: Run, made: list[str]) -> None:
    outer, inner = made
    lines = cli("runs", "--tree", outer[:-2]).out.splitlines()
    assert lines[0].startswith(f"{outer}  train  failed  ZeroDivisionError")
    assert lines[1].startswith("│  artifact_")
    assert lines[2].startswith(f"└─ {inner}  fold  finished")
    first, second = cli("runs", "--tree", outer, "--json").json
    assert (first["_id"], first["status"], len(first["artifacts"])) == (outer, "failed", 1)
    assert (second["_id"], second["parent"]) == (inner, outer)
    assert cli("runs", "--tree", "run_x").code == 1


def test_runs_are_named(cli: Run, made: list[str]) -> None:
    outer, inner = made
    assert [row["run_id"] for row in cli("runs", "fold", "--json").json] == [inner]
    assert [row["run_id"] for row in cli("runs", inner[:-1], "--json").json] == [inner]
    assert cli("runs", "nobody").err == "elliptio: note: No runs match.\n"
    assert cli("runs", "--tree", "train").out.startswith(f"{outer}  train")
    assert "No run has the name 'nobody'" in cli("runs", "--tree", "nobody").error


def test_artifacts_of_a_run_are_found(cli: Run, made: list[str], data: Path) -> None:
    other = cli("upload", data, "--json").json["run_id"]
    (row,) = cli("find", "--run", "train", "--json").json
    assert row["run_id"] == made[0]
    assert [row["run_id"] for row in cli("find", "--run", made[0], "--json").json] == [made[0]]
    assert [row["run_id"] for row in cli("find", "--run", other[:-1], "--json").json] == [other]
    assert cli("find", "--run", "fold", "--json").json == []
    assert "No run has the name 'nobody'" in cli("find", "--run", "nobody").error


def test_metrics_of_a_run_are_listed(cli: Run, root: Path) -> None:
    with eio.Handler(root, progress=False) as h, h.run("long") as run:
        for step in range(30):
            run.log(loss=1 / (step + 1), step=step)
        run.log(accuracy=0.9, step=30)
    result = cli("metrics", "long")
    assert result.out.splitlines()[0].split() == ["TIME", "(UTC)", "STEP", "loss", "accuracy"]
    assert len(result.out.splitlines()) == 21
    assert "the last 20 of 31" in result.err
    rows = cli("metrics", run.run_id[:-1], "loss", "--limit", 0, "--json").json
    assert len(rows) == 30
    assert (rows[1]["loss"], rows[1]["step"]) == (0.5, 1)
    assert "it has 'loss', 'accuracy'" in cli("metrics", "long", "los").error
    assert cli("metrics", "nobody").code == 1
