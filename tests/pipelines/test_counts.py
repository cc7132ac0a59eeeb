"""Holds what pipelines cost by counts that do not depend on the machine; `make bench` measures how long it takes."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest

from elliptio import naming
from elliptio.errors import StoreError
from elliptio.formats import registry
from elliptio.lake import records, run_records
from elliptio.lake.dead_runs import bury
from elliptio.lake.lake import RUNS
from elliptio.pipelines import Artifact, Craft
from elliptio.pipelines.builds.making import Outcome
from elliptio.pipelines.builds.runners import answers, elsewhere
from elliptio.pipelines.builds.runners.tasks import Task
from elliptio.pipelines.catalog import together
from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.versions import History, Version
from elliptio.pipelines.code import Reader
from elliptio.runs import brief
from elliptio.runs.recording import Recording
from elliptio.stores.local.store import LocalStaging
from elliptio.system.collector import uncollected
from tests.performance.counting import CountingIndex, calls_of, counted, flushes
from tests.pipelines.projects import Project

__all__ = ["flushes"]

HEAD = "from elliptio.pipelines import Artifact, Craft, Volatile\n"


def passing(project: Project, steps: int) -> str:
    """Write crafts that only pass a value on; return their names."""
    text = "".join(
        f"@Craft()\ndef s{number}({f'v{number - 1}: Volatile' if number else ''}) -> Volatile('v{number}'):\n"
        f"    return {f'v{number - 1} + 1' if number else '0'}\n"
        for number in range(steps)
    )
    project.write("lib/passing.py", HEAD + text)
    return " ".join(f"passing.s{number}" for number in range(steps))


def keeping(project: Project, steps: int) -> str:
    """Write crafts that each keep what they make; return their names."""
    text = "".join(
        f"@Craft()\ndef k{number}({f'e{number - 1}: Artifact' if number else ''}) -> Artifact('e{number}'):\n"
        f"    return {f'e{number - 1} + 1' if number else '0'}\n"
        for number in range(steps)
    )
    project.write("lib/keeping.py", HEAD + text)
    project.write("catalog/all.yaml", "".join(f"- {{name: e{number}, type: json}}\n" for number in range(steps)))
    return " ".join(f"keeping.k{number}" for number in range(steps))


def built(project: Project, names: str, **options: Any) -> Any:
    session = project.session()
    pipeline = project.pipeline(session, names)
    with session:
        return pipeline.run(**options)


def questions(project: Project, names: str) -> Counter[str]:
    """Build crafts, and count what the index is asked for that."""
    lake = project.handler.lake
    lake.index = CountingIndex(lake.index)
    built(project, names)
    asked: Counter[str] = lake.index.asked
    lake.index = lake.index.index
    return asked


def files_of(project: Project, run_id: str) -> set[str]:
    return run_records.files(project.handler.lake, run_id).get(run_id, set())


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a step may take longer than a moment; here none does."""
    monkeypatch.setattr(brief, "MOMENT", 3600.0)
    monkeypatch.setattr(brief, "TOGETHER_SECONDS", 3600.0)


# --- steps that only pass values on ---


