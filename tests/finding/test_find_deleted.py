"""``h.find(deleted=True)``, and what a child says of a parent that was deleted."""

from __future__ import annotations

import itertools
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mongomock
import pandas as pd
import pytest

import elliptio as eio
from elliptio.finding.options import Unasked
from elliptio.lake.lake import TOMBSTONES


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that names no file of tests: cards show it."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "program.py"])


@pytest.fixture
def ids(h: eio.Handler, data: Path) -> list[str]:
    """Four artifacts; brenda deleted the second and the last."""
    found = [h.upload(data, labels={"number": number}).artifact_id for number in range(4)]
    with eio.mock_username("brenda"):
        h.delete(found[1])
        h.delete(found[3])
    return found


def numbers(h: eio.Handler, query: Any = None, **options: Any) -> list[int]:
    return [labels["number"] for labels in h.find(query, deleted=True, **options).labels]


def test_deleted_artifacts_are_left_out_unless_asked_for(h: eio.Handler, ids: list[str]) -> None:
    found = h.find()
    assert list(found.index) == [ids[2], ids[0]]
    assert "deleted" not in found
    every = h.find(deleted=True)
    assert list(every.index) == ids[::-1]
    assert [entry and entry["username"] for entry in every.deleted] == ["brenda", None, "brenda", None]
    assert timedelta() < datetime.now(tz=UTC) - every.deleted[ids[1]]["time"] < timedelta(minutes=5)
    roots = h.find(deleted=True, columns=["remote_root"]).remote_root
    assert roots[ids[1]].startswith(f"{h.store.root}/20")
    assert every.drop(columns="deleted").loc[found.index].equals(found)
    assert list(every.columns) == [*found.columns[:4], *sorted([*found.columns[4:], "deleted"])]


def test_queries_reach_the_deleted(h: eio.Handler, ids: list[str]) -> None:
    now = datetime.now(tz=UTC)
    cases: list[tuple[Any, list[int]]] = [
        ({"labels.number": {"$gte": 1}}, [3, 2, 1]),
        ({"labels.number": 3}, [3]),
        ({"deleted": {"$exists": True}}, [3, 1]),
        ({"deleted": None}, [2, 0]),
        ({"deleted.username": "brenda", "labels.number": {"$lt": 3}}, [1]),
        ({"deleted.username": "andy"}, []),
        ({"deleted.time": {"$gt": now - timedelta(hours=1)}}, [3, 1]),
        ({"deleted.time": {"$gt": now + timedelta(hours=1)}}, []),
        ({"$or": [{"labels.number": 0}, {"deleted.username": {"$regex": "^bren"}}]}, [3, 1, 0]),
        ({"file_relpaths": "test.txt", "file_count": 2}, [3, 2, 1, 0]),
        ({"python_packages.pandas": pd.__version__}, [3, 2, 1, 0]),
        ({"python_packages.pandas": {"$ne": pd.__version__}}, []),
        ({"python.version": {"$regex": "^3"}, "deleted": {"$exists": True}}, [3, 1]),
        ({"_id": {"$in": ids[:2]}}, [1, 0]),
        ({"remote_root": h.find({"_id": ids[1]}, deleted=True, columns="all").remote_root.iloc[0]}, [1]),
    ]
    for query, expected in cases:
        assert numbers(h, query) == expected, query


