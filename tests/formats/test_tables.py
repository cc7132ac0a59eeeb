"""Tables: each kind of frame comes back equal or is refused, as pandas, polars or Arrow."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import elliptio as eio
from elliptio import formats
from elliptio.protocols import Format
from elliptio.testing import FormatConformance
from elliptio.testing.formats import written
from tests.formats.kinds import FRAMES, MORE_FRAMES

EVERY = ["parquet", "feather", "csv", "tsv", "jsonl", "excel"]
REFUSED = {
    "object of mixed types", "names of several types", "objects of numpy", "objects of tuple",
    "arrays of two dimensions", "a lone surrogate", "attrs that JSON has not",
}  # fmt: skip
"""Kinds that no table can hold as they are."""
TEXT_LACKS = REFUSED | {"types of arrow"}
LACKS = {
    "parquet": REFUSED,
    "feather": REFUSED,
    "csv": TEXT_LACKS,
    "tsv": TEXT_LACKS,
    "jsonl": TEXT_LACKS | {"infinite", "Float64 with NA and NaN", "objects of float", "objects that are NaN"},
    "excel": TEXT_LACKS
    | {"infinite", "Float64 with NA and NaN", "objects of float", "objects that are NaN", "uint64", "a NUL"}
    | {"texts that look like others", "missing and empty texts"},
}


def assert_same(value: Any, found: Any) -> None:
    """Compare by pandas' own means, which are not those of the formats."""
    assert type(value) is type(found)
    if isinstance(value, pd.Series):
        pd.testing.assert_series_equal(value, found, check_freq=True, check_flags=True)
    else:
        pd.testing.assert_frame_equal(value, found, check_freq=True, check_flags=True, check_column_type=True)
        assert list(map(repr, value.columns)) == list(map(repr, found.columns))
    assert type(value.index) is type(found.index)
    assert value.index.names == found.index.names
    assert value.attrs == found.attrs
    for _, column in value.items() if isinstance(value, pd.DataFrame) else [("", value)]:
        assert column.dtype == column.dtype


def same(value: Any, found: Any) -> bool:
    assert_same(value, found)
    return True


def frames(names: list[str]) -> dict[str, Any]:
    return {name: {**FRAMES, **MORE_FRAMES}[name] for name in names}


class TableConformance(FormatConformance):
    name = ""

    @pytest.fixture
    def format(self) -> Format:
        return formats.get(self.name)

    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return frames(["plain", "multiindex rows", "ordered categorical", "attrs", "no columns", "empty"])

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return {
            **frames(["object of mixed types", "objects of numpy"]),
            "no table": [1],
            "lazy": pl.LazyFrame({"a": [1]}),
        }

    def equal(self, value: Any, other: Any) -> bool:
        return same(value, other)


class TestParquet(TableConformance):
    name = "parquet"


class TestFeather(TableConformance):
    name = "feather"


class TestCsv(TableConformance):
    name = "csv"


class TestTsv(TableConformance):
    name = "tsv"


class TestJsonLines(TableConformance):
    name = "jsonl"


class TestExcel(TableConformance):
    name = "excel"


def test_there_are_as_many_kinds_as_were_promised() -> None:
    assert len(FRAMES) == 36


@pytest.mark.parametrize("kind", [*FRAMES, *MORE_FRAMES])
@pytest.mark.parametrize("name", EVERY)
def test_each_kind_comes_back_equal_or_is_refused(name: str, kind: str) -> None:
    value = {**FRAMES, **MORE_FRAMES}[kind]
    before = value.copy(deep=True)
    if kind in LACKS[name] or (kind == "a NUL" and name in ("csv", "tsv") and pd.__version__ < "3"):
        file = io.BytesIO()
        with pytest.raises(eio.ValueRefusedError):
            formats.get(name).write(value, file)
        assert file.getvalue() == b""
        return
    file, options = written(formats.get(name), value)
    assert_same(value, formats.get(name).read(file, **options))
    assert_same(before, value)


