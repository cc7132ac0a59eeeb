"""Secrets planted wherever a save looks end up nowhere in the lake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import elliptio as eio
from tests.provenance.secrets.secret_cases import INNOCENT, SECRETS

SCRIPT = """
import pathlib, sys
import elliptio as eio
h = eio.Handler(sys.argv[1], progress=False)
with h.new(["model.txt"], log_output=True) as new:
    print(pathlib.Path("printed.txt").read_text())
    new.file.upload_string("weights")
h.upload("model.py")
"""


def git(*arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments], check=True, capture_output=True
    )


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with every kind of secret in a changed file, a new file, what is printed, argv and the remote."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "model.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("printed.txt\n")
    git("init")
    git("add", ".")
    git("commit", "--message=first")
    git("remote", "add", "origin", f"https://andy:{SECRETS[5][2]}@example.org/project.git")
    text = "\n".join(around.format(secret) for _, around, secret in SECRETS) + "\n"
    (folder / "model.py").write_text("a = 1\n" + text)
    (folder / "new.py").write_text(text)
    (folder / "printed.txt").write_text(text)
    return folder


def everything_in(lake: Path) -> bytes:
    """All bytes of a lake but those of the files that users saved."""
    return b"".join(
        path.read_bytes() for path in sorted(lake.rglob("*")) if path.is_file() and path.parent.name != "files"
    )


@pytest.mark.slow
def test_no_secret_is_in_the_lake(planted: Path, tmp_path: Path) -> None:
    options = ["--password", "pa55-of-argv", "--token=t0ken-of-argv", "mongodb://andy:pw-0f-argv@host/db"]
    environment = {**os.environ, "MY_PASSWORD": "pw-0f-the-environment"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "lake"), *options], check=True, env=environment)
    stored = everything_in(tmp_path / "lake")
    assert b"git.diff" in stored
    assert b"mongodb://andy:***@host/db" in stored or b"***" in stored
    secrets = {secret for _, _, secret in SECRETS} | {"pa55-of-argv", "t0ken-of-argv", "pw-0f-argv"}
    assert len(secrets) > 40
    # A secret of several lines is looked for line by line.
    lines = {line for secret in secrets for line in secret.splitlines() if len(line) > 7 and "PRIVATE KEY" not in line}
    found = {line for line in lines if line.encode() in stored}
    assert not found
    assert b"pw-0f-the-environment" not in stored


@pytest.mark.slow
def test_what_was_masked_is_reported_without_its_value(planted: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "lake"), "--password", "pa55-of-argv"]
    subprocess.run(command, check=True, capture_output=True)
    h = eio.Handler(tmp_path / "lake")
    redactions = h.get(h.find().index[0]).metadata.redactions
    assert {entry["where"].split(",")[0] for entry in redactions} == {"argv", "git.diff"}
    assert all(set(entry) == {"kind", "where"} for entry in redactions)
    assert len(redactions) > 40


def test_innocent_text_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "work")
    h = eio.Handler(tmp_path / "lake")
    with h.new(["x"], log_output=True) as new:
        for text in INNOCENT:
            print(text)
        new.file.upload_string("x")
    log = new.logs["output.log"].download_string()
    for text in INNOCENT:
        assert text in log
