"""Saved models are found by their fields as the class has them now."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import QueryError
from elliptio.finding.search import TruncatedWarning
from elliptio.indexes.sqlite import candidates
from elliptio.indexes.sqlite import index as sqlite_index
from elliptio.models import DataModel, NotAModelError, Record, dataframe_serializer, field, find_models


class Color(Enum):
    RED = 1
    BLUE = 2


class Sub(DataModel, version=1):
    x: int
    y: str = ""


class Every(DataModel, version=1):
    number: int
    color: Color = Color.RED
    where: Path = Path("/a")
    price: Decimal = Decimal("1.5")
    day: date = date(2026, 1, 1)
    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    naive: datetime = datetime(2026, 1, 1)
    took: timedelta = timedelta(seconds=5)
    key: UUID = UUID(int=1)
    texts: list[str] = field(default_factory=list)
    subs: list[Sub] = field(default_factory=list)
    sub: Sub | None = None
    table: dict[str, int] = field(default_factory=dict)
    colors: list[Color] = field(default_factory=list)
    maybe: float | None = None
    pixels: np.ndarray | None = None


class Taken(DataModel, version=1):
    username: str
    name: str
    files: list[str]
    labels: str
    creation_time: int
    artifact_id: str = "mine"
    version: int = 1
    model: str = "m"
    run: str = "r"
    artifact: str = "a"


class Base(DataModel, version=1):
    a: int


class Below(Base, version=1):
    b: int = 0


def _every(**fields: Any) -> Every:
    return Every(**{"texts": [], "subs": [], "table": {}, "colors": [], **fields})


def numbers(h: eio.Handler, query: Any, model: Any = Every) -> list[int]:
    return sorted(find_models(model, query, handler=h).number)


@pytest.fixture
def lake(local: eio.Handler) -> eio.Handler:
    aware = datetime(2026, 6, 1, 12, tzinfo=UTC)
    local.save_many(
        [
            (_every(number=1), "a"),
            (_every(number=2, color=Color.BLUE, where=Path("/b"), price=Decimal("2.5"), day=date(2026, 2, 1)), "b"),
            (_every(number=3, moment=aware, naive=datetime(2026, 7, 1), took=timedelta(days=1), key=UUID(int=2)), "c"),
            (_every(number=4, texts=["x", "y"], subs=[Sub(1, "one"), Sub(2)], sub=Sub(7)), "d"),
            (_every(number=5, table={"k": 3}, colors=[Color.BLUE], maybe=2.5, pixels=np.zeros(3)), "e"),
        ]
    )
    return local


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        (None, [1, 2, 3, 4, 5]),
        ({"number": 2}, [2]),
        ({"number": {"$gt": 3}}, [4, 5]),
        ({"number": {"$gt": 1, "$lt": 4}}, [2, 3]),
        ({"number": {"$in": [1, 5]}}, [1, 5]),
        ({"number": {"$not": {"$gt": 1}}}, [1]),
        ({"$or": [{"number": 1}, {"color": Color.BLUE}]}, [1, 2]),
        ({"$and": [{"number": {"$gt": 1}}, {"number": {"$lt": 3}}]}, [2]),
        ({"$nor": [{"number": 1}, {"number": 2}]}, [3, 4, 5]),
        ({"color": Color.BLUE}, [2]),
        ({"color": "BLUE"}, [2]),
        ({"color": 2}, [2]),
        ({"color": {"$in": [Color.BLUE]}}, [2]),
        ({"color": {"$ne": Color.RED}}, [2]),
        ({"color": {"$not": {"$eq": Color.RED}}}, [2]),
        ({"where": Path("/b")}, [2]),
        ({"where": "/b"}, [2]),
        ({"where": {"$in": [Path("/b")]}}, [2]),
        ({"price": Decimal("2.5")}, [2]),
        ({"price": {"$gt": Decimal("1.5")}}, [2]),
        ({"price": {"$gte": 2}}, [2]),
        ({"day": date(2026, 2, 1)}, [2]),
        ({"day": {"$gt": date(2026, 1, 15)}}, [2]),
        ({"moment": datetime(2026, 6, 1, 12, tzinfo=UTC)}, [3]),
        ({"moment": {"$gt": datetime(2026, 2, 1, tzinfo=UTC)}}, [3]),
        ({"naive": datetime(2026, 7, 1)}, [3]),
        ({"naive": {"$gte": datetime(2026, 2, 1)}}, [3]),
        ({"took": {"$gt": timedelta(seconds=10)}}, [3]),
        ({"key": UUID(int=2)}, [3]),
        ({"texts": "x"}, [4]),
        ({"texts": ["x", "y"]}, [4]),
        ({"texts": {"$all": ["x", "y"]}}, [4]),
        ({"texts": {"$size": 2}}, [4]),
        ({"texts": {"$regex": "^x"}}, [4]),
        ({"texts.0": "x"}, [4]),
        ({"subs.x": 2}, [4]),
        ({"subs": {"$elemMatch": {"x": 1, "y": "one"}}}, [4]),
        ({"subs": {"$elemMatch": {"x": {"$gt": 1}, "y": "one"}}}, []),
        ({"subs": {"$elemMatch": {"x": {"$gt": 1}}}}, [4]),
        ({"sub.x": {"$gt": 5}}, [4]),
        ({"sub": Sub(7)}, [4]),
        ({"sub": None}, [1, 2, 3, 5]),
        ({"table.k": {"$gte": 3}}, [5]),
        ({"table": {"k": 3}}, [5]),
        ({"colors": Color.BLUE}, [5]),
        ({"colors": {"$elemMatch": {"$eq": Color.BLUE}}}, [5]),
        ({"maybe": {"$gt": 1}}, [5]),
        ({"maybe": {"$exists": True, "$ne": None}}, [5]),
        ({"artifact.model.label": "c"}, [3]),
        ({"artifact.creation_time": {"$gt": datetime(2000, 1, 1, tzinfo=UTC)}}, [1, 2, 3, 4, 5]),
    ],
)
def test_queries(lake: eio.Handler, query: Any, expected: list[int]) -> None:
    assert numbers(lake, query) == expected
    assert numbers(lake, query, "Every") == expected


@pytest.mark.parametrize(
    "query",
    [
        {"nothing": 1},
        {"artifact.nothing": 1},
        {"$bad": 1},
        {"number": {"$bad": 1}},
        {"$or": 5},
        5,
        {5: 1},
        {"$or": [5]},
    ],
)
def test_wrong_queries(lake: eio.Handler, query: Any) -> None:
    with pytest.raises(QueryError):
        find_models(Every, query, handler=lake)


def test_rows(lake: eio.Handler) -> None:
    frame = find_models(Every, handler=lake)
    assert frame.index.name == "artifact_id"
    assert list(frame.number) == [5, 4, 3, 2, 1]
    assert list(frame.columns) == [name for name in Every.__dataclass_fields__ if name != "pixels"]
    assert frame.number.dtype == "int64"
    newest = find_models(Every, handler=lake, max_docs=1).to_dict("records")[0]
    assert lake.show(frame.index[0]).load().number == 5
    assert newest["color"] is Color.RED
    assert newest["where"] == Path("/a")
    assert newest["price"] == Decimal("1.5")
    assert newest["colors"] == [Color.BLUE]
    assert newest["table"] == {"k": 3}
    assert newest["key"] == UUID(int=1)
    assert newest["moment"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert type(newest["day"]) is date
    fourth = frame.iloc[1]
    assert fourth.subs == [Sub(1, "one"), Sub(2)]
    assert fourth["sub"] == Sub(7)


def test_columns(lake: eio.Handler) -> None:
    frame = find_models(
        Every, handler=lake, columns=["number", "sub.x", "artifact.username", "artifact.labels.project"]
    )
    assert list(frame.columns) == ["number", "sub.x", "artifact.username", "artifact.labels.project"]
    assert frame["sub.x"].iloc[1] == 7
    assert set(frame["artifact.username"]) == {lake.show(frame.index[0]).metadata.username}
    frame = find_models(Every, handler=lake, exclude_columns=["color"])
    assert "color" not in frame.columns
    assert "number" in frame.columns
    with pytest.raises(QueryError):
        find_models(Every, handler=lake, columns=["nothing"])
    frame = find_models(Every, handler=lake, columns=["pixels"])
    assert frame.pixels.iloc[0].tolist() == [0, 0, 0]
    assert frame.pixels.iloc[1] is None


class Framed(DataModel, version=1):
    number: int
    frame: Annotated[pd.DataFrame, dataframe_serializer]
    other: Annotated[pd.DataFrame, dataframe_serializer] | None = None


def test_fields_that_name_a_serializer_are_big_too(local: eio.Handler) -> None:
    artifact = local.save(Framed(3, pd.DataFrame({"a": [1]})), "framed")
    Path(artifact.files["frame.parquet"].remote_url).unlink()
    frame = find_models(Framed, {"number": 3}, handler=local)
    assert list(frame.columns) == ["number"]
    assert list(frame.number) == [3], "rows need no file"


def test_nothing_found_keeps_the_columns(lake: eio.Handler) -> None:
    frame = find_models(Every, {"number": 99}, handler=lake)
    assert len(frame) == 0
    assert frame.index.name == "artifact_id"
    assert list(frame.columns) == [name for name in Every.__dataclass_fields__ if name != "pixels"]
    frame = find_models(Sub, handler=lake)
    assert list(frame.columns) == ["x", "y"]
    assert len(frame) == 0


def test_sort_and_max_docs(lake: eio.Handler) -> None:
    assert list(find_models(Every, handler=lake, sort="number").number) == [1, 2, 3, 4, 5]
    assert list(find_models(Every, handler=lake, sort=[("price", -1), ("number", 1)]).number) == [2, 1, 3, 4, 5]
    assert list(find_models(Every, handler=lake, sort=["-number"], max_docs=2).number) == [5, 4]
    assert list(find_models(Every, handler=lake, sort="artifact.creation_time").number) == [1, 2, 3, 4, 5]
    with pytest.raises(QueryError):
        find_models(Every, handler=lake, sort="nothing")
    with pytest.raises(QueryError):
        find_models(Every, handler=lake, max_docs=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(find_models(Every, handler=lake, max_docs=2)) == 2


@pytest.mark.parametrize("name", ["number", "price", "creation_time"])
def test_sorting_by_a_field_reads_what_it_shows(local: eio.Handler, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class Priced(DataModel, version=1):
        number: int
        price: float
        creation_time: str

    local.save_many([(Priced(n, n / 7, f"{n:04}"), "a") for n in range(1100)])
    read = 0
    real = candidates.decode

    def counted(body: bytes) -> Any:
        nonlocal read
        read += 1
        return real(body)

    monkeypatch.setattr(candidates, "decode", counted)
    monkeypatch.setattr(sqlite_index, "decode", counted)
    for sort, expected in ((f"-{name}", [1099, 1098]), (name, [0, 1])):
        assert list(find_models(Priced, handler=local, sort=sort, max_docs=2).number) == expected
    assert read < 30
    latest = find_models(Priced, handler=local, sort="-artifact.creation_time", max_docs=2)
    assert list(latest.number) == [1099, 1098]


@pytest.mark.slow
def test_what_is_cut_off_is_said_at_the_users_line(local: eio.Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    local.save_many([(Sub(number), "a") for number in range(1003)])
    with pytest.warns(TruncatedWarning, match=r"1,000 of 1,003 models") as caught:
        found = find_models(Sub, handler=local)
    assert len(found) == 1000
    assert caught[0].filename == __file__
    assert len(find_models(Sub, handler=local, max_docs=0)) == 1003


def test_a_field_wins_over_a_column_of_find(local: eio.Handler) -> None:
    local.save(Taken("andy", "n", ["f"], "l", 5), "a")
    for query in (
        {"username": "andy"}, {"name": "n"}, {"files": "f"}, {"labels": "l"}, {"creation_time": {"$gt": 4}},
        {"artifact_id": "mine"}, {"version": 1}, {"model": "m"}, {"run": "r"}, {"artifact": "a"},
    ):  # fmt: skip
        assert len(find_models(Taken, query, handler=local)) == 1, query
    assert len(find_models(Taken, {"username": "somebody"}, handler=local)) == 0
    frame = find_models(Taken, handler=local, sort="creation_time")
    assert frame.index.name == "artifact_id"
    assert frame.artifact_id.iloc[0] == "mine"
    row = frame.to_dict("records")[0]
    assert (row["username"], row["name"], row["files"], row["labels"]) == ("andy", "n", ["f"], "l")
    assert list(find_models(Taken, handler=local, columns=["username", "creation_time"]).username) == ["andy"]


def test_of_the_run(local: eio.Handler) -> None:
    for rate in (0.1, 0.2):
        with local.run("train", {"rate": rate}) as run:
            run.save(Base(int(rate * 10)), "a")
    local.save(Base(9), "outside")
    assert list(find_models(Base, {"run.params.rate": 0.2}, handler=local).a) == [2]
    assert list(find_models(Base, {"run.params.rate": {"$gt": 0}, "a": {"$lt": 2}}, handler=local).a) == [1]
    frame = find_models(Base, handler=local, columns=["a", "run.params.rate"])
    assert list(frame["run.params.rate"])[1:] == [0.2, 0.1]


def test_subclasses_are_rows_unless_exact(local: eio.Handler) -> None:
    local.save_many([(Base(1), "a"), (Below(2, 3), "b")])
    assert list(find_models(Base, handler=local).a) == [2, 1]
    assert list(find_models(Base, handler=local, exact=True).a) == [1]
    assert list(find_models(Below, {"b": 3}, handler=local).a) == [2]
    with pytest.raises(QueryError):
        find_models(Base, {"nothing": 3}, handler=local)


def test_nested_ones_are_no_rows(local: eio.Handler) -> None:
    local.save(_every(number=1, sub=Sub(1), subs=[Sub(2)]), "a")
    assert len(find_models(Sub, handler=local)) == 0


@pytest.mark.parametrize("wrong", [int, DataModel, 5, None, Sub(1), Record])
def test_what_is_no_model(local: eio.Handler, wrong: Any) -> None:
    with pytest.raises(NotAModelError):
        find_models(wrong, handler=local)


def test_an_unknown_name_finds_nothing(lake: eio.Handler) -> None:
    assert len(find_models("Nobody", handler=lake)) == 0
    with pytest.raises(QueryError, match="Nothing was saved as 'Nobody', and no class of that name is defined"):
        find_models("Nobody", {"number": 1}, handler=lake)


def test_a_name_that_is_nearly_known_is_told(lake: eio.Handler) -> None:
    with pytest.warns(UserWarning, match="Nothing was saved as 'Evrey'.*did you mean 'Every'") as caught:
        assert len(find_models("Evrey", handler=lake)) == 0
    assert caught[0].filename == __file__


V1 = "class Training(DataModel, version=1):\n    rate: float\n    size: int\n"
V2 = """
    class Training(DataModel, version=2):
        speed: float
        size: int
        more: str = "usual"

        @migration(1, 2)
        def _(data):
            return {"speed": data["rate"], "size": data["size"]}
