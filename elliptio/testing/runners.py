"""Hold a new runner to all that a runner promises: subclass `RunnerConformance`, with one test for each promise."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.pipelines import Artifact, Craft, CraftError, Pipeline, Session

_PROJECT = """\
[project]
name = "shop"
[tool.elliptio.pipelines]
project_slug = "shop"
catalog = "catalog.yaml"
sources = "lib"
"""

_CATALOG = """\
{% for name in ["raw", "one", "two", "both", "bad", "after", "who"] %}
- {name: {{ name }}, type: json, extra: {path: out/{{ name }}.json}}
{% endfor %}
- {name: day, type: json, extra: {path: "days/!{day}.json"}}
- {name: daily, type: json, extra: {path: "out/!{day}.json"}}
"""

_CRAFTS = """\
import os
from elliptio.pipelines import Artifact, Craft, Pipeline, Volatile


class OwnError(ValueError):
    pass


@Craft()
def one(raw: Artifact, more: int = 1) -> Artifact("one"):
    return raw + more


@Craft()
def two(raw: Artifact) -> Artifact("two"):
    return raw * 2


@Craft()
def both(one: Artifact, two: Artifact) -> Artifact("both"):
    return [one, two]


@Craft()
def bad(raw: Artifact) -> Artifact("bad"):
    if raw == 1:
        raise OwnError("one is no good")
    return raw


@Craft()
def after(bad: Artifact) -> Artifact("after"):
    return bad


@Craft()
def who(raw: Artifact) -> Artifact("who"):
    return [os.getpid(), os.getcwd()]


@Craft(per=("day",))
def per_day(day: Artifact) -> Artifact("daily"):
    return day + 1


@Craft()
def passes(raw: Artifact) -> Volatile("passed"):
    return {raw}


@Craft()
def takes(passed: Volatile) -> Artifact("one"):
    return sorted(passed)
