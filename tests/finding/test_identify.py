"""``h.identify``: which artifacts hold exactly this file."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

import elliptio as eio
from elliptio import documents
from elliptio.artifacts import hashing

COLUMNS = [
    "relpath", "creation_time", "username", "labels", "based_on", "argv", "git", "relpaths", "remote_root", "run_id",
    "deleted",
]  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that nobody knows by this name."""
    path = tmp_path / "model (3).pt"
    path.write_bytes(b"weights" * 1000)
    return path


def test_by_content_under_whatever_name(h: eio.Handler, data: Path, model: Path) -> None:
    (data / "best.pt").write_bytes(model.read_bytes())
    with eio.mock_username("andy"):
        first = h.upload(data, labels={"project": "x"})
    with eio.mock_username("brenda"):
        second = h.upload(model, based_on=first)
    h.upload([data / "train.txt", data / "test.txt"])
    found = h.identify(model)
    assert list(found.index) == [second.artifact_id, first.artifact_id]
    assert found.index.name == "artifact_id"
    assert list(found.columns) == COLUMNS
    assert list(found["relpath"]) == [model.name, "best.pt"]
    assert list(found["username"]) == ["brenda", "andy"]
    assert list(found["based_on"]) == [[first.artifact_id], []]
    assert found["labels"].iloc[1] == {"project": "x"}
    assert found["remote_root"].iloc[0] == second.remote_root
    assert list(found["deleted"]) == [None, None]
    assert h.based_on == []


def test_nobody_knows_it(h: eio.Handler, data: Path, model: Path) -> None:
    h.upload(data)
    empty, found = h.identify(model), h.identify(data / "train.txt")
    assert len(empty) == 0
    assert list(empty.columns) == COLUMNS
    assert list(empty.dtypes) == list(found.dtypes)
    assert str(empty["creation_time"].dtype) == "datetime64[ms, UTC]"


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_an_empty_lake(local: eio.Handler, model: Path) -> None:
    assert list(local.identify(model).columns) == COLUMNS


def test_one_row_where_an_artifact_holds_it_twice(local: eio.Handler, data: Path) -> None:
    (data / "copy.txt").write_bytes((data / "train.txt").read_bytes())
    local.upload(data)
    found = local.identify(data / "train.txt")
    assert len(found) == 1
    assert found["relpaths"].iloc[0] == ["copy.txt", "train.txt"]
    assert found["relpath"].iloc[0] == "copy.txt"


def test_a_deleted_artifact_of_one_file(h: eio.Handler, data: Path, model: Path) -> None:
    other = model.with_name("other.pt")
    other.write_bytes(model.read_bytes()[::-1])
    deleted, several = h.upload(model), h.upload([data / "train.txt", data / "test.txt"])
    same_size = h.upload(other)
    for artifact in (deleted, several, same_size):
        with eio.mock_username("brenda"):
            h.delete(artifact.artifact_id)
    there = h.upload(model)
    found = h.identify(model)
    assert list(found.index) == [there.artifact_id, deleted.artifact_id]
    assert found["deleted"].iloc[0] is None
    assert found["deleted"].iloc[1]["username"] == "brenda"
    # As documented: of several files, a tombstone does not tell.
    assert len(h.identify(data / "train.txt")) == 0


def test_artifacts_whose_files_only_metadata_json_lists(
    h: eio.Handler, data: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_INDEXED_FILES", 1)
    large = h.upload(data)
    single = h.upload(data / "train.txt")
    assert h.find({"files.sha256": single.file.sha256}).index.tolist() == [single.artifact_id]
    assert list(h.identify(data / "train.txt").index) == [single.artifact_id, large.artifact_id]
    assert list(h.identify(data / "train.txt", large=False).index) == [single.artifact_id]
    assert len(h.identify(model)) == 0


def test_a_list_that_cannot_be_read_is_named(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(documents, "MAX_INDEXED_FILES", 1)
    damaged, whole = local.upload(data), local.upload(data)
    manifest = Path(damaged.remote_root, "metadata.json")
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes()[:-5])
    with caplog.at_level(logging.WARNING):
        assert list(local.identify(data / "train.txt").index) == [whole.artifact_id]
    assert f"It is not known whether {damaged.artifact_id} holds this file" in caplog.text


@pytest.mark.slow
def test_what_waits_for_the_index_is_known_too(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    with pytest.warns(eio.SpooledWarning):
        saved = eio.Handler(tmp_path / "lake", index="mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=200").upload(
            data
        )
    assert list(local.identify(data / "train.txt").index) == [saved.artifact_id]


def test_a_lost_index_is_told(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    local.upload(data)
    local.close()
    for file in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        file.unlink()
    with pytest.warns(eio.EmptyIndexWarning):
        assert len(eio.Handler(local.store.root).identify(data / "train.txt")) == 0


def test_what_is_no_file(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in (data / "no.pt", data / "train.txt" / "no.pt", ""):
        with pytest.raises(eio.SourceNotFoundError, match="does not exist"):
            local.identify(missing)
    with pytest.raises(eio.SourceError, match="is a folder"):
        local.identify(data)
    os.mkfifo(data / "pipe")
    with pytest.raises(eio.SourceError, match="not a regular file"):
        local.identify(data / "pipe")
    for wrong in (7, None, b"train.txt", "a\0b"):
        with pytest.raises(eio.SourceError):
            local.identify(wrong)  # type: ignore[arg-type]

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(hashing.hashlib, "file_digest", denied)
    with pytest.raises(eio.StoreError, match=r"cannot read .*train.txt: Permission denied\. Give this user access"):
        local.identify(data / "train.txt")
