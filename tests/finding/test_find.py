"""``h.find``: Mongo queries in, DataFrames out."""

from __future__ import annotations

import pickle
import re
import time
import warnings
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import mongomock
import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.finding import search
from elliptio.finding.options import Unasked
from elliptio.finding.search import EmptyIndexWarning
from tests.conftest import Team

REFUSED: list[Any] = [
    {"$where": "true"},
    {"a": {"$where": "true"}},
    {"username": {"$foo": 1}},
    {"$expr": {"$gt": ["$a", 1]}},
    {"labels": {"$near": [0, 0]}},
    [("username", "andy")],
    "username",
    {1: 2},
    {"username": {"$in": "andy"}},
    {"$and": []},
    {"username": {"$regex": "("}},
    {"username": {"$set": {1}}},
    {"labels": {1, 2}},
]


@pytest.fixture
def filled(h: eio.Handler, data: Path) -> eio.Handler:
    for number, user in enumerate(("andy", "brenda", "andy")):
        with eio.mock_username(user):
            h.upload(data, labels={"number": number, "list": [number, {"deep": user}]})
    return h


def users(h: eio.Handler, query: Any, **options: Any) -> list[str]:
    return list(h.find(query, **options).username)


def test_newest_first(filled: eio.Handler) -> None:
    found = filled.find()
    assert list(found.username) == ["andy", "brenda", "andy"]
    assert [labels["number"] for labels in found.labels] == [2, 1, 0]
    assert found.creation_time.is_monotonic_decreasing


def test_queries_that_are_refused_everywhere(h: eio.Handler) -> None:
    for query in REFUSED:
        with pytest.raises(eio.QueryError):
            h.find(query)
            pytest.fail(f"{query} was answered")


MEANINGS: list[tuple[Any, set[int]]] = [
    ({}, {0, 1, 2}),
    (None, {0, 1, 2}),
    ({"username": "andy"}, {0, 2}),
    ({"labels.number": {"$gt": 0}}, {1, 2}),
    ({"labels.list": 1}, {1}),
    ({"labels.list.deep": "andy"}, {0, 2}),
    ({"labels.list.1.deep": "andy"}, {0, 2}),
    ({"labels.list": {"$elemMatch": {"deep": {"$regex": "^br"}}}}, {1}),
    ({"labels.missing": None}, {0, 1, 2}),
    ({"labels.missing": {"$exists": True}}, set()),
    ({"labels.number": {"$not": {"$lt": 2}}}, {2}),
    ({"$nor": [{"username": "andy"}]}, {1}),
    ({"$or": [{"labels.number": 0}, {"username": re.compile("BREN", re.I)}]}, {0, 1}),
    ({"labels.number": {"$type": "int"}, "labels.list": {"$size": 2}}, {0, 1, 2}),
    ({"labels.list": {"$all": [0]}}, {0}),
    ({"file_relpaths": ["test.txt", "train.txt"]}, {0, 1, 2}),
    ({"file_relpaths": "test.txt", "file_count": 2}, {0, 1, 2}),
    ({"creation_time": {"$lt": datetime.now(tz=UTC) + timedelta(days=1)}}, {0, 1, 2}),
    ({"creation_time": {"$gt": datetime.now(tz=timezone(timedelta(hours=9))) + timedelta(days=1)}}, set()),
    ({"creation_time": {"$gt": pd.Timestamp("2020-01-01", tz="UTC")}}, {0, 1, 2}),
]  # fmt: skip


def test_the_same_everywhere(filled: eio.Handler) -> None:
    for query, numbers in MEANINGS:
        assert {labels["number"] for labels in filled.find(query).labels} == numbers, query


def test_packages_can_be_queried_though_they_are_stored_once(filled: eio.Handler) -> None:
    version = pd.__version__
    for query, found in (
        ({"python_packages.pandas": version}, 3),
        ({"python_packages.Pandas": {"$ne": version}}, 0),
        ({"python_packages.pandas": {"$not": {"$regex": "^0"}}}, 3),
        ({"python_packages.no-such-package": None}, 3),
        ({"python_packages.no-such-package": {"$exists": True}}, 0),
        ({"$nor": [{"python_packages.pandas": version}]}, 0),
        ({"$or": [{"python_packages.pandas": "0.1"}, {"username": "brenda"}]}, 1),
        ({"python_packages.pandas": version, "username": "andy"}, 2),
        ({"python.version": {"$regex": r"^3\."}, "cpu.count": {"$gte": 1}}, 3),
    ):
        assert len(filled.find(query)) == found, query
    assert filled.index.count("environments", {}) == 1
    row = filled.find(columns=["python_packages.pandas", "python.version"]).iloc[0]
    assert row["python_packages.pandas"] == version
    assert filled.find(exclude_columns=()).python_packages.iloc[0]["pandas"] == version


