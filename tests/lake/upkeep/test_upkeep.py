"""``verify``, ``reindex``, ``gc`` and ``delete``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.finding.search import EmptyIndexWarning
from elliptio.lake.upkeep import upkeep, verification
from elliptio.lake.upkeep.verification import Problem
from elliptio.naming import uuid7
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
    before = h.find(columns="all")
    h.index.delete("artifacts", list(before.index))
    h.index.delete("environments", list(before.environment_id))
    with pytest.warns(EmptyIndexWarning, match=r"run h\.reindex\(\)") as caught:
        assert len(team.handler().find()) == 0
    assert caught[0].filename == __file__
    report = team.handler().reindex()
    assert report.ok
    assert report.artifacts == 2
    after = team.handler().find(columns="all")
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
    folder = Path(local.store.root, ".elliptio", "staging", "000000_artifact_left")
    (folder / "files").mkdir(parents=True)
    left = folder / "files" / "big.bin"
    left.write_bytes(b"x" * 10)
    assert [(orphan.size, orphan.removed) for orphan in local.gc()] == [(10, False)]
    assert [orphan.removed for orphan in local.gc(dry_run=False)] == [False]
    old = time.time() - 3600
    os.utime(left, (old, old))
    assert [orphan.removed for orphan in local.gc(dry_run=False, grace=timedelta(minutes=59))] == [True]
    assert not folder.exists()
    assert local.gc() == []
    assert local.verify(kept.artifact_id).ok


def test_gc_never_takes_what_the_index_lost(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    h.index.delete("artifacts", [artifact.artifact_id])
    assert h.gc(dry_run=False, grace=timedelta(0)) == []
    assert h.store.stat(".elliptio/lake.json") is not None
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


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file of a published artifact."""
    path.chmod(0o644)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def manifest_of(artifact: eio.Artifact) -> Path:
    return Path(artifact.metadata.remote_root, "metadata.json")


