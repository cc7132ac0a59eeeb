"""What damaged or hostile files, links and names do to a lake: nothing hangs, and nothing sound is lost."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elliptio as eio
from elliptio.errors import ElliptioError

Damage = Callable[[Path], object]


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [replace_by_a_pipe, replace_by_a_folder])
def test_nothing_waits_for_a_pipe_in_the_place_of_a_file(local: eio.Handler, data: Path, damage: Damage) -> None:
    saved, other = local.upload(data), local.upload(data)
    damage(Path(saved.files["train.txt"].remote_url))
    assert [problem.relpath for problem in local.verify().problems] == ["files/train.txt"]
    with pytest.raises(eio.MissingKeyError):
        saved.files["train.txt"].download_string()
    damage(Path(other.remote_root, "metadata.json"))
    assert {problem.artifact_id for problem in local.verify().problems} == {saved.artifact_id, other.artifact_id}
    assert [one.relpath for one in local.reindex().problems] == ["files/train.txt"]
    damage(Path(local.store.root, ".elliptio/lake.json"))
    with pytest.raises(eio.StoreError, match=r"lake\.json"):
        eio.Handler(local.store.root).upload(data)


@pytest.fixture
def no_collection_of_garbage() -> Iterator[None]:
    """What finalizers of other tests' objects say could not be said where the stack is nearly full."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("text", ["[]", "3", "[" * 100_000, '{"lake_id": [1], "version": 1}', '{"version": 1}', "\0"])
@pytest.mark.slow
def test_a_damaged_identity_is_named(tmp_path: Path, data: Path, text: str, no_collection_of_garbage: None) -> None:
    (tmp_path / "lake" / ".elliptio").mkdir(parents=True)
    (tmp_path / "lake" / ".elliptio" / "lake.json").write_text(text)
    with pytest.raises(eio.FormatError, match=r"lake\.json is damaged.*Restore it"):
        eio.Handler(tmp_path / "lake").upload(data)


def test_deleting_through_a_link_leaves_another_artifact_alone(local: eio.Handler, data: Path) -> None:
    victim, other = local.upload(data), local.upload(data)
    shutil.rmtree(other.remote_root)
    Path(other.remote_root).symlink_to(victim.remote_root)
    with pytest.raises(
        eio.FormatError, match=f"{other.artifact_id} was not deleted: what lies in .* is '{victim.artifact_id}'"
    ):
        local.delete(other.artifact_id)
    assert local.verify(victim.artifact_id).ok
    assert sorted(os.listdir(victim.remote_root)) == ["files", "metadata.json"]


