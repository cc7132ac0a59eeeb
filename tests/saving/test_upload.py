"""``h.upload``: what becomes of the paths, and what is refused before anything is written."""

from __future__ import annotations

import hashlib
import os
import socket
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.saving.transfer import _CountingReader
from tests.conftest import Team


def files_of(folder: Path) -> list[str]:
    """Everything in a lake but its index and identity."""
    if not folder.exists():
        return []
    kept = {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "lake.json"}
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name not in kept
    )


def test_a_generator_of_strings(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(str(data / name) for name in ("test.txt", "train.txt"))
    assert artifact.metadata.file_relpaths == ["test.txt", "train.txt"]


def test_one_path_alone(h: eio.Handler, data: Path) -> None:
    for path in (data / "train.txt", str(data / "train.txt")):
        assert h.upload(path).file.relpath == "train.txt"


def test_globbed_folders_keep_their_names(h: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b" / "b.md").write_text("b")
    artifact = h.upload(sorted(tmp_path.glob("**/*.[tm]*")))
    assert list(artifact.files) == ["a.txt", "b/b.md"]
    assert artifact.files["b/b.md"].download_string() == "b"


def test_sibling_folders_that_share_a_beginning(h: eio.Handler, tmp_path: Path) -> None:
    for name in ("ab", "ac"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    artifact = h.upload([tmp_path / "ab" / "x.txt", tmp_path / "ac" / "x.txt"])
    assert [artifact.files[name].download_string() for name in ("ab/x.txt", "ac/x.txt")] == ["ab", "ac"]


def test_a_folder_with_all_it_holds(h: eio.Handler, tmp_path: Path) -> None:
    deep = tmp_path / "set" / "deep"
    deep.mkdir(parents=True)
    (deep / "x.bin").write_bytes(b"\0\1")
    (tmp_path / "set" / "empty.txt").touch()
    (tmp_path / "set" / "no-files").mkdir()
    artifact = h.upload(tmp_path / "set")
    assert list(artifact.files) == ["empty.txt", "deep/x.bin"]
    assert artifact.files["empty.txt"].download_string() == ""
    assert artifact.metadata.total_size == 2
    assert artifact.metadata.local_root == str(tmp_path / "set")


def test_a_folder_of_one_nested_file_keeps_the_name_below_the_folder(h: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "set" / "deep").mkdir(parents=True)
    (tmp_path / "set" / "deep" / "x.txt").write_text("x")
    assert h.upload(tmp_path / "set").file.relpath == "deep/x.txt"


def test_a_file_named_twice_is_saved_once(h: eio.Handler, data: Path) -> None:
    artifact = h.upload([data, data / "train.txt", f"{data}/../data/train.txt"])
    assert sorted(artifact.files) == ["test.txt", "train.txt"]


def test_records_say_what_is_stored(h: eio.Handler, data: Path) -> None:
    artifact = h.upload([data / "train.txt", data / "test.txt"])
    for record in artifact.metadata.files:
        content = (data / record.relpath).read_bytes()
        assert (record.size, record.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    digest = hashlib.sha256()
    for name, sha256 in sorted((record.relpath, record.sha256) for record in artifact.metadata.files):
        digest.update(f"{len(name)}:{name}{sha256}".encode())
    assert artifact.metadata.fingerprint == digest.hexdigest()
    again = h.upload([data / "test.txt", data / "train.txt"])
    assert again.metadata.fingerprint == artifact.metadata.fingerprint


def test_labels_may_be_left_out(h: eio.Handler, data: Path) -> None:
    uploaded = h.upload(data)
    assert uploaded.metadata.labels == eio.Labels() == h.get(uploaded.artifact_id).metadata.labels


def test_labels_come_back_as_they_were(h: eio.Handler, data: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    labels = {
        "text": "ä\n", "number": 2**53 + 1, "real": 0.1, "none": None, "flag": True, "bytes": b"\0\xff", "when": moment,
        "nested": {"list": [1, [2, {"three": 3}]], "empty": {}}, "infinite": float("inf"),
    }  # fmt: skip
    uploaded = h.upload(data, labels=labels)
    assert uploaded.metadata.labels == labels
    assert h.get(uploaded.artifact_id).metadata.labels == labels


class Colour(str, Enum):  # noqa: UP042
    RED = "red"


def test_a_label_of_an_enum_is_its_value(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data, labels={"colour": Colour.RED})
    assert artifact.labels == {"colour": "red"}
    for value in (Colour.RED, "red"):
        assert list(h.find({"labels.colour": value}).index) == [artifact.artifact_id]


def test_labels_read_the_same_however_they_were_given(h: eio.Handler, data: Path) -> None:
    for labels in (eio.Labels(project="x"), {"project": "x", "own": 1}):
        read = h.get(h.upload(data, labels=labels)).labels
        assert read.project == read["project"] == "x"
        assert read.ticket == ""
        assert read.get("nothing") is None
        with pytest.raises(AttributeError):
            _ = read.nothing


def test_a_source_that_changes_meanwhile_is_refused(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = _CountingReader.read

    def grow(self: _CountingReader, size: int = -1) -> bytes:
        content = read(self, size)
        with open(data / "train.txt", "a") as file:
            file.write("more\n" if self.size < 1000 else "")
        return content

    monkeypatch.setattr(_CountingReader, "read", grow)
    with pytest.raises(eio.SourceError, match=r"train\.txt changed while it was being saved"):
        local.upload(data)
    assert files_of(Path(local.store.root)) == []


def test_a_folder_whose_name_is_not_utf8(local: eio.Handler, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    artifact = local.upload(folder / "a.txt")
    assert local.get(artifact.artifact_id).metadata.local_root.endswith("caf\ufffd")


def test_numpy_numbers_and_tuples_become_plain(h: eio.Handler, data: Path) -> None:
    labels: dict[str, Any] = {"loss": np.float32(0.5), "step": np.int64(3), "ok": np.bool_(True), "shape": (1, 2)}
    uploaded = h.upload(data, labels=labels)
    plain = {"loss": 0.5, "step": 3, "ok": True, "shape": [1, 2]}
    assert uploaded.metadata.labels == plain == h.get(uploaded.artifact_id).metadata.labels


def recursive() -> dict[str, Any]:
    labels: dict[str, Any] = {}
    labels["again"] = labels
    return labels


@pytest.mark.parametrize(
    ("labels", "culprit"),
    [
        ({"a.b": 1}, "'a.b'"),
        ({"x": {"$set": 1}}, r"labels.x has the key '\$set'"),
        ({1: 2}, "key 1 of type int"),
        ({"x": {1, 2}}, "labels.x is a set"),
        ({"x": [object()]}, r"labels.x\[0\] is a object"),
        ({"x": datetime(2026, 1, 1)}, "labels.x is a datetime without a zone"),
        ({"x": 2**63}, "labels.x is an integer beyond 64 bits"),
        ({"x": "y" * 20_000_000}, "Save large values as a file"),
        ({"x": "\ud800"}, "labels.x"),
        ({"x": np.zeros(3)}, "labels.x is a ndarray"),
        ({"x": np.datetime64("2020-01-01", "ns")}, "labels.x is a datetime64"),
        ({"x": pd.NaT}, "labels.x is no time"),
        ({"x": datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))}, "outside the years"),
        (recursive(), "holds itself"),
        ("text", "not str"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_stored_are_refused(local: eio.Handler, data: Path, labels: Any, culprit: str) -> None:
    with pytest.raises(eio.MetadataError, match=culprit):
        local.upload(data, labels=labels)
    assert files_of(Path(local.store.root)) == []


def test_unknown_labels_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        eio.Labels(colour="red")  # type: ignore[call-arg]


def test_all_missing_paths_are_named(local: eio.Handler, data: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        local.upload([data / "one", data / "train.txt", data / "two"])
    assert isinstance(caught.value, eio.SourceNotFoundError)
    assert str(data / "one") in str(caught.value)
    assert str(data / "two") in str(caught.value)
    assert "train.txt" not in str(caught.value)
    assert files_of(Path(local.store.root)) == []


def make_fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def make_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
    return folder / "socket"


def make_bad_name(folder: Path) -> Path:
    path = os.fsencode(folder) + b"/\xff.txt"
    Path(os.fsdecode(path)).write_text("x")
    return Path(os.fsdecode(path))


def make_newline(folder: Path) -> Path:
    (folder / "a\nb").write_text("x")
    return folder / "a\nb"


def make_dangling(folder: Path) -> Path:
    (folder / "set").mkdir()
    (folder / "set" / "link").symlink_to("nowhere")
    return folder / "set"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (make_fifo, "not a regular file"),
        (make_socket, "not a regular file"),
        (make_bad_name, "UTF-8"),
        (make_newline, "control character"),
        (make_dangling, "leads nowhere"),
        (lambda folder: [], "no paths were given"),
        (lambda folder: folder / "empty", "holds no files"),
        (lambda folder: b"bytes", "not a bytes"),
        (lambda folder: [b"bytes"], "path of bytes"),
        (lambda folder: None, "not a NoneType"),
        (lambda folder: {"a": "b"}, "not a dict"),
        (lambda folder: pd.DataFrame({"a": [1]}), "to_csv"),
        (lambda folder: "https://example.org/x.csv", "download the URL first"),
        (lambda folder: "*.csv", "Patterns are not expanded"),
        (lambda folder: "/proc/self/mem", "cannot be read|changed while"),
        (lambda folder: [3], "3 is a int, not a path"),
    ],
)
def test_what_cannot_be_saved_is_refused(
    local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, problem: str
) -> None:
    folder = tmp_path / "folder"
    (folder / "empty").mkdir(parents=True)
    monkeypatch.chdir(folder)
    with pytest.raises(eio.SourceError, match=problem):
        local.upload(make(folder))
    assert files_of(Path(local.store.root)) == []


def test_links_are_followed_and_said_when_they_lead_out(
    local: eio.Handler, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside.txt").write_text("inside")
    (folder / "link-in.txt").symlink_to("inside.txt")
    (folder / "link-out.txt").symlink_to(data / "train.txt")
    artifact = local.upload(folder)
    assert artifact.files["link-in.txt"].download_string() == "inside"
    assert artifact.files["link-out.txt"].download_string() == (data / "train.txt").read_text()
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 1
    assert "link-out.txt" in warned[0]
    assert not Path(artifact.files["link-out.txt"].remote_url).is_symlink()


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_a_store_that_fails_leaves_nothing(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(eio.StoreError, match="No space left"):
        local.upload(data)
    monkeypatch.undo()
    assert files_of(Path(local.store.root)) == []
    assert len(local.find()) == 0


def test_published_files_are_read_only(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    for file in [*artifact.files.values(), *artifact.logs.values()]:
        assert os.stat(file.local_path).st_mode & 0o222 == 0
    with pytest.raises(eio.StoreError, match="published"):
        artifact.files["train.txt"].open("w")
    with pytest.raises(eio.StoreError, match="published"):
        artifact.files["train.txt"].upload_string("x")


def test_explicit_ancestors(h: eio.Handler, data: Path) -> None:
    first, second, third = h.upload(data), h.upload(data), h.upload(data)
    h.get(first.artifact_id)
    assert h.upload(data, based_on=[second, third.artifact_id, second]).metadata.based_on == [
        second.artifact_id,
        third.artifact_id,
    ]
    assert h.upload(data, based_on=[]).metadata.based_on == []
    assert h.upload(data, based_on=second).metadata.based_on == [second.artifact_id]
    assert h.upload(data).metadata.based_on == [first.artifact_id]
    with pytest.raises(eio.MetadataError, match="'model'"):
        h.upload(data, based_on=["model"])


def test_creation_time_is_now_in_utc(h: eio.Handler, data: Path) -> None:
    before = datetime.now(tz=UTC)
    artifact = h.upload(data)
    assert before - timedelta(milliseconds=1) <= artifact.metadata.creation_time <= datetime.now(tz=UTC)
    assert h.get(artifact.artifact_id).metadata.creation_time == artifact.metadata.creation_time


@pytest.mark.slow
def test_ten_thousand_files_and_one(team: Team, tmp_path: Path) -> None:
    if "s3" in team.root:
        pytest.skip("ten thousand requests prove nothing more than on a folder")
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_001):
        (folder / f"{number:05}.txt").write_text(str(number))
    uploaded = team.handler().upload(folder)
    loaded = team.handler().get(uploaded.artifact_id)
    assert loaded.metadata == uploaded.metadata
    assert loaded.files["09999.txt"].download_string() == "9999"
    frame = team.handler().find()
    assert frame.file_count.iloc[0] == 10_001
    assert frame.file_relpaths.iloc[0] == []


def test_the_lake_describes_itself(h: eio.Handler, data: Path) -> None:
    from elliptio.documents import read_manifest

    artifact = h.upload(data, labels={"x": 1})
    key = artifact.metadata.remote_root.removeprefix(h.store.root + "/")
    with h.store.open(f"{key}/metadata.json") as file:
        text = file.read()
    document, environment = read_manifest(text, "metadata.json")
    assert h.store.root.encode() not in text
    assert document["artifact_id"] == artifact.artifact_id
    assert document["remote_root"] == key
    assert document["labels"] == {"x": 1}
    assert document["creation_time"] == artifact.metadata.creation_time
    assert environment["python_packages"] == artifact.metadata.python_packages
    stored = next(h.index.find("artifacts", {"_id": artifact.artifact_id}))
    assert stored == document
