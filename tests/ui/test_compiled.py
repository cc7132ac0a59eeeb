"""Templates are compiled once, not by each start; where nothing may be written, by each."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import jinja2
import pytest

import elliptio as eio
from elliptio.ui import view as viewing
from elliptio.ui.asked import Asked
from elliptio.ui.pages import artifacts
from elliptio.ui.view import TEMPLATES, View
from tests.ui.conftest import policy


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Templates beside which nothing is yet; what they compile to may be kept."""
    folder = shutil.copytree(TEMPLATES, tmp_path / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(viewing, "TEMPLATES", folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return folder


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which templates were compiled."""
    found: list[str] = []
    real = jinja2.Environment._compile

    def compile_(self: jinja2.Environment, source: str, filename: str) -> object:
        found.append(Path(filename).name)
        return real(self, source, filename)

    monkeypatch.setattr(jinja2.Environment, "_compile", compile_)
    return found


def page(h: eio.Handler) -> bytes:
    body = artifacts.show(View(h, policy()), Asked("/artifacts")).body
    assert isinstance(body, bytes)
    return body


def test_a_second_start_compiles_nothing(local: eio.Handler, templates: Path, compiling: list[str]) -> None:
    first = page(local)
    assert sorted(compiling) == ["artifacts.html", "base.html", "parts.html"]
    compiling.clear()
    assert page(local) == first
    assert compiling == []


def test_where_python_writes_nothing_what_is_there_is_read(
    local: eio.Handler, templates: Path, compiling: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page(local)
    kept = sorted((templates / "__pycache__").iterdir())
    kept.pop().unlink()
    compiling.clear()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    page(local)
    assert len(compiling) == 1
    assert sorted((templates / "__pycache__").iterdir()) == kept


@pytest.mark.parametrize("why", ["a file lies there", "nobody may write", "Python keeps nothing", "it is damaged"])
def test_pages_need_no_place_for_it(
    why: str, local: eio.Handler, templates: Path, compiling: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = templates / "__pycache__"
    if why == "a file lies there":
        kept.write_text("")
    elif why == "nobody may write":
        monkeypatch.setattr(jinja2.FileSystemBytecodeCache, "dump_bytecode", refuse)
    elif why == "Python keeps nothing":
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
    else:
        page(local)
        compiling.clear()
        for each in kept.iterdir():
            each.write_bytes(each.read_bytes()[:100])
    assert b'<h1 id="heading">Artifacts</h1>' in page(local)
    assert len(compiling) == 3
    if why == "Python keeps nothing":
        assert not kept.exists()


def refuse(*arguments: object) -> None:
    raise PermissionError
