"""``h.find`` asks artifacts by the run that made them."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio


@pytest.fixture
def sweep(h: eio.Handler, data: Path) -> eio.Handler:
    """Three runs that each made an artifact, one that did without, and an artifact that was made in none."""
    for rate, accuracy in ((0.1, 0.85), (1, 0.95), (10, 0.91)):
        with h.run("train", {"C": rate}) as run:
            run.log(accuracy=accuracy)
            h.upload(data, labels={"C": rate})
    with h.run("look"):
        pass
    h.upload(data, labels={"C": None})
    return h


def rates(h: eio.Handler, query: dict[str, object]) -> list[object]:
    return [labels["C"] for labels in h.find(query).labels]


def test_artifacts_are_asked_by_their_run(sweep: eio.Handler) -> None:
    assert rates(sweep, {"run.params.C": 1}) == [1]
    assert rates(sweep, {"run.params.C": 1, "run.metrics.accuracy": {"$gt": 0.9}}) == [1]
    assert rates(sweep, {"run.params.C": 0.1, "run.metrics.accuracy": {"$gt": 0.9}}) == []
    assert rates(sweep, {"run.metrics.accuracy": {"$gt": 0.9}}) == [10, 1]
    assert rates(sweep, {"run.name": "train", "labels.C": {"$lt": 5}}) == [1, 0.1]
    assert rates(sweep, {"$or": [{"run.params.C": 10}, {"labels.C": 0.1}]}) == [10, 0.1]
    assert rates(sweep, {"$nor": [{"run.params.C": 10}]}) == [None, 1, 0.1]


def test_what_was_made_in_no_run_has_no_values_of_one(sweep: eio.Handler) -> None:
    assert rates(sweep, {"run.name": None}) == [None]
    assert rates(sweep, {"run.params.C": {"$exists": False}}) == [None]
    assert rates(sweep, {"run.params.C": {"$ne": 1}}) == [None, 10, 0.1]
    assert rates(sweep, {"run.status": "finished"}) == [10, 1, 0.1]


def test_values_of_the_run_are_columns(sweep: eio.Handler) -> None:
    found = sweep.find(columns=["labels.C", "run.params.C", "run.metrics.accuracy", "run.name"])
    assert found["run.params.C"].tolist() == [None, 10, 1, 0.1]
    assert found["run.metrics.accuracy"].tolist() == [None, 0.91, 0.95, 0.85]
    assert found["run.name"].tolist() == [None, "train", "train", "train"]


def test_the_newest_of_a_run(sweep: eio.Handler) -> None:
    assert sweep.latest({"run.name": "train"}).labels["C"] == 10


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"run": "train"}, "'run.name'"),
        ({"run.parms.C": 1}, "did you mean 'run.params'?"),
        ({"run.creation_time": "today"}, "compared with datetimes"),
    ],
)
def test_what_no_run_has_is_refused(local: eio.Handler, query: dict[str, object], hint: str) -> None:
    with pytest.raises(eio.QueryError, match=hint.replace("?", r"\?")):
        local.find(query)


def test_a_run_is_nothing_to_sort_by(local: eio.Handler) -> None:
    with pytest.raises(eio.QueryError, match="Sort the DataFrame instead"):
        local.find(sort="run.metrics.loss")


def test_runs_have_a_duration_and_a_column_for_each_value(sweep: eio.Handler) -> None:
    found = sweep.runs({"name": "train"}, columns=["name", "duration", "params.*", "metrics.*"])
    assert list(found.columns) == ["name", "duration", "params.C", "metrics.accuracy"]
    assert str(found.duration.dtype) == "timedelta64[ms]"
    assert (found.duration.dt.total_seconds() >= 0).all()
    assert found["params.C"].tolist() == [10, 1, 0.1]
    assert list(sweep.runs({"name": "nothing"}, columns=["duration", "params.*"]).columns) == ["duration"]
    with sweep.run("goes on"):
        assert sweep.runs({"name": "goes on"}, columns=["duration"]).duration.isna().all()
    assert "lake_id" not in sweep.runs()
    assert "lake_id" in sweep.runs(columns="all")
