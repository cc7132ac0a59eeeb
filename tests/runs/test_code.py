"""A run that made nothing can be debugged: its code, environment, output and traceback are recorded."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.lake import run_output
from elliptio.system import liveness
from tests.conftest import Team

TOKEN = "ghp_" + "a1B2" * 9
AUTHOR = ["-c", "user.name=a", "-c", "user.email=a@b.c"]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A repository that the tests stand in, with a change that is not committed."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("train.py").write_text("x = 1\n")
    for command in (["init", "-q"], ["add", "."], [*AUTHOR, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True)
    Path("train.py").write_text("x = 2\n")
    return folder


def record(h: eio.Handler, run_id: str) -> dict[str, object]:
    (row,) = h.runs.search({"run_id": run_id}, columns="all").rows()
    return row


def test_the_code_is_recorded_when_it_begins(team: Team, code: Path) -> None:
    h = team.handler()
    with h.run("train", {"rate": 0.1}) as run:
        Path("train.py").write_text("x = 3\n")
        begun = record(h, run.run_id)
    found = record(h, run.run_id)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert found["git"] == begun["git"]
    assert found["git"]["commit"] == commit
    assert found["git"]["dirty"] is True
    assert (found["working_directory"], found["repository_root"]) == (".", str(code))
    assert "+x = 2\n" in h.runs.logs(run.run_id)["git.diff"]
    made = h.upload("train.py")
    assert found["environment_id"] == made.metadata.environment_id
    assert h.compare(run, made.artifact_id).packages.empty


def test_a_lost_index_has_them_again(local: eio.Handler, code: Path) -> None:
    with local.run("train", log_output=True) as run:
        run.note("wrong units")
        run.params["rate"] = 0.1
    before = record(local, run.run_id)
    local.close()
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    h = eio.Handler(local.store.root)
    h.reindex()
    assert {**record(h, run.run_id), "heartbeat": None} == {**before, "heartbeat": None}
    assert not h.compare(run.run_id, run.run_id).packages.size
    assert h.verify().ok


def test_a_failed_run_keeps_its_traceback(team: Team) -> None:
    h = team.handler()

    def burst() -> None:
        raise ValueError(f"no access with {TOKEN}")

    with pytest.raises(ValueError, match="no access"), h.run("train", log_output=True) as run:
        print("epoch 1", TOKEN)
        burst()
    error = record(h, run.run_id)["error"]
    assert error["type"] == "ValueError"
    assert "in burst" in error["traceback"]
    assert 'raise ValueError(f"no access with {TOKEN}")' in error["traceback"]
    printed = h.runs.logs(run.run_id)["output.log"]
    assert printed.startswith("epoch 1 ")
    assert TOKEN not in printed + json.dumps(error)


def test_a_long_traceback_keeps_its_end(local: eio.Handler) -> None:
    def deep(number: int) -> None:
        if number == 0:
            raise RuntimeError("x" * 100_000)
        deep(number - 1)

    with pytest.raises(RuntimeError), local.run("train") as run:
        deep(50)
    error = record(local, run.run_id)["error"]
    assert len(error["traceback"]) < 25_000
    assert error["traceback"].startswith("…")


def test_an_error_that_cannot_be_shown(local: eio.Handler) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise OSError("no text")

    with pytest.raises(Silent), local.run("train") as run:
        raise Silent
    assert "test_an_error_that_cannot_be_shown" in record(local, run.run_id)["error"]["traceback"]


def test_output_is_kept_only_when_asked_for(local: eio.Handler) -> None:
    with local.run("train") as run:
        print("epoch 1")
    assert local.runs.logs(run.run_id) == {}


def test_very_much_output_keeps_its_end(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_output, "MOST_OF_LOG", 100)
    with local.run("train", log_output=True) as run:
        print("a" * 1000 + "the end")
    printed = local.runs.logs(run.run_id)["output.log"]
    assert printed.startswith("[elliptio: what was before this was not kept]\n")
    assert printed.endswith("the end\n")


def test_what_one_that_goes_on_has_printed_can_be_read_by_its_user_alone(local: eio.Handler) -> None:
    with local.run("train", log_output=True) as run:
        print(f"one\rtwo\nkey {TOKEN}")
        part = Path(local.store.root, ".elliptio", "runs", run.run_id, "output.part")
        assert part.stat().st_mode & 0o777 == 0o600
        assert local.runs.logs(run.run_id) == {"output.log": "two\nkey ***\n"}
        assert local.verify().ok
    assert not part.exists()
    assert local.runs.logs(run.run_id) == {"output.log": "two\nkey ***\n"}


def test_one_that_was_taken_for_dead_says_itself_what_it_printed(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local.run("train", log_output=True) as run:
        print("one", TOKEN)
        with monkeypatch.context() as patch:
            patch.setattr(liveness, "is_alive", lambda *_, **__: False)
            assert list(local.runs().status) == ["killed"]
        assert local.runs.logs(run.run_id) == {"output.log": "one ***\n"}
        assert not list(Path(local.store.root).rglob("output.part"))
        print("two")
    assert local.runs.logs(run.run_id) == {"output.log": "one ***\ntwo\n"}


def test_what_the_finder_may_not_read_is_masked_by_whoever_may(
    local: eio.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local.run("train", log_output=True) as run:
        print("one", TOKEN)
        with monkeypatch.context() as patch:
            patch.setattr(liveness, "is_alive", lambda *_, **__: False)
            patch.setattr(run_output, "_printed", lambda *_: None)
            assert list(local.runs().status) == ["killed"]
        assert list(Path(local.store.root).rglob("output.part"))
        assert local.runs.logs(run.run_id) == {"output.log": "one ***\n"}
        assert not list(Path(local.store.root).rglob("output.part"))


def test_output_that_cannot_be_kept_meanwhile_is_kept_at_the_end(local: eio.Handler) -> None:
    with local.run("train", log_output=True) as run:
        folder = Path(local.store.root, ".elliptio", "runs", run.run_id)
        (folder / "output.part").unlink()
        (folder / "output.part").mkdir()  # nobody can read that
        print("one")
        assert local.runs.logs(run.run_id) == {}
    assert local.runs.logs(run.run_id) == {"output.log": "one\n"}


def test_a_child_of_a_fork_that_leaves_the_block_leaves_the_output_to_the_run(local: eio.Handler) -> None:
    child = -1
    with contextlib.suppress(ZeroDivisionError), local.run("train", log_output=True) as run:
        print("before")
        child = os.fork()
        if not child:
            raise ZeroDivisionError
        assert os.waitpid(child, 0)[1] == 0
        print("after")
    if not child:
        os._exit(0)
    assert local.runs.logs(run.run_id)["output.log"] == "before\nafter\n"


# --- what is added while it runs ---


def test_params_can_be_added(team: Team) -> None:
    h = team.handler()
    with h.run("train", {"rate": 0.1}) as run:
        run.params["layers"] = 3
        run.params.update(rate=0.2, token=TOKEN)
        assert dict(run.params) == {"rate": 0.2, "layers": 3, "token": "***"}
    assert record(h, run.run_id)["params"] == {"rate": 0.2, "layers": 3, "token": "***"}
    assert list(h.runs({"params.layers": 3}).index) == [run.run_id]


def test_params_are_checked_and_stay(local: eio.Handler) -> None:
    with local.run("train", {"rate": 0.1}) as run:
        with pytest.raises(eio.MetadataError, match="params"):
            run.params["a.b"] = 1
        with pytest.raises(eio.MetadataError, match="cannot be taken away"):
            del run.params["rate"]
    assert record(local, run.run_id)["params"] == {"rate": 0.1}


def test_notes(team: Team) -> None:
    h = team.handler()
    with eio.mock_username("andy"), h.run("train") as run:
        run.note(f"wrong units, {TOKEN}")
        run.note("second")
    first, second = record(h, run.run_id)["notes"]
    assert (first["username"], first["text"], second["text"]) == ("andy", "wrong units, ***", "second")
    assert first["time"] <= second["time"]
    assert list(h.runs({"notes.text": "second"}).index) == [run.run_id]


@pytest.mark.parametrize("text", ["", "  ", None, 3, "x" * 10_001])
def test_no_note(local: eio.Handler, text: object) -> None:
    with local.run("train") as run, pytest.raises(eio.MetadataError, match="A note is a text"):
        run.note(text)  # type: ignore[arg-type]


def test_artifacts_of_a_run(local: eio.Handler, data: Path) -> None:
    with local.run("train") as run:
        assert run.artifacts == []
        made = [run.upload(data / "train.txt"), run.upload(data / "test.txt")]
        with local.run("inner"):
            local.upload(data)
        assert run.artifacts == made
        assert run.based_on == []


# --- compared and made again ---


def test_runs_are_compared(local: eio.Handler) -> None:
    runs = []
    for rate in (0.1, 0.2):
        with local.run("train", {"rate": rate, "layers": 3}) as run:
            run.log(loss=rate * 2)
        runs.append(run)
    comparison = local.compare(*runs)
    assert comparison.same is False
    assert comparison.params.to_dict("index") == {"rate": {"a": 0.1, "b": 0.2, "change": "changed"}}
    assert comparison.metrics.index.tolist() == ["loss"]
    assert comparison.packages.empty
    assert (comparison.a, comparison.b) == tuple(run.run_id for run in runs)
    assert local.compare(runs[0].run_id[:-2], runs[0]).same
    assert "rate" in str(comparison)
    assert local.compare(runs[0]).packages.empty
    with pytest.raises(eio.DocumentNotFoundError, match="There is no run"):
        local.compare("run_0000", runs[0])


@pytest.mark.usefixtures("no_registry")
def test_a_reproduction_says_with_which_run_it_was_made(local: eio.Handler, data: Path) -> None:
    with local.run("train", {"rate": 0.1}) as run:
        artifact = local.upload(data)
    assert f"{run.run_id}  train  rate=0.1" in str(local.reproduce(artifact, dry_run=True))
