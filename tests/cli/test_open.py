"""``elliptio open``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_folder_is_printed(cli: Run, saved: str, data: Path) -> None:
    folder = Path(cli("open", saved, "--print").out.strip())
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in data.iterdir())
    assert cli("open", saved, "--print", "--json").json == {"folder": str(folder)}


def test_the_page_has_card_and_lineage(cli: Run, saved: str) -> None:
    page = Path(cli("open", saved, "--page", "--print").out.strip())
    try:
        text = page.read_text(encoding="utf-8")
    finally:
        page.unlink()
    assert text.count(saved) > 1
    assert "<svg" in text


def test_the_folder_is_opened_by_the_system(
    cli: Run, saved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("sys.platform", "linux")
    folder = cli("open", saved).out.strip()
    while not opened.exists():
        time.sleep(0.01)
    assert opened.read_text() == folder


def test_where_nothing_can_open_it_that_is_said(cli: Run, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = cli("open", saved)
    assert (result.code, result.err) == (0, "elliptio: note: Nothing here can open it.\n")
    assert Path(result.out.strip()).is_dir()
