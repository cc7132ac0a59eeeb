"""``elliptio config``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_defaults(anywhere: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELLIPTIO_CONFIG_FILE")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    result = anywhere("config")
    assert (result.code, result.err) == (0, "")
    lines = {line.split()[0]: line for line in result.out.splitlines() if line}
    lake = tmp_path / "user-dir" / "lake"
    assert lines["root"].split() == ["root", str(lake), "default"]
    assert lines["index"].split() == ["index", f"sqlite:///{lake}/.elliptio/index.sqlite", "default"]
    assert lines["user_dir"].endswith("ELLIPTIO_USER_DIR")
    assert "elliptio.toml (not there)" in result.out
    assert not lake.exists()


def test_columns_are_aligned(anywhere: Run) -> None:
    table = anywhere("config").out.partition("\n\n")[0].splitlines()
    origin = table[0].index("ORIGIN")
    assert all(line[origin - 2 : origin] == "  " and line[origin] != " " for line in table)


def test_origins(anywhere: Run, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (here / "elliptio.toml").write_text("durability = 'fast'\nroot = 'ignored'\n")
    user_file = tmp_path / "user.toml"
    user_file.write_text("s3_addressing = 'path'\ndurability = 'full'\n")
    monkeypatch.setenv("ELLIPTIO_CONFIG_FILE", str(user_file))
    monkeypatch.setenv("ELLIPTIO_ROOT", "s3://bucket/prefix")
    document = anywhere("config", "--json", "--no-progress", "--index", "mongodb://bob:secret@host/db").json
    settings = document["settings"]
    assert {name: (settings[name]["value"], settings[name]["origin"]) for name in settings} == {
        "root": ("s3://bucket/prefix", "ELLIPTIO_ROOT"),
        "index": ("mongodb://bob:***@host/db", "argument"),
        "local_root": (None, "default"),
        "s3_bucket_name": (None, "default"),
        "s3_addressing": ("path", str(user_file)),
        "s3_object_lock": (None, "default"),
        "git_diff": ("all", "default"),
        "durability": ("fast", str(here / "elliptio.toml")),
        "progress": (False, "argument"),
        "user_dir": (str(tmp_path / "user-dir"), "ELLIPTIO_USER_DIR"),
        "cache_dir": (str(tmp_path / "cache"), "ELLIPTIO_CACHE_DIR"),
        "cache_size": ("10GB", "default"),
    }
    assert settings["root"]["variable"] == "ELLIPTIO_ROOT"
    assert document["files"] == {
        "project": str(here / "elliptio.toml"),
        "user": str(user_file),
        "user_exists": True,
    }


def test_what_can_be_shown_is_shown(anywhere: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_DURABILITY", "half")
    monkeypatch.setenv("ELLIPTIO_ROOT", "/lake")
    (here / "elliptio.toml").write_text("rooot = 'x'\n")
    result = anywhere("config")
    assert result.code == 1
    assert "/lake" in result.out
    assert "durability" in result.out
    assert [line.split(":")[1] for line in result.err.splitlines()] == [" error", " error"]
    assert "rooot" in result.err
    assert "'half'" in result.err
    result = anywhere("config", "--json")
    assert (result.code, result.json["settings"]["root"]["value"]) == (1, "/lake")


def test_passwords_are_masked(anywhere: Run) -> None:
    result = anywhere("config", "--index", "mongodb://bob:secret@host/db")
    assert "secret" not in result.out.replace("serialization_secret", "")
    assert "mongodb://bob:***@host/db" in result.out
