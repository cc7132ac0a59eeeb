"""Runs over several processes: children go on in them, and whoever dies is found out."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lake import run_records as runs
from elliptio.runs.scopes import RUN_ID
from elliptio.system import liveness
from tests.conftest import Team
from tests.runs.test_runs import no_run, only  # noqa: F401 - a fixture


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    code = textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


# --- child processes go on in the run ---

CHILD = """
    import sys
    import elliptio as eio
    root, path, source = sys.argv[1:]
    h = eio.Handler(root, progress=False)
    h.get(source)
    print(h.upload(path).artifact_id)
    h.current_run.log(loss=0.5, step=7)
    with h.run("inner"):
        print(h.upload(path).artifact_id)
"""


@pytest.mark.slow
def test_a_child_process_is_part_of_the_run(local: eio.Handler, data: Path) -> None:
    first, second = local.upload(data / "train.txt"), local.upload(data / "test.txt")
    with local.run("outer") as outer:
        local.get(first.artifact_id)
        with start(CHILD, local.store.root, data, second.artifact_id) as child:
            assert child.stdout is not None
            made = child.stdout.read().split()
        assert child.returncode == 0
        after = local.upload(data)
    both = [first.artifact_id, second.artifact_id]
    for artifact_id in made:
        assert local.get(artifact_id, track=False).metadata.based_on == both
    assert local.get(made[0], track=False).metadata.run_id == outer.run_id
    assert after.metadata.based_on == [first.artifact_id]
    tree = local.runs.tree(outer.run_id)
    assert [(one.name, one.status) for one in tree.children] == [("inner", "finished")]
    assert tree.document["metrics"] == {"loss": 0.5}
    assert sorted(tree.document["used"]) == both
    assert list(local.runs.metrics(outer.run_id).step) == [7]


def work(h: eio.Handler | None, root: str, path: str, source: str) -> None:
    """In a child of `multiprocessing`, which ends without what `atexit` does."""
    h = h or eio.Handler(root, progress=False)
    h.get(source)
    h.upload(path)
    assert h.current_run is not None
    h.current_run.log(loss=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("pickled", [False, True])
def test_multiprocessing(local: eio.Handler, data: Path, method: str, pickled: bool) -> None:
    # A fork server has the environment of when it was started.
    with local.run("earlier"):
        multiprocessing.get_context(method).Process(target=abs, args=(1,)).start()
    source = local.upload(data).artifact_id
    arguments = (local if pickled else None, local.store.root, str(data), source)
    with local.run("outer") as outer:
        child = multiprocessing.get_context(method).Process(target=work, args=arguments)
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert only(local, outer.run_id)["status"] == "running"
    (row,) = local.find({"run_id": outer.run_id}).based_on
    assert row == [source]
    document = only(local, outer.run_id)
    assert (document["status"], document["metrics"], document["used"]) == ("finished", {"loss": 0.5}, [source])


def test_a_forked_child_that_leaves_the_block_does_not_end_the_run(local: eio.Handler, data: Path) -> None:
    with local.run("outer") as outer:
        child = -1
        try:
            with local.run("inner") as inner:
                inner.log(loss=0.5)
                child = os.fork()
                if not child:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert only(local, inner.run_id)["error"] is None
        assert only(local, outer.run_id)["status"] == "running"
        assert list(local.runs({"status": "running"}).index) == [outer.run_id]
    assert list(local.runs().status) == ["finished", "finished"]
    assert list(local.runs.metrics(inner.run_id).loss) == [0.5]


# --- who dies is found out ---

SLEEPER = """
    import sys
    import elliptio as eio
    from elliptio.runs import recording
    recording.LOG_SECONDS = 0.05
    root, index = sys.argv[1:]
    h = eio.Handler(root, index=index or None, progress=False)
    with h.run("outer") as outer, h.run("inner") as inner:
        inner.log(loss=0.5)
        while not len(h.runs.metrics(inner.run_id)):
            pass
        print(outer.run_id, inner.run_id, flush=True)
        sys.stdin.read()
