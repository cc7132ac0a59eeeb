"""Reading counts as what the next artifact is based on, whoever handed the object over; looking never does."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import elliptio as eio
from tests.conftest import Team

READ: dict[str, Callable[[eio.Artifact], object]] = {
    "open": lambda artifact: artifact.file.open().close(),
    "download_string": lambda artifact: artifact.file.download_string(),
    "download one": lambda artifact: artifact.file.download("copy.txt"),
    "download one that is here": lambda artifact: [artifact.file.unread().download(), artifact.file.download()],
    "download all": lambda artifact: artifact.download("copies"),
    "its path": lambda artifact: os.fspath(artifact.file),
    "by URL": lambda artifact: __import__("fsspec").open(f"elliptio://{artifact.artifact_id}/train.txt").open().close(),
}

LOOK: dict[str, Callable[[eio.Handler, eio.Artifact], object]] = {
    "show": lambda h, artifact: h.show(artifact.artifact_id).file.download_string(),
    "untracked": lambda h, artifact: h.get(artifact, track=False).file.open().close(),
    "the newest, untracked": lambda h, artifact: os.fspath(h.latest(track=False).file),
    "untracked, pickled": lambda h, artifact: pickle.loads(pickle.dumps(h.show(artifact))).download("copies"),
    "card": lambda h, artifact: (str(artifact), artifact._repr_html_(), repr(artifact), repr(artifact.file)),
    "where it lies": lambda h, artifact: (artifact.remote_root, artifact.file.remote_url, artifact.file.exists()),
    "compare": lambda h, artifact: (h.compare(artifact, artifact.artifact_id).diff("train.txt"), h.compare(artifact)),
    "lineage": lambda h, artifact: str(h.lineage(artifact)),
    "verify": lambda h, artifact: (h.verify(artifact), h.verify()),
    "find": lambda h, artifact: (h.find(), h.search().rows(), h.find(descendants_of=artifact)),
    "reproduce": lambda h, artifact: h.reproduce(artifact, dry_run=True),
    "save the same again": lambda h, artifact: h.upload(artifact.file.unread().download("again.txt")),
    "logs": lambda h, artifact: [log.download_string() for log in artifact.logs.values()],
}


@pytest.mark.parametrize("way", READ)
def test_reading_what_was_uploaded_counts(h: eio.Handler, data: Path, way: str) -> None:
    raw = h.upload(data / "train.txt")
    assert h.based_on == []
    READ[way](raw)
    with h.new(["clean.csv"]) as new:
        new.file.upload_string("1")
    assert new.metadata.based_on == h.get(new.artifact_id).metadata.based_on == [raw.artifact_id]


@pytest.mark.usefixtures("no_registry")
@pytest.mark.parametrize("way", LOOK)
def test_looking_does_not(local: eio.Handler, data: Path, way: str) -> None:
    LOOK[way](local, local.upload(data / "train.txt"))
    assert local.based_on == []


def test_a_local_path_that_is_handed_out_counts(local: eio.Handler, data: Path) -> None:
    raw = local.upload(data / "train.txt")
    assert raw.file.local_path.exists()
    assert local.based_on == [raw.artifact_id]


def test_a_link_is_read_like_any_other(local: eio.Handler, data: Path) -> None:
    linked = local.link(data)
    assert local.based_on == []
    linked.files["train.txt"].download_string()
    assert local.based_on == [linked.artifact_id]


def test_what_a_block_writes_counts_once_it_is_published(local: eio.Handler) -> None:
    with local.new(["a.txt"]) as new:
        new.file.upload_string("1")
        assert new.file.download_string() == "1"
        os.fspath(new.file)
    assert (new.metadata.based_on, local.based_on) == ([], [])
    new.file.download_string()
    assert local.based_on == [new.artifact_id]


def test_what_is_read_while_a_block_writes_counts_for_it(local: eio.Handler, data: Path) -> None:
    raw = local.upload(data / "train.txt")
    with local.new(["a.txt"]) as new:
        new.file.upload_string(raw.file.download_string())
    assert new.metadata.based_on == [raw.artifact_id]


def test_of_an_artifact_that_another_handler_of_the_lake_gave(team: Team, data: Path) -> None:
    h, other = team.handler(), team.handler()
    raw = other.upload(data / "train.txt")
    raw.file.download_string()
    assert h.upload(data / "test.txt").metadata.based_on == [raw.artifact_id]


def test_not_of_another_lake(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    other = eio.Handler(tmp_path / "other")
    other.upload(data / "train.txt").file.download_string()
    assert (local.based_on, len(other.based_on)) == ([], 1)


def test_a_handler_made_afterwards_begins_anew(local: eio.Handler, data: Path) -> None:
    local.upload(data / "train.txt").file.download_string()
    assert eio.Handler(local.store.root).based_on == []


def test_it_counts_in_the_run_where_it_is_read(local: eio.Handler, data: Path) -> None:
    raw = local.upload(data / "train.txt")
    with local.run("clean") as run:
        with local.run("inner") as inner:
            raw.file.download_string()
        assert (inner.based_on, run.based_on) == ([raw.artifact_id], [])
    assert local.based_on == []
    used = local.runs.find({"name": "inner"}).used.iloc[0]
    assert used == [raw.artifact_id]


def test_threads_and_tasks_count_in_the_run_that_they_are_in(local: eio.Handler, data: Path) -> None:
    raw, other = local.upload(data / "train.txt"), local.upload(data / "test.txt")

    async def work(artifact: eio.Artifact) -> list[str]:
        with local.run("task") as run:
            await asyncio.sleep(0)
            await asyncio.to_thread(artifact.file.download_string)
            return run.based_on

    async def both() -> list[list[str]]:
        return await asyncio.gather(work(raw), work(other))

    assert asyncio.run(both()) == [[raw.artifact_id], [other.artifact_id]]
    with local.run("pool") as run, ThreadPoolExecutor(1) as pool:
        pool.submit(raw.file.download_string).result()
    assert run.based_on == [raw.artifact_id]
    assert local.based_on == []


def test_each_of_many_threads_counts(local: eio.Handler, data: Path) -> None:
    made = [local.upload(data / "train.txt") for _ in range(8)]
    threads = [threading.Thread(target=artifact.file.download_string) for artifact in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(local.based_on) == sorted(artifact.artifact_id for artifact in made)


@pytest.mark.slow
def test_in_a_process_that_was_given_an_artifact(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    raw = local.upload(data / "train.txt")
    (tmp_path / "raw.pickle").write_bytes(pickle.dumps(raw))
    code = f"""
import pickle, elliptio as eio
raw = pickle.loads(open({str(tmp_path / "raw.pickle")!r}, "rb").read())
raw.file.download_string()
h = eio.Handler({local.store.root!r})
made = h.upload({str(data / "test.txt")!r})
assert made.metadata.based_on == [raw.artifact_id], made.metadata.based_on
assert eio.Handler({local.store.root!r}).based_on == []
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with local.run("parent") as run:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert local.runs.find({"_id": run.run_id}).used.iloc[0] == [raw.artifact_id]


def test_a_read_that_fails_is_none(local: eio.Handler, data: Path) -> None:
    raw = local.upload(data / "train.txt")
    shutil.rmtree(raw.remote_root)
    with pytest.raises(eio.MissingKeyError):
        raw.file.download_string()
    assert local.based_on == []
