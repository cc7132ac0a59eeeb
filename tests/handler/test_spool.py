"""An index that cannot be reached costs no work: what is saved meanwhile is recorded later, exactly once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.cli import main
from elliptio.protocols import Document, Query, Sort
from elliptio.testing.servers import mongodb_server
from tests.conftest import Team


class Failing:
    """An index in front of another, that can be switched off."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.address = index.address
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise eio.IndexUnavailableError(f"The index {self.address} cannot be reached.")

    def insert(self, collection: str, document: Document) -> bool:
        self._check()
        return bool(self.index.insert(collection, document))

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        self._check()
        yield from self.index.find(collection, query, sort=sort, limit=limit)

    def count(self, collection: str, query: Query) -> int:
        self._check()
        return int(self.index.count(collection, query))

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
