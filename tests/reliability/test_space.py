"""Disk full, quota, read-only: a clear error, nothing visible, earlier artifacts untouched; or saved with a warning."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.cli import main
from elliptio.stores.local.store import LocalStaging
from tests.reliability.disks import KINDS, Disk, read_only_view

pytestmark = pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")

ENOUGH = 100
"""Steps after which a save must have found room enough."""


@pytest.fixture(params=KINDS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    disk: Disk = KINDS[request.param](tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    """A disk that can really be full."""
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a" * 5000)
    (folder / "b.bin").write_bytes(os.urandom(9000))
    return folder


Save = Callable[[eio.Handler, Path], eio.Artifact]


def upload(h: eio.Handler, source: Path) -> eio.Artifact:
    return h.upload(source)


def write_in_a_block(h: eio.Handler, source: Path) -> eio.Artifact:
    # Not into the file that pytest captures with: it could grow too large as well.
    with contextlib.redirect_stdout(io.StringIO()), h.new(["a.txt", "deep/b.bin"], log_output=True) as new:
        print("logged" * 1000)
        new.files["a.txt"].upload_string("a" * 5000)
        new.files["deep/b.bin"].upload(source / "b.bin")
    return new


def try_to_save(h: eio.Handler, source: Path, save: Save) -> tuple[eio.Artifact | None, list[str]]:
    """Save; an error must be one of elliptio's that says what to do, a warning that the artifact waits."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", eio.SpooledWarning)
        try:
            saved = save(h, source)
        except eio.StoreError as error:
            check_refusal(error, h.store.root)
            return None, []
    told = [str(warning.message) for warning in caught]
    assert all("The files are saved, but cannot be found yet" in text for text in told)
    return saved, told


def check_refusal(error: eio.StoreError, place: str) -> None:
    assert place in str(error)
    assert error.errno in (errno.ENOSPC, errno.EFBIG)


def check(h: eio.Handler, artifacts: list[eio.Artifact]) -> None:
    """Hold a lake against the promise: exactly these artifacts are there, and whole."""
    assert set(h.find(max_docs=0).index) == {artifact.artifact_id for artifact in artifacts}
    for orphan in h.gc(dry_run=False, grace=timedelta(0)):
        assert orphan.removed
    assert h.gc() == []
    assert not list(h.store.list(".elliptio/staging"))
    report = h.reindex()
    assert (report.ok, report.artifacts) == (True, 0)
    verified = h.verify()
    assert verified.ok, verified.problems
    assert verified.artifacts == len(artifacts)


@pytest.mark.slow
@pytest.mark.parametrize("save", [upload, write_in_a_block])
@pytest.mark.parametrize("lake", ["new", "in use", "closed"])
def test_a_save_with_any_room_left(disk: Disk, source: Path, save: Save, lake: str) -> None:
    outcomes = []
    for room in range(ENOUGH):
        root = disk.path / f"lake{room}"
        h = eio.Handler(root, progress=False)
        artifacts = [] if lake == "new" else [h.upload(source)]
        if lake == "closed":
            h.close()
        with disk.left(room):
            found, told = try_to_save(h, source, save)
        artifacts += [found] if found else []
        if told and room % 2:
            # What only the process knew that saved it, and has not said since.
            h = eio.Handler(root)
            assert h.flush() or h.reindex().artifacts == 1
        check(h, artifacts)
        artifacts.append(save(h, source))
        check(h, artifacts)
        h.close()
        shutil.rmtree(root)
        outcomes.append("waits" if told else "saved" if found else "refused")
        if outcomes[-4:] == ["saved"] * 4:
            break
    assert set(outcomes) >= {"refused", "saved"}
    assert outcomes[-1] == "saved"


