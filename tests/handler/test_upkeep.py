"""``verify``, ``reindex``, ``gc`` and ``delete``."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

import elliptio as eio
from tests.conftest import Team


def flip(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_whole_lake_verifies(h: eio.Handler, data: Path) -> None:
    first, second = h.upload(data), h.upload(data / "train.txt")
    report = h.verify()
    assert report.ok
    assert report.artifacts == 2
    assert report.files == 3 + len(first.logs) + len(second.logs)
    assert h.verify(first.artifact_id).artifacts == 1


def test_one_flipped_bit_anywhere_is_found(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    good = local.upload(data)
    flip(Path(artifact.files["train.txt"].remote_url))
    problems = local.verify().problems
    assert [(problem.artifact_id, problem.relpath) for problem in problems] == [
        (artifact.artifact_id, "files/train.txt")
    ]
    assert local.verify(good.artifact_id).ok


def test_a_missing_or_changed_manifest_is_found(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    manifest = Path(artifact.metadata.remote_root, "metadata.json")
    manifest.chmod(0o644)
    text = manifest.read_text()
    manifest.write_text(text.replace(artifact.files["test.txt"].sha256 or "", "0" * 64))
    assert not local.verify().ok
    manifest.write_text(text[:-20])
    assert "damaged" in local.verify().problems[0].message
    manifest.unlink()
    assert not local.verify().ok


def test_a_missing_file_is_found(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    key = artifact.files["test.txt"].remote_url.removeprefix(h.store.root + "/")
    h.store.remove(key)
    assert [problem.message for problem in h.verify().problems] == ["is missing"]


def test_a_lost_index_is_rebuilt_from_the_store(team: Team, data: Path) -> None:
    h = team.handler()
    first = h.upload(data, labels={"project": "x", "bytes": b"\0", "nested": {"list": [1.5, None]}})
    h.get(first.artifact_id)
    with h.new(["model.pt"]) as second:
        second.file.upload_string("x")
    before = h.find(exclude_columns=())
    h.index.delete("artifacts", list(before.index))
    h.index.delete("environments", list(before.environment_id))
    assert len(team.handler().find()) == 0
    report = team.handler().reindex()
    assert report.ok
    assert report.artifacts == 2
    after = team.handler().find(exclude_columns=())
    assert after.equals(before)
    assert team.handler().get(first.artifact_id).metadata == first.metadata
    again = team.handler().reindex()
    assert (again.artifacts, again.already_there) == (0, 2)


def test_a_copied_lake_without_its_index_opens_elsewhere(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    import shutil

    artifact = local.upload(data)
    shutil.copytree(local.store.root, tmp_path / "copy", ignore=shutil.ignore_patterns("index.sqlite*"))
    copy = eio.Handler(tmp_path / "copy")
    assert copy.reindex().artifacts == 1
    assert copy.get(artifact.artifact_id).files["train.txt"].local_path.is_relative_to(tmp_path / "copy")


def test_user_files_called_metadata_json_are_no_artifacts(local: eio.Handler, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text("{}")
    local.upload(tmp_path / "metadata.json")
    assert local.reindex().ok


def test_a_hostile_manifest_is_not_taken(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    manifest = Path(artifact.metadata.remote_root, "metadata.json")
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace("train.txt", "../../../../../../tmp/train.txt"))
    local.index.delete("artifacts", [artifact.artifact_id])
    report = local.reindex()
    assert not report.ok
    assert report.artifacts == 0


def test_what_an_interrupted_save_left_is_removed_after_the_grace_period(local: eio.Handler, data: Path) -> None:
    kept = local.upload(data)
    staging = local.store.begin("2026/01/01/andy/000000_artifact_left")
    (staging.folder / "files").mkdir()
    left = staging.folder / "files" / "big.bin"
    left.write_bytes(b"x" * 10)
    assert [(orphan.size, orphan.removed) for orphan in local.gc()] == [(10, False)]
    assert [orphan.removed for orphan in local.gc(dry_run=False)] == [False]
    old = time.time() - 3600
    os.utime(left, (old, old))
    assert [orphan.removed for orphan in local.gc(dry_run=False, grace=timedelta(minutes=59))] == [True]
    assert not staging.folder.exists()
    assert local.gc() == []
    assert local.verify(kept.artifact_id).ok


def test_gc_never_takes_what_the_index_lost(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    h.index.delete("artifacts", [artifact.artifact_id])
    assert h.gc(dry_run=False, grace=timedelta(0)) == []
    assert h.reindex().artifacts == 1
    assert h.verify().ok


def test_deleting(team: Team, data: Path) -> None:
    h = team.handler()
    dataset = h.upload(data)
    model = h.upload(data, based_on=dataset)
    with pytest.raises(eio.InUseError, match=model.artifact_id):
        h.delete(dataset.artifact_id)
    assert h.verify().ok
    h.delete(model.artifact_id)
    h.delete(dataset.artifact_id)
    assert len(h.find()) == 0
    assert not dataset.files["train.txt"].exists()
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted"):
        h.get(dataset.artifact_id)
    assert h.reindex().artifacts == 0
    assert len(h.find()) == 0


def test_deleting_by_force(h: eio.Handler, data: Path) -> None:
    dataset = h.upload(data)
    model = h.upload(data, based_on=dataset)
    h.delete(dataset.artifact_id, force=True)
    assert list(h.find().index) == [model.artifact_id]
    assert h.get(model.artifact_id).metadata.based_on == [dataset.artifact_id]
