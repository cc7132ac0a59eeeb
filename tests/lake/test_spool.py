"""An index that cannot be reached costs no work: what is saved meanwhile is recorded later, exactly once."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.cli import main
from elliptio.lake import lake as lake_module
from elliptio.lake import spool
from elliptio.protocols import Document, Query, Sort
from elliptio.testing.servers import mongodb_server
from tests.conftest import Team


class Failing:
    """An index in front of another, that can be switched off."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.address = index.address
        self.down = False
        self.read_only = False
        self.tried = 0

    def _check(self) -> None:
        if self.down:
            raise eio.IndexUnavailableError(f"The index {self.address} cannot be reached.")

    def insert(self, collection: str, document: Document) -> bool:
        self.tried += 1
        self._check()
        if self.read_only:
            raise eio.IndexUnavailableError(f"The index {self.address} refused.")
        return bool(self.index.insert(collection, document))

    def replace(self, collection: str, document: Document) -> None:
        self._check()
        self.index.replace(collection, document)

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        self._check()
        yield from self.index.find(collection, query, sort=sort, limit=limit)

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        self._check()
        return int(self.index.count(collection, query, limit=limit))

    def links(
        self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0
    ) -> list[tuple[str, str]]:
        self._check()
        return list(self.index.links(collections, ids, up=up, depth=depth))

    def delete(self, collection: str, ids: list[str]) -> None:
        self._check()
        self.index.delete(collection, ids)

    def close(self) -> None:
        self.index.close()


@pytest.fixture
def switched(team: Team) -> tuple[eio.Handler, Failing]:
    failing = Failing(team.handler().index)
    return eio.Handler(team.root, failing), failing


def test_saving_goes_on_and_is_recorded_by_the_next_call(
    switched: tuple[eio.Handler, Failing], team: Team, data: Path
) -> None:
    h, index = switched
    before = h.upload(data)
    index.down = True
    with pytest.warns(eio.SpooledWarning, match="files are saved, but cannot be found yet") as caught:
        first = h.upload(data)
        with h.new(["x"]) as second:
            second.file.upload_string("x")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert first.files["train.txt"].download_string() == (data / "train.txt").read_text()
    with pytest.raises(eio.IndexUnavailableError, match=index.address.split("?")[0]):
        h.find()
    index.down = False
    assert set(h.find().index) == {before.artifact_id, first.artifact_id, second.artifact_id}
    assert not list(h.store.list(".elliptio/spool"))
    assert h.get(first.artifact_id).metadata == first.metadata
    assert h.flush() == []