@pytest.mark.parametrize("kind", ["plain", "datetime ns", "far times", "timedelta", "interval of times", "bool", "cut"])
@pytest.mark.parametrize("name", ["parquet", "feather"])
def test_what_comes_back_can_be_changed(name: str, kind: str, tmp_path: Path) -> None:
    value = {**FRAMES, **MORE_FRAMES}[kind]
    path = tmp_path / "a"
    with path.open("wb") as file:
        formats.get(name).write(value, file)
    with path.open("rb") as file:
        found = formats.get(name).read(file)
    found.iloc[0, 0] = found.iloc[0, 0]
    assert_same(value, found)


@pytest.mark.parametrize("kind", sorted({*FRAMES, *MORE_FRAMES} - REFUSED))
def test_files_of_many_parts_are_read(kind: str) -> None:
    value = {**FRAMES, **MORE_FRAMES}[kind]
    for name, options in {"parquet": {"row_group_size": 1}, "feather": {"chunksize": 1}}.items():
        file, _ = written(formats.get(name), value, **options)
        assert_same(value, formats.get(name).read(file))


@pytest.mark.parametrize(
    "value",
    [
        pd.Series([1, 2], name="n"),
        pd.Series(["x", None], index=pd.date_range("2026", periods=2, freq="D"), name=("a", 1)),
        pd.Series(pd.Categorical(["a", "b"])),
        pd.Series([], dtype="float64"),
    ],
    ids=["plain", "index", "categories", "empty"],
)
@pytest.mark.parametrize("name", EVERY)
def test_a_series_comes_back_as_one(name: str, value: pd.Series[Any]) -> None:
    file, options = written(formats.get(name), value)
    assert_same(value, formats.get(name).read(file, **options))


# --- polars and Arrow ---

POLARS: dict[str, pl.DataFrame | pl.Series] = {
    "plain": pl.DataFrame({"a": [1, None], "b": [0.5, None], "c": ["x", None], "d": [True, False]}),
    "empty": pl.DataFrame(),
    "no rows": pl.DataFrame(schema={"a": pl.Int8}),
    "times": pl.DataFrame({"t": [dt.datetime(2026, 1, 1)], "d": [dt.date(2026, 1, 1)], "v": [dt.time(1)]}),
    "durations": pl.DataFrame({"u": [dt.timedelta(1)]}),
    "zone": pl.DataFrame({"t": pl.Series([dt.datetime(2026, 1, 1)]).dt.replace_time_zone("Europe/Berlin")}),
    "milliseconds": pl.DataFrame({"t": pl.Series([dt.datetime(2026, 1, 1)], dtype=pl.Datetime("ms"))}),
    "categories": pl.DataFrame({"c": pl.Series(["a", "b"], dtype=pl.Categorical)}),
    "enum": pl.DataFrame({"c": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a", "z"]))}),
    "lists": pl.DataFrame({"l": [[1], [2, 3]]}),
    "structs": pl.DataFrame({"s": [{"x": 1}]}),
    "arrays": pl.DataFrame({"a": pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2))}),
    "decimal": pl.DataFrame({"d": [Decimal("1.10")]}),
    "bytes": pl.DataFrame({"b": [b"x"]}),
    "null": pl.DataFrame({"n": [None]}),
    "float32": pl.DataFrame({"f": pl.Series([0.1, None], dtype=pl.Float32)}),
    "NaN": pl.DataFrame({"f": [float("nan"), None, -0.0]}),
    "objects": pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}),
    "int128": pl.DataFrame({"i": pl.Series([1], dtype=getattr(pl, "Int128", pl.Object))}),
    "series": pl.Series("s", [1, 2]),
}
ARROW: dict[str, pa.Table] = {
    "plain": pa.table({"a": [1, None], "b": ["x", "y"]}),
    "metadata": pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
    "metadata of a field": pa.table({"a": [1]}, schema=pa.schema([pa.field("a", pa.int64(), metadata={"x": "y"})])),
    "seconds": pa.table({"t": pa.array([1], pa.timestamp("s"))}),
    "durations": pa.table({"t": pa.array([1], pa.duration("s"))}),
    "dictionary": pa.table({"d": pa.array([1, 2]).dictionary_encode()}),
    "not null": pa.table({"a": [1]}, schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])),
    "struct": pa.table({"a": [{"x": 1}]}),
    "map": pa.table({"m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}),
    "null": pa.table({"n": pa.nulls(2)}),
    "decimal": pa.table({"d": pa.array([Decimal("1.1")])}),
    "date64": pa.table({"d": pa.array([dt.date(2026, 1, 1)], pa.date64())}),
    "half": pa.table({"h": pa.array(np.array([1], "f2"))}),
    "one name twice": pa.table([[1], [2]], names=["a", "a"]),
    "large strings": pa.table({"a": pa.array(["x"], pa.large_string())}),
    "bytes of one length": pa.table({"a": pa.array([b"ab"], pa.binary(2))}),
    "chunks": pa.table({"c": pa.chunked_array([[1], [2]])}),
    "union": pa.table(
        {"u": pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])])}
    ),
}


