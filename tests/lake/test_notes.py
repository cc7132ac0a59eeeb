"""Remarks added after publishing: who, when; the artifact itself stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import elliptio as eio
from tests.conftest import Team


def test_a_note_shows_and_the_artifact_stays(team: Team, data: Path) -> None:
    h = team.handler()
    artifact = h.upload(data)
    before = {file.key: file.size for file in h.store.list("2")}
    with eio.mock_username("brenda"):
        h.note(artifact, "wrong units before May")
    h.note(artifact.artifact_id[:-1], "checked")
    found = h.get(artifact.artifact_id)
    assert found == artifact
    first, second = found.metadata.notes
    assert (first["username"], first["text"], second["text"]) == ("brenda", "wrong units before May", "checked")
    assert first["time"].tzinfo is UTC or first["time"].utcoffset().total_seconds() == 0
    assert first["time"] <= second["time"] <= datetime.now(tz=UTC)
    assert "brenda" in str(found)
    assert "wrong units before May" in str(found)
    assert "wrong units before May" in found._repr_html_()
    assert list(h.find({"notes.text": {"$regex": "units"}}).index) == [artifact.artifact_id]
    assert {file.key: file.size for file in h.store.list("2")} == before
    assert h.verify().ok


def test_a_lost_index_has_them_again(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.note(artifact, "wrong")
    local.close()
    for path in Path(local.store.root, ".elliptio").glob("index.sqlite*"):
        path.unlink()
    h = eio.Handler(local.store.root)
    assert h.reindex().ok
    assert [note["text"] for note in h.get(artifact.artifact_id).metadata.notes] == ["wrong"]


def test_of_very_many_files(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.documents.MAX_INDEXED_FILES", 1)
    for name in "ab":
        (tmp_path / "many").mkdir(exist_ok=True)
        (tmp_path / "many" / name).write_text(name)
    artifact = local.upload(tmp_path / "many")
    local.note(artifact, "many")
    found = local.get(artifact.artifact_id)
    assert ([note["text"] for note in found.metadata.notes], len(found.files)) == (["many"], 2)


def test_a_run_that_has_ended(team: Team) -> None:
    h = team.handler()
    with h.run("train") as run:
        run.note("during")
    h.note(run.run_id, "afterwards")
    (row,) = h.runs.search({"notes.text": "afterwards"}).rows()
    assert [note["text"] for note in row["notes"]] == ["during", "afterwards"]
    assert row["status"] == "finished"


def test_a_secret_is_masked(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.note(artifact, "fetched with ghp_" + "a1B2" * 9)
    assert local.get(artifact.artifact_id).metadata.notes[0]["text"] == "fetched with ***"


def test_of_nothing(local: eio.Handler, data: Path) -> None:
    with pytest.raises(eio.DocumentNotFoundError):
        local.note("artifact_0195", "x")
    with pytest.raises(eio.DocumentNotFoundError):
        local.note("run_0195", "x")
    with pytest.raises(eio.MetadataError, match="A note is a text"):
        local.note(local.upload(data), "")


def test_a_damaged_one_is_named_and_passed_over(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.note(artifact, "first")
    (path,) = Path(local.store.root, ".elliptio", "notes").rglob("*.json")
    path.chmod(0o600)
    path.write_text("{")
    local.note(artifact, "second")
    report = local.reindex()
    assert [problem.artifact_id for problem in report.problems] == [f"note:{path.relative_to(local.store.root)}"]
    assert [note["text"] for note in local.get(artifact.artifact_id).metadata.notes] == ["second"]


def test_a_deleted_artifact_keeps_no_document(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    local.note(artifact, "wrong")
    local.delete(artifact)
    local.reindex()
    assert local.find().empty
