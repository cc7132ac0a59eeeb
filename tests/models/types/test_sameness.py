"""Two values are the same if they are of the same types, to the last bit."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib.figure
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from elliptio.models.types import same


@dataclass(eq=False)
class Held:
    value: Any


def figure(number: int) -> Any:
    made = matplotlib.figure.Figure(figsize=(1, 1))
    made.subplots().plot([number, 2])
    return made


def frame(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]}, **more)


def with_attrs() -> pd.DataFrame:
    made = frame()
    made.attrs["unit"] = "m"
    return made


def objects(*cells: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": np.array(cells, dtype=object)})


nan = float("nan")
berlin = dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
MAKERS: list[Any] = [
    lambda: [1, (2, {3}), {"a": nan}],
    lambda: {nan: 1, (1, nan): 2},
    lambda: {nan},
    lambda: complex(nan, -0.0),
    lambda: decimal.Decimal("sNaN"),
    lambda: berlin,
    lambda: Held([nan]),
    lambda: np.array([1.0, nan]),
    lambda: np.array([1, "a", nan], dtype=object),
    lambda: np.ma.array([1, 2], mask=[0, 1]),
    lambda: np.datetime64("NaT", "s"),
    lambda: np.float32("nan"),
    lambda: np.zeros(2, [("x", "i4"), ("y", "f8")]),
    frame,
    with_attrs,
    lambda: frame()["a"],
    lambda: objects(1, None, [nan]),
    lambda: pd.Index([1, 2], name="x"),
    lambda: pl.DataFrame({"a": [1, None], "b": [nan, 1.0]}),
    lambda: pl.Series("a", [1]),
    lambda: pl.LazyFrame({"a": [1]}),
    lambda: pa.table({"a": [1, None], "b": [nan, 1.0]}),
    lambda: pa.array([1, None]),
    lambda: Image.new("L", (2, 2), 3),
    lambda: figure(1),
    lambda: pd.Timestamp("2026-01-01", tz="UTC"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_made_twice_is_the_same(make: Any) -> None:
    assert same(make(), make())
    assert same([make()], [make()])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, True), (1, 1.0), (0.0, -0.0), ((1,), [1]), ({1}, {True}), ({1: 2}, {True: 2}), ({"a": 1}, {"a": True}),
        ({"a": None}, {"b": None}), ("a", b"a"), (complex(0, 0.0), complex(0, -0.0)), ([1], [1, 2]),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")), (berlin, berlin.astimezone(dt.UTC)),
        (berlin, berlin.replace(fold=1)),
        (dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), (Held(1), Held(1.0)), (None, 0),
        (np.float32(1), np.float64(1)), (np.array([1]), np.array([1.0])), (np.array([1]), np.array([1], dtype=">i8")),
        (np.array([0.0]), np.array([-0.0])), (np.array([1]), np.array([[1]])), (np.array([1]), [1]),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
        (np.array([1], object), np.array([True], object)), (np.datetime64("2026", "D"), np.datetime64("2026", "s")),
        (frame(), with_attrs()), (frame(), frame().astype({"a": "float32"})), (frame(), frame(index=[1, 2])),
        (frame(), frame().rename_axis("n")), (objects(1), objects(True)), (objects(None), objects(nan)),
        (frame(), frame()[["b", "a"]]), (frame()["a"], frame()["a"].rename("c")),
        (pd.DataFrame(index=pd.date_range("2026", periods=3)),
            pd.DataFrame(index=pd.DatetimeIndex(list(pd.date_range("2026", periods=3))))),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.0]})), (pl.Series("a", [1]), pl.Series("b", [1])),
        (pa.table({"a": [1]}), pa.table({"a": [2]})),
        (pa.table({"a": [1]}), pa.table({"a": [1]}).replace_schema_metadata({"x": "y"})),
        (Image.new("L", (2, 2), 3), Image.new("L", (2, 2), 4)), (figure(1), figure(5)),
        (pd.Timestamp("2026-01-01"), dt.datetime(2026, 1, 1)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_differs_in_anything_is_not(a: Any, b: Any) -> None:
    assert not same(a, b)
    assert not same(b, a)


def test_values_that_hold_themselves() -> None:
    first: list[Any] = [1]
    first.append(first)
    second: list[Any] = [1]
    second.append(second)
    assert same(first, second)
    second.append(2)
    assert not same(first, second)


def test_values_that_cannot_be_compared_are_not_the_same() -> None:
    class Broken:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    assert not same(Broken(), Broken())
    assert not same(io.BytesIO(b"x"), io.BytesIO(b"x"))