@pytest.mark.usefixtures("unhurried")
def test_steps_that_pass_values_on_make_no_files_and_no_threads(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are in one file of the build, which is the one folder and has one thread more than it would have."""
    started: list[str] = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (started.append(thread.name), start(thread))[1])
    found = {}
    for steps in (5, 25):
        names = passing(project, steps)
        with counted() as counts:
            build = built(project, names)
        assert build.volatiles[f"v{steps - 1}"] == steps - 1
        assert len(project.handler.runs({"parent": build.run_id})) == steps
        assert files_of(project, build.run_id) == {"begin.json", "log-00000001.json", "end.json"}
        found[steps] = sum(".elliptio/runs/" in path for path in counts.opened)
    assert found[5] == found[25]
    assert len(run_records.files(project.handler.lake)) == 2
    assert started == ["elliptio-run", "elliptio-steps"] * 2


@pytest.mark.usefixtures("unhurried")
def test_steps_that_could_not_be_written_once_are_written_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = brief.Steps.close

    def full(recording: Recording, steps: Any) -> str:
        raise StoreError("the disk is full")

    def fails_first(steps: brief.Steps) -> None:
        with monkeypatch.context() as patched, pytest.raises(StoreError):
            patched.setattr(Recording, "keep_steps", full)
            steps.write()
        close(steps)

    monkeypatch.setattr(brief.Steps, "close", fails_first)
    build = built(project, passing(project, 3))
    assert len(project.handler.runs({"parent": build.run_id})) == 3


@pytest.mark.usefixtures("unhurried")
def test_what_is_known_of_such_a_step_is_what_is_known_of_any(project: Project) -> None:
    build = built(project, passing(project, 3))
    (run,) = project.handler.lake.find_runs({"name": "s1"})
    (around,) = project.handler.lake.find_runs({"_id": build.run_id})
    assert (run["parent"], run["root"], run["status"]) == (build.run_id, build.run_id, "finished")
    assert run["creation_time"] <= run["end_time"] <= around["end_time"]
    for same in ("username", "hostname", "argv", "process", "working_directory", "environment_id"):
        assert run[same] == around[same]


@pytest.mark.usefixtures("unhurried")
def test_reindex_brings_such_steps_back_with_what_was_said_of_them_since(project: Project) -> None:
    h = project.handler
    build = built(project, passing(project, 3))
    before = {document["_id"]: document for document in h.lake.find_runs({})}
    (step,) = (name for name, document in before.items() if document["name"] == "s1")
    run_records.note(h.lake, step, {"time": datetime.now(tz=UTC), "username": "ann", "text": "odd"})
    assert [remark["text"] for remark in run_records.get(h.lake, step)["notes"]] == ["odd"]
    h.lake.index.delete(RUNS, list(before))
    assert run_records.reindex(h.lake) == (4, {})
    after = {document["_id"]: document for document in h.lake.find_runs({})}
    assert [remark["text"] for remark in after[step]["notes"]] == ["odd"]
    after[step]["notes"] = []
    assert {name: _lasting(one) for name, one in after.items()} == {name: _lasting(one) for name, one in before.items()}
    assert h.verify().ok
    assert files_of(project, build.run_id) >= {"begin.json", "end.json"}


def _lasting(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "heartbeat"}


@pytest.mark.usefixtures("unhurried")
def test_steps_of_a_build_that_died_are_found(project: Project) -> None:
    """Who finds the build dead tells the index of the steps that its files have."""
    h = project.handler
    build = built(project, passing(project, 3))
    (document,) = h.lake.find_runs({"_id": build.run_id})
    h.lake.store.remove(run_records.key(build.run_id, "end.json"))
    h.lake.index.delete(RUNS, [one["_id"] for one in h.lake.find_runs({})])
    h.lake.record_run({**document, "status": "running", "process": {**document["process"], "began": "0"}})
    bury(h.lake)
    assert {one["name"]: one["status"] for one in h.lake.find_runs({})} == {
        "test": "killed",
        "s0": "finished",
        "s1": "finished",
        "s2": "finished",
    }


@pytest.mark.usefixtures("unhurried")
def test_a_step_more_that_passes_a_value_on_takes_few_calls(project: Project) -> None:
    calls = {}
    for steps in (20, 60):
        session = project.session()
        names = passing(project, steps)
        pipeline = project.pipeline(session, names)
        with session:
            pipeline.run()
            calls[steps] = calls_of(pipeline.run)
    assert (calls[60] - calls[20]) / 40 < 815


# --- steps that are written as any run is ---


def test_a_step_that_lasts_is_seen_while_it_lasts(project: Project) -> None:
    project.write(
        "lib/slow.py",
        HEAD
        + """
import threading
from elliptio.pipelines import Session

@Craft()
def slow() -> Volatile("seen"):
    handler = Session.get_session().handler
    for _ in range(3000):
        found = list(handler.lake.find_runs({"name": "slow", "status": "running"}))
        if found:
            return len(found)
        threading.Event().wait(0.01)
    return 0
""",
    )
    build = built(project, "slow.slow")
    assert build.volatiles == {"seen": 1}
    (run,) = project.handler.lake.find_runs({"name": "slow"})
    assert run["status"] == "finished"
    assert files_of(project, run["_id"]) == {"begin.json", "end.json"}


@pytest.mark.usefixtures("unhurried")
def test_what_a_step_measures_begins_or_fails_with_is_kept_at_once(project: Project) -> None:
    project.write(
        "lib/odd.py",
        HEAD
        + """
from elliptio.pipelines import Session

@Craft()
def measures() -> Volatile("a"):
    Session.get_session().handler.current_run.log(loss=0.5)
    return 1

@Craft()
def begins() -> Volatile("b"):
    with Session.get_session().handler.run("inner"):
        return 1

@Craft()
def fails() -> Volatile("c"):
    raise ValueError("no")
""",
    )
    build = built(project, "odd.measures odd.begins odd.fails", on_error="return")
    assert not build.ok
    runs = {one["name"]: one for one in project.handler.lake.find_runs({})}
    assert runs["measures"]["metrics"] == {"loss": 0.5}
    assert runs["inner"]["parent"] == runs["begins"]["_id"]
    assert runs["inner"]["root"] == build.run_id
    assert runs["fails"]["status"] == "failed"
    for name in ("measures", "begins", "fails"):
        assert files_of(project, runs[name]["_id"]) >= {"begin.json", "end.json"}


@pytest.mark.usefixtures("unhurried")
def test_a_step_that_keeps_something_writes_one_file_of_its_run(project: Project) -> None:
    """Before what names it can be seen, all that there is to say of it."""
    built(project, keeping(project, 3))
    runs = {one["name"]: one for one in project.handler.lake.find_runs({})}
    for number in range(3):
        run = runs[f"k{number}"]
        assert files_of(project, run["_id"]) == {"begin.json"}
        assert len(run["used"]) == (number > 0)
        assert _lasting(run_records.read(project.handler.lake, run["_id"])) == _lasting(run)
        assert run["creation_time"] <= run["end_time"]
    project.handler.lake.index.delete(RUNS, [run["_id"] for run in runs.values()])
    assert run_records.reindex(project.handler.lake) == (4, {})
    assert {one["status"] for one in project.handler.lake.find_runs({})} == {"finished"}
    assert project.handler.verify().ok


@pytest.mark.usefixtures("unhurried")
def test_a_step_more_that_keeps_something_is_flushed_twice_more(project: Project, flushes: Counter[str]) -> None:
    """Its run lasts when its artifact does, what crafts are made of at once; the index flushes for itself."""
    found = {}
    for steps in (4, 8, 16):  # so many as there were before are skipped
        names = keeping(project, steps)
        flushes.clear()
        built(project, names)
        found[steps] = Counter(flushes)
    more = found[16]
    more.subtract(found[8])
    assert more["syncfs"] == 2 * 4
    assert more["fsync"] == 0


@pytest.mark.usefixtures("unhurried")
def test_a_step_that_cannot_save_failed_whatever_was_written_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = keeping(project, 1)

    def full(staging: LocalStaging, *others: LocalStaging) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(LocalStaging, "publish", full)
        assert not built(project, names, on_error="return").ok
    (run,) = project.handler.lake.find_runs({"name": "k0"})
    assert files_of(project, run["_id"]) == {"begin.json", "end.json"}
    assert run["status"] == run_records.read(project.handler.lake, run["_id"])["status"] == "failed"
    assert project.handler.verify().ok


def test_what_many_crafts_are_made_of_is_recorded_at_once(project: Project) -> None:
    asked = {}
    for steps in (4, 16):
        names = keeping(project, steps)
        lake = project.handler.lake
        lake.index = CountingIndex(lake.index)
        built(project, names)
        asked[steps] = lake.index.asked["insert records"]
        lake.index = lake.index.index
        assert len(list(records.find(lake, "code", {}))) == steps
    assert asked[4] == asked[16]


@pytest.mark.slow
def test_a_build_asks_git_no_more_often_where_it_puts_more_into_the_repository(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of crafts is that of the beginning of the build, whatever their results change in its folder."""
    monkeypatch.chdir(project.root)
    subprocess.run(["git", "init", "--quiet"], check=True)
    asked = {}
    for steps in (2, 8):
        names = keeping(project, steps)
        text = "".join(
            f'- {{name: e{number}, type: json, extra: {{path: "out/{number}.json"}}}}\n' for number in range(steps)
        )
        project.write("catalog/all.yaml", text)
        with counted() as counts:
            build = built(project, names, refresh=True)
        asked[steps] = counts.events["subprocess.Popen"]
        for step in build.rows:
            (identifier,) = step.artifact_ids.values()
            found = project.handler.show(identifier).metadata
            assert found.git is not None
            assert found.git["dirty"]
            assert naming.DIFF_LOG in found.log_relpaths
    # Six steps more; how often git is asked at the beginning depends on what can be watched by then.
    assert 0 < asked[8] < asked[2] + 6


def test_a_craft_is_made_of_a_function_in_few_calls() -> None:
    """Ten thousand of them are made before the first one runs; `inspect.signature` alone takes fifty."""

    def clean(raw: Artifact, top: int = 10) -> Artifact("clean"):  # type: ignore[valid-type]
        return raw

    assert calls_of(lambda: Craft(clean)) < 120


@pytest.mark.usefixtures("unhurried")
def test_a_step_more_that_keeps_something_asks_the_index_three_times_more(project: Project) -> None:
    """Whether another process made it meanwhile, to take its artifact, and whether its input was deleted.

    What it loads was just made, so that is known; of its run the index is told with others.
    """
    asked = {}
    for steps in (4, 8, 16):  # so many as there were before are skipped
        asked[steps] = questions(project, keeping(project, steps))
    more = {what: asked[16][what] - asked[8][what] for what in asked[16]}
    assert {what: count for what, count in more.items() if count} == {
        "find artifacts": 4,
        "insert artifacts": 4,
        "find tombstones": 4,
    }


@pytest.mark.usefixtures("unhurried")
def test_a_step_more_that_is_made_elsewhere_looks_at_its_code_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does its process read more than once of which run the step is, or ask for changes that were accepted."""
    elsewhere.part_of.cache_clear()
    there, asked = project.session(), Counter[str]()
    there.handler.lake.index = CountingIndex(there.handler.lake.index)
    look, read = Reader.code_of, run_records.read
    monkeypatch.setattr(Reader, "code_of", lambda *given, **more: asked.update(["code"]) or look(*given, **more))
    monkeypatch.setattr(run_records, "read", lambda *given: asked.update(["run"]) or read(*given))

    class Elsewhere:
        def submit(self, step: Task) -> Future[Outcome]:
            asked.clear()
            there.handler.lake.index.asked.clear()
            answer = elsewhere.run_in(there, step.data() or {}, elsewhere.variables(step.session))
            asked.update(there.handler.lake.index.asked)
            future: Future[Outcome] = Future()
            future.set_result(answers.outcome_of(answer, step.session))
            return future

        def close(self) -> None: ...

    built(project, keeping(project, 4), runner=Elsewhere())
    assert asked["code"] == 1
    assert asked["run"] == 0
    assert asked["find records"] == 0


@pytest.mark.usefixtures("unhurried")
def test_a_partition_that_was_just_taken_in_is_loaded_without_a_question(project: Project) -> None:
    """Of each step the index is asked what is asked of any; the raw files were taken in a moment ago."""
    daily = "@Craft(per=('day',))\ndef daily(raw: Artifact) -> Artifact('out'):\n    return raw\n"
    project.write("lib/daily.py", HEAD + daily)
    places = [f'- {{name: {name}, type: json, extra: {{path: "{name}/!{{day}}.json"}}}}' for name in ("raw", "out")]
    asked = {}
    for days in (2, 4, 8):  # so many as there were before are skipped
        partitioned(project, days)
        project.write("catalog/all.yaml", "\n".join(places))
        asked[days] = questions(project, "daily.daily")
    more = {what: asked[8][what] - asked[4][what] for what in asked[8]}
    assert {what: count for what, count in more.items() if count} == {
        "find artifacts": 2,
        "insert artifacts": 2,
        "find tombstones": 2,
    }


# --- skipping ---

NEEDLESS = {
    "multiprocessing": "nobody starts a process",
    "elliptio.formats.registry": "no value is read or written",
    "importlib.metadata": "formats of other distributions are asked for only by names that elliptio does not know",
    "pandas": "no table is shown",
    "jinja2": "nothing in the catalog is a template",
    "elliptio.saving.publication": "nothing is saved",
    "elliptio.artifacts.artifact": "no artifact is loaded",
    "elliptio.finding.search": "nobody asks for artifacts by a query of their own",
    "elliptio.runs.runs": "nobody looks at runs",
    "html": "nothing is shown",
    "elliptio.artifacts.downloading": "nothing is fetched",
    "elliptio.indexes.query.patterns": "nobody asks by a regular expression",
}

MADE_BY_DATACLASS = 30
"""Classes that importing what skipping takes makes by `dataclass`, which compiles six methods for a frozen one."""


@pytest.mark.slow
def test_to_skip_imports_nothing_that_only_making_takes(project: Project) -> None:
    names = keeping(project, 3)
    built(project, names)
    code = (
        "import sys, importlib\n"
        "from elliptio.pipelines import Pipeline, Session\n"
        "import elliptio as eio\n"
        "with Session(handler=eio.Handler(sys.argv[1], progress=False)) as sess:\n"
        "    pipeline = Pipeline('test')\n"
        "    for name in sys.argv[2:]:\n"
        "        pipeline += getattr(importlib.import_module('keeping'), name)\n"
        "    build = pipeline.run(volatiles=False)\n"
        "kinds = {kind for module in list(sys.modules.values()) for kind in vars(module).values()\n"
        "         if isinstance(kind, type) and '__dataclass_fields__' in vars(kind)}\n"
        "print(build.rows.count('skipped'), len(kinds), *sys.modules)\n"
    )
    crafts = [name.partition(".")[2] for name in names.split()]
    command = [sys.executable, "-c", code, project.handler.store.root, *crafts]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
    skipped, made, *modules = done.stdout.split()
    assert skipped == "3"
    assert int(made) <= MADE_BY_DATACLASS
    # From 3.13 on `importlib.invalidate_caches` of Python itself imports this.
    own = {"importlib.metadata"} if sys.version_info >= (3, 13) else set()
    assert not {*modules} & ({*NEEDLESS} - own)


@pytest.mark.slow
def test_to_skip_steps_never_walks_what_a_build_holds(project: Project) -> None:
    """The search for cycles would go on before and after them, for functions of users that are not there."""
    names = keeping(project, 40)
    built(project, names)
    session = project.session()
    pipeline = project.pipeline(session, names)
    walks: list[str] = []

    def note(phase: str, _: Any) -> None:
        walks.append(phase)

    threshold = gc.get_threshold()
    gc.collect()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    try:
        with session, uncollected():
            walks.clear()
            build = pipeline.run(volatiles=False)
            found = list(walks)
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*threshold)
    assert build.rows.count("skipped") == 40
    assert not found


def test_a_type_that_elliptio_has_is_known_without_a_look_at_other_distributions(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_others", None)
    project.write("catalog/all.yaml", "[{name: a, type: text}, {name: b, type: npy}]")
    assert list(project.session().catalog) == ["a", "b"]
    assert registry._others is None


def test_to_skip_more_steps_asks_no_more_questions(project: Project) -> None:
    asked = {}
    for steps in (4, 16):
        names = keeping(project, steps)
        built(project, names)
        lake = project.handler.lake
        lake.index = CountingIndex(lake.index)
        build = built(project, names)
        assert build.rows.count("skipped") == steps
        asked[steps] = dict(lake.index.asked)
        lake.index = lake.index.index
    assert asked[4] == asked[16]


@pytest.mark.slow
def test_to_look_at_more_partitions_takes_so_much_more_work_and_no_more_for_each(project: Project) -> None:
    """Work that grows with the square of their number is seen by calls: four times as many take at most five times."""
    project.write(
        "lib/daily.py",
        HEAD + "@Craft(per=('day',))\ndef daily(raw: Artifact) -> Artifact('out'):\n    return raw\n",
    )
    places = [f'- {{name: {name}, type: json, extra: {{path: "{name}/!{{day}}.json"}}}}' for name in ("raw", "out")]
    project.write("catalog/all.yaml", "\n".join(places))
    calls = {}
    for days in (30, 120):
        for day in range(days):
            project.write(f"raw/d{day:03}.json", str(day))
        built(project, "daily.daily")
        session = project.session()
        pipeline = project.pipeline(session, "daily.daily")
        with session:
            calls[days] = calls_of(pipeline.run)
    assert calls[120] < 5 * calls[30]
    assert (calls[120] - calls[30]) / 90 < 630  # for each, those in C included


def partitioned(project: Project, days: int) -> None:
    project.write("catalog/all.yaml", '[{name: raw, type: json, extra: {path: "raw/!{day}.json"}}]')
    for day in range(days):
        project.write(f"raw/d{day:03}.json", str(day))


def test_what_others_wrote_is_taken_in_together(project: Project, flushes: Counter[str]) -> None:
    """Flushed, and told to the index, no more often for ten files than for two."""
    found = {}
    for days in (2, 12):
        partitioned(project, days)
        lake = project.handler.lake
        lake.index = CountingIndex(lake.index)
        flushes.clear()
        assert len(project.session().catalog.partitions("raw")) == days
        found[days] = lake.index.asked["insert artifacts"], flushes["syncfs"]
        lake.index = lake.index.index
    assert found[2][0] == found[12][0] == 1
    assert found[12][1] <= found[2][1]


def test_of_files_that_cannot_be_taken_in_nothing_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were published before stay; of those that wait together there is none, and nothing is staged."""
    partitioned(project, 5)
    monkeypatch.setattr(together, "AT_ONCE", 2)
    real, published = LocalStaging.publish, []

    def publish(staging: LocalStaging, *others: LocalStaging) -> None:
        if published:
            raise StoreError("the disk is full")
        published.append(staging)
        real(staging, *others)

    with monkeypatch.context() as full:
        full.setattr(LocalStaging, "publish", publish)
        with pytest.raises(StoreError, match="the disk is full"):
            project.session().catalog.partitions("raw")
    h = project.handler
    assert len(h.find()) == 2
    assert not list(h.store.list(".elliptio/staging"))
    assert len(project.session().catalog.partitions("raw")) == 5
    assert len(h.find()) == 5
    assert h.verify().ok


def test_partitions_are_divided_among_the_steps_that_take_several_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "lib/monthly.py",
        HEAD + "@Craft(per=('month',))\ndef monthly(raw: Artifact) -> Artifact('out'):\n    return len(raw)\n",
    )
    project.write(
        "catalog/all.yaml",
        """
        - {name: raw, type: json, extra: {path: "raw/!{month}-!{day}.json"}}
        - {name: out, type: json, extra: {path: "out/!{month}.json"}}
        """,
    )
    without = Keys.without
    looked = 0

    def counting(keys: Keys, *names: str) -> Keys:
        nonlocal looked
        looked += 1
        return without(keys, *names)

    monkeypatch.setattr(Keys, "without", counting)
    for months in (3, 9):
        for month in range(months):
            for day in range(4):
                project.write(f"raw/m{month}-d{day}.json", f"{month}{day}")
        built(project, "monthly.monthly")
        looked = 0
        build = built(project, "monthly.monthly")
        assert build.rows.count("skipped") == months
        assert looked == months * 4


def test_a_partition_takes_little_memory() -> None:
    """So that 100,000 of them fit: its keys share their names, and a history without moves has no list for them."""
    count = 2000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        keys = [Keys({"year": 2000 + number % 30, "day": f"day-{number:06}"}) for number in range(count)]
        after_keys, _ = tracemalloc.get_traced_memory()
        histories = [History() for _ in keys]
        moment = datetime.now(tz=UTC)
        for number, history in enumerate(histories):
            history.versions.append(Version("id", keys[number], "f", moment, "built", None, False, None))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after_keys - before) / count < 260
    assert (after - after_keys) / count < 320
