"""Runs: what belongs to which, how it ended, and where that is written. The store holds the truth."""

from __future__ import annotations

import asyncio
import contextvars
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elliptio as eio
from elliptio.finding.options import Unasked
from elliptio.lake import lake as lake_module
from elliptio.lake import run_records as runs
from elliptio.runs import facts as run_facts
from elliptio.runs import recording
from elliptio.runs.scopes import BASED_ON, LAKE, RUN_ID
from tests.conftest import Team
from tests.lake.test_spool import Failing

VARIABLES = (RUN_ID, LAKE, BASED_ON)


@pytest.fixture(autouse=True)
def no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def only(h: eio.Handler, run_id: str) -> dict[str, Any]:
    """What the index says of a run."""
    (document,) = h.index.find("runs", {"_id": run_id})
    return document


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


# --- what is recorded ---


def test_a_run_is_recorded(team: Team, data: Path) -> None:
    h = team.handler()
    before = datetime.now(tz=UTC) - timedelta(seconds=1)
    with h.run("train", {"rate": 0.1, "layers": (1, 2)}, labels={"project": "penguins"}) as run:
        document = only(h, run.run_id)
        assert (document["status"], document["end_time"], document["error"]) == ("running", None, None)
        run.log(loss=0.5, step=1)
        run.log({"loss": np.float32(0.25), "val/accuracy": 1}, step=2)
        artifact = run.upload(data / "train.txt")
    assert artifact.metadata.run_id == run.run_id != h.run_id
    frame = team.handler().runs()
    assert list(frame)[:6] == ["creation_time", "name", "status", "username", "params", "metrics"]
    assert list(frame.index) == [run.run_id]
    row = frame.loc[run.run_id]
    assert (row["name"], row.status, row.parent, row.root) == ("train", "finished", None, run.run_id)
    assert row.params == {"rate": 0.1, "layers": [1, 2]}
    assert row.labels == {"project": "penguins"}
    assert row.metrics == {"loss": 0.25, "val/accuracy": 1}
    assert row.argv == artifact.metadata.argv
    assert (row.username, row.hostname) == (artifact.metadata.username, artifact.metadata.hostname)
    assert before < row.creation_time <= row.end_time < datetime.now(tz=UTC) + timedelta(seconds=1)
    measured = h.runs.metrics(run.run_id[:-2])
    assert list(measured) == ["time", "step", "loss", "val/accuracy"]
    assert list(measured.step) == [1, 2]
    assert list(measured.loss) == [0.5, 0.25]
    assert measured.time.is_monotonic_increasing


def test_runs_are_found_by_metrics_params_and_labels(h: eio.Handler) -> None:
    made = {}
    for number, loss in enumerate((0.9, 0.05, 0.5)):
        with h.run("train", {"number": number}, labels={"even": number % 2 == 0}) as run:
            run.log(loss=1.0)
            run.log(loss=loss)
        made[number] = run.run_id
    assert list(h.runs({"metrics.loss": {"$lt": 0.1}}).index) == [made[1]]
    assert list(h.runs({"params.number": {"$gte": 1}}).index) == [made[2], made[1]]
    assert list(h.runs({"labels.even": True}, sort="metrics.loss").index) == [made[2], made[0]]
    assert list(h.runs(sort="-metrics.loss", columns=["metrics.loss", "params.number"]).iloc[0]) == [0.9, 0]
    assert list(h.runs({"status": "running"}).index) == []
    assert list(h.runs({"run_id": made[0]}).index) == [made[0]]
    with pytest.warns(eio.TruncatedWarning, match="2 of 3 runs"):
        assert len(h.runs(max_docs=Unasked(2))) == 2


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_an_empty_answer_has_the_same_columns_and_types(local: eio.Handler) -> None:
    empty = local.runs()
    with local.run("x"):
        pass
    full = local.runs()
    assert list(empty) == list(full)
    assert list(empty.dtypes) == list(full.dtypes)
    assert empty.index.name == full.index.name == "run_id"


@pytest.mark.parametrize(
    "query", [{"loss": 1}, {"creation_time": "2026"}, {"end_time": {"$gt": 5}}, {"metrics": {"$f": 1}}]
)
def test_what_could_never_be_found_is_refused(local: eio.Handler, query: dict[str, Any]) -> None:
    with pytest.raises(eio.QueryError):
        local.runs(query)


