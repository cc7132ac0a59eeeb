"""What was interrupted between the store and the index is found by whoever looks next."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import elliptio as eio
from elliptio import naming
from elliptio.lake import unrecorded
from elliptio.testing.weather import Weather


def killed(do: Callable[[], object]) -> None:
    """Do something in a process that ends at the moment at which the index would be told."""
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


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


# --- on S3 ---


def again(h: eio.Handler, shared: str = "") -> eio.Handler:
    """A handler of another process, which has not looked yet."""
    return eio.Handler(h.store.root, shared or None, progress=False)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_an_interrupted_save_on_s3_is_found(remote: eio.Handler, data: Path, before: int) -> None:
    for _ in range(before):
        remote.upload(data)
    interrupt_saves(again(remote), data)
    assert len(again(remote).find()) == before + 1
    assert again(remote).latest().metadata.file_count == 2
    assert remote.verify().ok


@pytest.mark.parametrize("before", [0, 2])
def test_an_interrupted_begin_of_a_run_on_s3_is_found(remote: eio.Handler, before: int) -> None:
    for _ in range(before):
        with remote.run("fine"):
            pass
    interrupt_run(again(remote), "lost")
    found = again(remote).runs()
    assert list(found.name) == ["lost", *["fine"] * before]


def test_who_looks_on_s3_asks_little_and_not_often(
    remote: eio.Handler, sky: Weather, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(h: eio.Handler) -> Counter[str]:
        sky.requests.clear()
        h.find()
        return Counter(sky.requests)

    with remote.run("fine"):
        for _ in range(3):
            remote.upload(data)
    with monkeypatch.context() as patched:
        patched.setattr(unrecorded, "mend", lambda lake: None)
        without = asked(again(remote))
    h = again(remote)
    assert asked(h) - without == {"ListObjects": 2}
    assert not asked(h)["ListObjects"]


def test_a_day_with_too_many_files_on_s3_is_left_to_reindex(
    remote: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.upload(data)
    interrupt_saves(again(remote), data)
    monkeypatch.setattr(unrecorded, "MOST_LISTED", 5)
    assert len(again(remote).find()) == 1
    monkeypatch.setattr(unrecorded, "MOST_LISTED", 6)
    assert len(again(remote).find()) == 2


@pytest.mark.parametrize("shared", [True, False])
def test_only_an_index_of_several_people_gets_what_others_saved(
    remote: eio.Handler, data: Path, mongodb_url: str, shared: bool
) -> None:
    address = f"{mongodb_url.rstrip('/')}/unrecorded" if shared else ""
    again(remote, address).upload(data)
    with eio.mock_username("eva"):
        interrupt_saves(again(remote, address), data)
        interrupt_run(again(remote, address), "lost")
    looking = again(remote, address)
    assert len(looking.find()) == 1 + shared
    assert len(looking.runs()) == shared


@pytest.mark.parametrize("gone", ["file", "collected", "deleted.json"])
def test_what_is_being_collected_on_s3_is_not_recorded(remote: eio.Handler, data: Path, gone: str) -> None:
    remote.upload(data)
    interrupt_saves(again(remote), data)
    known = {document["remote_root"] for document in remote.index.find("artifacts", {})}
    manifests = (key for key in (one.key for one in remote.store.list()) if key.endswith(naming.MANIFEST))
    (lost,) = {key.rpartition("/")[0] for key in manifests} - known
    if gone == "file":
        remote.store.remove(f"{lost}/files/train.txt")
    else:
        remote.store.create(f"{lost}/{naming.COLLECTED if gone == 'collected' else gone}", b"{}")
    assert len(again(remote).find()) == 1
    report = again(remote).reindex()
    assert (report.artifacts, report.already_there) == (0, 1)
    if gone == "file":
        (problem,) = report.problems
        assert (problem.relpath, problem.message) == (
            "files/train.txt",
            "is missing; so the artifact is not recorded",
        )