def test_two_environments(filled: eio.Handler, data: Path) -> None:
    other = {"_id": "environment_other", "python_packages": {"pandas": "0.1"}, "python": {"version": "2.7"}}
    one, another = (f"artifact_00000000-0000-7000-8000-00000000000{number}" for number in (1, 2))
    document = next(filled.index.find("artifacts", {}))
    filled.index.insert("environments", other)
    for artifact_id, environment_id in ((one, "environment_other"), (another, None)):
        mine = {"_id": artifact_id, "artifact_id": artifact_id, "environment_id": environment_id}
        filled.index.insert("artifacts", {**document, **mine})
    assert list(filled.find({"python_packages.pandas": "0.1"}).index) == [one]
    assert len(filled.find({"python_packages.pandas": {"$ne": "0.1"}})) == 4
    assert len(filled.find({"python_packages.pandas": {"$exists": False}})) == 1
    assert filled.get(one).metadata.python_packages["pandas"] == "0.1"


def test_truncation_is_said_with_both_numbers(filled: eio.Handler) -> None:
    with pytest.warns(eio.TruncatedWarning, match="Showing 1 of 2 "):
        assert users(filled, {"username": "andy"}, max_docs=Unasked(1)) == ["andy"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(filled.find({"username": "andy"}, max_docs=2)) == 2


def test_counting_ends_somewhere(filled: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_COUNTED", 2)
    total = len(filled.find(max_docs=0))
    assert total == 3
    for wanted, said in ((1, "1 of more than 2 "), (2, "2 of more than 2 ")):
        with pytest.warns(eio.TruncatedWarning, match=f"Showing {said}"):
            assert len(filled.find(max_docs=Unasked(wanted))) == wanted
    with pytest.warns(eio.TruncatedWarning, match="Showing 1 of 2 "):
        filled.find({"username": "andy"}, max_docs=Unasked(1))
        assert len(filled.find(max_docs=0)) == 3
    for wrong in (-1, "7", 1.5, True):
        with pytest.raises(eio.QueryError, match="max_docs"):
            filled.find(max_docs=wrong)  # type: ignore[arg-type]


def test_sorting(filled: eio.Handler) -> None:
    orders: list[tuple[Any, list[int]]] = [
        ("labels.number", [0, 1, 2]),
        ("-labels.number", [2, 1, 0]),
        ([("username", 1), ("labels.number", -1)], [2, 0, 1]),
        ("creation_time", [0, 1, 2]),
        (("username", -1), [1, 2, 0]),
    ]
    for sort, numbers in orders:
        assert [labels["number"] for labels in filled.find(sort=sort).labels] == numbers, sort


def test_what_cannot_be_sorted_by(filled: eio.Handler) -> None:
    for wrong in ({"username": 2}, 3, [("username", "up")], "python_packages.pandas"):
        with pytest.raises(eio.QueryError):
            filled.find(sort=wrong)


def test_two_lists_of_one_document_cannot_be_sorted_by(team: Team, data: Path) -> None:
    h = team.handler()
    h.upload(data, labels={"a": [1, 2], "b": [3, 4]})
    if type(h.index).__name__ == "MongoIndex" and not h.index._in_memory:  # type: ignore[attr-defined]
        pytest.skip("MongoDB refuses it, the server of the tests does not (tests/indexes/query/test_disagreements.py)")
    with pytest.raises(eio.QueryError):
        h.find(sort=[("labels.a", 1), ("labels.b", 1)])


def test_columns(filled: eio.Handler) -> None:
    found = filled.find(columns=["username", "labels.number", "labels.list", "labels.no.such"])
    assert list(found.columns) == ["username", "labels.number", "labels.list", "labels.no.such"]
    assert list(found["labels.number"]) == [2, 1, 0]
    assert found["labels.no.such"].isna().all()
    assert "argv" not in filled.find(exclude_columns=["argv"])
    with pytest.raises(eio.QueryError, match="'user'"):
        filled.find(columns=["user"])
    with pytest.raises(eio.QueryError, match="not one text"):
        filled.find(columns="username")  # type: ignore[arg-type]


def test_types_are_the_same_for_none_and_many(filled: eio.Handler) -> None:
    many, none = filled.find(), filled.find({"username": "nobody"})
    assert dict(many.dtypes) == dict(none.dtypes)
    assert str(many.creation_time.dt.tz) == "UTC"
    assert many.total_size.dtype == "int64"
    assert many.index.dtype == none.index.dtype
    times = list(many.creation_time)
    assert times[0].to_pydatetime() == filled.get(many.index[0]).metadata.creation_time


def test_lakes_that_share_an_index_stay_apart(mongodb_url: str, data: Path, tmp_path: Path) -> None:
    for arguments in ({"index": mongodb_url.rstrip("/") + "/shared"}, {"collection": mongomock.MongoClient().db.files}):
        roots = [tmp_path / name / next(iter(arguments)) for name in ("one", "two")]
        first, second = (eio.Handler(root, **arguments) for root in roots)  # type: ignore[arg-type]
        artifact = first.upload(data)
        with pytest.warns(eio.EmptyIndexWarning, match="There is no lake at"):
            assert len(second.find()) == 0
        with pytest.raises(eio.DocumentNotFoundError):
            second.get(artifact.artifact_id)
        second.upload(data)
        assert list(first.find().index) == [artifact.artifact_id]


@pytest.mark.slow
def test_a_dead_index_is_said_within_seconds(data: Path, tmp_path: Path) -> None:
    h = eio.Handler(tmp_path / "lake", "mongodb://andy:secret@127.0.0.1:1/db?serverSelectionTimeoutMS=300")
    with pytest.raises(eio.IndexUnavailableError, match=r"127\.0\.0\.1:1") as caught:
        h.find()
    assert "secret" not in str(caught.value)


def test_reading_makes_nothing(tmp_path: Path, team: Team) -> None:
    h = team.handler()
    with pytest.warns(eio.EmptyIndexWarning, match="There is no lake at"):
        assert len(h.find()) == 0
    with pytest.raises(eio.DocumentNotFoundError):
        h.get("artifact_x")
    assert not list(h.store.list(".elliptio/lake.json"))


UNANSWERABLE: list[tuple[Any, str]] = [
    ({"usrname": "andy"}, "'username'"),
    ({"project": "p"}, "'labels.project'"),
    ({"$or": [{"username": "andy"}, {"$nor": [{"usrname": "x"}]}]}, "'username'"),
    ({"creation": 1}, "'creation_time'"),
    ({"qqqq": 1}, "there are _id"),
    ({"files.sha265": "x"}, "'files.sha256'"),
    ({"labels": {"project": "x"}}, "{'labels.project': 'x'}"),
    ({"git": {"dirty": True}}, "{'git.dirty': True}"),
    ({"file_relpaths": "*.csv"}, "{'file_relpaths': {'$regex': '^.*\\\\.csv$'}}"),
    ({"files.relpath": {"$in": ["a.csv", "data/?.csv"]}}, "{'files.relpath': {'$regex': '^data/.\\\\.csv$'}}"),
    ({"file_relpaths": "/home/andy/a.csv"}, "{'file_relpaths': 'a.csv'}"),
    ({"username": 5}, "{'username': '5'}"),
    ({"username": ["andy", "eva"]}, "{'username': {'$in': ['andy', 'eva']}}"),
    ({"tags": "tag:prod"}, "{'tags': 'prod'}"),
    ({"tags": 1}, "{'tags': '1'}"),
    ({"total_size": {"$gt": "100"}}, "{'total_size': 100}"),
    ({"$or": [{"labels": {"project": "x"}}]}, "{'labels.project': 'x'}"),
    ({"files.0.rel": "x"}, "'files.relpath'"),
    ({"$or": [{"git.comit": "x"}]}, "'git.commit'"),
    ({"git.x": 1}, "there are git.branch, git.commit"),
    ({"creation_time": "2026-01-01"}, "datetime"),
    ({"creation_time": {"$gte": "2026-01-01"}}, "datetime"),
    ({"creation_time": {"$in": ["2026-01-01"]}}, "datetime"),
    ({"creation_time": {"$not": {"$lt": 1767225600}}}, "datetime"),
    ({"$and": [{"creation_time": {"$regex": "^2026"}}]}, "datetime"),
    ({"remote_root": {"$regex": "andy"}}, "remote_root"),
    ({"remote_root": re.compile("andy")}, "remote_root"),
    ({"remote_root": {"$in": [re.compile("andy")]}}, "remote_root"),
    ({"remote_root": {"$gt": "2026"}}, "remote_root"),
    ({"remote_root": {"$not": {"$eq": "x"}}}, "remote_root"),
    ({"$nor": [{"remote_root": {"$lt": "2026"}}]}, "remote_root"),
]


@pytest.mark.filterwarnings("ignore::elliptio.EmptyIndexWarning")
def test_what_would_silently_find_nothing_is_refused(local: eio.Handler) -> None:
    for query, hint in UNANSWERABLE:
        with pytest.raises(eio.QueryError, match=re.escape(hint)):
            local.find(query)
            pytest.fail(f"{query} was answered")
    with pytest.raises(eio.QueryError, match="'nope'"):
        local.find(sort="nope")
    with pytest.raises(eio.QueryError, match=r"'labels\.project'"):
        local.find(sort="-project")
    with pytest.raises(eio.QueryError, match=r"'files\.size'"):
        local.find(sort="files.sizes")
    with pytest.raises(eio.QueryError, match=r"'git\.dirty'"):
        local.find(columns=["git.dirt"])
    local.upload(UNTOUCHED)
    for fine in ("files.0.sha256", "files.0", "git.commit", "labels.sha265", "labels.0.x", "tags.0", "python.version"):
        assert local.find({fine: "x"}).empty
    for query in (
        {"labels": {"$eq": {"project": "x"}}},
        {"labels": {}},
        {"labels": eio.Labels(project="x")},
        {"labels.infos": {"$eq": {}}},
        {"file_relpaths": {"$eq": "*.csv"}},
        {"file_relpaths": ["a", "b"]},
        {"username": None},
        {"username": re.compile("^a")},
        {"username": {"$ne": "andy"}},
        {"total_size": {"$in": [1, 2.0]}},
        {"environment_id": {"$exists": False}},
    ):
        local.find(query)


UNTOUCHED = __file__


def test_a_datetime_without_a_zone_is_no_moment(
    local: eio.Handler, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        local.upload(data)
        with local.run("train"):
            pass
        moment = datetime(2026, 1, 31, 9)
        asked = {"creation_time": {"$gt": moment}}
        for ask in (local.find, local.search, local.latest, local.runs, local.runs.find):
            for query in (asked, {"$or": [asked]}, {"creation_time": {"$in": [pd.Timestamp(moment)]}}):
                with pytest.raises(eio.QueryError, match=r"creation_time: .*has no time zone") as caught:
                    ask(query)
                lines = re.findall(r"datetime\.fromisoformat\('(.*?)'\)", str(caught.value))
                assert lines == ["2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00+09:00"]
                for line in lines:
                    ask({"creation_time": {"$lt": datetime.fromisoformat(line) + timedelta(days=36500)}})
        assert len(local.find({"creation_time": {"$gt": np.datetime64("2026-01-31T09:00")}})) == 1
        assert len(local.find({"creation_time": {"$gt": datetime.now(tz=UTC) - timedelta(hours=1)}})) == 1
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_limit_that_was_asked_for_needs_no_warning(filled: eio.Handler) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(filled.find(max_docs=1)) == 1
        assert len(filled.find(max_docs=None)) == len(filled.find(max_docs=0)) == len(filled.find()) == 3
        assert filled.search(max_docs=1).truncated == "1 of 3"
        assert len(filled.search(max_docs=None).ids) == 3
        filled.runs(max_docs=None)


def test_a_named_lake_that_is_not_there_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(h: eio.Handler) -> int:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert h.find().empty
            assert h.runs().empty
            assert h.tags().empty
            assert h.verify().ok
        assert all(re.match(f"There is no lake at {re.escape(h.store.root)}", str(one.message)) for one in caught)
        return len(caught)

    typo = eio.Handler(tmp_path / "lkae")
    assert asked(typo) == 4
    assert not (tmp_path / "lkae").exists()
    monkeypatch.setenv("ELLIPTIO_ROOT", str(tmp_path / "lkae"))
    assert asked(eio.Handler()) == 4
    monkeypatch.delenv("ELLIPTIO_ROOT")
    assert asked(eio.Handler()) == 0  # nobody said where that is
    with typo.run("x"):
        pass
    typo.find()


def labelled(h: eio.Handler, folder: Path, *labels: Any) -> pd.DataFrame:
    (folder / "a.csv").write_text("1")
    for each in labels:
        h.upload(folder / "a.csv", each)
    return h.find()


@pytest.mark.parametrize(
    "labels",
    [
        (eio.Labels(project="penguins"),),
        ({},),
        ({"rate": 1}, {"rate": "fast"}),
        ({"deep": {"er": []}}, {"deep": {"er": {}}}),
        ({"when": datetime(2026, 1, 1, tzinfo=UTC)}, {"n": [1, "x"]}),
        (),
    ],
)
def test_an_answer_can_be_written_as_parquet(local: eio.Handler, tmp_path: Path, labels: tuple[Any, ...]) -> None:
    if not labels:
        local.run("x").__enter__()
    found = labelled(local, tmp_path, *labels)
    for frame in (found, found[found.username != ""], found[["labels", "file_relpaths"]], found.head(1), local.runs()):
        frame.to_parquet(tmp_path / "found.parquet")
        back = pd.read_parquet(tmp_path / "found.parquet")
        assert list(back.index) == list(frame.index)
        assert list(back.columns) == list(frame.columns)
    assert [dict(one) for one in found.labels] == [dict(one) for one in local.search().columns["labels"]]
    plain = pickle.loads(pickle.dumps(found))
    assert type(plain) is pd.DataFrame
    pd.testing.assert_frame_equal(plain, pd.DataFrame(found))


def test_what_parquet_can_hold_stays_what_it_is(local: eio.Handler, tmp_path: Path) -> None:
    labelled(local, tmp_path, {"rate": 1}, {"rate": 2}).to_parquet(tmp_path / "found.parquet")
    back = pd.read_parquet(tmp_path / "found.parquet")
    assert [one["rate"] for one in back.labels] == [2, 1]
    assert [list(one) for one in back.file_relpaths] == [["a.csv"], ["a.csv"]]


def test_a_whole_root_can_be_asked_for(filled: eio.Handler) -> None:
    first, second, _ = filled.find(columns="all").remote_root
    for query, count in (
        ({"remote_root": first}, 1),
        ({"remote_root": {"$in": [first, second]}}, 2),
        ({"remote_root": {"$nin": [first]}}, 2),
        ({"remote_root": {"$ne": first}}, 2),
        ({"remote_root": {"$exists": True}}, 3),
        ({"$or": [{"remote_root": {"$eq": first}}, {"remote_root": second}]}, 2),
    ):
        assert len(filled.find(query)) == count, query


def test_an_empty_index_of_a_lake_without_artifacts_is_fine(local: eio.Handler) -> None:
    with pytest.raises(ZeroDivisionError), local.new(["x"]):
        raise ZeroDivisionError
    assert local.store.stat(".elliptio/lake.json") is not None
    assert len(local.find()) == 0


def test_a_lost_index_is_warned_of(local: eio.Handler, data: Path) -> None:
    artifact = local.upload(data)
    assert len(local.find({"username": "nobody"})) == 0
    local.index.delete("artifacts", [artifact.artifact_id])
    with pytest.warns(EmptyIndexWarning, match=re.escape(local.index.address)):
        local.find()


def test_an_artifact_is_found_by_its_identifier_alone(h: eio.Handler, data: Path) -> None:
    first, second = (h.upload(data / "test.txt").artifact_id for _ in range(2))
    assert list(h.find({"artifact_id": first}).index) == [first]
    assert set(h.find({"$or": [{"artifact_id": first}, {"_id": second}]}).index) == {first, second}
    assert len(h.find({"artifact_id": first, "_id": second})) == 0
    assert list(h.find({"artifact_id": {"$ne": first}}).index) == [second]