def test_a_failure_is_recorded_and_goes_on(h: eio.Handler) -> None:
    token = "ghp_" + "a1B2" * 9
    with pytest.raises(ValueError, match="no way"), h.run("train", {"token": token, "url": f"x?{token}"}) as run:
        run.log(loss=1)
        raise ValueError(f"no way with {token}")
    document = only(h, run.run_id)
    assert document["status"] == "failed"
    traceback = document["error"].pop("traceback")
    assert traceback.startswith(f'Traceback (most recent call last):\n  File "{__file__}"')
    assert traceback.endswith("ValueError: no way with ***\n")
    assert document["error"] == {"type": "ValueError", "message": "no way with ***"}
    assert document["params"] == {"token": "***", "url": "x?***"}
    assert document["metrics"] == {"loss": 1}
    for stored in h.store.list(runs.RUNS):
        with h.store.open(stored.key) as file:
            assert token.encode() not in file.read()


@pytest.mark.parametrize(
    ("error", "status"), [(SystemExit(0), "finished"), (SystemExit(3), "failed"), (KeyboardInterrupt(), "failed")]
)
def test_the_end_of_the_program(local: eio.Handler, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), local.run("x") as run:
        raise error
    assert only(local, run.run_id)["status"] == status


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, 5, None])
def test_what_is_no_name_is_refused(local: eio.Handler, name: Any) -> None:
    with pytest.raises(eio.MetadataError, match="run"), local.run(name):
        pytest.fail("it began")
    assert not list(local.store.list(runs.RUNS))


@pytest.mark.parametrize("given", [{"a.b": 1}, {"x": object()}, 5, [("a", 1)], {"x": datetime(2026, 1, 1)}])
def test_params_are_checked_as_labels_are(local: eio.Handler, given: Any) -> None:
    with pytest.raises(eio.MetadataError, match="params"), local.run("x", given):
        pytest.fail("it began")


@pytest.mark.parametrize(
    "given", [{"loss": "low"}, {"loss": [1]}, {"a.b": 1}, {"loss": np.ones(2)}, {}, 5, {"x": 1 << 64}]
)
def test_what_is_no_metric_is_refused(local: eio.Handler, given: Any) -> None:
    with local.run("x") as run:
        with pytest.raises(eio.MetadataError):
            run.log(given)
        with pytest.raises(eio.MetadataError):
            run.log(loss=1, step="two")  # type: ignore[arg-type]
    assert only(local, run.run_id)["metrics"] == {}


def test_without_a_run_nothing_is_written_and_all_is_as_ever(h: eio.Handler, data: Path) -> None:
    first = h.upload(data)
    h.get(first.artifact_id)
    second = h.upload(data)
    assert (second.metadata.run_id, second.metadata.based_on) == (h.run_id, [first.artifact_id])
    assert h.based_on == [first.artifact_id]
    assert not list(h.store.list(runs.RUNS))
    assert h.current_run is None
    assert len(h.runs()) == 0
    tree = h.runs.tree(h.run_id)
    assert [one["_id"] for one in tree.artifacts] == [first.artifact_id, second.artifact_id]
    assert (tree.run_id, tree.name, tree.status, tree.children) == (h.run_id, "", "", [])
    assert str(tree).splitlines()[0] == h.run_id
    assert h.runs.tree(h.run_id, artifacts=False).artifacts == []
    with pytest.raises(eio.DocumentNotFoundError, match=r"h\.run"):
        h.runs.tree("run_" + h.run_id[4:][::-1])


# --- what counts for which run ---


def test_what_was_loaded_around_a_run_counts_in_it_and_not_the_other_way(h: eio.Handler, data: Path) -> None:
    top, outside, inside, late = (h.upload(text(data / f"{name}.txt", name)).artifact_id for name in "abcd")
    h.get(top)
    with h.run("outer") as outer:
        h.get(outside)
        with h.run("first") as first:
            h.get(inside)
            made = h.upload(data / "a.txt")
        h.get(late)
        after = h.upload(data / "a.txt")
        with h.run("second") as second:
            beside = h.upload(data / "a.txt")
    last = h.upload(data / "a.txt")
    assert made.metadata.based_on == [top, outside, inside]
    assert after.metadata.based_on == [top, outside, late]
    assert beside.metadata.based_on == [top, outside, late]
    assert last.metadata.based_on == h.based_on == [top]
    assert [one.metadata.run_id for one in (made, after, beside, last)] == [
        first.run_id,
        outer.run_id,
        second.run_id,
        h.run_id,
    ]
    assert [only(h, one.run_id)["used"] for one in (outer, first, second)] == [[outside, late], [inside], []]


