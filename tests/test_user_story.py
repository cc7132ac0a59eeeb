"""The story of the seed, cell by cell, on every store and index."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pprint import pformat

import pandas as pd
import pytest

import elliptio as eio
from tests.conftest import Team

LABELS = eio.Labels(
    ticket="AB-123",
    project="awesome-project",
    datatype="annotation_file",
    infos={"stratification": "new special method"},
)


class DummyModel:
    def train(self, train_path: str) -> None:
        del train_path

    def save(self, url: str) -> None:
        Path(url).write_text("dummy_model")


def upload(h: eio.Handler, data: Path) -> eio.Artifact:
    with eio.mock_username("andy"):
        return h.upload(local_paths=[data / "train.txt", data / "test.txt"], labels=LABELS)


def query() -> dict[str, object]:
    return {
        "username": "andy",
        "labels.datatype": "annotation_file",
        "creation_time": {"$gte": datetime.now(tz=UTC) - timedelta(days=7)},
        "file_relpaths": {"$regex": r"\.txt"},
    }


def test_andy_saves_files(h: eio.Handler, data: Path) -> None:
    artifact = upload(h, data)
    metadata = artifact.metadata
    assert metadata.file_relpaths == ["train.txt", "test.txt"] == list(artifact.files)
    assert metadata.username == "andy"
    assert metadata.based_on == []
    assert metadata.labels == LABELS
    pattern = (
        r"/\d{4}/\d\d/\d\d/andy/\d{6}_artifact_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    )
    assert re.fullmatch(re.escape(h.store.root) + pattern, metadata.remote_root)
    for name in ("train.txt", "test.txt"):
        assert artifact.files[name].download_string() == (data / name).read_text()
        assert artifact.files[name].remote_url == f"{metadata.remote_root}/files/{name}"


def test_brenda_finds_them(team: Team, data: Path) -> None:
    artifact = upload(team.handler(), data)
    h = team.handler()
    df = h.find(query=query(), max_docs=1)
    assert list(df.index) == [artifact.artifact_id]
    assert df.index.name == "artifact_id"
    assert list(df.columns[:4]) == ["creation_time", "username", "file_relpaths", "argv"]
    assert list(df.columns[4:]) == sorted(df.columns[4:])
    seed = {"based_on", "hostname", "labels", "local_root", "log_relpaths", "remote_root", "run_id", "version"}
    assert seed <= set(h.find(query=query(), max_docs=1, columns="all").columns)
    assert seed - set(df.columns) == {"local_root", "remote_root", "version"}  # how it is kept
    assert "python_packages" not in df.columns
    row = df.iloc[0]
    assert row.file_relpaths == ["train.txt", "test.txt"]
    assert row.labels["infos"] == {"stratification": "new special method"}
    assert h.find(query=query(), max_docs=1, columns="all").iloc[0].remote_root == artifact.metadata.remote_root
    assert str(df.creation_time.dt.tz) == "UTC"


@pytest.mark.parametrize(
    "change",
    [
        {"username": "brenda"},
        {"labels.datatype": "model"},
        {"creation_time": {"$gte": datetime.now(tz=UTC) + timedelta(days=1)}},
        {"file_relpaths": {"$regex": r"\.csv"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_match_is_not_found(h: eio.Handler, data: Path, change: dict[str, object]) -> None:
    upload(h, data)
    assert len(h.find(query())) == 1
    empty = h.find({**query(), **change})
    assert len(empty) == 0
    assert list(empty.columns) == list(h.find(query()).columns)
    assert empty.index.name == "artifact_id"


def test_brenda_gets_them(team: Team, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uploaded = upload(team.handler(), data)
    h = team.handler()
    assert h.based_on == []
    artifact = h.get(h.find(query()).index[0])
    assert artifact.metadata == uploaded.metadata
    assert h.based_on == [artifact.artifact_id]
    assert artifact.metadata.python_packages["pandas"] == pd.__version__
    assert "Metadata(username='andy'" in pformat(artifact)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    downloaded = artifact.files["test.txt"].download()
    assert downloaded.resolve() == tmp_path / "elsewhere" / "test.txt"
    with artifact.files["test.txt"].open() as file:
        frame = pd.read_csv(file)
    assert list(frame.path) == ["/path/to/image0.png", "/path/to/image1.png"]
    assert list(frame["class"]) == [0, 1]
    assert frame.equals(pd.read_csv(downloaded))


def test_the_url_of_a_local_lake_is_a_path(local: eio.Handler, data: Path) -> None:
    artifact = upload(local, data)
    assert pd.read_csv(artifact.files["test.txt"].remote_url).path[0] == "/path/to/image0.png"
    assert pd.read_csv(artifact.files["test.txt"]).path[0] == "/path/to/image0.png"


def test_brenda_trains_and_andy_asks(team: Team, data: Path) -> None:
    dataset = upload(team.handler(), data)
    h = team.handler()
    artifact = h.get(dataset.artifact_id)
    with eio.mock_username("brenda"):
        model = DummyModel()
        model.train(train_path=artifact.files["train.txt"].remote_url)
        with h.new(["model.pt"]) as new:
            model.save(str(new.file.local_path))
    assert new.file.download_string() == "dummy_model"
    children = team.handler().find(query={"based_on": dataset.artifact_id})
    assert list(children.index) == [new.artifact_id]
    child = children.iloc[0]
    assert child.username == "brenda"
    assert child.file_relpaths == ["model.pt"]
    assert child.based_on == [dataset.artifact_id]
    assert child.run_id == h.run_id


def test_the_model_is_written_straight_to_its_url(local: eio.Handler) -> None:
    with local.new(["model.pt"]) as new:
        DummyModel().save(new.file.remote_url)
    assert Path(new.file.remote_url).read_text() == "dummy_model"
    assert new.file.remote_url == f"{new.metadata.remote_root}/files/model.pt"


def test_charlies_metrics_are_found_two_steps_on(team: Team, data: Path) -> None:
    dataset = upload(team.handler(), data)
    brenda, charlie = team.handler(), team.handler()
    brenda.get(dataset.artifact_id)
    with brenda.new(["model.pt"]) as model:
        model.file.upload_string("weights")
    charlie.get(model.artifact_id)
    with charlie.new(["metrics.json"]) as metrics:
        metrics.file.upload_string("{}")
    found: list[str] = []
    waiting = [dataset.artifact_id]
    while waiting:
        children = list(team.handler().find({"based_on": {"$in": waiting}}).index)
        found += children
        waiting = children
    assert found == [model.artifact_id, metrics.artifact_id]
    assert metrics.metadata.based_on == [model.artifact_id]


def test_the_seeds_spelling(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_LOCAL_ROOT", str(tmp_path / "seed-lake"))
    h = eio.Handler(remote_file_cls=eio.LocalFile)
    artifact = upload(h, data)
    assert artifact.metadata.remote_root.startswith(str(tmp_path / "seed-lake"))
    assert isinstance(artifact.files["train.txt"], eio.LocalFile)


def test_the_seeds_spelling_on_s3(s3_root: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIPTIO_S3_BUCKET_NAME", s3_root)
    artifact = upload(eio.Handler(remote_file_cls=eio.S3File), data)
    assert isinstance(artifact.files["train.txt"], eio.S3File)
    assert artifact.files["train.txt"].remote_url.startswith(s3_root)