def test_sort_and_limit_are_those_of_both_together(h: eio.Handler, ids: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", eio.TruncatedWarning)
        for (sort, expected), most in itertools.product(
            (("labels.number", [0, 1, 2, 3]), ("-labels.number", [3, 2, 1, 0]), ("creation_time", [0, 1, 2, 3])),
            (0, 1, 2, 3, 4, 5),
        ):
            assert numbers(h, sort=sort, max_docs=most) == (expected[:most] if most else expected)
        assert numbers(h, sort="deleted.username", max_docs=3) == [0, 2, 1]


def test_truncation_counts_both(h: eio.Handler, ids: list[str]) -> None:
    with pytest.warns(eio.TruncatedWarning, match=r"Showing 1 of 4 "):
        assert numbers(h, max_docs=Unasked(1)) == [3]
    with pytest.warns(eio.TruncatedWarning, match=r"Showing 2 of 3 "):
        assert numbers(h, {"labels.number": {"$lt": 3}}, max_docs=Unasked(2)) == [2, 1]
    assert numbers(h, max_docs=Unasked(4)) == [3, 2, 1, 0]  # a warning would be an error


def test_columns_and_types(h: eio.Handler, ids: list[str]) -> None:
    columns = ["deleted.time", "deleted.username", "labels.number", "python_packages.pandas", "files", "tags"]
    found = h.find(deleted=True, columns=columns)
    none = h.find({"username": "nobody"}, deleted=True, columns=columns)
    assert list(found.columns) == columns
    assert dict(found.dtypes) == dict(none.dtypes)
    assert str(found["deleted.time"].dt.tz) == "UTC"
    assert list(found["deleted.username"].isna()) == [False, True, False, True]
    assert list(found["python_packages.pandas"]) == [pd.__version__] * 4
    assert list(found.files.isna()) == [True, False, True, False]
    whole, empty = h.find(deleted=True), h.find({"username": "nobody"}, deleted=True)
    assert dict(whole.dtypes) == dict(empty.dtypes)


def test_what_is_said_of_the_deleted_is_refused_where_they_are_left_out(local: eio.Handler) -> None:
    for options in ({"query": {"deleted.username": "andy"}}, {"sort": "deleted.time"}, {"query": {"deleted": None}}):
        with pytest.raises(eio.QueryError, match="deleted=True"):
            local.find(**options)  # type: ignore[arg-type]
    with pytest.raises(eio.QueryError, match="no column 'deleted'"):
        local.find(columns=["deleted"])
    with pytest.raises(eio.QueryError, match=r"deleted\.time is compared with datetimes"):
        local.find({"deleted.time": {"$gt": "2026-01-01"}}, deleted=True)


def test_an_interrupted_delete_is_one_row(
    h: eio.Handler, ids: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elliptio.lake.upkeep.upkeep._finish_deleting", lambda *_: None)
    h.delete(ids[0])
    every = h.find(deleted=True)
    assert list(every.index) == ids[::-1]
    assert every.deleted[ids[0]] is None  # it can still be loaded
    assert h.get(ids[0]).files["train.txt"].exists()
    assert numbers(h, max_docs=4) == [3, 2, 1, 0]


def test_tombstones_of_another_lake_are_not_found(mongodb_url: str, data: Path, tmp_path: Path) -> None:
    for arguments in (
        {"index": mongodb_url.rstrip("/") + "/shared_tombstones"},
        {"collection": mongomock.MongoClient().db.files},
    ):
        roots = [tmp_path / name / next(iter(arguments)) for name in ("one", "two")]
        first, second = (eio.Handler(root, **arguments) for root in roots)  # type: ignore[arg-type]
        deleted = first.upload(data).artifact_id
        first.delete(deleted)
        child = second.upload(data, based_on=deleted)
        assert list(first.find(deleted=True).index) == [deleted]
        assert list(second.find(deleted=True).index) == [child.artifact_id]
        assert "deleted" not in str(child)


def test_tombstones_are_rebuilt_from_the_files(h: eio.Handler, ids: list[str]) -> None:
    before = h.find(deleted=True)
    h.index.delete(TOMBSTONES, ids)
    assert h.reindex().tombstones == 2
    assert h.find(deleted=True).equals(before)


def test_a_child_says_that_its_parent_was_deleted(h: eio.Handler, data: Path) -> None:
    parent, other = h.upload(data), h.upload(data)
    child = h.upload(data, based_on=[parent, other])
    assert "deleted" not in str(child)
    with eio.mock_username("<brenda>"):
        h.delete(parent, force=True)
    when = h.find(deleted=True).deleted[parent.artifact_id]["time"].isoformat(timespec="milliseconds")
    for artifact in (child, h.get(child)):
        assert f"{parent.artifact_id} (deleted by <brenda> at {when}), {other.artifact_id}\n" in str(artifact)
        assert f"{parent.artifact_id}</code> (deleted by &lt;brenda&gt; at {when})<br>" in artifact._repr_html_()


def test_a_new_artifact_says_it_too(local: eio.Handler, data: Path) -> None:
    parent = local.upload(data)
    local.get(parent)
    with local.new(["x"]) as new:
        new.file.upload_string("x")
    local.delete(parent, force=True)
    assert f"{parent.artifact_id} (deleted by " in str(new)
