"""What none of the values of a field can equal is refused, with what may be meant."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal, Union

import numpy as np
import pandas as pd
import pytest

import elliptio as eio
from elliptio.errors import QueryError
from elliptio.models import DataModel, field, find_models


class Color(Enum):
    RED = 1
    BLUE = 2


class Sub(DataModel, version=1):
    x: int
    y: str = ""


class Stage(IntEnum):
    RAW = 1
    CLEAN = 2


class Strict(DataModel, version=1):
    number: int
    moment: datetime
    naive: datetime
    text: str = "x"
    price: Decimal = Decimal(1)
    flag: bool = False
    either: int | str = 1
    color: Color = Color.RED
    stage: Stage = Stage.RAW
    mode: Literal["fast", "slow"] = "fast"
    numbers: list[int] = field(default_factory=list)
    table: dict[str, int] = field(default_factory=dict)
    sub: Sub = Sub(1)
    subs: list[Sub] = field(default_factory=list)
    anything: Any = None
    pixels: np.ndarray | None = None


@pytest.fixture
def strict(local: eio.Handler) -> eio.Handler:
    local.save(Strict(1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), sub=Grown(1, extra=5)), "a")
    return local


class Grown(Sub, version=1):
    extra: int = 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"number": "1"}, "it is a number; did you mean {'number': 1}?"),
        ({"number": {"$gt": "1.5"}}, "did you mean {'number': 1.5}?"),
        ({"number": {"$in": [1, "2"]}}, "number is asked for as '2'"),
        ({"number": {"$not": {"$eq": "1"}}}, "it is a number"),
        ({"number": {"$regex": "1"}}, "it is a number"),
        ({"number": [1, 2]}, "did you mean {'number': {'$in': [1, 2]}}?"),
        ({"number": True}, "it is a number"),
        ({"text": 1}, "did you mean {'text': '1'}?"),
        ({"price": "1"}, "it is a number"),
        ({"flag": 1}, "did you mean {'flag': True}?"),
        ({"either": datetime(2026, 1, 1, tzinfo=UTC)}, "it is a number or a text"),
        ({"color": "GREEN"}, "it has no such member; there are BLUE, RED."),
        ({"color": {"$in": ["RED", "BLEU"]}}, "did you mean 'BLUE'?"),
        ({"stage": "CLAEN"}, "it is a number"),
        ({"mode": "fats"}, "did you mean 'fast'?"),
        ({"numbers": "1"}, "did you mean {'numbers': 1}?"),
        ({"table.k": "1"}, "it is a number"),
        ({"table": 1}, "it is a list or an object with fields"),
        ({"sub.x": "1"}, "it is a number"),
        ({"sub": 1}, "it is an object with fields"),
        ({"subs.x": "1"}, "it is a number"),
        ({"pixels": 1}, "it lies in a file"),
        ({"sub.z": 1}, "There is no field 'sub.z' of Strict; there are x, y."),
        ({"subs.extar": 1}, "There is no field 'subs.extar'"),
        ({"number.x": 1}, "There is no field 'number.x'"),
        ({"moment": datetime(2026, 1, 1)}, "has no time zone"),
        ({"moment": {"$gt": datetime(2026, 1, 1)}}, "has no time zone"),
        ({"moment": {"$gt": "2026-01-01"}}, "all that were saved are datetimes with a zone"),
        ({"moment": {"$gt": date(2026, 1, 1)}}, "all that were saved are datetimes with a zone"),
        ({"moment": 5}, "it is a datetime"),
        ({"naive": {"$gt": datetime(2026, 1, 1, tzinfo=UTC)}}, "none of those that were saved has a zone"),
        ({"$or": [{"number": 1}, {"number": "1"}]}, "it is a number"),
    ],
)
def test_what_no_value_can_equal_is_refused(strict: eio.Handler, query: Any, says: str) -> None:
    for model in (Strict, "Strict"):
        with pytest.raises(QueryError) as caught:
            find_models(model, query, handler=strict)
        assert says in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        {"number": 1.0}, {"number": np.int64(1)}, {"number": {"$ne": None}}, {"price": 1}, {"either": "x"},
        {"either": 1}, {"color": "RED"}, {"color": 1}, {"color": {"$regex": "^R"}}, {"stage": 1}, {"stage": "RAW"},
        {"stage": {"$lt": 9}}, {"mode": "fast"}, {"numbers": []}, {"numbers": [1]}, {"table": {}},
        {"sub.extra": 5}, {"sub.x": 1},
        {"subs.0.x": 1}, {"anything": "x"}, {"anything.x": 1}, {"text": {"$regex": "x"}}, {"text": re.compile("x")},
        {"moment": datetime(2026, 1, 1, tzinfo=UTC)}, {"moment": pd.Timestamp("2026-01-01", tz="UTC")},
        {"naive": datetime(2026, 1, 1)}, {"naive": "2026-01-01T00:00:00"}, {"naive": date(2026, 1, 1)},
        {"pixels": None},
    ],
)  # fmt: skip
def test_what_a_value_may_equal_is_taken(strict: eio.Handler, query: Any) -> None:
    for model in (Strict, "Strict"):
        assert list(find_models(model, query, handler=strict).number) in ([1], []), query


def test_datetimes_of_both_sorts_are_each_found(strict: eio.Handler) -> None:
    strict.save(Strict(2, datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)), "b")
    for name, aware, naive in (("moment", 1, 2), ("naive", 2, 1)):
        assert list(find_models(Strict, {name: datetime(2026, 1, 1, tzinfo=UTC)}, handler=strict).number) == [aware]
        assert list(find_models(Strict, {name: datetime(2026, 1, 1)}, handler=strict).number) == [naive]


def test_what_another_version_had_is_taken(local: eio.Handler, modules: Any) -> None:
    local.save(modules("mine", "class Kept(DataModel, version=1):\n    size: int\n").Kept(3), "a")
    local.save(modules("mine", "class Kept(DataModel, version=2):\n    size: str\n").Kept("3"), "b")
    modules.forget()
    assert list(find_models("Kept", {"size": 3}, handler=local)["size"]) == [3]
    assert list(find_models("Kept", {"size": "3"}, handler=local)["size"]) == ["3"]


Json = Union[dict[str, "Json"], list["Json"], str, int, None]  # noqa: UP007


class Tree(DataModel, version=1):
    data: Json
    left: Tree | None = None
    others: list[Tree] = field(default_factory=list)


def test_types_that_hold_themselves(local: eio.Handler) -> None:
    tree = Tree({"a": [1, {"b": "x"}]}, Tree(2), [Tree(3, others=[Tree("y")])])
    local.save(tree, "a")
    for query in (
        {"data.a": 1}, {"data.a.b": "x"}, {"data.a.1.b": "x"}, {"left.data": 2}, {"others.data": 3},
        {"others.others.data": "y"}, {"others.0.others.0.data": "y"},
    ):  # fmt: skip
        assert find_models(Tree, query, handler=local, columns=["left"]).left.tolist() == [Tree(2)], query
    for query in ({"others.others.dta": 1}, {"left.left.others": 3}, {"data": datetime(2026, 1, 1, tzinfo=UTC)}):
        with pytest.raises(QueryError):
            find_models(Tree, query, handler=local)
