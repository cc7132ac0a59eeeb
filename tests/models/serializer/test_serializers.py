"""Holds that serializers give values back equal or refuse them, and know each other by name."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, TypeVar, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import elliptio as eio
from elliptio import formats
from elliptio.errors import ElliptioError, FormatError, FormatOptionError, UnknownFormatError, ValueRefusedError
from elliptio.formats.frames import changed
from elliptio.models import DataModel, FieldTypeError
from elliptio.models.errors import DamagedModelError, DuplicateModelError, UnknownSerializerError
from elliptio.models.serializer import Serializer, get, of_value
from elliptio.models.serializer.bytes import bytes_serializer
from elliptio.models.serializer.choosing import check_known
from elliptio.models.serializer.datetime import datetime_serializer, timedelta_serializer
from elliptio.models.serializer.defining import BUILT_IN
from elliptio.models.serializer.files import read, suffix_of, value_record, write
from elliptio.models.serializer.json import json_serializer, json_sorted_serializer
from elliptio.models.serializer.numpy import array_serializer, numpy_serializer
from elliptio.models.serializer.packing import HEAD, FormatSerializer, of_format
from elliptio.models.serializer.pandas import dataframe_serializer
from elliptio.models.serializer.polars import polars_serializer
from elliptio.models.serializer.pyarrow import feather_serializer, parquet_serializer
from elliptio.models.serializer.string import string_serializer
from tests.formats.kinds import ARRAYS, FRAMES, REFUSED_ARRAYS


def again(serializer: Serializer[Any], value: Any) -> Any:
    data = serializer.serialize(value)
    assert type(data) is bytes
    return serializer.deserialize(data)


# --- the built-in ones ---


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_comes_back_or_is_refused(kind: str) -> None:
    frame = FRAMES[kind]
    if kind == "object of mixed types":
        with pytest.raises(ValueRefusedError, match="holds int and str"):
            dataframe_serializer.serialize(frame)
        return
    assert changed(frame, again(dataframe_serializer, frame)) is None


def test_bytes_of_a_frame_are_a_file_that_pandas_reads() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k"))
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(dataframe_serializer.serialize(frame))), frame)


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_comes_back_or_is_refused(kind: str) -> None:
    array = ARRAYS[kind]
    if kind in REFUSED_ARRAYS:
        with pytest.raises(ValueRefusedError):
            numpy_serializer.serialize(array)
        return
    found = again(numpy_serializer, array)
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.flags.f_contiguous == array.flags.f_contiguous
    assert found.tobytes() == array.tobytes()


def test_the_seeds_name_of_the_serializer_of_arrays_is_the_same_one() -> None:
    assert array_serializer is numpy_serializer


@pytest.mark.parametrize("serializer", [feather_serializer, parquet_serializer], ids=lambda one: str(one.name))
def test_a_table_of_arrow_comes_back(serializer: Serializer[Any]) -> None:
    table = pa.table({"a": [1, None], "b": [["x"], []], "c": pa.array(["u", "v"]).dictionary_encode()})
    assert again(serializer, table).equals(table)


def test_a_frame_of_polars_comes_back() -> None:
    frame = pl.DataFrame({"a": [1, None], "t": [datetime(2026, 1, 1, tzinfo=UTC)] * 2})
    found = again(polars_serializer, frame)
    assert (found.schema, found.rows()) == (frame.schema, frame.rows())


JSON = [
    {"a": [1, 2.5, None, True, "ä"], "b": {}}, (), (1, (2,)), float("nan"), float("-inf"), -0.0, 2**80, "", [],
    {"size": (8, 8)}, np.float32(0.1), {"": {".": {"$": 1}}},
]  # fmt: skip


@pytest.mark.parametrize("serializer", [json_serializer, json_sorted_serializer], ids=lambda one: str(one.name))
@pytest.mark.parametrize("value", JSON, ids=repr)
def test_plain_values_come_back_from_json(serializer: Serializer[Any], value: Any) -> None:
    found = again(serializer, value)
    assert repr(found) == repr(value)
    assert type(found) is type(value)


def test_json_alone_is_nothing_but_json() -> None:
    assert json.loads(json_serializer.serialize({"b": 1, "a": [1]})) == {"b": 1, "a": [1]}


def test_sorted_json_sorts_at_each_level_and_equal_values_are_equal_bytes() -> None:
    one, other = {"b": [{"y": (1, float("nan")), "x": 2}], "a": 0}, {"a": 0, "b": [{"x": 2, "y": (1, float("nan"))}]}
    data = json_sorted_serializer.serialize(one)
    assert data == json_sorted_serializer.serialize(other)
    assert list(json_sorted_serializer.deserialize(data)) == ["a", "b"]
    assert json_serializer.serialize(one) != json_serializer.serialize(other)
    assert json_sorted_serializer.serialize({"b": 1, "a": 2}) == b'{"a": 2, "b": 1}'


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, object(), endless()], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("serializer", [json_serializer, json_sorted_serializer], ids=lambda one: str(one.name))
def test_what_json_cannot_say_is_refused(serializer: Serializer[Any], value: Any) -> None:
    with pytest.raises(ValueRefusedError):
        serializer.serialize(value)


BERLIN = ZoneInfo("Europe/Berlin")
TIMES = [
    datetime(2026, 1, 1), datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN, fold=1),
    datetime(2026, 6, 1, tzinfo=BERLIN, fold=1), datetime(2026, 1, 1, fold=1),
    datetime(1890, 1, 1, tzinfo=BERLIN), datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3, seconds=-7, microseconds=9))),
]  # fmt: skip


@pytest.mark.parametrize("value", TIMES, ids=str)
def test_a_time_comes_back_with_zone_and_fold(value: datetime) -> None:
    found = again(datetime_serializer, value)
    assert repr(found) == repr(value)
    assert (found.fold, found.isoformat()) == (value.fold, value.isoformat())
    assert found.tzinfo is value.tzinfo or found.tzinfo == value.tzinfo


@pytest.mark.parametrize(
    "value", [pd.Timestamp("2026"), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET")), "2026"], ids=repr
)
def test_a_time_that_would_not_come_back_is_refused(value: Any) -> None:
    with pytest.raises(ValueRefusedError):
        datetime_serializer.serialize(value)


@pytest.mark.parametrize(
    "value",
    [timedelta(), timedelta.min, timedelta.max, timedelta(microseconds=-1), timedelta(days=1, microseconds=1)],
    ids=str,
)
def test_a_span_of_time_comes_back(value: timedelta) -> None:
    assert again(timedelta_serializer, value) == value


def test_a_span_of_time_is_written_as_seconds() -> None:
    assert timedelta_serializer.serialize(timedelta(minutes=1.5)) == b"90"


@pytest.mark.parametrize("serializer", [datetime_serializer, timedelta_serializer], ids=lambda one: str(one.name))
@pytest.mark.parametrize("data", [b"", b"x", b"\xff", b"2026-13-01", b"9" * 40, b"2026-01-01[No/Zone]", b"1e3"])
def test_no_time_is_a_damaged_file(serializer: Serializer[Any], data: bytes) -> None:
    with pytest.raises(FormatError):
        serializer.deserialize(data)


@pytest.mark.parametrize("data", [b"", b"x" * 1000, HEAD, HEAD + b'{"a": 1}\n', HEAD + HEAD])
def test_any_bytes_come_back(data: bytes) -> None:
    assert again(bytes_serializer, data) == data


@pytest.mark.parametrize("text", ["", "ä\r\n\0", HEAD.decode() + "{}\n"])
def test_any_text_comes_back(text: str) -> None:
    assert again(string_serializer, text) == text


@pytest.mark.parametrize(
    "data", [HEAD, HEAD + b"[]\n1", HEAD + b"[" * 100_000, HEAD + b'{"x": 1}\n1', HEAD + b'{"types": "exec"}\n1']
)
def test_damaged_options_are_named(data: bytes) -> None:
    with pytest.raises((FormatError, FormatOptionError)):
        json_serializer.deserialize(data)


def test_any_format_is_a_serializer_that_keeps_what_lies_beside() -> None:
    frame = FRAMES["ordered categorical"]
    assert changed(frame, again(of_format(formats.get("csv")), frame)) is None


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_one_is_found_by_its_name_and_can_be_registered(name: str) -> None:
    found = get(name)
    assert found.name == name
    assert found.register() is found
    check_known(found)


def test_they_are_in_hints() -> None:
    T = TypeVar("T")
    assert get_args(Annotated[T, json_serializer][int]) == (int, json_serializer)  # type: ignore[misc]


@pytest.mark.slow
def test_no_library_is_imported_before_it_is_used() -> None:
    code = (
        "import sys; from elliptio.models.serializer import numpy, pandas, polars, pyarrow, json, datetime, string;"
        "from elliptio.models.storage import aws;"
        "print([name for name in ('numpy', 'pandas', 'polars', 'pyarrow', 'boto3', 'obstore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- one's own ---


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class CelsiusSerializer(Serializer[Celsius]):
    name, types, suffix = "celsius", (Celsius,), ".celsius"

    def serialize(self, value: Celsius, /) -> bytes:
        return repr(value.degrees).encode()

    def deserialize(self, data: bytes, /) -> Celsius:
        return Celsius(float(data))


def test_one_of_ones_own_is_found_by_name_and_by_value() -> None:
    mine = CelsiusSerializer().register()
    assert get("celsius") is mine
    assert of_value(Celsius(1.0)) is mine
    assert of_value(np.zeros(1)) is formats.get("npy")
    assert of_value(object()) is None


class Kelvin(Celsius):
    pass


class Colder(DataModel, version=1):
    now: Kelvin


class Weather(DataModel, version=1):
    now: Celsius
    later: list[Celsius]
    other: Any = None
    hour: int = 3


def test_a_registered_one_takes_its_types_without_being_named(local: eio.Handler) -> None:
    class Whole(Serializer[Any]):
        name, types = "whole-of-test", (int, "decimal.Decimal")

    Whole().register()
    CelsiusSerializer().register()
    model = Weather(Celsius(1.5), [Celsius(2.5), Celsius(3.5)], {"a": Celsius(4.5)})
    artifact = local.save(model, "weather")
    assert sorted(artifact.files) == [
        "later/0.celsius", "later/1.celsius", "model.json", "now.celsius", "other/a.celsius",
    ]  # fmt: skip
    read = artifact.load()
    assert [each.degrees for each in (read.now, *read.later, read.other["a"])] == [1.5, 2.5, 3.5, 4.5]
    assert read.hour == 3
    with pytest.raises(FieldTypeError, match="Kelvin"):
        local.save(Colder(Kelvin(1.0)), "subclasses would come back as what they are not")


def test_the_same_class_again_is_fine_and_the_newest_holds() -> None:
    CelsiusSerializer().register()
    source = "class Cell(Serializer):\n    name = 'cell'\n    serialize = deserialize = bytes\ncell = Cell().register()"
    for _ in range(3):
        namespace: dict[str, Any] = {"Serializer": Serializer, "__name__": "__main__"}
        exec(source, namespace)
        assert get("cell") is namespace["cell"]


def test_another_under_a_taken_name_is_an_error_that_says_whose_it_is() -> None:
    CelsiusSerializer().register()

    class Other(Serializer[int]):
        name = "celsius"

    with pytest.raises(DuplicateModelError, match=r"'celsius' already, .*CelsiusSerializer; .*Other needs another"):
        Other().register()
    Other.name = "elliptio-json"
    with pytest.raises(ValueError, match=r"built in, elliptio\.models\.serializer\.json\.json_serializer"):
        Other().register()


def test_one_without_a_name_is_refused() -> None:
    class Nameless(Serializer[int]):
        pass

    with pytest.raises(ValueError, match="has the name None"):
        Nameless().register()


def test_one_that_nobody_registered_cannot_be_written_with_and_the_message_says_what_to_import() -> None:
    class Unknown(Serializer[int]):
        name = "unknown"

    with pytest.raises(UnknownSerializerError, match=r"'unknown'.* is not registered"):
        write(Unknown(), 1, io.BytesIO())
    with pytest.raises(UnknownSerializerError, match="import the module that registers home:Unknown"):
        read({"serializer": "unknown", "class": "home:Unknown"}, io.BytesIO(b""))
    with pytest.raises(LookupError, match="did you mean 'elliptio-json'"):
        get("elliptio-jsn")


def test_what_a_subclass_of_a_built_in_one_does_more_is_done() -> None:
    class Reversed(FormatSerializer):
        def serialize(self, value: Any, /) -> bytes:
            return super().serialize(value)[::-1]

        def deserialize(self, data: bytes, /) -> Any:
            return super().deserialize(data[::-1])

    mine = Reversed("reversed", "text", ("builtins.str",))
    with pytest.raises(UnknownSerializerError, match="'reversed'"):
        write(mine, "abc", io.BytesIO())
    file = io.BytesIO()
    record = write(mine.register(), "abc", file)
    assert file.getvalue() == b"cba"
    file.seek(0)
    assert read(record, file) == "abc"


def test_a_format_with_options_is_a_serializer_too() -> None:
    mine = FormatSerializer("semicolons", "csv", ("pandas.DataFrame",), sep=";").register()
    assert get("semicolons") is mine
    assert mine.serialize(FRAMES["plain"]).endswith(b"a;b\n1;0.5\n2;\n")
    assert changed(FRAMES["plain"], again(mine, FRAMES["plain"])) is None
    latin = FormatSerializer("latin", "text", ("builtins.str",), encoding="latin-1")
    assert again(latin, "Zoë") == "Zoë"
    assert changed(FRAMES["plain"], again(get("csv"), FRAMES["plain"])) is None


# --- records ---


def test_a_value_is_read_by_its_record_alone() -> None:
    CelsiusSerializer().register()
    for how, value in (
        (CelsiusSerializer(), Celsius(1.5)),
        (dataframe_serializer, FRAMES["plain"]),
        (json_sorted_serializer, {"b": (1, 2), "a": float("nan")}),
        (formats.get("csv"), FRAMES["plain"]),
    ):
        file = io.BytesIO()
        record = json.loads(json.dumps(write(how, value, file)))
        file.seek(0)
        found = read(record, file)
        assert (found.degrees == 1.5) if type(value) is Celsius else (repr(found) != "" and type(found) is type(value))
        assert (value_record(record) is None) == (type(value) is Celsius)


def test_a_file_with_a_format_is_an_ordinary_one() -> None:
    file = io.BytesIO()
    record = write(dataframe_serializer, FRAMES["plain"], file)
    assert (record["format"], record["type"], suffix_of(dataframe_serializer)) == (
        "parquet",
        "pandas.DataFrame",
        ".parquet",
    )
    assert record["summary"] == {"shape": [2, 2], "columns": ["a", "b"], "dtypes": ["int64", "float64"]}
    assert changed(FRAMES["plain"], formats.get("parquet").read(file)) is None


def test_a_serializer_that_makes_no_bytes_is_told() -> None:
    class Texts(Serializer[int]):
        name = "texts"

        def serialize(self, value: int, /) -> bytes:
            return "text"  # type: ignore[return-value]

    with pytest.raises(ValueRefusedError, match="made a str of the value, not bytes"):
        write(Texts().register(), 1, io.BytesIO())


HOSTILE: list[dict[str, Any]] = [
    {}, {"format": 1}, {"format": "no"}, {"serializer": []}, {"serializer": "os:system"},
    {"format": "csv", "options": 1},
    {"format": "csv", "options": {"filepath_or_buffer": "/etc/passwd"}}, {"format": "parquet"},
    {"format": "json", "options": {"types": {"each": 1}}}, {"serializer": "no", "class": 1},
]  # fmt: skip


@pytest.mark.parametrize("record", HOSTILE, ids=str)
def test_a_hostile_record_is_an_error_of_elliptio(record: dict[str, Any]) -> None:
    with pytest.raises(ElliptioError):
        read(record, io.BytesIO(b"\x00x"))


def test_a_pickle_is_not_read_for_what_a_record_says() -> None:
    file = io.BytesIO()
    record = write(formats.get("pickle"), {1, 2}, file)
    file.seek(0)
    with pytest.raises(UnknownFormatError, match="may run any code"):
        read(record, file)
    assert read(record, file, may_run_code=True) == {1, 2}
    assert isinstance(DamagedModelError("x"), ValueError)
