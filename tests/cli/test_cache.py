"""``elliptio cache``."""

from __future__ import annotations

from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


def test_it_shows_what_there_is_and_empties_it(anywhere: Run, s3_root: str, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    empty = {"folder": str(folder), "files": 0, "size": 0, "cap": 10**10}
    assert anywhere("cache", "--json").json == empty
    assert not folder.exists()
    saved = anywhere("upload", data, "--root", s3_root, "--json").artifact_id
    assert anywhere("get", saved, "--to", "x", "--root", s3_root).code == 0
    size = sum(path.stat().st_size for path in data.iterdir())
    assert anywhere("cache", "--json").json == empty | {"files": 2, "size": size}
    result = anywhere("cache")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [f"folder  {folder}", "files   2", f"size    {size} B of at most 10 GB"]
    assert anywhere("cache", "--clear", "--json").json == empty | {"removed": 2, "freed": size}
    assert [path for path in folder.rglob("*") if path.is_file() and path.name != "sum"] == []
    assert anywhere("cache", "--clear").out.startswith("0 files removed (0 B)\n")


def test_clearing_leaves_what_is_not_its_own(anywhere: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine.txt", "sha256/mine.txt", "sha256/ab/mine.txt", "docs/" + "a" * 64):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    assert anywhere("cache", "--clear", "--json").json["removed"] == 0
    assert sum(path.is_file() for path in (tmp_path / "cache").rglob("*")) == 4


def test_switched_off(anywhere: Run, s3_root: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_CACHE_SIZE", "0")
    artifact = eio.Handler(s3_root).upload(data)
    artifact.download(tmp_path / "to")
    assert artifact.files["train.txt"].download_string() == (data / "train.txt").read_text()
    assert not (tmp_path / "cache").exists()
    assert "0 B of at most 0 B (switched off)" in anywhere("cache").out