"""


@pytest.fixture
def versions(local: eio.Handler, modules: Any) -> Any:
    m = modules("mine", V1)
    local.save_many([(m.Training(0.1, 5), "a"), (m.Training(0.4, 1), "b")])
    m = modules("mine", V2)
    local.save_many([(m.Training(0.2, 3), "c"), (m.Training(0.3, 2, "rare"), "d")])
    return m


def test_both_names_find_what_was_renamed(local: eio.Handler, versions: Any) -> None:
    def speeds(query: Any, **options: Any) -> list[float]:
        return list(find_models(versions.Training, query, handler=local, **options).speed)

    assert speeds({}) == [0.3, 0.2, 0.4, 0.1]
    assert speeds({"speed": {"$gt": 0.25}}) == [0.3, 0.4]
    assert speeds({"rate": {"$gt": 0.25}}) == [0.3, 0.4]
    assert speeds({"rate": 0.1}) == [0.1] == speeds({"speed": 0.1})
    assert speeds({"rate": 0.2}) == [0.2]
    assert speeds({"more": "usual"}) == [0.2, 0.4, 0.1]
    assert speeds({"more": {"$ne": "usual"}}) == [0.3]
    assert speeds({"$or": [{"speed": 0.1}, {"more": "rare"}]}) == [0.3, 0.1]
    assert speeds({"$nor": [{"speed": 0.1}, {"more": "rare"}]}) == [0.2, 0.4]
    assert speeds({"speed": {"$not": {"$gt": 0.25}}}) == [0.2, 0.1]
    assert speeds({"size": {"$gte": 2}}) == [0.3, 0.2, 0.1]
    frame = find_models(versions.Training, handler=local)
    assert list(frame.columns) == ["speed", "size", "more"]
    assert list(frame.more) == ["rare", "usual", "usual", "usual"]


def test_sort_among_versions(local: eio.Handler, versions: Any) -> None:
    def speeds(**options: Any) -> list[float]:
        return list(find_models(versions.Training, handler=local, **options).speed)

    assert speeds(sort="speed") == [0.1, 0.2, 0.3, 0.4]
    assert speeds(sort="-speed") == [0.4, 0.3, 0.2, 0.1]
    assert speeds(sort="-speed", max_docs=2) == [0.4, 0.3]
    assert speeds(sort="rate", max_docs=3) == [0.1, 0.2, 0.3]
    assert speeds(sort="size") == [0.4, 0.3, 0.2, 0.1]
    assert speeds(sort=[("more", 1), ("speed", -1)]) == [0.3, 0.4, 0.2, 0.1]


def test_columns_by_older_names(local: eio.Handler, versions: Any) -> None:
    frame = find_models(versions.Training, handler=local, columns=["rate", "speed"])
    assert list(frame.rate) == [0.3, 0.2, 0.4, 0.1]
    assert list(frame.speed) == [0.3, 0.2, 0.4, 0.1]


def test_of_a_class_that_is_gone(local: eio.Handler, versions: Any, modules: Any) -> None:
    modules.forget()
    frame = find_models("Training", {"size": {"$gt": 2}}, handler=local)
    assert sorted(frame["size"]) == [3, 5]
    assert sorted(find_models("mine:Training", {"rate": 0.1}, handler=local).rate) == [0.1]
    assert list(find_models("Training", {"speed": 0.3}, handler=local).more) == ["rare"]
    frame = find_models("Training", handler=local)
    assert set(frame.columns) == {"rate", "size", "speed", "more"}
    assert len(frame) == 4


def test_what_cannot_be_migrated_is_a_row_all_the_same(local: eio.Handler, modules: Any) -> None:
    m = modules("mine", V1)
    local.save(m.Training(0.1, 5), "a")
    m = modules("mine", "class Training(DataModel, version=2):\n    size: int\n    other: str\n")
    local.save(m.Training(7, "x"), "b")
    frame = find_models(m.Training, handler=local)
    assert list(frame["size"]) == [7, 5]
    assert frame.other.iloc[0] == "x"
    assert pd.isna(frame.other.iloc[1])
    assert list(find_models(m.Training, {"size": 5}, handler=local)["size"]) == [5]


def test_retyped(local: eio.Handler, modules: Any) -> None:
    m = modules("mine", "class Training(DataModel, version=1):\n    size: str\n")
    local.save(m.Training("5"), "a")
    m = modules(
        "mine",
        """
        class Training(DataModel, version=2):
            size: int

            @migration(1, 2)
            def _(data):
                return {"size": int(data["size"])}
        """,
    )
    local.save(m.Training(3), "b")
    assert list(find_models(m.Training, {"size": {"$gt": 2}}, handler=local)["size"]) == [3, 5]
    assert list(find_models(m.Training, {"size": 5}, handler=local)["size"]) == [5]
    assert list(find_models(m.Training, handler=local, sort="size")["size"]) == [3, 5]
    assert find_models(m.Training, handler=local)["size"].dtype == "int64"


def test_large_numbers(local: eio.Handler) -> None:
    for number in (2**31, 2**40, -(2**63), 2**64, 2**70, -(10**30)):
        local.save(_every(number=number, table={"k": number}), "a")
        assert find_models(Every, handler=local, max_docs=1).number.tolist() == [number]
        assert find_models(Every, handler=local, max_docs=1)["table"].tolist() == [{"k": number}]


@pytest.mark.slow
def test_long_lists(local: eio.Handler) -> None:
    local.save_many(
        [
            (_every(number=1, subs=[Sub(number) for number in range(2000)]), "a"),
            (_every(number=2, subs=[Sub(number) for number in range(5000, 7000)], texts=["x"] * 1500), "b"),
            (_every(number=3, subs=[Sub(1)]), "c"),
        ]
    )
    assert numbers(local, {"subs.x": 1}) == [1, 3]
    assert numbers(local, {"subs.x": 5500}) == [2]
    assert numbers(local, {"subs.x": {"$gt": 1500}}) == [1, 2]
    assert numbers(local, {"subs": {"$elemMatch": {"x": 1999, "y": ""}}}) == [1]
    assert numbers(local, {"subs": {"$size": 2000}}) == [1, 2]
    assert numbers(local, {"texts": "x"}) == [2]
    assert numbers(local, {"subs.1999.x": 1999}) == [1]
    assert numbers(local, {"subs.x": {"$not": {"$gt": 10}}}) == [3]


def test_everywhere(h: eio.Handler) -> None:
    h.save_many([(Base(number), "a") for number in range(5)])
    h.save(_every(number=4, price=Decimal("2.5"), texts=["x"], moment=datetime(2027, 1, 1, tzinfo=UTC)), "b")
    assert list(find_models(Base, {"a": {"$gt": 2}}, handler=h).a) == [4, 3]
    assert list(find_models(Base, handler=h, sort="a", max_docs=2).a) == [0, 1]
    assert numbers(h, {"price": {"$gt": Decimal(2)}, "texts": "x"}) == [4]
    assert numbers(h, {"moment": {"$gt": datetime(2026, 6, 1, tzinfo=UTC)}}) == [4]
    assert find_models(Every, handler=h).price.iloc[0] == Decimal("2.5")