NEEDS_RECENT = {"enum", "decimal"} if not hasattr(pl, "Int128") else set()
"""Kinds that an older polars does not take back from Arrow as they were."""


@pytest.mark.parametrize("kind", POLARS)
@pytest.mark.parametrize("name", EVERY)
def test_polars_comes_back_as_polars_or_is_refused(name: str, kind: str) -> None:
    value = POLARS[kind]
    try:
        file, options = written(formats.get(name), value)
    except eio.ValueRefusedError:
        assert kind in {"objects", "int128", *NEEDS_RECENT} or name not in ("parquet", "feather")
        assert kind not in {"plain", "series", "categories", "enum", "zone", "float32", "no rows"} - NEEDS_RECENT
        return
    found = formats.get(name).read(file, **options)
    assert type(found) is type(value)
    assert repr(found) == repr(value)
    assert found.equals(value, null_equal=True)
    if isinstance(value, pl.DataFrame):
        assert found.schema == value.schema
    else:
        assert (found.name, found.dtype) == (value.name, value.dtype)


@pytest.mark.parametrize("kind", ARROW)
@pytest.mark.parametrize("name", EVERY)
def test_arrow_comes_back_as_arrow_or_is_refused(name: str, kind: str) -> None:
    value = ARROW[kind]
    try:
        file, options = written(formats.get(name), value)
    except eio.ValueRefusedError:
        assert kind in ("union", "dictionary") or name not in ("parquet", "feather")
        assert kind not in ("plain", "metadata", "metadata of a field", "seconds", "not null")
        return
    found = formats.get(name).read(file, **options)
    assert found.schema.equals(value.schema, check_metadata=True)
    assert found.equals(value)


