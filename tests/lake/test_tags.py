"""Tags: names that move. The store holds the truth, every index follows it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lake import lake as lake_module
from elliptio.lake import tags
from tests.conftest import Team


def tagged(h: eio.Handler) -> dict[str, list[str]]:
    """What the index says: the tags of each artifact that has some."""
    found = h.find(columns=["tags"], max_docs=0).tags
    return {artifact_id: names for artifact_id, names in found.items() if names}


def named(h: eio.Handler) -> dict[str, str]:
    """What the store says: the artifact of each tag."""
    found = h.tags()
    return dict(zip(found.tag, found.artifact_id, strict=True))


# --- setting, moving, taking away ---


def test_a_tag_names_an_artifact_everywhere(team: Team, data: Path) -> None:
    h = team.handler()
    first, second = h.upload(data), h.upload(data / "train.txt")
    h.tag(first, "prod")
    h.tag(first.artifact_id, "best of 2026")
    h.tag(second.artifact_id[:-3], "staging")
    assert tagged(h) == {first.artifact_id: ["best of 2026", "prod"], second.artifact_id: ["staging"]}
    assert list(h.find({"tags": "prod"}).index) == [first.artifact_id]
    assert list(h.find({"tags": {"$in": ["staging", "x"]}}).index) == [second.artifact_id]
    assert list(h.find({"tags": []}).index) == []
    other = team.handler()
    assert other.get("tag:prod") == first
    assert other.get("tag:prod").metadata.tags == ["best of 2026", "prod"]
    assert other.based_on == [first.artifact_id]
    assert named(other) == {
        "best of 2026": first.artifact_id,
        "prod": first.artifact_id,
        "staging": second.artifact_id,
    }


def test_every_verb_takes_a_tag(local: eio.Handler, data: Path) -> None:
    first = local.upload(data)
    local.tag(first, "data")
    second = local.upload(data / "train.txt", based_on="tag:data")
    local.tag("train.txt:latest", "model")
    assert named(local)["model"] == second.artifact_id
    assert second.metadata.based_on == [first.artifact_id]
    assert local.lineage("tag:model").ancestors == [first.artifact_id]
    assert list(local.find(descendants_of="tag:data").index) == [second.artifact_id]
    assert local.compare("tag:data", "tag:model").files is not None
    assert local.verify("tag:data").files == 2 + len(first.logs)
    local.tag("tag:model", "model too")
    assert named(local)["model too"] == second.artifact_id
    with pytest.raises(eio.InUseError, match="'model', 'model too'"):
        local.delete("tag:model")
    assert not local.based_on


def test_a_tag_moves_only_if_asked_to(team: Team, data: Path) -> None:
    h = team.handler()
    first, second = h.upload(data), h.upload(data)
    with eio.mock_username("andy"):
        h.tag(first, "prod")
    with pytest.raises(eio.TagTakenError, match=rf"'prod' names {first.artifact_id}, set by andy at .*overwrite=True"):
        h.tag(second, "prod")
    assert tagged(h) == {first.artifact_id: ["prod"]}
    h.tag(first, "prod")
    assert len(h.tags(history="prod")) == 1
    with eio.mock_username("brenda"):
        h.tag(second, "prod", overwrite=True)
    assert tagged(h) == {second.artifact_id: ["prod"]}
    assert h.get("tag:prod", track=False) == second
    with eio.mock_username("carla"):
        h.tags.remove("prod")
    assert tagged(h) == {}
    assert len(h.tags()) == 0
    with pytest.raises(eio.DocumentNotFoundError, match="'prod' was removed by carla at 20"):
        h.get("tag:prod")
    with pytest.raises(eio.DocumentNotFoundError, match="'prod' was removed by carla at 20"):
        h.tags.remove("prod")
    with eio.mock_username("dora"):
        h.tag(first, "prod")
    history = team.handler().tags(history="prod")
    assert list(history.username) == ["dora", "carla", "brenda", "andy"]
    assert list(history.artifact_id) == [first.artifact_id, None, second.artifact_id, first.artifact_id]
    assert history.time.is_monotonic_decreasing
    assert set(history.tag) == {"prod"}


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_the_frame_has_the_same_columns_and_types_when_it_is_empty(local: eio.Handler, data: Path) -> None:
    empty = local.tags()
    local.tag(local.upload(data), "prod")
    full = local.tags()
    assert list(full) == ["tag", "artifact_id", "time", "username"]
    assert list(empty.dtypes) == list(full.dtypes)
    assert str(full.time.dtype) == "datetime64[ms, UTC]"
    assert abs(full.time[0] - datetime.now(tz=UTC)) < timedelta(minutes=5)


NAMES = ["prod", "Prod", "PROD", "é", "日本", "..", "-x", "a b", "50%", "v1.2", "a\\b", "x" * 80]


def test_names_survive(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    for name in NAMES:
        h.tag(artifact, name)
    assert named(h) == dict.fromkeys(sorted(NAMES), artifact.artifact_id)
    assert tagged(h) == {artifact.artifact_id: sorted(NAMES)}
    for name in NAMES:
        assert list(h.find({"tags": name}).index) == [artifact.artifact_id]
        assert h.get(f"tag:{name}") == artifact


def test_names_that_differ_in_case_have_folders_that_differ_without(local: eio.Handler, data: Path) -> None:
    first, second = local.upload(data), local.upload(data)
    local.tag(first, "prod")
    local.tag(second, "PROD")
    folders = os.listdir(Path(local.store.root, tags.TAGS))
    assert len({folder.lower() for folder in folders}) == 2


@pytest.mark.parametrize(
    "name", ["", "a/b", "tag:x", "a\nb", "a\0b", " a", "a ", "x" * 81, "é" * 41, "\ud800", "\x7f", 5, None]
)
def test_what_is_no_name_is_refused(local: eio.Handler, data: Path, name: Any) -> None:
    artifact = local.upload(data)
    with pytest.raises(eio.MetadataError, match="tag"):
        local.tag(artifact, name)
    if isinstance(name, str):
        with pytest.raises(eio.DocumentNotFoundError, match="tag"):
            local.get(f"tag:{name}")
    assert not list(local.store.list(tags.TAGS))


def test_what_is_not_there_cannot_be_tagged(h: eio.Handler, data: Path) -> None:
    artifact = h.upload(data)
    h.delete(artifact.artifact_id)
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted by"):
        h.tag(artifact, "prod")
    with pytest.raises(eio.DocumentNotFoundError, match="Could not find"):
        h.tag("artifact_f", "prod")
    with pytest.raises(eio.DocumentNotFoundError, match="There is no tag 'prod'"):
        h.tag("tag:prod", "staging")
    with pytest.raises(eio.DocumentNotFoundError, match="There is no tag 'prod'"):
        h.tags.remove("prod")
    with pytest.raises(eio.DocumentNotFoundError, match="There is no tag 'prod'"):
        h.tags(history="prod")
    assert not list(h.store.list(tags.TAGS))


def test_a_mistyped_tag_is_told_from_others(local: eio.Handler, data: Path) -> None:
    local.tag(local.upload(data), "production")
    with pytest.raises(eio.DocumentNotFoundError, match="did you mean 'production'"):
        local.get("tag:prodution")


def test_tags_of_very_many_files(local: eio.Handler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elliptio.documents.MAX_INDEXED_FILES", 3)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5):
        (folder / str(number)).write_text("x")
    artifact = local.upload(folder)
    local.tag(artifact, "prod")
    assert local.get("tag:prod").metadata.tags == ["prod"]
    assert len(local.get("tag:prod").files) == 5


# --- deleting ---


def test_what_a_tag_names_is_deleted_only_by_force(h: eio.Handler, data: Path) -> None:
    artifact, other = h.upload(data), h.upload(data)
    h.tag(artifact, "prod")
    h.tag(artifact, "best")
    h.tag(other, "other")
    with pytest.raises(eio.InUseError, match="these tags name it: 'best', 'prod'"):
        h.delete(artifact.artifact_id)
    assert h.get("tag:prod", track=False) == artifact
    with eio.mock_username("andy"):
        h.delete(artifact.artifact_id, force=True)
    assert named(h) == {"other": other.artifact_id}
    assert tagged(h) == {other.artifact_id: ["other"]}
    assert h.tags(history="prod").username[0] == "andy"
    with pytest.raises(eio.DocumentNotFoundError, match="'prod' was removed by andy"):
        h.get("tag:prod")
    assert h.verify().ok


def test_an_artifact_that_is_deleted_while_it_is_tagged_does_not_come_back(
    team: Team, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h, other = team.handler(), team.handler()
    artifact = h.upload(data)
    replace = h.index.replace

    def delete_first(collection: str, document: Any) -> None:
        other.delete(artifact.artifact_id, force=True)
        replace(collection, document)

    monkeypatch.setattr(h.index, "replace", delete_first)
    h.tag(artifact, "prod")
    assert artifact.artifact_id not in h.find().index
    assert named(h) == {}


def test_a_tag_that_was_set_while_its_artifact_was_deleted_goes(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = local.upload(data)
    other = eio.Handler(local.store.root)
    point = tags.point

    def delete_first(*arguments: Any, **options: Any) -> None:
        other.delete(artifact.artifact_id)
        point(*arguments, **options)

    monkeypatch.setattr(tags, "point", delete_first)
    with pytest.raises(eio.DocumentNotFoundError, match="was deleted while it was being tagged"):
        local.tag(artifact, "prod")
    assert named(local) == {}
    assert local.verify().ok


def test_what_version_1_stored_is_read(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    move = {
        "artifact_id": artifact.artifact_id,
        "time": "2026-11-03T09:12:44.505+00:00",
        "username": "Zoë",
        "version": 1,
    }
    folder = Path(local.store.root, ".elliptio", "tags", "%50rod%20%C3%A9")
    folder.mkdir(parents=True)
    (folder / "00000001.json").write_text(json.dumps({**move, "artifact_id": None}))
    (folder / "00000010.json").write_text(json.dumps({**move, "added later": 1}))
    assert local.get("tag:Prod é") == artifact
    assert local.tags().to_dict("records") == [
        {"tag": "Prod é", "artifact_id": artifact.artifact_id, "username": "Zoë",
         "time": datetime(2026, 11, 3, 9, 12, 44, 505_000, tzinfo=UTC)}
    ]  # fmt: skip


# --- the rest of the lake's keeping ---


def test_gc_and_flush_leave_tags_alone(h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = h.upload(data)
    h.tag(artifact, "prod")
    h.tag(artifact, "staging")
    h.tags.remove("staging")
    before = sorted(stored.key for stored in h.store.list(tags.TAGS))
    assert len(before) == 3
    assert h.gc(dry_run=False, grace=timedelta(0)) == []
    assert h.flush() == []
    assert sorted(stored.key for stored in h.store.list(tags.TAGS)) == before


def test_two_lakes_over_one_index_have_tags_of_their_own(tmp_path: Path, data: Path) -> None:
    one, two = (eio.Handler(tmp_path / name, index=f"sqlite:///{tmp_path}/index.sqlite") for name in ("one", "two"))
    a, b = one.upload(data), two.upload(data)
    one.tag(a, "prod")
    two.tag(b, "prod")
    assert (one.get("tag:prod"), two.get("tag:prod")) == (a, b)
    assert tagged(one) == {a.artifact_id: ["prod"]}
    two.tags.remove("prod")
    assert tagged(one) == {a.artifact_id: ["prod"]}


def test_a_save_costs_nothing_more(local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local.tag(local.upload(data), "prod")
    asked: list[str] = []
    monkeypatch.setattr(tags, "heads", lambda lake: asked.append("heads"))
    monkeypatch.setattr(lake_module.Lake, "replace", lambda self, document: asked.append("replace"))
    local.upload(data)
    local.find()
    local.latest()
    assert asked == []


def test_an_index_that_may_be_another_one_is_told_of_all_tags(local: eio.Handler, data: Path) -> None:
    one, other = local.upload(data), local.upload(data)
    local.tag(one, "first")
    (document,) = local.index.find("artifacts", {"_id": one.artifact_id})
    local.index.replace("artifacts", {**document, "tags": []})
    local.tag(other, "second")
    assert tagged(local) == {other.artifact_id: ["second"]}  # only what moved is asked for
    local.close()
    local.tag(other, "third")
    assert tagged(local) == {one.artifact_id: ["first"], other.artifact_id: ["second", "third"]}


def test_what_others_moved_meanwhile_is_told_too(local: eio.Handler, data: Path) -> None:
    """As by a process that was killed between the file and the index."""
    one, other = local.upload(data), local.upload(data)
    local.tag(one, "mine")
    tags.point(local.lake, "theirs", one.artifact_id, overwrite=False, username="brenda")
    local.tag(other, "mine", overwrite=True)
    assert tagged(local) == {one.artifact_id: ["theirs"], other.artifact_id: ["mine"]}
