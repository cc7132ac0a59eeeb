"""A large file that the lake has already takes no second copy, and what is stored twice is never taken on trust."""

from __future__ import annotations

import errno
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.saving import transfer
from elliptio.saving.equal_files import twins_in
from elliptio.testing.weather import Weather, answer, delay

SIZE = transfer.LARGE + 12_345


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def stored(artifact: eio.Artifact) -> os.stat_result:
    return os.stat(artifact.file.local_path)


def test_the_same_again_takes_no_room(local: eio.Handler, large: Path, tmp_path: Path) -> None:
    first = local.upload(large)
    again = tmp_path / "under another name.bin"
    again.write_bytes(large.read_bytes())
    second = local.upload(again)
    assert stored(first).st_ino == stored(second).st_ino
    assert second.file.relpath == "under another name.bin"
    assert second.file.sha256 == first.file.sha256
    # The source is no part of it: whoever writes to it later changes nothing that was saved.
    assert os.stat(again).st_ino != stored(second).st_ino
    assert local.verify().ok
    assert local.gc() == []


def test_what_was_deleted_stays_in_the_other(local: eio.Handler, large: Path) -> None:
    first, second = local.upload(large), local.upload(large)
    local.delete(first, force=True)
    assert stored(second).st_nlink == 1
    assert second.file.open().read() == large.read_bytes()
    local.upload(large)
    assert local.verify().ok


@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
def test_one_byte_makes_another_file(local: eio.Handler, large: Path, place: int) -> None:
    first = local.upload(large)
    data = bytearray(large.read_bytes())
    data[place] ^= 1
    large.write_bytes(data)
    second = local.upload(large)
    assert stored(first).st_ino != stored(second).st_ino
    assert second.file.open().read() == data
    assert local.verify().ok


def test_a_damaged_copy_is_not_taken_for_the_file(local: eio.Handler, large: Path) -> None:
    first = local.upload(large)
    path = first.file.local_path
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"damaged")
    second = local.upload(large)
    assert second.file.open().read() == large.read_bytes()
    assert local.verify(second).ok
    assert not local.verify(first).ok


def test_a_wrong_hash_in_the_index_is_not_believed(local: eio.Handler, large: Path) -> None:
    first = local.upload(large)
    document = next(local.index.find("artifacts", {}))
    local.index.delete("artifacts", [first.artifact_id])
    local.index.insert("artifacts", {**document, "files": [{**document["files"][0], "sha256": "0" * 64}]})
    second = local.upload(large)
    assert stored(first).st_ino != stored(second).st_ino
    assert local.verify(second).ok