@pytest.mark.parametrize("name", EVERY)
def test_a_table_can_be_read_into_another_library(name: str) -> None:
    format = formats.get(name)
    for value in (pd.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 2]}), pa.table({"a": [1, 2]})):
        for into, kind in (("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)):
            file, options = written(format, value)
            found = format.read(file, **options, into=into)
            assert type(found) is kind
            assert list(found["a"].to_pylist() if into == "pyarrow" else found["a"]) == [1, 2]
    with pytest.raises(eio.FormatOptionError, match="pandas, polars, pyarrow"):
        file, options = written(format, value)
        format.read(file, **options, into="dask")


@pytest.mark.parametrize("name", EVERY)
def test_some_columns_are_read_with_the_index(name: str) -> None:
    format = formats.get(name)
    value = pd.DataFrame({"a": [1, 2], "a.b": ["x", "y"], 3: [True, False]}, index=pd.Index([7, 8], name="k"))
    value.columns = pd.Index(["a", "a.b", "c"])
    file, options = written(format, value)
    assert_same(value[["a"]], format.read(file, **options, columns=["a"]))
    file.seek(0)
    with pytest.raises(eio.FormatOptionError, match="no column 'nope'; there are"):
        format.read(file, **options, columns=["nope"])


# --- others read the file too, and files of others are read ---


def test_pandas_reads_parquet_with_its_index() -> None:
    value = FRAMES["named index"]
    file, _ = written(formats.get("parquet"), value)
    assert_same(value, pd.read_parquet(file))


@pytest.mark.parametrize("kind", ["plain", "ordered categorical", "datetime with zone", "period"])
def test_others_see_the_same_values_in_parquet(kind: str) -> None:
    value = {**FRAMES, **MORE_FRAMES}[kind]
    file, _ = written(formats.get("parquet"), value)
    assert len(pl.read_parquet(file)) == len(value)
    file.seek(0)
    column = pq.read_table(file).column(0).to_pylist()
    for cell, wanted in zip(column, value.iloc[:, 0], strict=True):
        assert cell is None if pd.isna(wanted) else str(cell)[:7] == str(wanted)[:7]


def test_others_see_intervals_as_texts_in_parquet() -> None:
    file, _ = written(formats.get("parquet"), MORE_FRAMES["cut"])
    assert pq.read_table(file)["c"].to_pylist() == ["(0, 2]", "(2, 6]", None]


def test_csv_is_as_plain_as_can_be() -> None:
    file, _ = written(formats.get("csv"), pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert file.getvalue() == b"a,b\n1,x\n2,\n"
    assert list(pd.read_csv(file).columns) == ["a", "b"]


def test_csv_tells_missing_from_empty() -> None:
    file, _ = written(formats.get("csv"), pd.DataFrame({"a": ["", None]}))
    assert file.getvalue() == b'a\n""\nNA\n'


def test_files_of_other_programs_are_read() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    for name, content in {
        "csv": frame.to_csv(index=False).encode(),
        "tsv": frame.to_csv(index=False, sep="\t").encode(),
        "jsonl": frame.to_json(orient="records", lines=True).encode(),
        "parquet": frame.to_parquet(),
    }.items():
        assert_same(frame, formats.get(name).read(io.BytesIO(content)))
        assert list(formats.get(name).read(io.BytesIO(content), columns=["b"]).columns) == ["b"]
    book = io.BytesIO()
    frame.to_excel(book, index=False)
    assert_same(frame, formats.get("excel").read(book))


def test_options_of_pandas_read_csv_as_pandas_does() -> None:
    file, options = written(formats.get("csv"), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), sep=";")
    assert file.getvalue().startswith(b"a;b\n")
    found = formats.get("csv").read(file, **options, nrows=1, dtype={"a": "float32"})
    assert found.dtypes["a"] == "float32"
    assert len(found) == 1


def test_what_would_change_values_is_no_option() -> None:
    for name, option in {"csv": "float_format", "parquet": "coerce_timestamps", "jsonl": "double_precision"}.items():
        with pytest.raises(eio.FormatOptionError, match=option):
            formats.get(name).write(pd.DataFrame({"a": [0.1]}), io.BytesIO(), **{option: "x"})


def test_what_is_kept_beside_a_file_has_a_limit() -> None:
    value = pd.DataFrame({"c": pd.Categorical([str(number) * 10 for number in range(20_000)])})
    with pytest.raises(eio.ValueRefusedError, match=r"more than can be kept beside it.*parquet"):
        formats.get("csv").write(value, io.BytesIO())


def test_subclasses_are_refused() -> None:
    class Frame(pd.DataFrame):
        pass

    with pytest.raises(eio.ValueRefusedError, match=r"would come back as a plain one: use pd.DataFrame\(value\)"):
        formats.get("parquet").write(Frame({"a": [1]}), io.BytesIO())


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("object of mixed types", r"value\['a'\] holds int and str: convert it"),
        ("attrs that JSON has not", r"value.attrs\['shape'\] is of type tuple"),
        ("objects of numpy", r"value\['a'\] holds objects of numpy.int64"),
    ],
)
def test_a_refusal_says_where_and_what_to_do(kind: str, says: str) -> None:
    with pytest.raises(eio.ValueRefusedError, match=says):
        formats.get("parquet").write({**FRAMES, **MORE_FRAMES}[kind], io.BytesIO())


@pytest.mark.parametrize(("value", "advice"), [(None, "did a function return nothing"), ([1], "use pd.DataFrame")])
def test_what_is_no_table_is_refused_with_advice(value: Any, advice: str) -> None:
    with pytest.raises(eio.ValueRefusedError, match=advice):
        formats.get("csv").write(value, io.BytesIO())


