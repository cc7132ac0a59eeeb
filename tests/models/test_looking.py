"""Holds that a big field is described without a byte of it, and that a part of it takes little more than the part."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import elliptio as eio
from elliptio import formats
from elliptio.errors import FormatError, FormatOptionError, UnknownFormatError, ValueRefusedError
from elliptio.formats.frames import changed
from elliptio.models import DataModel, NotAModelError, describe
from elliptio.models.looking import Described, describe_record, open_array, peek_file
from elliptio.models.serializer.files import write
from elliptio.models.serializer.summary import summary
from elliptio.models.storage import FileSystemStorage, put
from elliptio.models.storage.values import StoredValue
from elliptio.testing.weather import Weather
from tests.formats.kinds import ARRAYS, FRAMES, MORE_FRAMES, REFUSED_ARRAYS


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found

    def read1(self, size: int | None = -1, /) -> bytes:
        found = super().read1(-1 if size is None else size)
        self.count += len(found)
        return found

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self.count += count
        return count


class Kept:
    """A file in memory, with the record of its value."""

    def __init__(self, value: Any, format: str, **options: Any) -> None:
        file = io.BytesIO()
        self.record: dict[str, Any] = {"type": "", "format": format}
        self.record["options"] = dict(formats.get(format).write(value, file, **options) or {})
        self.content, self.relpath = file.getvalue(), f"value.{format}"
        self.opened = Counted()

    def open(self, mode: str = "rb") -> Counted:
        self.opened = Counted(self.content)
        return self.opened

    def peek(self, rows: Any = 5, columns: Any = None) -> Any:
        return peek_file(self, self.record, rows=rows, columns=columns)


# --- describe ---


def described(value: Any) -> Described:
    record = write(formats.get("parquet" if hasattr(value, "columns") else "npy"), value, io.BytesIO())
    return describe_record(json.loads(json.dumps(record)), 7)


def test_a_frame_is_described() -> None:
    frame = pd.DataFrame({"a": [1], "b": [0.5]})
    assert described(frame) == Described(
        "pandas.DataFrame", (1, 2), ("a", "b"), {"a": "int64", "b": "float64"}, 7, "parquet"
    )
    assert described(FRAMES["int columns"]).dtypes == {0: "int64", 1: "int64"}
    assert described(FRAMES["multiindex columns"]).columns == (("a", "x"), ("a", "y"))


def test_columns_of_one_name_are_described_in_order() -> None:
    assert described(FRAMES["duplicate columns"]).dtypes == ("int64", "int64")


def test_an_array_is_described() -> None:
    assert described(np.zeros((2, 3, 4), ">f4")) == Described("numpy.ndarray", (2, 3, 4), None, ">f4", 7, "npy")
    records = described(np.zeros(2, [("x", "i4"), ("y", "f8")]))
    assert (records.columns, records.dtypes) == (("x", "y"), {"x": "int32", "y": "float64"})


SUMMARIES: list[tuple[Any, dict[str, Any]]] = [
    (pd.Series([1], name="n"), {"shape": [1], "columns": ["n"], "dtypes": ["int64"]}),
    (pl.DataFrame({"a": [1]}), {"shape": [1, 1], "columns": ["a"], "dtypes": ["Int64"]}),
    (pa.table({"a": [1]}), {"shape": [1, 1], "columns": ["a"], "dtypes": ["int64"]}),
    (Image.new("RGB", (3, 2)), {"shape": [2, 3, 3], "dtypes": ["RGB"]}),
    (b"xyz", {"shape": [3]}),
    (object(), {}),
]


@pytest.mark.parametrize(("value", "said"), SUMMARIES, ids=lambda value: type(value).__name__)
def test_other_values_are_summarized(value: Any, said: dict[str, Any]) -> None:
    assert summary(value) == said


def test_a_summary_is_bounded_and_can_be_stored_by_every_index() -> None:
    names = ["x" * 10_000, "\ud800", "\0", 2**80, float("nan"), pd.Timestamp("2026"), None, *range(10_000)]
    found = summary(pd.DataFrame(np.zeros((1, len(names))), columns=pd.Index(names, dtype=object)))
    assert len(json.dumps(found, allow_nan=False)) < 20_000
    assert (len(found["columns"]), found["more_columns"]) == (200, len(names) - 200)
    assert json.dumps(found, ensure_ascii=False).encode()


# --- peek ---


@pytest.mark.parametrize("format", ["parquet", "feather", "csv", "jsonl"])
@pytest.mark.parametrize("kind", [*FRAMES, *MORE_FRAMES])
def test_rows_of_each_kind_of_frame_are_those_of_the_whole(kind: str, format: str) -> None:
    frame = {**FRAMES, **MORE_FRAMES}[kind]
    try:
        kept = Kept(frame, format)
    except ValueRefusedError:
        return
    for rows in (slice(1, None), slice(0, 1), slice(-1, None), slice(0, 0), slice(1, 10**9), None):
        whole = frame if rows is None else frame.iloc[rows]
        assert changed(whole, kept.peek(rows)) is None


@pytest.mark.parametrize("kind", sorted({*ARRAYS} - REFUSED_ARRAYS))
def test_rows_of_each_kind_of_array_are_those_of_the_whole(kind: str) -> None:
    array, kept = ARRAYS[kind], Kept(ARRAYS[kind], "npy")
    if not array.shape:
        with pytest.raises(FormatOptionError, match="without rows"):
            kept.peek()
        return
    for rows in (slice(1, None), 1, -1, slice(0, 0), None):
        whole = array[slice(rows) if rows == 1 else slice(-1, None) if rows == -1 else rows or slice(None)]
        found = kept.peek(rows)
        assert (found.dtype, found.shape) == (array.dtype, whole.shape)
        assert found.tobytes() == whole.tobytes()
        assert found.flags.writeable


def test_columns_of_an_array_are_numbers_and_of_records_names() -> None:
    assert Kept(np.arange(12).reshape(3, 4), "npy").peek(2, [0, -1]).tolist() == [[0, 3], [4, 7]]
    records = np.array([(1, 2.5)], [("x", "i4"), ("ä→", "f8")])
    assert Kept(records, "npy").peek(1, ["ä→"]).tolist() == [(2.5,)]
    for columns in (["z"], [9]):
        with pytest.raises(FormatOptionError, match=r"no (such )?column"):
            Kept(np.zeros((3, 4)) if columns == [9] else records, "npy").peek(1, columns)


def test_tables_of_other_libraries_stay_theirs() -> None:
    for format in ("parquet", "feather", "csv"):
        assert Kept(pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), format).peek(1, ["b"]).rows() == [("x",)]
        assert Kept(pa.table({"a": [1, 2]}), format).peek(slice(1, 2)).equals(pa.table({"a": [2]}))


def test_a_file_that_others_wrote_is_looked_at_by_its_suffix(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", 'y\n"z"', "w"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        kept = Kept(frame, "parquet")
        kept.content, kept.relpath = (tmp_path / name).read_bytes(), name
        pd.testing.assert_frame_equal(peek_file(kept, rows=2), frame.head(2))
        pd.testing.assert_frame_equal(peek_file(kept, rows=2, columns=["b"]), frame[["b"]].head(2))


@pytest.mark.parametrize("rows", [slice(0, 9, 2), range(9, 0, -1), "5", 1.5])
def test_rows_that_do_not_follow_each_other_are_refused(rows: Any) -> None:
    with pytest.raises(FormatOptionError, match="give a number of rows"):
        Kept(FRAMES["plain"], "parquet").peek(rows)


@pytest.mark.parametrize("format", ["parquet", "feather", "csv", "jsonl"])
def test_a_column_that_is_not_there_is_named(format: str) -> None:
    with pytest.raises(FormatOptionError, match="There is no column 'c'"):
        Kept(FRAMES["plain"], format).peek(1, ["c"])


def test_of_an_image_there_is_no_part() -> None:
    with pytest.raises(UnknownFormatError, match="take the whole value"):
        Kept(Image.new("L", (2, 2)), "image", kind="png").peek()


@pytest.mark.parametrize("format", ["parquet", "feather", "npy", "csv", "jsonl"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"PAR1", b"ARROW1\0\0", b"\xff" * 100])
def test_a_damaged_file_is_an_error_of_elliptio(format: str, content: bytes) -> None:
    kept = Kept(FRAMES["plain"] if format != "npy" else np.zeros(3), format)
    if format in ("csv", "jsonl"):
        content = b"\xff" * 100
    kept.content = content
    with pytest.raises(FormatError, match=kept.relpath):
        kept.peek()


# --- what it takes ---


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    return pd.DataFrame({name: np.random.default_rng(0).random(300_000) for name in "abcd"})


@pytest.mark.parametrize("format", ["parquet", "feather"])
def test_a_few_rows_of_one_column_take_a_page_of_it(format: str, large: pd.DataFrame) -> None:
    kept = Kept(large, format, **({"use_dictionary": False} if format == "parquet" else {}))
    assert changed(large.head()[["b"]], kept.peek(5, ["b"])) is None
    column = len(kept.content) / 4
    assert kept.opened.count < 0.6 * column


def test_rows_amid_row_groups_leave_the_others(large: pd.DataFrame) -> None:
    kept = Kept(large, "parquet", row_group_size=10_000)
    assert changed(large.iloc[150_000:150_003][["c"]], kept.peek(slice(150_000, 150_003), ["c"])) is None
    assert kept.opened.count < len(kept.content) / 30


def test_rows_of_an_array_take_no_more_bytes_than_they_have() -> None:
    array = np.arange(2_000_000, dtype="i8").reshape(-1, 2)
    for order in (array, np.asfortranarray(array)):
        kept = Kept(order, "npy")
        assert kept.peek(slice(500_000, 500_005)).tolist() == array[500_000:500_005].tolist()
        assert kept.opened.count < 1000


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_first_lines_of_a_file_take_its_beginning(format: str, large: pd.DataFrame) -> None:
    kept = Kept(large.head(20_000), format)
    assert changed(large.head(), kept.peek(5)) is None
    assert kept.opened.count < len(kept.content) / 10


def test_an_array_in_a_bucket_takes_a_range(remote: eio.Handler, sky: Weather) -> None:
    array = np.arange(1_000_000, dtype="f8").reshape(-1, 10)
    artifact = remote.save(array, "weights")
    sky.served.clear()
    assert peek_file(artifact.file, rows=slice(50_000, 50_002)).tolist() == array[50_000:50_002].tolist()
    assert sum(sky.served.values()) < 600_000 < (artifact.file.size or 0)


def test_a_column_of_a_table_in_a_bucket_takes_ranges(
    remote: eio.Handler, sky: Weather, large: pd.DataFrame, no_cache: None
) -> None:
    file = remote.save(large, "frame", use_dictionary=False, row_group_size=50_000).file
    for rows, whole in ((5, large.head()), (slice(200_000, 200_002), large.iloc[200_000:200_002])):
        sky.served.clear()
        assert changed(whole[["b"]], peek_file(file, rows=rows, columns=["b"])) is None
        assert sum(sky.served.values()) < 0.2 * (file.size or 0)


def test_a_file_of_a_lake_is_looked_at(local: eio.Handler) -> None:
    file = local.save(FRAMES["ordered categorical"], "frame").file
    assert changed(FRAMES["ordered categorical"].head(1), peek_file(file, rows=1)) is None


def test_a_value_in_a_storage_is_looked_at(tmp_path: Path) -> None:
    record: Mapping[str, Any] = put(FileSystemStorage(tmp_path), formats.get("csv"), FRAMES["named index"])
    assert changed(FRAMES["named index"].head(1), peek_file(StoredValue(record), record, rows=1)) is None
    assert describe_record(record).bytes == record["size"]


# --- arrays that stay where they are ---


@pytest.mark.parametrize("kind", sorted({*ARRAYS} - REFUSED_ARRAYS))
def test_an_array_opens_where_it_lies_read_only(kind: str, tmp_path: Path) -> None:
    array, path = ARRAYS[kind], tmp_path / "a.npy"
    path.write_bytes(Kept(array, "npy").content)
    found = open_array(path)
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert not found.flags.writeable
    assert Kept(found, "npy").content == path.read_bytes()


def test_opening_an_array_reads_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**11,)})
        file.truncate(file.tell() + 8 * 10**11)
    found = open_array(path)
    assert (found.shape, found[-1]) == ((10**11,), 0.0)


def test_what_is_no_array_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"no")
    with pytest.raises(FormatError, match="cannot be read as 'npy'"):
        open_array(tmp_path / "a.npy")


def test_an_artifact_is_not_its_model(local: eio.Handler) -> None:
    class Held(DataModel, version=1):
        number: int

    with pytest.raises(NotAModelError, match=r"elliptio.Artifact is no data model: give one, as load\(\) of its"):
        describe(local.save(Held(1), "held"), "number")
