"""Runs the command in this process, in a folder and on a lake of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elliptio.cli import main

WIDE = "200"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, which must be one JSON document and nothing else."""
        return json.loads(self.out, parse_constant=pytest.fail)

    @property
    def error(self) -> str:
        """The error, which must be one line."""
        assert self.err.startswith("elliptio: error: ")
        assert self.err.count("\n") == 1
        return self.err

    @property
    def artifact_id(self) -> str:
        return str(self.json["artifact_id"])


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", WIDE)
    return folder


@pytest.fixture
def anywhere(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, without a lake."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def cli(anywhere: Run, root: Path) -> Run:
    """The command on a lake in a folder that is not there yet."""

    def run(*arguments: object) -> Result:
        return anywhere(*arguments, "--root", root)

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def saved(cli: Run, data: Path) -> str:
    """The artifact_id of the two files of the user story."""
    return cli("upload", data, "--project", "story", "--json").artifact_id
