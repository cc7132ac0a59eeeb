"""``elliptio show``."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.cli import output
from tests.cli.conftest import Run


def test_show_is_the_artifact(cli: Run, saved: str, root: Path) -> None:
    assert cli("show", saved).out == f"{eio.Handler(root).get(saved)}\n"
    assert cli("show", saved[:-2]).out == cli("show", saved).out


def test_show_as_json_is_everything(cli: Run, saved: str) -> None:
    document = cli("show", saved, "--json").json
    assert document["artifact_id"] == saved
    assert document["labels"]["project"] == "story"
    assert document["python_packages"]["pymongo"] == version("pymongo")
    assert document["environment"]["python"]
    assert "python_packages" not in document["environment"]


def test_packages(cli: Run, saved: str) -> None:
    lines = cli("show", saved, "--packages").out.splitlines()
    assert f"pymongo=={version('pymongo')}" in lines
    found = [line.split("==")[0] for line in lines]
    assert found == sorted(found)


def test_packages_are_pins_whatever_the_document_says(cli: Run, saved: str, root: Path) -> None:
    hostile = {"numpy": "2.0\n--extra-index-url http://evil.example", "x\x1b]0;a\x07": "1", "-r": "x", "a": "1"}
    found = next(root.rglob(f"*{saved}/metadata.json"))
    text = json.loads(found.read_text())
    text["environment"]["python_packages"] = hostile
    text["environment"]["_id"] = text["environment_id"] = "environment_" + "e" * 64
    found.chmod(0o644)
    found.write_text(json.dumps(text))
    for path in root.glob(".elliptio/index.sqlite*"):
        path.unlink()
    assert cli("reindex").code == 0
    result = cli("show", saved, "--packages")
    assert result.out == "a==1\n"
    assert result.err.count("\n") == 3
    assert "is no name and version of a package" in result.err
    assert "\x1b" not in result.err


STEERING = "a\x9b31mb\u202ec\x85d\u2066e"
PLAIN = "a�31mb�c�d�e"


def test_nothing_steers_the_terminal(cli: Run, root: Path, here: Path) -> None:
    (here / STEERING).write_text("x")
    h = eio.Handler(root)
    with h.run("train", {STEERING: STEERING}) as run:
        a = h.upload([STEERING], labels={"infos": {"x": STEERING}})
    for words in (
        ["show", a.artifact_id], ["show", a.artifact_id, "--json"], ["find"], ["find", "--json"], ["verify"], ["tags"],
        ["get", a.artifact_id, "--to", "out"], ["get", a.artifact_id, "--to", "out", "--json"], ["runs"],
        ["runs", "--json"], ["runs", "--tree", run.run_id], ["lineage", a.artifact_id], ["identify", STEERING],
        ["get", a.artifact_id, "--file", STEERING + "x"], ["get", STEERING], ["compare", a.artifact_id, STEERING],
        ["show", "--" + STEERING], ["get", STEERING, "--json"], [STEERING, "--json"],
    ):  # fmt: skip
        result = cli(*words)
        assert not set("\x1b\x9b\x85\u202e\u2066").intersection(result.out + result.err), words
    shown = cli("get", a.artifact_id, "--to", "out").out
    assert shown == f"out/{PLAIN}\n"
    # JSON says exactly what it is.
    assert cli("get", a.artifact_id, "--to", "out", "--json").json[0]["relpath"] == STEERING


def test_what_a_program_reads_is_as_it_was(cli: Run, root: Path) -> None:
    h = eio.Handler(root)
    with h.new(["x"], log_output=True) as new:
        print("\x1b[1mprinted\x9b")
        new.file.upload_string("x")
    assert cli("show", new.artifact_id, "--log", "output.log").out == "\x1b[1mprinted\x9b\n"


def test_a_terminal_is_not_steered_by_logs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = output.Shown(sys.stdout)
    monkeypatch.setattr(shown, "isatty", lambda: True)
    with contextlib.redirect_stdout(shown):
        output.print_content("\x1b[1mprinted\x9b\n")
    assert capsys.readouterr().out == "�[1mprinted�\n"


def test_a_log(cli: Run, root: Path) -> None:
    h = eio.Handler(root)
    with h.new(["x"], log_output=True) as new:
        print("printed")
        new.file.upload_string("x")
    assert cli("show", new.artifact_id, "--log", "output.log").out == "printed\n"
    result = cli("show", new.artifact_id, "--log", "x.log")
    assert result.code != 0
    assert "it has 'output.log'" in result.err


def test_no_diff(cli: Run, saved: str) -> None:
    result = cli("show", saved, "--diff")
    assert (result.code, result.out) == (0, "")
    assert "No uncommitted changes" in result.err
    assert cli("show", saved, "--diff", "--json").json["git_diff"] is None


@pytest.fixture
def repository(here: Path) -> Path:
    """The working directory, as a repository with a change that was not committed."""
    file = here / "code.py"
    file.write_text("print(1)\n")
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=here, check=True)
    file.write_text("print(2)\n")
    return here


def test_diff(cli: Run, repository: Path, data: Path) -> None:
    found = cli("upload", data, "--json").artifact_id
    diff = cli("show", found, "--diff").out
    assert "-print(1)" in diff
    assert "+print(2)" in diff
    assert cli("show", found, "--diff", "--json").json["git_diff"] == diff
    (repository / "code.py").write_text("print(1)\n")
    subprocess.run(["git", "apply"], input=diff, cwd=repository, check=True, text=True)
    assert (repository / "code.py").read_text() == "print(2)\n"


def test_an_id_that_fits_several(cli: Run, saved: str, data: Path) -> None:
    cli("upload", data)
    result = cli("show", "artifact_")
    assert result.code == 1
    assert "More than one" in result.error


def test_what_was_deleted(cli: Run, saved: str, data: Path) -> None:
    child = cli("upload", data, "--based-on", saved, "--json").artifact_id
    cli("delete", saved, "--force")
    result = cli("show", saved)
    assert result.code == 1
    assert f"{saved} was deleted by " in result.error
    assert f"based on  {saved} (deleted by " in cli("show", child).out