def test_what_cannot_be_noted_is_told_and_remembered(small: Disk, source: Path) -> None:
    h = eio.Handler(small.path / "lake")
    h.upload(source)
    for room in range(ENOUGH):
        with small.left(room):
            saved, told = try_to_save(h, source, upload)
        if told:
            break
    assert saved is not None
    assert "Nor could it be noted" in told[0]
    assert "elliptio reindex" in told[0]
    assert saved.artifact_id in h.flush()
    assert h.flush() == []
    assert saved.artifact_id in h.find().index


def test_a_full_disk_can_be_read(disk: Disk, source: Path, tmp_path: Path) -> None:
    root = disk.path / "lake"
    with eio.Handler(root) as h:
        saved = h.upload(source)
    with disk.left(0):
        reader = eio.Handler(root, progress=False)
        assert list(reader.find({"username": saved.metadata.username}).index) == [saved.artifact_id]
        assert reader.get(saved.artifact_id) == saved
        assert reader.verify().ok
        assert reader.gc() == []
        reader.close()
    assert len(saved.download(tmp_path / "elsewhere")) == 2


def test_work_on_a_lake_whose_disk_is_full(disk: Disk, source: Path) -> None:
    root = disk.path / "lake"
    h = eio.Handler(root, progress=False)
    saved = h.upload(source)
    h.close()
    for path in (root / ".elliptio").glob("index.sqlite*"):
        path.unlink()
    for room in range(ENOUGH):
        with disk.left(room):
            try:
                done = h.reindex().artifacts == 1
            except eio.IndexUnavailableError:
                done = False
        if done:
            break
        h.close()
    assert done
    with disk.left(0), pytest.raises(eio.StoreError, match=r"cannot write .*(No space|too large)"):
        h.delete(saved.artifact_id)
    check(h, [saved])
    h.delete(saved.artifact_id)
    check(h, [])


def test_an_index_on_another_disk_that_is_full(small: Disk, source: Path, tmp_path: Path) -> None:
    h = eio.Handler(tmp_path / "lake", f"sqlite:///{small.path}/index.sqlite")
    first = h.upload(source)
    with small.left(0):
        saved, told = try_to_save(h, source, upload)
        assert saved is not None
        assert "disk is full" in told[0]
        assert "elliptio flush" in told[0]
        with pytest.raises(eio.IndexUnavailableError, match="disk is full"):
            h.flush()
        assert list(h.find().index) == [first.artifact_id]
    check(h, [first, saved])


def test_a_download_to_a_full_disk(disk: Disk, source: Path, tmp_path: Path) -> None:
    saved = eio.Handler(tmp_path / "lake").upload(source)
    refused = 0
    for room in range(ENOUGH):
        folder = disk.path / "to"
        with disk.left(room):
            try:
                saved.download(folder)
            except eio.StoreError as error:
                refused += 1
                check_refusal(error, str(folder))
            else:
                break
        for path in folder.rglob("*"):
            if path.is_file():
                assert path.read_bytes() == (source / path.relative_to(folder)).read_bytes()
        shutil.rmtree(folder, ignore_errors=True)
    assert refused
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2


