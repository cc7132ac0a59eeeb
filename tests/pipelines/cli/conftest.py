"""A small project, as `elliptio new` lays it out, and the command on it, in this process."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elliptio.cli import main
from elliptio.pipelines.project.layout import lay_out


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The error, which must be one line."""
        assert self.err.startswith("elliptio: error: "), self.err
        assert self.err.count("\n") == 1
        return self.err.removeprefix("elliptio: error: ")


Run = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a new project, where the command is; its lake lies beside it."""
    root = tmp_path / "shop"
    lay_out(root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("COLUMNS", "80")
    return root


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command; modules of projects are imported again each time, as by a new process."""

    def run(*arguments: object) -> Result:
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
                del sys.modules[name]
        importlib.invalidate_caches()
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return run


def edit(path: Path, old: str, new: str) -> None:
    """Change a text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
