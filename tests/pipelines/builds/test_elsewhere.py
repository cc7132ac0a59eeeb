"""Runs of steps that another process makes: those that are over in a moment are recorded by who asked for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from elliptio.lake import run_records
from elliptio.lake.lake import ENVIRONMENTS, RUNS
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners import answers, elsewhere
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.session import BaseSession
from elliptio.provenance.collecting import Provenance
from elliptio.runs import brief
from tests.performance.counting import calls_of
from tests.pipelines.projects import Project

STEPS = """
from elliptio.pipelines import Artifact, Craft, Session

@Craft()
def one() -> Artifact("one"):
    return 1

@Craft()
def two(one: Artifact) -> Artifact("two"):
    return one + 1

@Craft()
def says(two: Artifact):
    print(two)

@Craft()
def measures(two: Artifact):
    Session.get_session().handler.current_run.log(loss=0.5)

@Craft()
def fails():
    raise ValueError("no")
"""


class Elsewhere:
    """A runner whose steps are made in another session, as a worker makes them; an answer may be lost."""

    def __init__(self, there: BaseSession) -> None:
        self.there, self.lost = there, False
        self.calls = list[int]()

    def submit(self, step: Task) -> Future[Outcome]:
        data, run = step.data() or {}, elsewhere.variables(step.session)
        made: list[dict[str, Any]] = []

        def make() -> None:
            made.append(answers.safely(lambda: elsewhere.run_in(self.there, data, run, tells=True)))

        self.calls.append(calls_of(make))
        (answer,) = made
        future: Future[Any] = Future()
        found = answers.adapted(future, step.session)
        if self.lost:
            future.set_exception(EOFError("the worker is gone"))
        else:
            future.set_result(answer)
        return found

    def close(self) -> None: ...


@pytest.fixture
def worker(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    # On a busy machine a step may take longer than a moment.
    monkeypatch.setattr(brief, "MOMENT", 3600.0)
    monkeypatch.setattr(brief, "TOGETHER_SECONDS", 3600.0)
    elsewhere.part_of.cache_clear()
    project.write("lib/steps.py", STEPS)
    project.write("catalog/all.yaml", "- {name: one, type: json}\n- {name: two, type: json}\n")
    yield Elsewhere(project.session())
    elsewhere.part_of.cache_clear()


def built(project: Project, worker: Elsewhere, names: str) -> Any:
    return project.run(" ".join(f"steps.{name}" for name in names.split()), runner=worker, on_error="return")


def runs_below(project: Project, build: Any) -> dict[str, dict[str, Any]]:
    return {run["name"]: run for run in project.handler.lake.find_runs({"parent": build.run_id})}


def files_of(project: Project, run_id: str) -> set[str]:
    return run_records.files(project.handler.lake, run_id).get(run_id, set())


def test_the_build_records_them_with_one_file_each_at_most(project: Project, worker: Elsewhere) -> None:
    build = built(project, worker, "one two says")
    assert build.ok, build.error
    runs = runs_below(project, build)
    assert {name: run["status"] for name, run in runs.items()} == dict.fromkeys(("one", "two", "says"), "finished")
    assert {run["root"] for run in runs.values()} == {build.run_id}
    assert [files_of(project, runs[name]["_id"]) for name in ("one", "two", "says")] == [
        {"begin.json"},
        {"begin.json"},
        set(),
    ]
    assert files_of(project, build.run_id) == {"begin.json", "log-00000001.json", "end.json"}
    found = {run_id: {**run, "heartbeat": None} for run in runs.values() for run_id in [run["_id"]]}
    lake = project.handler.lake
    lake.index.delete(RUNS, [run["_id"] for run in lake.find_runs({})])
    assert run_records.reindex(lake) == (4, {})
    assert {run["_id"]: {**run, "heartbeat": None} for run in runs_below(project, build).values()} == found


def test_a_step_more_that_keeps_something_takes_a_worker_few_calls(project: Project, worker: Elsewhere) -> None:
    """A step that loads one value and saves one; 5,105 where its run was recorded as any other is."""
    names = [f"s{number}" for number in range(6)]
    crafts = "".join(
        f"@Craft()\ndef {name}(one: Artifact) -> Artifact('{name}'):\n    return one + {number}\n"
        for number, name in enumerate(names)
    )
    project.write("lib/many.py", f"from elliptio.pipelines import Artifact, Craft\n{crafts}")
    project.write("catalog/all.yaml", "".join(f"- {{name: {name}, type: json}}\n" for name in ("one", *names)))
    worker.there = project.session()
    build = project.run("steps.one " + " ".join(f"many.{name}" for name in names), runner=worker)
    assert build.ok
    assert worker.calls[-1] < 3100


def test_what_measures_or_fails_is_recorded_where_it_is_made(project: Project, worker: Elsewhere) -> None:
    build = built(project, worker, "one two measures fails")
    runs = runs_below(project, build)
    assert (runs["measures"]["metrics"], runs["fails"]["status"]) == ({"loss": 0.5}, "failed")
    for name in ("measures", "fails"):
        assert files_of(project, runs[name]["_id"]) >= {"begin.json", "end.json"}


def test_an_environment_of_its_own_is_described_once(
    project: Project, worker: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = BaseSession.seen.fget
    assert here is not None

    def seen(session: BaseSession) -> Provenance:
        found: Provenance = here(session)
        other = {**found.environment, "_id": "e" * 64, "python_version": "3.99"}
        return found._replace(environment=other) if session is worker.there else found

    monkeypatch.setattr(BaseSession, "seen", property(seen))
    build = built(project, worker, "one two says")
    assert build.ok, build.error
    runs = runs_below(project, build)
    assert {run["environment_id"] for run in runs.values()} == {"e" * 64}
    assert [len(files_of(project, runs[name]["_id"])) for name in ("one", "two", "says")] == [2, 1, 0]
    lake = project.handler.lake
    lake.index.delete(ENVIRONMENTS, ["e" * 64])
    lake.index.delete(RUNS, [run["_id"] for run in lake.find_runs({})])
    lake.close()  # which forgets what it told the index
    run_records.reindex(lake)
    (document,) = lake.index.find(ENVIRONMENTS, {"_id": "e" * 64})
    assert document["python_version"] == "3.99"


def test_code_and_environment_are_looked_at_once_in_each_build(
    project: Project, worker: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a build in one process does; and anew in the next one, as modules may have been edited since."""
    looks = list[str]()
    begin = BaseSession.begin
    monkeypatch.setattr(
        BaseSession, "begin", lambda one: (looks.append("there") if one is worker.there else None, begin(one))[1]
    )
    assert built(project, worker, "one two says").ok
    assert looks == ["there"]
    project.edit("lib/steps.py", "return one + 1", "return one + 2")
    assert built(project, worker, "one two says").ok
    assert len(looks) >= 2
    assert project.session().catalog.load("two") == 3