@pytest.mark.parametrize("left", [None, "{"])
def test_a_damaged_artifact_can_be_deleted(local: eio.Handler, data: Path, left: str | None) -> None:
    saved = local.upload(data)
    path = Path(saved.remote_root, "metadata.json")
    path.unlink()
    if left is not None:
        path.write_text(left)
    local.delete(saved.artifact_id)
    assert len(local.find()) == 0
    assert os.listdir(saved.remote_root) == ["deleted.json"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::elliptio.SpooledWarning", "ignore::elliptio.EmptyIndexWarning")
def test_a_flipped_bit_in_the_index_is_said(local: eio.Handler, data: Path) -> None:
    for number in range(20):
        local.upload(data, labels={"number": number})
    local.close()
    path = Path(local.store.root, ".elliptio/index.sqlite")
    sound, chance, failures = path.read_bytes(), random.Random(1), []
    for _ in range(25):
        damaged = bytearray(sound)
        for _ in range(20):
            damaged[chance.randrange(100, len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        h = eio.Handler(local.store.root, progress=False)
        for query in ({}, {"labels.number": 3}):
            try:
                h.find(query)
                h.upload(data)
            except ElliptioError as error:
                failures.append(str(error))
        h.close()
        for journal in path.parent.glob("index.sqlite-*"):
            journal.unlink()
    assert any("is damaged" in failure and "reindex" in failure for failure in failures)


@pytest.mark.parametrize("body", [b"\0\x11", "text", b"\x05\0\0\0\0", b"\x0e\0\0\0\x10_id\0\1\0\0\0\0"])
def test_a_document_that_is_none(local: eio.Handler, data: Path, body: bytes | str) -> None:
    saved = local.upload(data)
    local.close()
    connection = sqlite3.connect(Path(local.store.root, ".elliptio/index.sqlite"), isolation_level=None)
    connection.execute("UPDATE documents SET body = ?", (body,))
    connection.close()
    for attempt in (local.find, lambda: local.get(saved.artifact_id), lambda: local.find(sort="username")):
        with pytest.raises(eio.IndexUnavailableError, match=r"is damaged \(a document is malformed.*reindex"):
            attempt()


def test_a_download_never_replaces_a_device_or_a_pipe(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    saved = local.upload(data / "train.txt")
    os.mkfifo(tmp_path / "train.txt")
    (tmp_path / "link").symlink_to(os.devnull)
    for target in (tmp_path / "train.txt", tmp_path / "link", tmp_path):
        with pytest.raises(eio.StoreError, match="is a device or a pipe"):
            saved.file.download(target)
    assert (tmp_path / "train.txt").is_fifo()
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "old").write_text("old")
    (tmp_path / "to-old").symlink_to(tmp_path / "old")
    saved.file.download(tmp_path / "to-old")
    assert (tmp_path / "old").read_text() == "old"
    with pytest.raises(eio.StoreError, match="names this long"):
        saved.file.download(tmp_path / ("x" * 300))


def test_a_lake_is_not_saved_into_itself(local: eio.Handler, data: Path) -> None:
    saved = local.upload(data)
    (data / "link").symlink_to(local.store.root)
    for path in (local.store.root, Path(local.store.root).parent, data):
        with pytest.raises(eio.SourceError, match="is the lake that it would be saved into"):
            local.upload(path)
    assert local.upload(saved.remote_root).metadata.file_count == 3
    (data / "link").unlink()
    local.upload(data)


def test_a_link_that_leads_to_its_own_folder(local: eio.Handler) -> None:
    for target in (".", ".."):
        with pytest.raises(eio.SourceError, match=r"leads to \S+, a folder that holds it"), local.new(["x"]) as new:
            new.file.upload_string("hours of work")
            (new.folder / "loop").symlink_to(target)
        assert (new.folder / "x").read_text() == "hours of work"
    assert len(local.find()) == 0


def test_a_file_that_vanishes_while_it_is_looked_at(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isdir = os.path.isdir

    def vanish(path: str) -> bool:
        (data / "train.txt").unlink(missing_ok=True)
        return isdir(path)

    with monkeypatch.context() as patch, pytest.raises(eio.SourceNotFoundError, match=r"train\.txt does not exist any"):
        patch.setattr(os.path, "isdir", vanish)
        local.upload([data / "train.txt", data / "test.txt"])


def test_folders_that_are_too_deep(local: eio.Handler, data: Path) -> None:
    with contextlib.chdir(data):
        for _ in range(60):
            os.mkdir("n" * 100)
            os.chdir("n" * 100)
    with pytest.raises(eio.SourceError, match="cannot be read: File name too long"):
        local.upload(data)


def test_a_working_directory_that_is_gone(local: eio.Handler, data: Path) -> None:
    (data / "gone").mkdir()
    with contextlib.chdir(data / "gone"):
        (data / "gone").rmdir()
        with pytest.raises(eio.SourceNotFoundError, match="working directory does not exist any more"):
            local.upload("test.txt")
        saved = local.upload(data / "test.txt")
        with pytest.raises(eio.StoreError, match=r"cannot write test\.txt: No such file"):
            saved.file.download()


@pytest.mark.parametrize("name", ["artifact_\udcff", "artifact_\n", "artifact_\0"])
def test_what_is_no_identifier(local: eio.Handler, data: Path, name: str) -> None:
    with pytest.raises(eio.MetadataError, match="based_on takes"):
        local.upload(data, based_on=name)
    assert local.gc() == []


def test_a_root_that_is_no_path() -> None:
    with pytest.raises(eio.ConfigError, match="NUL"):
        eio.Handler("la\0ke")


def test_an_endless_manifest_is_named_and_passed_over(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elliptio.lake.manifests.LONGEST_MANIFEST", 1 << 20)
    saved, sound = local.upload(data), local.upload(data)
    for name in ("metadata.json", "deleted.json"):
        path = Path(saved.remote_root, name)
        if path.exists():
            path.chmod(0o644)
        path.touch()
        os.truncate(path, 20 << 30)
        (problem,) = local.verify().problems if name == "metadata.json" else local.reindex().problems
        assert problem.artifact_id == saved.artifact_id
        assert "is longer than" in problem.message
        assert name in problem.message
        local.gc(dry_run=False)
    assert sound.files["train.txt"].download_string()


@pytest.mark.parametrize("number", ["00009999", "99999999", "100000000", "999999999"])
def test_a_number_that_no_move_of_a_tag_can_have_is_passed_over(local: eio.Handler, data: Path, number: str) -> None:
    first, second = local.upload(data), local.upload(data)
    local.tag(first, "prod")
    moves = Path(local.store.root, ".elliptio/tags/prod")
    shutil.copy(moves / "00000001.json", moves / f"{number}.json")
    (problem,) = local.verify().problems
    assert number in str(problem.relpath)
    assert local.reindex().ok
    local.tag(second, "prod", overwrite=True)
    assert local.get("tag:prod").artifact_id == second.artifact_id
    assert (moves / "00000002.json").exists()
    assert [problem.relpath for problem in local.verify().problems] == [problem.relpath]


def overwrite(start: int, data: bytes) -> Damage:
    def damage(path: Path) -> None:
        with open(path, "r+b") as file:
            file.seek(start)
            file.write(data)

    return damage


INDEX_DAMAGE = [
    overwrite(0, b"no database" * 20),
    overwrite(4096, random.Random(0).randbytes(1 << 17)),
    lambda path: os.truncate(path, 5000),
    replace_by_a_folder,
]


@pytest.mark.parametrize("damage", INDEX_DAMAGE)
def test_a_damaged_index_is_moved_aside_and_made_anew(
    tmp_path: Path, data: Path, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(eio.Handler(tmp_path / "lake", progress=False)) as h:
        saved = [h.upload(data, labels={"project": "p"}).artifact_id for _ in range(20)]
        h.tag(saved[0], "prod")
    index = tmp_path / "lake/.elliptio/index.sqlite"
    for beside in index.parent.glob("index.sqlite-*"):
        beside.unlink()
    damage(index)
    h = eio.Handler(tmp_path / "lake", progress=False)
    with pytest.raises(eio.IndexUnavailableError):
        h.find({"labels.project": "p"})
    report = h.reindex()
    assert (report.ok, report.artifacts) == (True, 20)
    assert sorted(h.find({"labels.project": "p"}).index) == sorted(saved)
    assert h.get("tag:prod").artifact_id == saved[0]
    (aside,) = index.parent.glob("index.sqlite.damaged-*")
    assert str(aside) in caplog.text
    assert h.reindex().already_there == 20


def test_an_index_that_is_only_locked_stays(tmp_path: Path, data: Path) -> None:
    from elliptio.indexes.sqlite.repair import set_aside

    h = eio.Handler(tmp_path / "lake", progress=False)
    h.upload(data)
    index = tmp_path / "lake/.elliptio/index.sqlite"
    with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert set_aside(index) is None
    assert set_aside(tmp_path / "none.sqlite") is None
