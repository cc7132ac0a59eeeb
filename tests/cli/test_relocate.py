"""``elliptio relocate``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


@pytest.fixture
def moved(root: Path, saved: str) -> Path:
    """Where the lake lies now."""
    return root.rename(root.with_name("moved"))


def test_a_moved_folder(anywhere: Run, root: Path, moved: Path) -> None:
    result = anywhere("relocate", root, moved)
    assert (result.code, result.err) == (0, "")
    lake_id = eio.Handler(moved).lake.lake_id
    assert result.out == (
        f"{moved} is {lake_id}: 1 artifacts are there; 0 entries were taken over from the old index, "
        "0 were read from the files; 0 problems were found\n"
    )
    assert anywhere("relocate", root, moved, "--json").json == {
        "ok": True,
        "lake_id": lake_id,
        "identity_restored": False,
        "artifacts": 1,
        "carried": 0,
        "recorded": 0,
        "problems": [],
        "settings": [],
    }
    assert not root.exists()


def test_what_is_missing_fails(anywhere: Run, root: Path, moved: Path, saved: str) -> None:
    shutil.rmtree(eio.Handler(moved).get(saved).remote_root)
    result = anywhere("relocate", root, moved)
    assert result.code == 1
    assert result.out.startswith(f"{saved} is missing: there is no {moved}/20")
    assert "1 problems were found" in result.out
    result = anywhere("relocate", root, moved, "--json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert [problem["artifact_id"] for problem in result.json["problems"]] == [saved]


def test_a_restored_identity_is_said(anywhere: Run, root: Path, moved: Path) -> None:
    (moved / ".elliptio" / "lake.json").unlink()
    assert ", whose identity was restored: 1 artifacts are there" in anywhere("relocate", root, moved).out


def named(run: Run, old: Path, new: Path) -> list[tuple[str, str]]:
    result = run("relocate", old, new, "--json")
    assert result.code == 0
    return [(entry["name"], entry["origin"]) for entry in result.json["settings"]]


def test_settings_that_still_name_the_old_place(
    anywhere: Run, root: Path, moved: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named(anywhere, root, moved) == []
    (here / "elliptio.toml").write_text(f"local_root = '{root}/'\n")
    assert named(anywhere, root, moved) == [("local_root", str(here / "elliptio.toml"))]
    monkeypatch.setenv("ELLIPTIO_ROOT", f"../{root.name}")
    assert named(anywhere, root, moved)[0] == ("root", "ELLIPTIO_ROOT")
    result = anywhere("relocate", root, moved)
    assert f"The setting root (ELLIPTIO_ROOT) still names the old place: ../{root.name}" in result.out
    monkeypatch.setenv("ELLIPTIO_ROOT", str(moved))
    assert named(anywhere, root, moved) == [("local_root", str(here / "elliptio.toml"))]
    monkeypatch.delenv("ELLIPTIO_ROOT")
    (here / "elliptio.toml").write_text(f"root = 's3://{root.name}'\ns3_bucket_name = 'elsewhere'\n")
    assert named(anywhere, root, moved) == []


def test_an_index_that_is_said_to_lie_in_the_old_folder(
    anywhere: Run, root: Path, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELLIPTIO_INDEX", f"sqlite:///{root}/.elliptio/index.sqlite")
    assert named(anywhere, root, moved) == [("index", "ELLIPTIO_INDEX")]
    monkeypatch.setenv("ELLIPTIO_INDEX", f"sqlite:///{root}-index.sqlite")
    assert named(anywhere, root, moved) == []


def test_the_default_root_that_was_moved(anywhere: Run, data: Path, tmp_path: Path) -> None:
    anywhere("upload", data)
    old = tmp_path / "user-dir" / "lake"
    old.rename(tmp_path / "moved")
    assert named(anywhere, old, tmp_path / "moved") == [("root", "default")]


def test_two_places_are_named(anywhere: Run, root: Path, moved: Path) -> None:
    assert anywhere("relocate", root).code == 2
    assert anywhere("relocate", root, moved, "--root", moved).code == 2
    assert "name two" in anywhere("relocate", moved, moved).error
    assert "holds no lake" in anywhere("relocate", moved, root).error
