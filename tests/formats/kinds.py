"""The kinds of frames and arrays that formats give back equal or refuse: 36 and 16, each with a name."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import numpy as np
import pandas as pd


def _with_attrs() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["unit"] = "m"
    return frame


def _objects(values: list[Any]) -> pd.DataFrame:
    """A column of objects, which pandas would make something else of."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return pd.DataFrame({"a": pd.Series(array, dtype=object)})


ROWS = pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["p", "q"])

FRAMES: dict[str, pd.DataFrame] = {
    "plain": pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64")}),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k")),
    "multiindex rows": pd.DataFrame({"a": [1, 2]}, index=ROWS),
    "multiindex columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    "int columns": pd.DataFrame([[1, 2]]),
    "duplicate columns": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "ordered categorical": pd.DataFrame({"c": pd.Categorical(["a", "b"], categories=["b", "a", "c"], ordered=True)}),
    "int categorical": pd.DataFrame({"c": pd.Categorical([3, 1, None])}),
    "datetime with zone": pd.DataFrame({"t": pd.to_datetime(["2026-01-01", None]).tz_localize("Europe/Berlin")}),
    "datetime ns": pd.DataFrame({"t": np.array(["2026-01-01T00:00:00.123456789"], "M8[ns]")}),
    "datetime s": pd.DataFrame({"t": np.array(["2026-01-01", "NaT"], "M8[s]")}),
    "timedelta": pd.DataFrame({"t": pd.to_timedelta([1, None], unit="s")}),
    "period": pd.DataFrame({"p": pd.period_range("2026-01", periods=2, freq="M")}),
    "interval": pd.DataFrame({"i": pd.interval_range(0, 2)}),
    "frequency of the index": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2026", periods=2, freq="D")),
    "Int64 with NA": pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "string with NA": pd.DataFrame({"a": pd.array(["x", None], dtype="string")}),
    "object of str": _objects(["x", "y"]),
    "object of mixed types": _objects([1, "x"]),
    "object of lists": _objects([[1], [2, 3]]),
    "object of arrays": _objects([np.arange(2), np.arange(3)]),
    "object of dicts": _objects([{"x": 1}, {"x": 2, "y": None}]),
    "object of dates": _objects([dt.date(2026, 1, 1), None]),
    "object of Decimal": _objects([decimal.Decimal("1.10"), decimal.Decimal("NaN")]),
    "object of bytes": _objects([b"x", b"\x00\xff"]),
    "object of UUID": _objects([uuid.UUID(int=1)]),
    "complex": pd.DataFrame({"a": [1 + 2j, complex("nan")]}),
    "float16": pd.DataFrame({"a": np.array([1, 2.5], "f2")}),
    "uint64": pd.DataFrame({"a": np.array([2**64 - 1], "u8")}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
    "attrs": _with_attrs(),
    "RangeIndex with a step": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(4, 8, 2)),
    "bool": pd.DataFrame({"a": [True, False]}),
    "None and NaN": _objects([None, float("nan"), "x"]),
}