def test_a_link_that_took_the_place_of_a_file_is_not_taken_over(
    local: eio.Handler, large: Path, tmp_path: Path
) -> None:
    first = local.upload(large)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(large.read_bytes())
    first.file.local_path.unlink()
    first.file.local_path.symlink_to(elsewhere)
    second = local.upload(large)
    assert not second.file.local_path.is_symlink()
    assert stored(second).st_nlink == 1
    assert local.verify(second).ok


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EMLINK])
def test_without_hard_links_it_is_copied(
    local: eio.Handler, large: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = local.upload(large)
    monkeypatch.setattr(os, "link", failing(number))
    second = local.upload(large)
    assert stored(first).st_ino != stored(second).st_ino
    assert local.verify().ok


def failing(number: int) -> Any:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return link


def test_what_is_gone_meanwhile_is_copied(local: eio.Handler, large: Path) -> None:
    first = local.upload(large)
    os.unlink(first.file.local_path)
    second = local.upload(large)
    assert local.verify(second).ok


def test_a_lie_about_where_a_file_lies_leads_nowhere(local: eio.Handler, large: Path, tmp_path: Path) -> None:
    first = local.upload(large)
    (tmp_path / "secret").write_bytes(large.read_bytes())
    document = next(local.index.find("artifacts", {}))
    local.index.delete("artifacts", [first.artifact_id])
    climbing = "../" * 12 + str(tmp_path / "secret").lstrip("/")
    lies: list[dict[str, Any]] = [
        {"remote_root": "../../elsewhere"},
        {"remote_root": None},
        {"files": [{**document["files"][0], "relpath": climbing}]},
        {"files": [{**document["files"][0], "relpath": None}, "x", {"size": SIZE}]},
    ]
    for number, lie in enumerate(lies):
        local.index.insert("artifacts", {**document, **lie, "_id": f"artifact_{number}"})
    assert twins_in(local.lake, SIZE) == []
    assert local.verify(local.upload(large)).ok


def test_a_dead_index_costs_only_the_second_copy(
    local: eio.Handler, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise eio.IndexUnavailableError("the index is down")

    first = local.upload(large)
    with monkeypatch.context() as patch:
        patch.setattr(type(local.index), "find", refuse)
        patch.setattr(type(local.index), "insert", refuse)
        with pytest.warns(eio.SpooledWarning):
            second = local.upload(large)
    assert stored(first).st_ino != stored(second).st_ino
    assert local.flush() == [second.artifact_id]
    assert local.verify().ok


def test_small_files_are_not_looked_for(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small").write_bytes(bytes(transfer.LARGE - 1))
    monkeypatch.setattr("elliptio.saving.publication.twins_in", lambda *_: pytest.fail("it was looked for"))
    local.upload(tmp_path / "small")


# -- on S3, where the server copies -----------------------------------------------------------------------------------


@pytest.fixture
def remote(no_cache: None, remote: eio.Handler) -> eio.Handler:
    return remote


@pytest.fixture
def larger(tmp_path: Path) -> Path:
    path = tmp_path / "larger.bin"
    path.write_bytes(os.urandom(transfer.LARGE_REMOTE + 12_345))
    return path


def test_the_same_again_is_not_sent(remote: eio.Handler, sky: Weather, larger: Path) -> None:
    first = remote.upload(larger)
    sky.requests.clear()
    second = remote.upload(larger)
    assert (sky.requests["UploadPart"], sky.requests["UploadPartCopy"]) == (0, 1)
    remote.delete(first, force=True)
    assert second.file.sha256 == first.file.sha256
    assert second.file.open().read() == larger.read_bytes()
    assert remote.verify().ok
    assert remote.gc(grace=timedelta(0)) == []


@pytest.mark.parametrize(("place", "tried"), [(0, 0), (transfer.LARGE_REMOTE // 4, 1)], ids=["sampled", "elsewhere"])
def test_another_file_of_that_size_is_sent(
    remote: eio.Handler, sky: Weather, larger: Path, place: int, tried: int
) -> None:
    remote.upload(larger)
    data = bytearray(larger.read_bytes())
    data[place] ^= 1
    larger.write_bytes(data)
    sky.requests.clear()
    second = remote.upload(larger)
    assert (sky.requests["UploadPart"], sky.requests["UploadPartCopy"]) == (3, tried)
    assert second.file.open().read() == data
    assert remote.verify().ok


def test_a_damaged_object_is_not_copied(remote: eio.Handler, sky: Weather, larger: Path) -> None:
    first = remote.upload(larger)
    damaged = bytearray(larger.read_bytes())
    damaged[len(damaged) // 4] ^= 1
    client = remote.store.client()  # type: ignore[attr-defined]
    bucket, _, key = first.file.remote_url.removeprefix("s3://").partition("/")
    client.put_object(Bucket=bucket, Key=key, Body=bytes(damaged))
    second = remote.upload(larger)
    assert sky.requests["UploadPartCopy"] == 1
    assert second.file.open().read() == larger.read_bytes()
    assert remote.verify(second).ok
    assert not remote.verify(first).ok


def test_an_object_that_goes_while_it_is_copied_is_sent(remote: eio.Handler, sky: Weather, larger: Path) -> None:
    first = remote.upload(larger)
    sky.fail(answer(404, "NoSuchKey"), "UploadPartCopy")
    second = remote.upload(larger)
    remote.delete(first, force=True)
    assert second.file.open().read() == larger.read_bytes()
    assert remote.verify().ok


def test_a_server_that_cannot_copy_gets_the_bytes(remote: eio.Handler, sky: Weather, larger: Path) -> None:
    remote.upload(larger)
    sky.fail(answer(501, "NotImplemented"), "UploadPartCopy")
    assert remote.verify(remote.upload(larger)).ok


def test_a_source_that_changes_while_it_is_copied_is_an_error(remote: eio.Handler, sky: Weather, larger: Path) -> None:
    remote.upload(larger)
    sky.fail(delay(2), "UploadPartCopy")
    change = threading.Timer(1, lambda: larger.write_bytes(b"changed"))
    change.start()
    with pytest.raises(eio.SourceError, match="changed while it was being saved"):
        remote.upload(larger)
    change.join()
    assert len(remote.find()) == 1
    assert remote.gc(grace=timedelta(0)) == []