def test_a_run_is_one_of_the_lake_not_of_the_handler(local: eio.Handler, tmp_path: Path, data: Path) -> None:
    other, elsewhere = eio.Handler(tmp_path / "lake"), eio.Handler(tmp_path / "other lake")
    with local.run("x") as run:
        assert other.upload(data).metadata.run_id == run.run_id
        assert elsewhere.upload(data).metadata.run_id == elsewhere.run_id
        with elsewhere.run("y") as inner:
            assert other.upload(data).metadata.run_id == run.run_id
            assert elsewhere.upload(data).metadata.run_id == inner.run_id
        assert only(elsewhere, inner.run_id)["parent"] is None
        new = eio.Handler(tmp_path / "lake")
        assert new.run_id not in (run.run_id, other.run_id)
    assert new.upload(data).metadata.run_id == new.run_id
    assert other.upload(data).metadata.run_id == other.run_id


def test_two_runs_at_once_in_two_threads_do_not_mix(h: eio.Handler, data: Path) -> None:
    sources = [h.upload(text(data / f"{n}.txt", str(n))).artifact_id for n in range(4)]
    barrier = threading.Barrier(4)

    def work(number: int) -> tuple[str, eio.Artifact]:
        with h.run(f"run {number}") as run:
            barrier.wait(30)
            h.get(sources[number])
            barrier.wait(30)
            return run.run_id, h.upload(data / "train.txt")

    with ThreadPoolExecutor(4) as pool:
        for number, (run_id, artifact) in enumerate(pool.map(work, range(4))):
            assert artifact.metadata.run_id == run_id
            assert artifact.metadata.based_on == [sources[number]]
            assert only(h, run_id)["parent"] is None
    assert h.based_on == []


def test_tasks_are_in_their_own_runs(h: eio.Handler, data: Path) -> None:
    sources = [h.upload(text(data / f"{n}.txt", str(n))).artifact_id for n in range(3)]

    async def work(number: int) -> tuple[str, eio.Artifact]:
        with h.run(f"run {number}") as run:
            await asyncio.sleep(0.01)
            h.get(sources[number])
            await asyncio.sleep(0.01)
            return run.run_id, await asyncio.to_thread(h.upload, data / "train.txt")

    async def main() -> list[tuple[str, eio.Artifact]]:
        return await asyncio.gather(*map(work, range(3)))

    for number, (run_id, artifact) in enumerate(asyncio.run(main())):
        assert (artifact.metadata.run_id, artifact.metadata.based_on) == (run_id, [sources[number]])