"""


class RunnerConformance:
    """Hold a runner to the contract of `elliptio.pipelines.Runner`: a pytest class to subclass, with one fixture.

    Attributes
    ----------
    elsewhere
        True where steps are made in other processes.

    Examples
    --------
    ::

        class TestMyRunner(RunnerConformance):
            @pytest.fixture
            def runner(self):
                return MyRunner()  # what p.run(runner=…) takes
    """

    elsewhere = False

    @pytest.fixture
    def runner(self) -> Any:
        """Make what ``p.run(runner=…)`` takes; subclasses must say what."""
        raise NotImplementedError

    @pytest.fixture
    def lake(self, tmp_path: Path) -> str:
        """Name the root of a lake that steps are made on."""
        return str(tmp_path / "lake")

    @pytest.fixture
    def session(self, tmp_path: Path, lake: str) -> Iterator[Any]:
        """Open a project with some crafts."""
        root = tmp_path / "shop"
        (root / "lib").mkdir(parents=True)
        (root / "pyproject.toml").write_text(_PROJECT)
        (root / "catalog.yaml").write_text(_CATALOG)
        self.module = f"crafts_{uuid.uuid4().hex}"
        (root / "lib" / f"{self.module}.py").write_text(_CRAFTS)
        with Session(root, handler=eio.Handler(lake, progress=False)) as session:
            session.catalog.save("raw", 1)
            yield session

    def pipeline(self, *names: str) -> Pipeline:
        """Join crafts of the project."""
        crafts = import_module(self.module)
        pipeline = Pipeline("conformance")
        for name in names:
            pipeline + getattr(crafts, name)
        return pipeline

    def run(self, runner: Any, *names: str, **more: Any) -> Any:
        """Run crafts of the project."""
        return self.pipeline(*names).run(runner=runner, workers=2, on_error="return", **more)

    def statuses(self, build: Any) -> dict[str, str]:
        """Tell what became of each craft."""
        return dict(zip(build.steps["craft"], build.steps["status"], strict=True))

    def test_steps_are_made_and_what_they_make_is_in_the_lake(self, session: Any, runner: Any) -> None:
        build = self.run(runner, "one", "two", "both")
        assert self.statuses(build) == {"one": "made", "two": "made", "both": "made"}
        assert session.catalog.load("both") == [2, 2]
        assert (session.root / "out" / "both.json").exists()
        behind = session.catalog.current("both").metadata.based_on
        assert sorted(behind) == sorted(session.catalog.current(name).artifact_id for name in ("one", "two"))

    def test_what_was_made_is_skipped(self, session: Any, runner: Any) -> None:
        first = self.run(runner, "one", "two", "both")
        again = self.run(runner, "one", "two", "both")
        assert set(self.statuses(again).values()) == {"skipped"}
        assert again.snapshot.id == first.snapshot.id
        assert self.statuses(self.run("inline", "one", "two", "both"))["both"] == "skipped"

    def test_refresh_makes_them_again(self, session: Any, runner: Any) -> None:
        self.run(runner, "one")
        assert self.statuses(self.run(runner, "one", refresh=True)) == {"one": "made"}
        assert len(session.catalog.versions("one")) == 2

    def test_parameters_reach_the_crafts(self, session: Any, runner: Any) -> None:
        self.run(runner, "one", params={"more": 5})
        assert session.catalog.load("one") == 6

    def test_partitions(self, session: Any, runner: Any) -> None:
        for day in (1, 2, 3):
            session.catalog.save("day", day, day=day)
        build = self.run(runner, "per_day")
        assert build.steps["status"].tolist() == ["made"] * 3
        assert [session.catalog.load("daily", day=day) for day in (1, 2, 3)] == [2, 3, 4]

    def test_a_failure_has_its_cause(self, session: Any, runner: Any) -> None:
        with pytest.raises(CraftError, match="one is no good") as raised:
            self.pipeline("bad").run(runner=runner)
        cause = raised.value.__cause__
        assert type(cause).__name__ == "OwnError"
        assert isinstance(cause, ValueError)
        assert str(cause) == "one is no good"

    def test_the_others_go_on_and_the_next_run_does_the_rest(self, session: Any, runner: Any) -> None:
        build = self.run(runner, "bad", "after", "one", "two", "both")
        found = self.statuses(build)
        assert (found["bad"], found["after"], found["both"]) == ("failed", "not run", "made")
        session.catalog.save("raw", 3)
        session.catalog.save("raw", 1)
        again = self.statuses(self.run(runner, "bad", "after", "one", "two", "both"))
        assert (again["bad"], again["after"], again["both"]) == ("failed", "not run", "skipped")
        session.catalog.save("raw", 2)
        assert self.statuses(self.run(runner, "bad", "after"))["after"] == "made"

    def test_runs_of_crafts_are_below_that_of_the_build(self, session: Any, runner: Any) -> None:
        build = self.run(runner, "one", "two", "both")
        runs = session.handler.runs({"parent": build.run_id})
        assert sorted(runs["name"]) == ["both", "one", "two"]
        assert set(runs["root"]) == {build.run_id}
        assert session.catalog.current("one").metadata.run_id in set(runs.index)

    def test_values_that_are_not_saved_are_passed_on(self, session: Any, runner: Any) -> None:
        build = self.run(runner, "passes", "takes")
        assert build.volatiles == {"passed": {1}}
        assert session.catalog.load("one") == [1]

    def test_a_craft_that_only_this_process_knows(self, session: Any, runner: Any) -> None:
        pid = os.getpid()

        @Craft()
        def who(raw: Artifact) -> Artifact("who"):  # type: ignore[valid-type]
            return os.getpid()

        build = (Pipeline("here") + who).run(runner=runner)
        assert build.ok
        assert session.catalog.load("who") == pid

    def test_where_steps_are_made(self, session: Any, runner: Any) -> None:
        self.run(runner, "who")
        pid, _ = session.catalog.load("who")
        assert (pid != os.getpid()) is self.elsewhere

    def test_an_edit_is_run(self, session: Any, runner: Any) -> None:
        self.run(runner, "one")
        path = session.root / "lib" / f"{self.module}.py"
        path.write_text(_CRAFTS.replace("raw + more", "raw + more + 10"))
        with _imported_anew(self.module):
            build = self.run(runner, "one")
        assert build.ok, build.error
        assert self.statuses(build) == {"one": "made"}
        assert session.catalog.load("one") == 12


@contextlib.contextmanager
def _imported_anew(module: str) -> Iterator[None]:
    import sys

    sys.modules.pop(module, None)
    yield