MORE_FRAMES: dict[str, pd.DataFrame] = {
    "no columns": pd.DataFrame(index=[3, 4]),
    "infinite": pd.DataFrame({"a": [np.inf, -np.inf, -0.0, 0.0, 5e-324, 0.1]}),
    "texts that look like others": pd.DataFrame(
        {"a": ["1", "NA", "", "nan", "None", "True", " x ", "=1+1", 'a"b,c', "\n", "\r\n", "#N/A"]}
    ),
    "missing and empty texts": pd.DataFrame({"a": ["", None, "NA"]}),
    "one column, missing": pd.DataFrame({"a": ["x", None, "y"]}),
    "a name of no letters": pd.DataFrame({"": [1], " ": [2], "a.b": [3], "a": [4], "a,b": [5]}),
    "names of several types": pd.DataFrame([[1, 2]], columns=["a", 1]),
    "columns with a name": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], name="k")),
    "columns of times": pd.DataFrame([[1, 2]], columns=pd.date_range("2026", periods=2, freq="MS")),
    "index named like a column": pd.DataFrame({"a": [1]}, index=pd.Index([7], name="a")),
    "index of floats": pd.DataFrame({"a": [1, 2]}, index=[0.1, np.nan]),
    "index of categories": pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(["x", "y"], ["y", "x"])),
    "index of intervals": pd.DataFrame({"a": [1, 2]}, index=pd.interval_range(0.0, 1.0, periods=2)),
    "index of periods": pd.DataFrame({"a": [1, 2]}, index=pd.period_range("2026", periods=2, freq="W")),
    "index of times with a zone": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2026-10-25", periods=2, freq="h", tz="Europe/Berlin")
    ),
    "index of business days": pd.DataFrame({"a": [1, 2]}, index=pd.bdate_range("2026", periods=2)),
    "an hour that comes twice": pd.DataFrame(
        {"t": pd.date_range("2026-10-25", periods=5, freq="h", tz="Europe/Berlin")}
    ),
    "a fixed zone": pd.DataFrame({"t": pd.to_datetime(["2026-01-01T00:00:00+05:30"])}),
    "cut": pd.DataFrame({"c": pd.cut([1, 5, np.nan], [0, 2, 6])}),
    "categories of times": pd.DataFrame({"c": pd.Categorical(pd.to_datetime(["2026-01-01", "2026-01-02"]))}),
    "categories of booleans": pd.DataFrame({"c": pd.Categorical([True, None, False])}),
    "no categories": pd.DataFrame({"c": pd.Categorical([None, None])}),
    "Float64 with NA and NaN": pd.DataFrame(
        {"a": pd.arrays.FloatingArray(np.array([1, np.nan, 2]), np.array([False, False, True]))}
    ),
    "boolean with NA": pd.DataFrame({"a": pd.array([True, None], dtype="boolean")}),
    "strings of Python": pd.DataFrame({"a": pd.array(["x", None], dtype="string[python]")}),
    "big endian": pd.DataFrame({"a": np.array([1, 2], ">i4")}),
    "objects of bool": _objects([True, None, False]),
    "objects of int": _objects([1, None, 2**63]),
    "objects of float": _objects([1.0, None, float("nan")]),
    "objects of time": _objects([dt.time(12, 30, 1, 5), None]),
    "objects of numpy": _objects([np.int64(1)]),
    "objects of tuple": _objects([(1, 2)]),
    "objects that are missing": _objects([None, None]),
    "objects that are NaN": _objects([float("nan"), float("nan")]),
    "objects with NaN": _objects(["x", float("nan")]),
    "objects with NA": _objects(["x", pd.NA]),
    "embeddings": _objects([np.array([0.5, np.nan], "f4"), None]),
    "arrays of two dimensions": _objects([np.zeros((2, 2))]),
    "sparse floats": pd.DataFrame({"a": pd.arrays.SparseArray([np.nan, 1.0])}),
    "interval with missing": pd.DataFrame(
        {"i": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), np.nan], closed="left")}
    ),
    "interval of times": pd.DataFrame({"i": pd.interval_range(pd.Timestamp("2026"), periods=2)}),
    "types of arrow": pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    "duplicates forbidden": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
    "far times": pd.DataFrame({"t": np.array(["0001-01-01", "9999-12-31"], "M8[s]")}),
    "a lone surrogate": _objects(["\ud800"]),
    "a NUL": pd.DataFrame({"a": ["\0", "x\0y"]}),
    "attrs that JSON has not": pd.DataFrame({"a": [1]}),
}
MORE_FRAMES["attrs that JSON has not"].attrs["shape"] = (1, 2)

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "float64": np.arange(3.0),
    "of no dimension": np.array(3),
    "of three dimensions": np.zeros((2, 2, 2)),
    "in Fortran's order": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">i4"),
    "float16": np.zeros(2, "f2"),
    "complex": np.zeros(2, complex),
    "bool": np.array([True]),
    "texts": np.array(["a", "é"]),
    "bytes": np.array([b"a"]),
    "dates": np.array(["2026"], "M8[D]"),
    "records": np.zeros(2, [("x", "i4"), ("y", "f8")]),
    "objects": np.array([1, "a"], object),
    "empty": np.zeros((0, 3)),
    "uint64": np.array([2**64 - 1], "u8"),
    "masked": np.ma.array([1, 2], mask=[0, 1]),
}
REFUSED_ARRAYS = {"objects", "masked"}
