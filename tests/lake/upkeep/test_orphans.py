"""``gc`` beside saves that run: what they have put so far is out of its reach, or they are told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import elliptio as eio
from elliptio.lake.upkeep import orphans
from elliptio.saving.publication import Publication
from elliptio.stores.local import store as local_store
from elliptio.stores.s3 import life
from elliptio.stores.s3.staging import S3Staging

NOTHING = timedelta(0)


@pytest.fixture
def h(s3_root: str) -> eio.Handler:
    return eio.Handler(s3_root, progress=False)


@pytest.fixture
def other(h: eio.Handler) -> eio.Handler:
    """Somebody else, on the same lake."""
    return eio.Handler(h.store.root, progress=False)


def amid_publishing(monkeypatch: pytest.MonkeyPatch, do: Callable[[], Any]) -> None:
    """Do something when all of an artifact but its description is put."""
    publish = Publication.publish

    def slowly(publication: Publication, *arguments: Any, **options: Any) -> Any:
        do()
        return publish(publication, *arguments, **options)

    monkeypatch.setattr(Publication, "publish", slowly)


def keys(h: eio.Handler) -> list[str]:
    return [stored.key for stored in h.store.list()]


@pytest.mark.parametrize("years", [0, 1, -1])
def test_no_grace_and_no_clock_takes_what_is_being_saved(
    h: eio.Handler, other: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=365 * years)

    found: list[eio.Orphan] = []
    amid_publishing(monkeypatch, lambda: found.extend(other.gc(dry_run=False, grace=NOTHING)))
    with monkeypatch.context() as patch:
        patch.setattr(orphans, "datetime", Clock)
        saved = h.upload(data)
    assert [orphan.removed for orphan in found] == [False]
    assert h.verify().ok
    assert h.get(saved.artifact_id).files["train.txt"].exists()
    assert not any("clock" in key or "saving" in key for key in keys(h))


def test_what_a_dead_save_left_goes_when_it_showed_no_life_for_long_enough(
    h: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = h.upload(data)
    root = kept.metadata.remote_root.removeprefix(h.store.root + "/").rpartition("_")[0]
    left = f"{root}_01890000-0000-7000-8000-000000000000"
    for name in ("files/a", "files/b", "saving/00000003"):
        h.store.create(f"{left}/{name}", b"x")
    assert [orphan.removed for orphan in h.gc(dry_run=False, grace=NOTHING)] == [False]
    monkeypatch.setattr(orphans, "FLOOR", timedelta(seconds=-10))
    assert [orphan.removed for orphan in h.gc(dry_run=False, grace=NOTHING)] == [True]
    assert not any(key.startswith(left) for key in keys(h))
    assert h.verify().ok


def test_a_long_save_shows_that_it_lives(
    h: eio.Handler, other: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "EVERY", 0.05)
    shown: list[str] = []

    def wait() -> None:
        while len(shown) < 2:
            shown.extend({key for key in keys(other) if "/saving/" in key} - set(shown))

    amid_publishing(monkeypatch, wait)
    h.upload(data)
    assert not any("/saving/" in key for key in keys(other))
    assert not any(thread.name == "elliptio-alive" for thread in threading.enumerate())


@pytest.mark.parametrize("verb", ["upload", "new"])
def test_who_comes_back_too_late_is_told(
    h: eio.Handler, other: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(orphans, "FLOOR", timedelta(seconds=-10))
    amid_publishing(monkeypatch, lambda: other.gc(dry_run=False, grace=NOTHING))
    with pytest.raises(eio.StoreError, match=r"was not published: .* were removed meanwhile"):
        if verb == "upload":
            h.upload(data)
        else:
            with h.new(["a"]) as new:
                new.file.upload_string("a")
    assert len(h.find()) == 0
    assert (h.reindex().artifacts, h.reindex().problems) == (0, [])
    assert not any(key.endswith("metadata.json") for key in keys(h))


def test_who_is_published_while_it_is_being_removed_stays_or_is_told(
    h: eio.Handler, other: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "FLOOR", timedelta(seconds=-10))
    given_up = orphans._is_given_up
    publish = S3Staging.publish
    # The sign is written after all was looked at: then it is the collector that sees.

    def published_first(lake: Any, root: str) -> bool:
        saved.append(finish(root))
        return given_up(lake, root)

    saved: list[None] = []
    staging = h.store.begin("2026/01/01/andy/000000_artifact_01890000-0000-7000-8000-000000000000")
    with (data / "train.txt").open("rb") as file:
        staging.put("files/train.txt", file)

    def finish(root: str) -> None:
        with (data / "train.txt").open("rb") as file:
            staging.put("metadata.json", file)
        publish(staging)  # type: ignore[arg-type]

    monkeypatch.setattr(orphans, "_is_given_up", published_first)
    assert [orphan.removed for orphan in other.gc(dry_run=False, grace=NOTHING)] == [False]
    assert len(saved) == 1
    assert len([key for key in keys(h) if "artifact_01890000" in key]) == 2
    # The sign is there before that: then it is the save.
    late = h.store.begin("2026/01/01/andy/000000_artifact_01890000-0000-7000-8000-000000000001")
    with (data / "train.txt").open("rb") as file:
        late.put("metadata.json", file)
    h.store.create("2026/01/01/andy/000000_artifact_01890000-0000-7000-8000-000000000001/saving/collected", b"")
    with pytest.raises(eio.StoreError, match="was not published"):
        late.publish()


def test_a_lake_in_a_folder_keeps_what_is_being_written(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = local.upload(data)
    give_name = local_store.give_name
    found: list[bool] = []

    def slowly(temporary: str, *more: Any) -> bool:
        seen = eio.Handler(local.store.root).gc(dry_run=False, grace=NOTHING)
        # A deletion that goes on may be finished by anybody.
        found.extend(orphan.removed for orphan in seen if orphan.key.startswith(".elliptio/"))
        return give_name(temporary, *more)

    monkeypatch.setattr(local_store, "give_name", slowly)
    local.tag(saved, "prod")
    with local.run("train"):
        pass
    local.delete(saved, force=True)
    assert len(found) >= 4
    assert not any(found)
    assert local.verify().ok


def test_a_temporary_file_that_was_taken_is_written_again(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = local.upload(data)
    give_name = local_store.give_name
    taken: list[str] = []

    def removed_once(temporary: str, *more: Any) -> bool:
        if not taken:
            taken.append(temporary)
            os.unlink(temporary)
        return give_name(temporary, *more)

    monkeypatch.setattr(local_store, "give_name", removed_once)
    local.tag(saved, "prod")
    assert taken
    assert local.get("tag:prod").artifact_id == saved.artifact_id