@pytest.mark.parametrize(
    "schema", ["", "{", "[]", "{}", '{"class": "pandas.DataFrame"}', '{"class": "os.system", "schema": "AA=="}']
)
def test_a_damaged_description_is_named(schema: str) -> None:
    with pytest.raises(eio.FormatError, match="cannot be read as 'csv'"):
        formats.get("csv").read(io.BytesIO(b"a\n1\n"), schema=schema)
    table = pa.table({"a": [1]}).replace_schema_metadata({"elliptio": schema})
    file = io.BytesIO()
    pq.write_table(table, file)
    with pytest.raises(eio.FormatError, match="cannot be read as 'parquet'"):
        formats.get("parquet").read(file)


def test_what_a_newer_elliptio_described_is_refused() -> None:
    file, options = written(formats.get("csv"), FRAMES["plain"])
    newer = options["schema"].replace('"version":1', '"version":2')
    assert newer != options["schema"]
    with pytest.raises(eio.FormatError, match=r"newer elliptio wrote it. Run: pip install --upgrade elliptio"):
        formats.get("csv").read(file, schema=newer)


# --- generated ---

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
INTS = st.integers(-(2**63), 2**63 - 1)
COLUMNS: dict[str, Callable[[int], st.SearchStrategy[Any]]] = {
    "int64": lambda n: st.lists(INTS, min_size=n, max_size=n).map(lambda v: np.array(v, "i8")),
    "float64": lambda n: st.lists(st.floats(), min_size=n, max_size=n).map(lambda v: np.array(v, "f8")),
    "float32": lambda n: st.lists(st.floats(width=32), min_size=n, max_size=n).map(lambda v: np.array(v, "f4")),
    "bool": lambda n: st.lists(st.booleans(), min_size=n, max_size=n).map(lambda v: np.array(v, "?")),
    "str": lambda n: st.lists(st.none() | TEXTS, min_size=n, max_size=n).map(lambda v: pd.array(v, dtype="string")),
    "object": lambda n: st.lists(st.none() | TEXTS, min_size=n, max_size=n).map(
        lambda v: pd.Series(v, dtype=object).array
    ),
    "Int64": lambda n: st.lists(st.none() | INTS, min_size=n, max_size=n).map(lambda v: pd.array(v, dtype="Int64")),
    "datetime": lambda n: st.lists(st.integers(-(10**15), 10**15), min_size=n, max_size=n).map(
        lambda v: np.array(v, "M8[us]")
    ),
    "zone": lambda n: st.lists(st.integers(0, 2 * 10**15), min_size=n, max_size=n).map(
        lambda v: pd.DatetimeIndex(np.array(v, "M8[us]")).tz_localize("UTC").tz_convert("America/Sao_Paulo").array
    ),
    "category": lambda n: st.lists(st.none() | st.sampled_from("abc"), min_size=n, max_size=n).map(
        lambda v: pd.Categorical(v, categories=["c", "b", "a", "unused"], ordered=True)
    ),
}  # fmt: skip


@st.composite
def generated_frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=4))
    names = draw(st.lists(TEXTS, min_size=len(kinds), max_size=len(kinds)))
    made = {number: draw(COLUMNS[kind](rows)) for number, kind in enumerate(kinds)}
    frame = pd.DataFrame({number: pd.Series(array) for number, array in made.items()}, index=range(rows))
    frame.columns = pd.Index(names, dtype=frame.columns.dtype if not names else None)
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["int64", "zone", "category", "float64"]))
        frame.index = pd.Index(draw(COLUMNS[kind](rows)), name=draw(st.none() | TEXTS))
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(frame=generated_frames())
def test_generated_frames_come_back_equal_or_are_refused(name: str, frame: pd.DataFrame) -> None:
    try:
        file, options = written(formats.get(name), frame)
    except eio.ValueRefusedError:
        assert name not in ("parquet", "feather")
        return
    assert_same(frame, formats.get(name).read(file, **json.loads(json.dumps(options))))
