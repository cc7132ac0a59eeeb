"""``elliptio reproduce``."""

from __future__ import annotations

import io
import json
import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.cli import main
from tests.cli.conftest import Result
from tests.lineage.reproduction.conftest import Clone, Desk, git

pytestmark = [pytest.mark.usefixtures("shared"), pytest.mark.slow]  # the environment is made first

SAVE = "import elliptio as eio\nwith eio.Handler().new(['a.txt']) as new:\n    new.file.upload_string({})\n"

Run = Callable[..., Result]


@pytest.fixture
def artifact(desk: Desk, clone: Clone, monkeypatch: pytest.MonkeyPatch) -> str:
    """Made by a program that anybody can run again."""
    return _made(desk, clone("andy"), monkeypatch, SAVE.format("'same'"))


def _made(desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, *words: str) -> str:
    (folder / "save.py").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    monkeypatch.chdir(folder.parent)
    desk.run("python", "save.py", *words, cwd=folder)
    monkeypatch.chdir(folder)
    return eio.Handler(desk.lake).latest().artifact_id


@pytest.fixture
def cli(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> Result:
        capsys.readouterr()
        code = main(["reproduce", *map(str, words), "--root", str(desk.lake)])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Somebody at a terminal, who types."""
    outer, inner = pty.openpty()
    with open(inner, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield lambda text: os.write(outer, text.encode()) and None
    os.close(outer)


def count(desk: Desk) -> int:
    return len(eio.Handler(desk.lake).find())


def test_the_same(cli: Run, desk: Desk, artifact: str, tmp_path: Path) -> None:
    done = cli(artifact[:-1], "--into", tmp_path / "out", "--run")
    assert done.code == 0
    assert done.out.startswith(f"Reproduction of {artifact}\n  folder    {tmp_path / 'out'}\n")
    assert "  obstacles none\n" in done.out
    assert f"{artifact}: identical\n" in done.out
    assert count(desk) == 2


def test_without_run_nothing_is_run(cli: Run, desk: Desk, artifact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = cli(artifact)
    assert done.code == 0
    stages = ["Verifying the inputs", "Restoring the code", "Making the environment", "Prepared in reproduction_"]
    said = done.err.replace(f"{Path.cwd()}/", "").splitlines()
    assert [line[: len(stage)] for line, stage in zip(said, stages, strict=True)] == stages
    assert Path(f"reproduction_{artifact}", "code", "save.py").exists()
    assert git(Path(), "status", "--porcelain") == ""
    assert cli(artifact, "--into", "none", "--dry-run").code == 0
    assert not Path("none").exists()
    assert count(desk) == 1


@pytest.mark.parametrize(("answer", "runs"), [("n", False), ("", False), ("y", True), ("yes", True)])
def test_a_yes_at_the_prompt(
    cli: Run, desk: Desk, artifact: str, terminal: Callable[[str], None], tmp_path: Path, answer: str, runs: bool
) -> None:
    terminal(f"{answer}\n")
    done = cli(artifact, "--into", tmp_path / "out")
    assert done.code == 0
    assert "Run it now: python save.py ? [y/N]" in done.err
    assert count(desk) == 1 + runs


def test_obstacles_need_a_yes(
    cli: Run, desk: Desk, clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = clone("andy")
    (folder / "model.bin").write_bytes(bytes(2000))
    (folder / ".gitignore").write_text("")
    git(folder, "add", ".gitignore")
    git(folder, "commit", "-q", "-m", "x")
    (folder / "save.py").write_text(SAVE.format("'same'"))
    monkeypatch.chdir(folder)
    desk.run("python", "save.py", cwd=folder)
    artifact = eio.Handler(desk.lake).latest().artifact_id
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = cli(artifact, "--into", tmp_path / "a", "--run")
    assert done.code == 2
    assert "    ! code: not recorded of the uncommitted changes: model.bin (binary, 2000 bytes).\n" in done.out
    assert "--yes restores and runs it all the same" in done.err
    assert not (tmp_path / "a").exists()
    assert count(desk) == 1
    assert cli(artifact, "--into", tmp_path / "b", "--run", "--yes").code == 0
    assert count(desk) == 2


def test_not_identical(cli: Run, desk: Desk, clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = SAVE.format("str(__import__('time').time_ns())")
    artifact = _made(desk, clone("andy"), monkeypatch, text)
    done = cli(artifact, "--into", tmp_path / "out", "--run", "--json")
    assert done.code == 1
    found = done.json
    assert (found["same"], found["can_run"], found["obstacles"]) == (False, True, [])
    (file,) = found["results"][0]["files"]
    assert file["state"] == "different"
    assert file["difference"].startswith("--- a/a.txt\n+++ b/a.txt\n")
    assert json.dumps(found)


def test_a_command_that_cannot_be_run(
    cli: Run, desk: Desk, clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("--password", "hunter2-hunter2")
    artifact = _made(desk, clone("andy"), monkeypatch, SAVE.format("'same'"), *words)
    done = cli(artifact, "--into", tmp_path / "out", "--run", "--yes")
    assert done.code == 2
    assert "    ✗ command: secrets are masked in its arguments" in done.out
    assert "cannot be run. command: secrets are masked" in done.err
    assert not (tmp_path / "out").exists()
    assert cli(artifact, "--into", tmp_path / "out", "--dry-run").code == 0
    done = cli(artifact, "--into", tmp_path / "out", "--json")
    assert done.code == 2
    assert done.json["can_run"] is False
    assert f"Prepared in {tmp_path / 'out'}, but the command cannot be run\n" in done.err
    assert (tmp_path / "out" / "code" / "save.py").exists()
    assert "hunter2" not in done.out + done.err
    assert count(desk) == 1


def test_wrong_usage(cli: Run, artifact: str, tmp_path: Path) -> None:
    assert cli(artifact, "--dry-run", "--run").code == 2
    assert cli(artifact, "--yes").code == 2
    assert cli("artifact_nobody_has").code == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "is not empty" in cli(artifact, "--into", tmp_path / "full").err
