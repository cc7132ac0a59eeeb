"""What was interrupted between the store and the index is found by whoever looks next."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import elliptio as eio


def killed(do: Callable[[], object]) -> None:
    """Do something in a process that ends at the moment at which the index would be told."""
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def die(*_: object, **__: object) -> None:
    os._exit(9)


def interrupt_saves(h: eio.Handler, data: Path, times: int = 1) -> None:
    def save() -> None:
        h.lake.add = die  # type: ignore[method-assign, assignment]
        h.upload(data)

    for _ in range(times):
        killed(save)


def interrupt_run(h: eio.Handler, name: str) -> None:
    def begin() -> None:
        h.lake.record_run = die  # type: ignore[method-assign, assignment]
        with h.run(name):
            pass

    killed(begin)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_an_interrupted_save_is_found(local: eio.Handler, data: Path, before: int) -> None:
    for _ in range(before):
        local.upload(data)
    interrupt_saves(local, data)
    for ask in (lambda h: h.find(), lambda h: h.latest(), lambda h: h.upload(data)):
        ask(eio.Handler(local.store.root))
    found = eio.Handler(local.store.root).find()
    assert len(found) == before + 2
    assert local.verify().ok


def test_each_of_several_is_found(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    interrupt_saves(local, data, 3)
    with eio.mock_username("eva"):
        interrupt_saves(local, data, 2)
    deleted = eio.Handler(local.store.root)
    assert len(deleted.find()) == 6
    gone = deleted.find().index[0]
    deleted.delete(gone)
    assert gone not in eio.Handler(local.store.root).find().index


def test_an_identifier_of_an_interrupted_save_will_do(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    interrupt_saves(local, data)
    (lost,) = {path.parent.name[7:] for path in Path(local.store.root).rglob("metadata.json")} - {
        document["_id"] for document in local.index.find("artifacts", {})
    }
    assert eio.Handler(local.store.root).get(lost).metadata.file_count == 2


@pytest.mark.parametrize("before", [0, 2])
def test_an_interrupted_begin_of_a_run_is_found(local: eio.Handler, before: int) -> None:
    for _ in range(before):
        with local.run("fine"):
            pass
    interrupt_run(local, "lost")
    found = eio.Handler(local.store.root).runs()
    assert list(found.name) == ["lost", *["fine"] * before]
    assert found.status.iloc[0] == "killed"


def test_an_index_that_was_lost_is_not_filled_in_part(local: eio.Handler, data: Path) -> None:
    for _ in range(3):
        local.upload(data)
    local.close()
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    with pytest.warns(eio.EmptyIndexWarning, match="reindex"):
        assert eio.Handler(local.store.root).find().empty


def test_many_that_were_published_at_once_are_found(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    values = [(number, f"{number}.json") for number in range(120)]

    def save() -> None:
        h = eio.Handler(local.store.root, progress=False)
        h.lake.add = die  # type: ignore[method-assign, assignment]
        h.save_many(values)

    killed(save)
    assert len(eio.Handler(local.store.root).find(max_docs=0)) == 121