WRONG: list[tuple[str, Any]] = [
    ("artifact_id", "artifact_good/../../x"),
    ("artifact_id", "artifact_01a2005f-92a0-7001-aa55-4cbf61912771"),
    ("artifact_id", None),
    ("_id", "artifact_other"),
    ("creation_time", "2026-01-01"),
    ("creation_time", {"$date": {"$numberLong": "9223372036854775807"}}),
    ("labels", ["x"]),
    ("labels", {"x": 2**70}),
    ("labels", {"x": "\ud800"}),
    ("files", None),
    ("files", ["train.txt"]),
    ("files", {"relpath": "x"}),
    ("file_count", 2**63),
    ("file_count", -1),
    ("file_count", True),
    ("total_size", "12"),
    ("fingerprint", "x"),
    ("file_relpaths", [1, 2]),
    ("username", None),
    ("based_on", "artifact_x"),
    ("git", "main"),
    ("environment_id", 7),
    ("environment", ["x"]),
    ("environment", {"_id": "environment_of_another"}),
    ("version", 99),
    ("a.b", 1),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_damaged_manifest_is_a_problem_of_its_own(
    local: eio.Handler, data: Path, field: str, value: Any, tmp_path: Path
) -> None:
    bad, good = local.upload(data), local.upload(data)
    edit(manifest_of(bad), lambda content: content.update({field: value}))
    local.index.delete("artifacts", [bad.artifact_id, good.artifact_id])
    report = local.reindex()
    assert report.artifacts == 1
    assert [problem.artifact_id for problem in report.problems] == [bad.artifact_id]
    assert "metadata.json" in report.problems[0].message
    assert list(local.find().index) == [good.artifact_id]


@pytest.mark.parametrize(
    ("field", "value"),
    [("relpath", "../../x"), ("relpath", 7), ("size", 2**63), ("size", -1), ("sha256", "x"), ("sha256", None)],
)
def test_a_damaged_record_of_a_file_is_a_problem(local: eio.Handler, data: Path, field: str, value: Any) -> None:
    bad = local.upload(data)
    edit(manifest_of(bad), lambda content: content["files"][0].update({field: value}))
    assert [problem.artifact_id for problem in local.verify().problems] == [bad.artifact_id]
    local.index.delete("artifacts", [bad.artifact_id])
    assert not local.reindex().ok


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null", '{"deleted": {"username": "x"}}'])
def test_a_damaged_tombstone_is_a_problem_of_its_own(local: eio.Handler, data: Path, content: str) -> None:
    bad, good, deleted = local.upload(data), local.upload(data), local.upload(data)
    local.delete(deleted.artifact_id)
    Path(bad.metadata.remote_root, "deleted.json").write_text(content)
    local.index.delete("artifacts", [good.artifact_id])
    local.index.delete("tombstones", [deleted.artifact_id])
    report = local.reindex()
    assert (report.artifacts, report.tombstones) == (1, 1)
    assert [problem.artifact_id for problem in report.problems] == [bad.artifact_id]
    assert local.gc(dry_run=False, grace=timedelta(0))[0].removed is False
    assert bad.files["train.txt"].exists()


def test_a_tombstone_takes_no_other_artifact_away(local: eio.Handler, data: Path) -> None:
    victim, deleted = local.upload(data), local.upload(data)
    local.delete(deleted.artifact_id)
    ids = {"_id": victim.artifact_id, "artifact_id": victim.artifact_id}
    edit(Path(deleted.metadata.remote_root, "deleted.json"), lambda content: content.update(ids))
    assert not local.reindex().ok
    assert list(local.find().index) == [victim.artifact_id]


def test_a_document_that_lies_elsewhere_deletes_nothing(local: eio.Handler, data: Path) -> None:
    victim = local.upload(data)
    (document,) = local.index.find("artifacts", {})
    local.index.insert("artifacts", {**document, "_id": "artifact_x", "artifact_id": "artifact_x"})
    with pytest.raises(eio.FormatError, match="was not deleted"):
        local.delete("artifact_x")
    assert local.verify(victim.artifact_id).ok


def test_a_document_in_the_index_without_what_it_must_have_is_a_problem(local: eio.Handler, data: Path) -> None:
    local.upload(data)
    local.index.insert("artifacts", {"_id": "artifact_x", "creation_time": datetime.now(tz=UTC)})
    assert {problem.artifact_id for problem in local.verify().problems} == {"artifact_x"}
    assert len(local.find(columns=["username", "environment_id", "python.version"])) == 2


def test_a_file_that_was_lost_is_named_when_the_index_is_rebuilt(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.store.remove(f"{artifact.metadata.remote_root.removeprefix(local.store.root)[1:]}/files/train.txt")
    local.index.delete("artifacts", [artifact.artifact_id])
    report = local.reindex()
    assert (report.artifacts, report.problems) == (
        1,
        [Problem(artifact.artifact_id, "files/train.txt", "is missing")],
    )
    assert local.get(artifact.artifact_id).files["test.txt"].download_string()


def test_a_delete_while_reindexing_wins(h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = h.upload(data)
    (document,) = h.index.find("artifacts", {})
    h.index.delete("artifacts", [artifact.artifact_id])
    read = upkeep._reindex_one

    def slowly(lake: Any, folder: str, *more: Any) -> None:
        h.store.create(f"{folder}/deleted.json", b"{}")
        read(lake, folder, *more)

    monkeypatch.setattr(upkeep, "_reindex_one", slowly)
    assert h.reindex().artifacts == 0
    assert document["_id"] not in {entry["_id"] for entry in h.index.find("artifacts", {})}


def test_what_was_recorded_while_it_was_deleted_goes_too(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = h.upload(data)
    (document,) = h.index.find("artifacts", {})
    remove = upkeep.remove_parts

    def slowly(lake: Any, root: str) -> None:
        h.index.insert("artifacts", document)
        remove(lake, root)

    monkeypatch.setattr(upkeep, "remove_parts", slowly)
    h.delete(artifact.artifact_id)
    assert not list(h.index.find("artifacts", {}))


def interrupted_delete(h: eio.Handler, artifact: eio.Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(upkeep, "remove_parts", lambda *_: pytest.fail("crashed"))
        with pytest.raises(pytest.fail.Exception):
            h.delete(artifact.artifact_id)
    assert artifact.files["train.txt"].exists()


def test_gc_finishes_an_interrupted_delete(h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, kept = h.upload(data), h.upload(data)
    interrupted_delete(h, artifact, monkeypatch)
    assert [orphan.removed for orphan in h.gc(dry_run=False)] == [False]
    (orphan,) = h.gc(dry_run=False, grace=timedelta(0))
    assert orphan.removed
    assert orphan.size > artifact.metadata.total_size
    assert not artifact.files["train.txt"].exists()
    assert h.gc() == []
    assert (h.reindex().tombstones, h.verify().artifacts) == (0, 1)
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted"):
        h.get(artifact.artifact_id)
    assert h.verify(kept.artifact_id).ok


def test_deleting_again_finishes_an_interrupted_delete(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = h.upload(data)
    interrupted_delete(h, artifact, monkeypatch)
    upkeep.delete_artifact(h.lake, artifact.artifact_id, force=False, username="andy")
    assert not artifact.files["train.txt"].exists()
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted"):
        upkeep.delete_artifact(h.lake, artifact.artifact_id, force=False, username="andy")


def test_who_deletes_what_is_built_upon_meanwhile_is_refused(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = h.upload(data)
    check = upkeep._check_unused
    children: list[eio.Artifact] = []

    def slowly(lake: Any, artifact_id: str) -> None:
        check(lake, artifact_id)
        if not children:
            children.append(h.upload(data, based_on=parent))

    monkeypatch.setattr(upkeep, "_check_unused", slowly)
    with pytest.raises(eio.InUseError, match="these are based on it"):
        h.delete(parent.artifact_id)
    assert h.verify().ok
    assert h.get(parent.artifact_id).files["train.txt"].exists()
    assert list(h.find(deleted=True).index) == list(h.find().index)
    assert not h.lake.deletions([parent.artifact_id])


@pytest.mark.parametrize("force", [False, True])
def test_who_saves_on_top_of_what_is_deleted_meanwhile_is_told(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    parent = h.upload(data)
    finish = upkeep._finish_deleting

    def slowly(*arguments: Any) -> None:
        with pytest.warns(eio.DeletedParentWarning, match=f"based on {parent.artifact_id}, which") as caught:
            child = h.upload(data, based_on=parent)
        assert caught[0].filename == __file__
        assert child.artifact_id in str(caught[0].message)
        finish(*arguments)

    monkeypatch.setattr(upkeep, "_finish_deleting", slowly)
    h.delete(parent.artifact_id, force=force)
    h.upload(data, based_on=parent)  # once is enough
    assert h.verify().ok
    assert h.gc() == []


def test_who_waited_for_the_index_is_told_too(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = local.upload(data)
    with monkeypatch.context() as patch:
        patch.setattr(type(local.index), "insert", unreachable)
        with pytest.warns(eio.SpooledWarning):
            local.upload(data, based_on=parent)
    other = eio.Handler(local.store.root)
    monkeypatch.setattr("elliptio.lake.spool.flush_if_any", lambda lake: None)
    other.delete(parent.artifact_id)
    with pytest.warns(eio.DeletedParentWarning, match=parent.artifact_id):
        assert len(other.flush()) == 1


def unreachable(*_: Any) -> int:
    raise eio.IndexUnavailableError("gone")


def test_a_beginning_of_a_deleted_artifact_is_said_to_be_deleted(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    h.delete(artifact.artifact_id)
    with pytest.raises(eio.DocumentNotFoundError, match=f"{artifact.artifact_id} was deleted by"):
        h.get(artifact.artifact_id[:-3])
    with pytest.raises(eio.DocumentNotFoundError):
        h.get("artifact_\ud800")


def test_what_is_deleted_while_verifying_is_not_missing(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = h.upload(data)
    h.upload(data)
    tasks = verification._tasks

    def slowly(lake: Any, document: Any, report: Any) -> Any:
        found = list(tasks(lake, document, report))
        if document["_id"] == artifact.artifact_id:
            h.delete(artifact.artifact_id)
        return found

    monkeypatch.setattr(verification, "_tasks", slowly)
    assert h.verify().problems == []


def staged(h: eio.Handler, began: float) -> Path:
    """What a save that began then, and ended with its process, left: a copy that kept an old time."""
    name = f"000000_artifact_{uuid7(int(began * 1000), 0, bytes(8))}"
    folder = Path(h.store.root, ".elliptio", "staging", name)
    folder.mkdir(parents=True)
    (folder / "copied").write_text("x")
    os.utime(folder / "copied", (0, 0))
    return folder


def test_files_that_kept_old_times_do_not_make_a_young_artifact_old(local: eio.Handler) -> None:
    young, old = staged(local, time.time()), staged(local, time.time() - 25 * 3600)
    assert sorted(orphan.removed for orphan in local.gc(dry_run=False)) == [False, True]
    assert (young.exists(), old.exists()) == (True, False)


def test_gc_leaves_a_running_block_alone(local: eio.Handler) -> None:
    with local.new(["x"]) as new:
        new.file.local_path.write_text("x")
        assert not any(orphan.removed for orphan in local.gc(dry_run=False, grace=timedelta(days=-1)))
    assert local.verify().ok
    assert local.get(new.artifact_id).file.download_string() == "x"


def test_a_dead_index_ends_a_reindex_at_once(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local.upload(data)

    def fail(*_: Any) -> bool:
        raise eio.IndexUnavailableError("down")

    monkeypatch.setattr(local.index, "insert", fail)
    with pytest.raises(eio.IndexUnavailableError):
        local.reindex()


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that cannot be read")
def test_a_disk_that_fails_is_told_and_the_rest_is_read(local: eio.Handler, data: Path, tmp_path: Path) -> None:
    saved, other = local.upload(data), local.upload(data)
    path = Path(saved.files["train.txt"].remote_url)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # its first page fails as a bad sector does
    report = local.verify()
    assert [(problem.artifact_id, problem.relpath) for problem in report.problems] == [
        (saved.artifact_id, "files/train.txt")
    ]
    assert "Input/output error. The disk or the network drive failed" in report.problems[0].message
    assert (report.artifacts, report.files) == (2, 4)
    with pytest.raises(eio.StoreError, match=r"cannot read .*train.txt: Input/output error"):
        saved.files["train.txt"].download(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert other.files["train.txt"].download_string()