def test_the_command_says_it_in_a_line(
    small: Disk, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tmp_path / "lake")
    saved = eio.Handler(root).upload(source)
    with small.left(1):
        assert main(["get", saved.artifact_id, "--root", root, "--to", str(small.path / "to")]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "disk is full" in line
        assert main(["upload", str(source), "--root", str(small.path / "lake")]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "disk is full" in line
    assert not [path for path in (small.path / "to").rglob("*") if path.is_file()]


def test_what_a_block_wrote_is_kept_where_only_recording_it_fails(small: Disk, source: Path) -> None:
    h = eio.Handler(small.path / "lake", progress=False)
    link = "through-a-link"
    full = contextlib.ExitStack()
    with pytest.raises(eio.StoreError, match="disk is full") as caught, full, h.new(["a"]) as new:
        new.file.upload_string("hours of work")
        (new.folder / link).symlink_to(source / "b.bin")
        full.enter_context(small.left(1))
    assert str(new.folder) in "".join(caught.value.__notes__)
    assert (new.folder / "a").read_text() == "hours of work"
    del new, caught
    gc.collect()  # what failed may hold on to itself, and to the lock of the folder, until then
    check(h, [])


def test_what_is_lost_when_a_file_is_closed_for_the_user(small: Disk) -> None:
    h = eio.Handler(small.path / "lake", progress=False)
    full = contextlib.ExitStack()
    with pytest.raises(eio.StoreError, match="disk is full") as caught, full, h.new(["a", "b"]) as new:
        new.files["a"].upload_string("hours of work")
        left_open = new.files["b"].open("w")
        left_open.write("still in a buffer")
        full.enter_context(small.left(0))
    assert str(new.folder / "b") in str(caught.value)
    assert (new.folder / "a").read_text() == "hours of work"


def test_a_block_on_s3_whose_temporary_folder_is_full(
    s3_root: str, small: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small.path))
    h = eio.Handler(s3_root, progress=False)
    with small.left(1), pytest.raises(eio.StoreError, match="disk is full"), h.new(["a", "b"]) as new:
        new.files["a"].upload_string("a")
        new.files["b"].upload_string("b" * 9000)
    assert os.listdir(small.path) == []
    assert len(h.find()) == 0
    assert h.gc() == []


def test_a_quota(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Injected: a file system with quotas needs more than a test may ask for. To elliptio it is another number.
    h = eio.Handler(tmp_path / "lake", progress=False)
    first = h.upload(source)
    write, left = os.write, iter(range(2))

    def refuse(fd: int, data: Any) -> int:
        if next(left, None) is None:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        return write(fd, data)

    with monkeypatch.context() as patch, pytest.raises(eio.StoreError, match="quota is used up: free some") as caught:
        patch.setattr(os, "write", refuse)
        h.upload(source)
    assert caught.value.errno == errno.EDQUOT
    check(h, [first])


def test_a_disk_that_may_only_be_read(small: Disk, source: Path, tmp_path: Path) -> None:
    root = small.path / "lake"
    with eio.Handler(root) as h:
        saved = h.upload(source)
    with small.read_only():
        reader = eio.Handler(root, progress=False)
        for save in (upload, write_in_a_block):
            with pytest.raises(eio.StoreError, match="mounted read-only"):
                save(reader, source)
        with pytest.raises(eio.StoreError, match="mounted read-only"):
            reader.delete(saved.artifact_id)
        with pytest.raises(eio.IndexUnavailableError, match="mounted read-only"):
            reader.reindex()
        with pytest.raises(eio.StoreError, match="mounted read-only"):
            saved.files["b.bin"].download(small.path / "b.bin")
        assert list(reader.find().index) == [saved.artifact_id]
        assert reader.get(saved.artifact_id).files["b.bin"].download(tmp_path / "b").read_bytes()
        assert reader.verify().ok
        assert reader.gc() == []
        reader.close()
    check(h, [saved])


def test_a_disk_that_becomes_read_only_while_saving(small: Disk, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h = eio.Handler(small.path / "lake", progress=False)
    first = h.upload(source)
    failing = contextlib.ExitStack()
    with pytest.raises(eio.StoreError, match="mounted read-only"), failing, h.new(["a"]) as new:
        new.file.upload_string("a")
        failing.enter_context(read_only_view(small.path / "lake"))
    publish = LocalStaging.publish
    with contextlib.ExitStack() as failing:

        def on_a_failing_disk(staging: LocalStaging) -> None:
            failing.enter_context(read_only_view(small.path / "lake"))
            publish(staging)

        with monkeypatch.context() as patch, pytest.raises(eio.StoreError, match="mounted read-only") as caught:
            patch.setattr(LocalStaging, "publish", on_a_failing_disk)
            h.upload(source)
    assert "cannot publish" in str(caught.value)
    assert "`gc` removes it later: cannot discard" in caught.value.__notes__[0]
    assert len(h.gc()) == 2
    del new, caught
    check(h, [first])
