"""``elliptio get``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import elliptio as eio
from tests.cli.conftest import Run


def test_get_into_a_folder_of_its_own(cli: Run, saved: str, data: Path, here: Path) -> None:
    result = cli("get", saved[:-2])
    assert (result.code, result.err) == (0, "")
    assert [path.name for path in here.iterdir()] == [saved]
    for line in result.out.splitlines():
        assert Path(line).read_bytes() == (data / Path(line).name).read_bytes()


def test_get_as_json(cli: Run, saved: str, data: Path, tmp_path: Path) -> None:
    entries = cli("get", saved, "--to", tmp_path / "x" / "y", "--json").json
    assert {entry["relpath"] for entry in entries} == {"train.txt", "test.txt"}
    for entry in entries:
        content = Path(entry["path"]).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_sub_folders_and_chosen_files(cli: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("a/b/c.txt", "a/d.txt", "e.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    saved = cli("upload", source, "--json").artifact_id
    assert len(cli("get", saved, "--to", "all", "--json").json) == 3
    assert Path("all/a/b/c.txt").read_text() == "a/b/c.txt"
    cli("get", saved, "--to", "some", "--file", "a/d.txt", "--file", "e.txt", "--file", "e.txt")
    assert sorted(str(path) for path in Path("some").rglob("*.txt")) == ["some/a/d.txt", "some/e.txt"]


def test_empty_folders_and_programs(cli: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "assets" / "deep").mkdir(parents=True)
    (source / "run.sh").write_text("#!/bin/sh")
    (source / "run.sh").chmod(0o755)
    saved = cli("upload", source, "--json").artifact_id
    cli("get", saved, "--to", "all")
    assert Path("all/assets/deep").is_dir()
    assert Path("all/run.sh").stat().st_mode & 0o100
    cli("get", saved, "--to", "some", "--file", "run.sh")
    assert [path.name for path in Path("some").iterdir()] == ["run.sh"]
    (tmp_path / "out").mkdir()
    Path("led").mkdir()
    Path("led/assets").symlink_to(tmp_path / "out")
    assert "would lie outside" in cli("get", saved, "--to", "led").error
    Path("full").mkdir()
    Path("full/assets").mkdir()
    Path("full/assets/deep").write_text("x")
    assert "where a folder should go" in cli("get", saved, "--to", "full").error
    assert not list((tmp_path / "out").iterdir())


def test_a_file_that_it_does_not_have(cli: Run, saved: str, here: Path) -> None:
    result = cli("get", saved, "--file", "nope.txt")
    assert result.code == 1
    assert "nope.txt" in result.error
    assert list(here.iterdir()) == []


def test_getting_again_changes_nothing(cli: Run, saved: str) -> None:
    cli("get", saved, "--to", "x")
    before = Path("x/train.txt").stat()
    assert cli("get", saved, "--to", "x").code == 0
    assert Path("x/train.txt").stat().st_ino == before.st_ino


def test_other_content_is_not_replaced(cli: Run, saved: str, data: Path) -> None:
    Path("x").mkdir()
    Path("x/test.txt").write_text("mine")
    result = cli("get", saved, "--to", "x")
    assert result.code == 1
    assert "--force" in result.error
    assert [path.name for path in Path("x").iterdir()] == ["test.txt"]
    assert Path("x/test.txt").read_text() == "mine"
    assert cli("get", saved, "--to", "x", "--force").code == 0
    assert Path("x/test.txt").read_bytes() == (data / "test.txt").read_bytes()


def test_a_folder_is_never_replaced(cli: Run, saved: str) -> None:
    Path("x/test.txt").mkdir(parents=True)
    assert cli("get", saved, "--to", "x", "--force").code == 1
    assert list(Path("x/test.txt").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/tmp/evil-elliptio.txt", ""])
def test_a_document_cannot_lead_out_of_the_folder(cli: Run, saved: str, root: Path, here: Path, name: str) -> None:
    h = eio.Handler(root)
    (document,) = h.index.find("artifacts", {"_id": saved})
    evil = "artifact_evil"
    files = [{**document["files"][0], "relpath": name}]
    h.index.insert("artifacts", {**document, "_id": evil, "artifact_id": evil, "files": files, "file_count": 1})
    result = cli("get", evil, "--to", "inner/x", "--force")
    assert (result.code, result.out) == (1, "")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil-elliptio", "a/b", "..", "a\\b"])
def test_an_identifier_cannot_lead_out_of_here(cli: Run, saved: str, root: Path, here: Path, name: str) -> None:
    h = eio.Handler(root)
    (document,) = h.index.find("artifacts", {"_id": saved})
    h.index.insert("artifacts", {**document, "_id": name, "artifact_id": name})
    result = cli("get", name)
    assert (result.code, result.out) == (1, "")
    assert list(here.iterdir()) == []
    assert not (here.parent / "evil").exists()


def test_a_link_cannot_lead_out_of_the_folder(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "source" / "sub").mkdir(parents=True)
    (tmp_path / "source" / "sub" / "a.txt").write_text("x")
    saved = cli("upload", tmp_path / "source", "--json").json
    (name,) = saved["file_relpaths"]
    inner = Path("x", name).parent
    assert inner == Path("x/sub")
    Path("x").mkdir()
    inner.symlink_to(tmp_path / "source")
    result = cli("get", saved["artifact_id"], "--to", "x", "--force", "--json")
    assert result.code == 1
    assert json.loads(result.err)["error"]["type"] == "StoreError"
    assert not (tmp_path / "source" / "a.txt").exists()


def test_the_folder_itself_may_be_a_link(cli: Run, saved: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Path("x").symlink_to(tmp_path / "elsewhere")
    assert cli("get", saved, "--to", "x").code == 0
    assert (tmp_path / "elsewhere" / "train.txt").is_file()


def test_damage_is_noticed(cli: Run, saved: str, root: Path) -> None:
    stored = Path(eio.Handler(root).get(saved).files["test.txt"].remote_url)
    stored.chmod(0o644)
    stored.write_bytes(b"x" * stored.stat().st_size)
    result = cli("get", saved, "--to", "x", "--json")
    assert (result.code, result.out) == (1, "")
    assert json.loads(result.err)["error"]["type"] == "IntegrityError"
    assert not Path("x/test.txt").exists()


def test_s3(anywhere: Run, s3_root: str, data: Path) -> None:
    saved = anywhere("upload", data, "--root", s3_root, "--json").artifact_id
    assert anywhere("get", saved, "--to", "x", "--root", s3_root).code == 0
    assert Path("x/train.txt").read_bytes() == (data / "train.txt").read_bytes()