def in_thread(work: Callable[[], Any]) -> Any:
    """Call something in a thread that inherits no context."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.Context().run, work).result()


def test_a_thread_that_nobody_told_is_in_the_run_that_the_process_is_in(local: eio.Handler, data: Path) -> None:
    def belongs() -> str:
        return local.upload(data).metadata.run_id

    assert in_thread(belongs) == local.run_id
    with local.run("outer") as outer:
        assert in_thread(belongs) == outer.run_id
        with local.run("inner") as inner:
            assert in_thread(belongs) == inner.run_id
            with ThreadPoolExecutor(1) as pool, outer.run("beside") as beside:
                assert belongs() == beside.run_id
                assert pool.submit(belongs).result() == outer.run_id
                assert pool.submit(inner.upload, data).result().metadata.run_id == inner.run_id
            assert beside.run_id != inner.run_id
    assert in_thread(belongs) == local.run_id


def test_what_another_thread_is_in_does_not_matter(local: eio.Handler, data: Path) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with local.run("other"):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(30)
    assert local.upload(data).metadata.run_id == local.run_id
    assert in_thread(lambda: local.upload(data)).metadata.run_id == local.run_id
    with local.run("mine") as mine:
        assert in_thread(lambda: local.upload(data)).metadata.run_id == mine.run_id
        assert os.environ[RUN_ID] == mine.environment()[RUN_ID] == mine.run_id
    assert only(local, mine.run_id)["parent"] is None
    leave.set()
    thread.join()
    assert RUN_ID not in os.environ


def test_a_run_is_bound_explicitly_where_it_is_used(h: eio.Handler, data: Path) -> None:
    source = h.upload(data)
    with h.run("outer") as outer, h.run("inner"):
        outer.get(source.artifact_id)
        assert h.upload(data).metadata.based_on == []
        made = outer.upload(data)
        with outer.new(["x.txt"]) as new:
            new.file.upload_string("x")
        assert outer.latest({"run_id": outer.run_id}) == new
        assert list(outer.find({"run_id": outer.run_id}).index) == [new.artifact_id, made.artifact_id]
    for artifact in (made, new):
        assert (artifact.metadata.run_id, artifact.metadata.based_on) == (outer.run_id, [source.artifact_id])


def test_what_is_saved_in_the_background_belongs_to_the_run_it_was_given_in(h: eio.Handler, data: Path) -> None:
    source = h.upload(data)
    with h.run("x") as run:
        h.get(source.artifact_id)
        future = h.upload(data, wait=False)
    assert (future.result().metadata.run_id, future.result().metadata.based_on) == (run.run_id, [source.artifact_id])


def test_what_ended_takes_nothing_more(local: eio.Handler, data: Path) -> None:
    with local.run("outer") as outer, local.run("inner"):
        context = contextvars.copy_context()
    assert context.run(local.upload, data).metadata.run_id == local.run_id != outer.run_id


# --- the tree ---


def test_what_was_entered_later_goes_on(local: eio.Handler, data: Path) -> None:
    first, second = local.run("first"), local.run("second")
    first.__enter__()
    run = second.__enter__()
    first.__exit__(None, None, None)
    assert local.upload(data).metadata.run_id == run.run_id
    second.__exit__(None, None, None)
    assert local.upload(data).metadata.run_id == local.run_id


def test_the_tree(team: Team, data: Path) -> None:
    h = team.handler()
    with h.run("train") as train:
        model = h.upload(data / "train.txt")
        with h.run("fold") as first, h.run("epoch") as epoch:
            part = h.upload(data / "test.txt")
        with h.run("fold") as second:
            second.log(loss=0.25)
    with h.run("another"):
        pass
    tree = team.handler().runs.tree(first.run_id)
    assert (tree.run_id, tree.name, tree.status) == (first.run_id, "fold", "finished")
    assert tree.parent is not None
    assert [one.run_id for one in tree.ancestors] == [train.run_id]
    assert [one.run_id for one in tree.descendants] == [epoch.run_id]
    assert [one["_id"] for one in tree.descendants[0].artifacts] == [part.artifact_id]
    assert tree.artifacts == []
    whole = h.runs.tree(train.run_id)
    assert [one.run_id for one in whole.children] == [first.run_id, second.run_id]
    assert [one.run_id for one in whole.descendants] == [first.run_id, epoch.run_id, second.run_id]
    lines = str(whole).splitlines()
    assert [line.split(" s")[0] if line[0] == "x" else line.split("  ")[0].strip() for line in lines][:1] == [
        train.run_id
    ]
    assert lines[1].startswith(f"│  {model.artifact_id}  train.txt")
    assert lines[2].startswith(f"├─ {first.run_id}  fold  finished")
    assert lines[3].startswith(f"│  └─ {epoch.run_id}  epoch")
    assert lines[4].startswith(f"│     {'   '}{part.artifact_id}  test.txt")
    assert lines[5].startswith(f"└─ {second.run_id}")
    assert "loss=0.25" in lines[5]
    assert model.artifact_id not in str(h.runs.tree(train.run_id, artifacts=False))
    h.delete(model)
    assert "(deleted)" in str(h.runs.tree(train.run_id))


@pytest.mark.slow
def test_a_tree_may_be_deep(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 60

    def nest(left: int) -> None:
        if left:
            with local.run(f"{left}"):
                nest(left - 1)

    nest(depth)
    deepest = local.runs({"name": "1"}).index[0]
    assert len(local.runs.tree(deepest).ancestors) == depth - 1


@pytest.mark.parametrize("name", ["run_", "x", "", None, "run_nothing"])
def test_what_is_no_run_is_not_found(local: eio.Handler, name: Any) -> None:
    for _ in range(2):
        with local.run("x"):
            pass
    with pytest.raises(eio.DocumentNotFoundError, match="run"):
        local.runs.tree(name)


# --- the store is the truth ---


def test_reindex_restores_runs(team: Team, data: Path) -> None:
    h = team.handler()
    with pytest.raises(ZeroDivisionError), h.run("outer", {"when": datetime(2026, 1, 1, tzinfo=UTC)}) as outer:
        source = h.upload(data)
        with h.run("inner") as inner:
            h.get(source.artifact_id)
            inner.log(loss=float("nan"), step=3)
            inner.log(loss=0.5, n=2**40)
        _ = 1 / 0
    before = {document["_id"]: document for document in h.index.find("runs", {})}
    h.index.delete("runs", list(before))
    assert len(h.runs()) == 0
    report = h.reindex()
    assert (report.runs, report.problems) == (2, [])
    for document in h.index.find("runs", {}):
        old = before[document["_id"]]
        assert document.pop("heartbeat") <= old.pop("heartbeat")
        assert document == old
    assert {outer.run_id, inner.run_id} == {*before}
    assert h.reindex().runs == 0


@pytest.mark.parametrize("calls", [1, 2])
def test_an_interrupt_while_it_begins_or_ends_ends_it(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    told: list[object] = []
    record = lake_module.Lake.record_run

    def interrupted(lake: lake_module.Lake, document: dict[str, Any]) -> None:
        told.append(document)
        if len(told) == calls:
            raise KeyboardInterrupt
        record(lake, document)

    monkeypatch.setattr(lake_module.Lake, "record_run", interrupted)
    with pytest.raises(KeyboardInterrupt), local.run("x"):
        pass
    assert local.runs().status.iloc[0] == ("failed", "finished")[calls - 1]
    assert [thread for thread in threading.enumerate() if thread.name == "elliptio-run"] == []
    assert not list(Path(local.store.root, runs.RUNS).rglob(runs.LOCK))


def test_an_interrupt_before_its_end_is_written_is_its_end(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    write, interrupts = runs.write, [KeyboardInterrupt()]

    def interrupted(lake: lake_module.Lake, run_id: str, name: str, content: Any) -> bool:
        if name == runs.END and interrupts:
            raise interrupts.pop()
        return write(lake, run_id, name, content)

    monkeypatch.setattr(runs, "write", interrupted)
    with pytest.raises(KeyboardInterrupt), local.run("x") as run:
        run.log(loss=1)
    assert only(local, run.run_id)["error"]["type"] == "KeyboardInterrupt"
    assert len(local.runs.metrics(run.run_id)) == 1


def test_a_command_among_the_params_is_masked(local: eio.Handler) -> None:
    with local.run("x", {"argv": ["train.py", "--password", "hunter2secret", "--rate", "1"]}) as run:
        pass
    assert only(local, run.run_id)["params"] == {"argv": ["train.py", "--password", "***", "--rate", "1"]}


@pytest.mark.parametrize(
    "change",
    [{"metrics": {"loss": "low", "depth": {"a": 1}}}, {"parent": ["run_1"]}, {"error": "bad"}, {"name": ["x"]}],
)
def test_documents_of_others_break_nothing(local: eio.Handler, data: Path, change: dict[str, Any]) -> None:
    with local.run("x") as run:
        made = local.upload(data)
    local.index.replace("runs", {**only(local, run.run_id), **change})
    (document,) = local.index.find("artifacts", {"_id": made.artifact_id})
    local.index.replace("artifacts", {**document, "file_relpaths": [None, 1]})
    assert str(local.runs.tree(run.run_id)).startswith(run.run_id)
    assert local.lineage(made).to_svg()
    assert len(local.runs()) == 1


ROW = '{"time": TIME, "rows": [{"time": TIME, "step": 1, "values": {"loss": 1}}], "used": []}'.replace(
    "TIME", '{"$date": "2026-01-01T00:00:00Z"}'
)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("log-00000001.json", '"loss": 1', '"loss": "low"'),
        ("log-00000001.json", '"loss": 1', '"loss": {"a": 1}'),
        ("log-00000001.json", '"loss": 1', f'"loss": {10**400}'),
        ("log-00000001.json", '"step": 1', '"step": "first"'),
        ("log-00000001.json", '"step": 1', f'"step": {2**70}'),
        ("log-00000001.json", '"step": 1, ', ""),
        ("log-00000001.json", '"loss"', '"\\ud800"'),
        ("begin.json", '"parent": null', '"parent": ["run_1"]'),
        ("begin.json", '"params": {}', '"params": {"a": "\\ud800"}'),
        ("begin.json", '"params": {}', f'"params": {{"a": {2**70}}}'),
        ("end.json", '"error": null', '"error": "bad"'),
        ("end.json", '"error": null', '"fault": null'),
    ],
)
def test_files_of_others_break_nothing(local: eio.Handler, name: str, old: str, new: str) -> None:
    with local.run("x") as run:
        pass
    path = Path(local.store.root, runs.RUNS, run.run_id, name)
    content = path.read_text() if path.exists() else ROW
    assert old in content
    path.unlink(missing_ok=True)
    path.write_text(content.replace(old, new))
    local.index.delete("runs", [run.run_id])
    assert local.reindex().problems or name.startswith("log")
    assert not local.verify().ok
    for known in local.runs().index:
        str(local.runs.tree(known))
        assert local.runs.metrics(known).empty


def test_what_is_damaged_is_said_and_does_not_hold_up_the_rest(local: eio.Handler) -> None:
    made = []
    for _ in range(3):
        with local.run("x") as run:
            pass
        made.append(run.run_id)
    local.index.delete("runs", made)
    for run_id, name, content in ((made[0], "begin.json", "{"), (made[1], "end.json", '{"status": "fine"}')):
        path = Path(local.store.root, runs.RUNS, run_id, name)
        path.chmod(0o644)
        path.write_text(content)
    problems = local.verify().problems
    assert [(problem.artifact_id, problem.relpath) for problem in problems] == [
        (made[0], "begin.json"),
        (made[1], "end.json"),
    ]
    assert all("is damaged" in problem.message for problem in problems)
    report = local.reindex()
    assert report.runs == 1
    assert [problem.artifact_id for problem in report.problems] == made[:2]
    assert all("is damaged" in problem.message for problem in report.problems)


def test_metrics_are_written_while_the_run_goes_on(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LOG_SECONDS", 0.05)
    monkeypatch.setattr(recording, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(recording, "LOG_SECONDS_AT_LAST", 0.05)
    with local.run("x") as run:
        run.log(loss=0.5)
        wait_for(lambda: len(local.runs.metrics(run.run_id)) == 1)
        wait_for(lambda: only(local, run.run_id)["metrics"] == {"loss": 0.5})
        assert only(local, run.run_id)["status"] == "running"


@pytest.mark.slow
def test_the_first_values_are_written_soon(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LOG_SECONDS", 1000)
    with local.run("x") as run:
        run.log(loss=0.5)
        wait_for(lambda: len(local.runs.metrics(run.run_id)) == 1)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = datetime.now(tz=UTC) + timedelta(seconds=120)
    while not condition():
        assert datetime.now(tz=UTC) < deadline
        threading.Event().wait(0.02)


def test_however_much_is_measured_at_once_can_be_read(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_LONGEST", 20_000)
    monkeypatch.setattr(recording, "MOST_WRITTEN", 20_000)
    with local.run("x") as run:
        for step in range(500):
            run.log({"loss": step / 3, "\x01" * 50: step}, step=step)
    assert list(local.runs.metrics(run.run_id).step) == list(range(500))


def test_a_document_holds_as_many_metrics_as_fit(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MAX_LABELS_BYTES", 1000)
    h = team.handler()
    with h.run("x") as run:
        for step in range(100):
            run.log({f"metric {step}": step})
    assert 10 < len(only(h, run.run_id)["metrics"]) < 100
    assert h.runs.metrics(run.run_id).shape == (100, 102)
    before = only(h, run.run_id)["metrics"]
    h.index.delete("runs", [run.run_id])
    h.reindex()
    assert only(h, run.run_id)["metrics"] == before


def test_a_very_long_error_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    redact = run_facts.redact
    monkeypatch.setattr(run_facts, "redact", lambda text: read.append(len(text)) or redact(text))
    found = run_facts.outcome(ValueError("password='hunter2' " * 1_000_000))
    assert "hunter2" not in found["error"]["message"]
    assert read[0] <= 200_000


def test_steps_of_other_kinds(local: eio.Handler) -> None:
    with local.run("x") as run:
        for step in (np.int64(3), np.uint8(4), np.array(5)):
            run.log(loss=1, step=step)
        for strange in (2**63, 1.0, True, "1", np.array([1, 2])):
            with pytest.raises(eio.MetadataError, match="step is a whole number of 64 bits"):
                run.log(loss=1, step=strange)  # type: ignore[arg-type]
    assert list(local.runs.metrics(run.run_id).step) == [3, 4, 5]


def test_an_index_that_is_down_costs_nothing(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(lake_module, "PAUSE_SECONDS", 0.0)
    index: Any = Failing(local.index)
    h = eio.Handler(local.store.root, index=index)
    index.down = True
    with pytest.warns(eio.SpooledWarning, match="The run is recorded") as warned, h.run("outer") as outer:
        artifact = h.upload(data)
        with h.run("inner") as inner:
            inner.log(loss=1)
    assert len(warned) == 1
    index.down = False
    assert list(h.runs().index) == [inner.run_id, outer.run_id]
    assert list(h.runs().status) == ["finished", "finished"]
    assert h.runs.tree(outer.run_id).artifacts[0]["_id"] == artifact.artifact_id
    assert not list(h.store.list(".elliptio/spool"))


def test_the_environment_is_as_it_was(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = local.upload(data)
    with local.run("outer") as outer:
        assert (os.environ[RUN_ID], os.environ[LAKE], os.environ[BASED_ON]) == (outer.run_id, local.store.root, "")
        with local.run("inner") as inner:
            local.get(source.artifact_id)
            assert (os.environ[RUN_ID], os.environ[BASED_ON]) == (inner.run_id, source.artifact_id)
        assert (os.environ[RUN_ID], os.environ[BASED_ON]) == (outer.run_id, "")
    assert not {*VARIABLES} & {*os.environ}
    monkeypatch.setenv(RUN_ID, outer.run_id)
    with local.run("again") as again:
        assert os.environ[RUN_ID] == again.run_id
    assert os.environ[RUN_ID] == outer.run_id


def test_a_pickled_handler_goes_on_in_the_run(local: eio.Handler, data: Path) -> None:
    source = local.upload(data)
    with local.run("x") as run:
        local.get(source.artifact_id)
        pickled = pickle.dumps(local)
    copy = pickle.loads(pickled)
    assert (copy.run_id, copy.based_on) == (run.run_id, [source.artifact_id])
    assert copy.current_run.run_id == run.run_id
    copy.close()


class Clock:
    """A clock that is set back while it runs."""

    def __init__(self, *minutes: int) -> None:
        self._minutes = iter(minutes)
        self._last = 0

    def __call__(self) -> datetime:
        self._last = next(self._minutes, self._last)
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=self._last)


def test_the_last_value_is_the_last_whatever_the_clock_says(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FIRST_SECONDS", 3600.0)
    with local.run("train") as run:
        # Of each file its rows, and when it was written; in the first the clock is set back between two rows.
        monkeypatch.setattr(runs, "now", Clock(0, 50, 10, 11, 5, 6, -30, -29, -28))
        for values in ((1, 2, 3), (4,), (5, 6)):
            for value in values:
                run.log(loss=value)
            assert run._scope.run is not None
            run._scope.run.flush()
        monkeypatch.undo()
    assert local.runs().metrics.iloc[0] == {"loss": 6}
    assert list(local.runs.metrics(run.run_id).loss) == [1, 2, 3, 4, 5, 6]
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    again = eio.Handler(local.store.root)
    again.reindex()
    assert again.runs().metrics.iloc[0] == {"loss": 6}


def test_what_a_run_reads_is_found_while_it_goes_on(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(recording, "GLANCE_SECONDS", 0.01)
    raw = local.upload(data)
    told = threading.Event()
    record_run = type(local.lake).record_run

    def recording_it(lake: Any, document: Any) -> None:
        record_run(lake, document)
        if document["used"]:
            told.set()

    monkeypatch.setattr(type(local.lake), "record_run", recording_it)
    with local.run("train") as run:
        run.get(raw.artifact_id)
        assert told.wait(recording.HEARTBEAT_SECONDS - 5)
        (found,) = local.lake.find_runs({"used": raw.artifact_id})
    assert (found["_id"], found["status"]) == (run.run_id, "running")
