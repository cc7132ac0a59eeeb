"""What came of a build is kept for who looks at it without the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elliptio.errors import StoreError
from elliptio.lake import records
from elliptio.pipelines.builds import recorded
from elliptio.pipelines.builds.steps import Step
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.errors import CraftError
from tests.pipelines.projects import Project, fates, reasons

CRAFTS = """
from elliptio.pipelines import Artifact, Craft

def worth(number):
    return number * 2

@Craft()
def first(start: int = 1) -> Artifact("a"):
    return worth(start)

@Craft()
def second(a: Artifact) -> Artifact("b"):
    return 1 / a
"""


@pytest.fixture
def made(project: Project) -> Project:
    project.write("lib/some.py", CRAFTS)
    project.write("catalog/all.yaml", "[{name: a, type: json}, {name: b, type: json}]")
    return project


def kept(project: Project) -> list[dict[str, Any]]:
    """Records of builds, the oldest first."""
    return list(records.find(project.handler.lake, recorded.BUILD, {}, sort=[("creation_time", 1)]))


def test_each_build_is_kept_with_its_graph_fates_and_reasons(made: Project) -> None:
    builds = [made.run("some.first some.second")]
    made.edit("lib/some.py", "number * 2", "number * 3")
    builds.append(made.run("some.first some.second"))
    builds.append(made.run("some.first some.second"))
    found = kept(made)
    assert [one["about"] for one in found] == [
        {"project": "shop", "pipeline": "test", "run_id": build.run_id} for build in builds
    ]
    assert [one["content"]["counts"]["made"] for one in found] == [2, 2, 0]
    second = found[1]["content"]
    graph = recorded.graph(made.handler.lake, found[1])
    assert graph is not None
    assert [one.name for one in graph.crafts] == ["first", "second"]
    steps = recorded.steps(found[1])
    assert steps[0]["why"] == "helper `worth` in lib/some.py:3 changed"
    assert steps[1]["why"] == "input a changed"
    assert steps[0]["artifact_ids"] == dict(builds[1].rows[0].artifact_ids)
    assert second["snapshot"] == builds[1].snapshot.id
    assert [one["status"] for one in recorded.steps(found[2])] == ["skipped", "skipped"]


def test_a_build_that_fails_is_kept_with_what_it_said(made: Project) -> None:
    build = made.run("some.first some.second", {"start": 0}, on_error="return")
    (one,) = kept(made)
    assert one["about"]["run_id"] == build.run_id
    assert one["content"]["snapshot"] is None
    graph = recorded.graph(made.handler.lake, one)
    assert graph is not None
    assert graph.outputs == ["a", "b"]
    assert [(line["status"], line["why"]) for line in recorded.steps(one)] == [
        ("made", "never made"),
        ("failed", "ZeroDivisionError: division by zero"),
    ]
    runs = {run.name: run for run in made.handler.runs().itertuples()}
    assert (runs["test"].status, runs["second"].status, runs["first"].status) == ("failed", "failed", "finished")
    assert "division by zero" in runs["test"].error["message"]


def test_secrets_of_reasons_are_masked(made: Project) -> None:
    made.edit("lib/some.py", "return 1 / a", "raise ValueError('password=hunter2secret')")
    made.run("some.first some.second", on_error="return")
    assert "hunter2secret" not in str(kept(made))


def test_a_reason_tells_what_differs_from_the_current_version(made: Project) -> None:
    for start, fate in ((1, "made"), (5, "made"), (1, "skipped")):
        assert fates(made.run("some.first", {"start": start})) == {"first": fate}
    made.edit("lib/some.py", "number * 2", "number * 3")
    assert reasons(made.run("some.first"))["first"] == "helper `worth` in lib/some.py:3 changed"


def test_secrets_among_parameters_are_masked(made: Project, tmp_path: Path) -> None:
    made.edit("lib/some.py", "start: int = 1", "api_key: str, start: int = 1")
    builds = [made.run("some.first", {"api_key": f"hunter2secret{number}"}) for number in (1, 2, 2)]
    assert [fates(build)["first"] for build in builds] == ["made", "made", "skipped"]
    assert builds[0].snapshot.id != builds[1].snapshot.id == builds[2].snapshot.id
    assert reasons(builds[1])["first"] == "parameter api_key: a secret, so its value was not recorded"
    made.edit("lib/some.py", "return worth(start)", "raise ValueError(start)")
    with pytest.raises(CraftError, match=r"api_key=\*\*\*"):
        made.run("some.first", {"api_key": "hunter2secret3"})
    made.handler.flush()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"hunter2secret" in path.read_bytes()]
    assert kept == []


def test_many_partitions_take_as_much_room_as_few() -> None:
    steps = [Step("daily", Keys({"day": day}), "made", "never made", 0.1) for day in range(10_000)]
    (line,), left_out = recorded.lines(steps)
    assert (line["count"], line["keys"], left_out) == (10_000, ["day=0", "day=9999"], 0)
    found, left_out = recorded.lines(Step("daily", why=str(number)) for number in range(600))
    assert (len(found), left_out) == (500, 100)


def test_a_build_is_not_lost_where_it_cannot_be_recorded(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise StoreError("the disk is full")

    session = made.session()
    with session:
        pipeline = made.pipeline(session, "some.first some.second")
        monkeypatch.setattr(recorded.records, "add", full)
        assert pipeline.run(select="first").ok  # a part of a pipeline has no snapshot