"""


def killed(h: eio.Handler, index: str) -> list[str]:
    """Identifiers of two runs, one in the other, whose process was killed."""
    with start(SLEEPER, h.store.root, index) as child:
        assert child.stdout is not None
        found = child.stdout.readline().split()
        assert list(h.runs().status) == ["running", "running"]
        child.send_signal(signal.SIGKILL)
        child.wait()
    return found


PRINTER = """
    import os
    import sys
    import elliptio as eio
    h = eio.Handler(sys.argv[1], progress=False)
    with h.run("train", log_output=True) as run:
        print("epoch 1")
        print("the key is ghp_" + "a1B2" * 9)
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("look", [lambda h: h.runs(), lambda h: h.runs.logs(h.runs.search().ids[0])])
def test_what_was_printed_until_then_is_kept(local: eio.Handler, look: Callable[[eio.Handler], object]) -> None:
    with start(PRINTER, local.store.root) as child:
        child.wait()
    look(local)
    (run_id,) = local.runs({"status": "killed"}).index
    assert local.runs.logs(run_id)["output.log"] == "epoch 1\nthe key is ***\n"
    stored = [path for path in Path(local.store.root).rglob("*") if path.is_file()]
    assert not [path for path in stored if b"a1B2" * 9 in path.read_bytes()]


@pytest.mark.slow
def test_what_was_killed_is_found_out(team: Team) -> None:
    if "collection" in team.arguments:
        pytest.skip("no other process can use it")
    h = team.handler()
    outer, inner = killed(h, team.arguments.get("index", ""))
    frame = team.handler().runs(sort="creation_time")
    assert list(frame.index) == [outer, inner]
    assert list(frame.status) == ["killed", "killed"]
    assert (frame.end_time >= frame.creation_time).all()
    assert h.runs.tree(inner).parent.status == "killed"  # type: ignore[union-attr]
    assert h.runs.tree(inner).document["metrics"] == {"loss": 0.5}
    h.index.delete("runs", [outer, inner])
    assert h.reindex().runs == 2
    assert [document["status"] for document in h.index.find("runs", {})] == ["killed", "killed"]


@pytest.mark.slow
def test_a_killed_run_is_found_without_its_lock(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "is_locked", lambda path: None)
    killed(local, "")
    assert list(local.runs().status) == ["killed", "killed"]


def elsewhere(h: eio.Handler, run_id: str, **changed: Any) -> None:
    """Let a run look as if another machine had it."""
    document = only(h, run_id)
    h.index.replace("runs", {**document, "process": {**document["process"], "machine": "another"}, **changed})


def test_on_another_machine_silence_is_death(h: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "is_locked", lambda path: False)
    now = runs.now()
    with h.run("x") as run:
        elsewhere(h, run.run_id, heartbeat=now - timedelta(minutes=4))
        assert list(h.runs().status) == ["running"]
        silent = now - timedelta(minutes=6)
        elsewhere(h, run.run_id, heartbeat=silent)
        assert list(h.runs().status) == ["killed"]
    # It only had lost touch: what it says itself holds.
    assert list(h.runs().status) == ["finished"]
    h.index.delete("runs", [run.run_id])
    h.reindex()
    assert list(h.runs().status) == ["finished"]


def test_who_holds_the_lock_lives_wherever_it_is(local: eio.Handler) -> None:
    with local.run("x") as run:
        elsewhere(local, run.run_id, heartbeat=datetime(2000, 1, 1, tzinfo=UTC))
        assert list(eio.Handler(local.store.root).runs().status) == ["running"]


def test_a_number_that_another_process_has_now_is_no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    process = liveness.this_process()
    heard = datetime.now(tz=UTC)
    assert liveness.is_alive(process, lock=None, heard=None)
    assert not liveness.is_alive({**process, "began": "1"}, lock=None, heard=heard)
    assert not liveness.is_alive({**process, "pid": 2**22 + 1}, lock=None, heard=heard)
    assert liveness.is_alive({**process, "began": "1", "namespace": "another"}, lock=None, heard=heard)
    assert liveness.is_alive({}, lock=None, heard=heard)


def test_an_orphan_of_a_killed_process_does_not_keep_its_run_alive(local: eio.Handler) -> None:
    reading, writing = os.pipe()
    owner = os.fork()
    if not owner:
        with local.run("x"):
            orphan = os.fork()
            if not orphan:
                os.close(writing)
                os.read(reading, 1)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(owner, 0)[1] == signal.SIGKILL
    assert list(local.runs().status) == ["killed"]
    os.close(writing)
    os.close(reading)


def test_a_malformed_variable_does_not_count(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "x", "run_../../x"):
        monkeypatch.setenv(RUN_ID, value)
        h = eio.Handler(tmp_path / "lake")
        assert h.upload(data).metadata.run_id == h.run_id
        assert h.run_id.startswith("run_0")
        assert h.current_run is None
    monkeypatch.setenv(RUN_ID, "run_" + "0" * 36)
    h = eio.Handler(tmp_path / "lake")
    assert h.run_id == "run_" + "0" * 36
    with h.run("x") as run:
        pass
    assert only(h, run.run_id)["parent"] == h.run_id
    assert h.runs.tree(run.run_id).parent is None