def test_what_another_process_left_is_found_by_an_open_handler(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    failing = Failing(eio.Handler(local.store.root).index)
    failing.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = eio.Handler(local.store.root, failing).upload(data)
    assert waiting.artifact_id in local.find().index


def test_a_malformed_url_is_refused_before_anything_is_saved(tmp_path: Path) -> None:
    with pytest.raises(eio.ConfigError, match="not a MongoDB URL"):
        eio.Handler(tmp_path / "lake", "mongodb://host:notaport/db")


def test_the_command_delivers(
    switched: tuple[eio.Handler, Failing], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    h, index = switched
    if "sqlite" not in index.address:
        pytest.skip("the command needs an index that a URL names")
    index.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = h.upload(data)
    assert main(["flush", "--root", h.store.root]) == 0
    assert waiting.artifact_id in capsys.readouterr().out


def test_another_process_delivers(switched: tuple[eio.Handler, Failing], team: Team, data: Path) -> None:
    h, index = switched
    index.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = h.upload(data)
    index.down = False
    other = eio.Handler(team.root, index)
    assert other.flush() == [waiting.artifact_id]
    assert list(h.find().index) == [waiting.artifact_id]


def test_what_waits_for_an_artifact_that_is_gone_is_dropped(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    local.store.create(".elliptio/spool/artifact_gone", b"2026/01/01/andy/000000_artifact_gone")
    assert local.flush() == []
    assert not list(local.store.list(".elliptio/spool"))


@pytest.mark.slow
def test_a_real_server_that_is_down_and_comes_up(data: Path, tmp_path: Path) -> None:
    with mongodb_server() as url:
        pass
    dead = url.rstrip("/") + "/db?serverSelectionTimeoutMS=200"
    h = eio.Handler(tmp_path / "lake", dead)
    with pytest.warns(eio.SpooledWarning):
        artifact = h.upload(data)
    h.close()
    with mongodb_server() as url:
        again = eio.Handler(tmp_path / "lake", url.rstrip("/") + "/db")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again.upload(data)
        assert artifact.artifact_id in again.find().index
        again.close()


GOOD = "artifact_01a2005f-92a0-7001-aa55-4cbf61912771"
BAD_ENTRIES: list[tuple[str, bytes]] = [
    (GOOD, b""),
    (GOOD, b"../victim"),
    (GOOD, f"../../../../x/000000_{GOOD}".encode()),
    (GOOD, f"2026/01/01/../000000_{GOOD}".encode()),
    (GOOD, b"2026/01/01/andy/000000_artifact_01a2005f-92a0-7001-aa55-4cbf61912772"),
    (GOOD, f"2026/01/01/an\0dy/000000_{GOOD}".encode()),
    (GOOD, b"\xff\xfe"),
    (GOOD, b"x" * 100_000),
]


@pytest.mark.parametrize(("name", "content"), BAD_ENTRIES)
def test_one_bad_entry_stops_nothing(
    local: eio.Handler, data: Path, name: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(local.index)
    failing.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = eio.Handler(local.store.root, failing).upload(data)
    local.store.create(f".elliptio/spool/{name}", content)
    with caplog.at_level(logging.WARNING):
        assert local.flush() == [waiting.artifact_id]
        saved = local.upload(data)
        assert set(local.find().index) == {waiting.artifact_id, saved.artifact_id}
        local.get(saved.artifact_id)
    assert len([record for record in caplog.records if name in record.getMessage()]) == 1
    assert [stored.key for stored in local.store.list(".elliptio/spool")] == [f".elliptio/spool/{name}"]


@pytest.mark.parametrize("change", [('"version": 1', '"version": 99'), ('"file_count": 2', '"file_count": "two"')])
def test_an_entry_whose_manifest_cannot_be_read_stays(
    local: eio.Handler, data: Path, change: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(local.index)
    failing.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = eio.Handler(local.store.root, failing).upload(data)
    manifest = Path(waiting.metadata.remote_root, "metadata.json")
    manifest.chmod(0o644)
    assert change[0] in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(*change))
    assert local.flush() == []
    assert local.upload(data).artifact_id in local.find().index
    assert len(list(local.store.list(".elliptio/spool"))) == 1
    assert "cannot be recorded" in caplog.text


def test_what_was_deleted_while_it_waited_is_not_recorded(local: eio.Handler, data: Path) -> None:
    failing = Failing(local.index)
    failing.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = eio.Handler(local.store.root, failing).upload(data)
    Path(waiting.metadata.remote_root, "deleted.json").write_text("{}")
    assert local.flush() == []
    assert not list(local.index.find("artifacts", {}))
    assert not list(local.store.list(".elliptio/spool"))


def test_who_may_only_read_reads(
    switched: tuple[eio.Handler, Failing], team: Team, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    h, index = switched
    saved = h.upload(data)
    index.down = True
    with pytest.warns(eio.SpooledWarning):
        h.upload(data)
    index.down, index.read_only = False, True
    reader = eio.Handler(team.root, index)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            reader.lake.own(spool._Waiting).some = True
            assert list(reader.find().index) == [saved.artifact_id]
            assert reader.get(saved.artifact_id).artifact_id == saved.artifact_id
    assert len([record for record in caplog.records if "cannot be written" in record.getMessage()]) == 1


def test_a_dead_index_is_not_tried_by_every_save(
    switched: tuple[eio.Handler, Failing], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h, index = switched
    index.down = True
    with pytest.warns(eio.SpooledWarning):
        artifacts = [h.upload(data) for _ in range(3)]
    assert index.tried == 1
    index.down = False
    artifacts.append(h.upload(data))
    assert index.tried == 1
    monkeypatch.setattr(lake_module, "PAUSE_SECONDS", 0)
    assert set(h.find().index) == {artifact.artifact_id for artifact in artifacts}
    tried = index.tried
    artifacts.append(h.upload(data))
    assert index.tried > tried
    assert len(h.find()) == len(artifacts)


def test_the_command_find_delivers_too(local: eio.Handler, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = Failing(local.index)
    failing.down = True
    with pytest.warns(eio.SpooledWarning):
        waiting = eio.Handler(local.store.root, failing).upload(data)
    assert main(["find", "--root", local.store.root]) == 0
    assert waiting.artifact_id in capsys.readouterr().out


def test_a_closed_lake_writes_its_environment_again(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    local.lake.close()
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        os.unlink(path)
    local.upload(data)
    assert local.index.count("environments", {}) == 1


def test_a_tag_that_could_not_be_noted_is_remembered(
    switched: tuple[eio.Handler, Failing], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h, index = switched
    artifact = h.upload(data)
    create = h.store.create

    def full(key: str, data: bytes) -> bool:
        if key.startswith(spool.SPOOL):
            raise eio.StoreError("the disk is full")
        return create(key, data)

    index.down = True
    monkeypatch.setattr(h.store, "create", full)
    with pytest.warns(eio.SpooledWarning, match="Nor could it be noted: the disk is full"):
        h.tag(artifact, "prod")
    index.down = False
    assert list(h.find({"tags": "prod"}).index) == [artifact.artifact_id]