def test_of_a_worker_that_is_killed_what_saved_something_is_known(project: Project, worker: Elsewhere) -> None:
    worker.lost = True
    build = built(project, worker, "one")
    assert not build.ok
    lake = project.handler.lake
    (artifact,) = lake.find({"entry.name": "one"}, sort=(), limit=0)
    assert run_records.read(lake, artifact["run_id"])["status"] == "finished"
    assert run_records.reindex(lake) == (1, {})
    assert set(runs_below(project, build)) == {"one"}


def test_two_builds_that_wait_for_one_task_do_not_both_take_its_step(project: Project, worker: Elsewhere) -> None:
    built(project, worker, "one two")
    told: list[dict[str, Any]] = []

    def kept(step: Task) -> Any:
        data, run = step.data() or {}, elsewhere.variables(step.session)
        told.append(answers.safely(lambda: elsewhere.run_in(worker.there, data, run, tells=True)))
        future: Future[Any] = Future()
        found = answers.adapted(future, step.session)
        future.set_result(told[0])
        return found

    worker.submit = kept  # type: ignore[method-assign]
    first, second = built(project, worker, "says"), built(project, worker, "says")
    assert (len(runs_below(project, first)), len(runs_below(project, second))) == (1, 0)


def test_a_worker_that_waits_has_no_thread_for_it(
    project: Project, worker: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brief, "MOMENT", 0.02)
    monkeypatch.setattr(brief, "TOGETHER_SECONDS", 0.05)
    before = set(threading.enumerate())
    assert built(project, worker, "one two says").ok
    deadline = time.monotonic() + 30
    while more := [one.name for one in set(threading.enumerate()) - before if one.name == "elliptio-steps"]:
        assert time.monotonic() < deadline, more
        time.sleep(0.01)
