"""What comes back is equal to what was written, of the same classes, or was refused; hostile bytes are refused."""

from __future__ import annotations

import enum
import math
import pickle
import struct
from collections import OrderedDict, namedtuple
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from elliptio.flows.errors import TamperedDataError, UnserializableValueError
from elliptio.flows.serializing import Serializer
from elliptio.flows.serializing.batches import Batches, digest
from elliptio.flows.serializing.exact import pack, unpack


def same(one: Any, other: Any) -> bool:
    """Whether two are the same, class by class, where == would let NaN and -0.0 pass for others."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, datetime | time):
        return (repr(one), one.fold) == (repr(other), other.fold)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and sorted(map(repr, one)) == sorted(map(repr, other))
    return one == other


zones = st.one_of(
    st.none(),
    st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), timezone(timedelta(hours=2), "CEST")]),
    st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone),
)
hashable = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters()),
    st.text(st.characters(categories=["Cs", "L"])),
    st.binary(),
    st.datetimes(timezones=zones),
    st.datetimes().map(lambda moment: moment.replace(fold=1)),
    st.dates(),
    st.times(timezones=st.sampled_from([None, UTC])),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.sampled_from([Path("a/b"), PurePosixPath("/x"), PureWindowsPath("c:\\y"), Path("ü\udcff")]),
)
keys = hashable.filter(lambda value: not isinstance(value, Decimal) or not value.is_snan())
values = st.recursive(
    hashable,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.text(), inner),
        st.dictionaries(keys, inner),
        st.sets(keys),
        st.frozensets(keys),
        st.binary().map(bytearray),
    ),
    max_leaves=15,
)


@pytest.mark.slow
@given(values)
def test_a_value_comes_back_the_same(value: Any) -> None:
    assert same(unpack(pack(value)), value)


@pytest.mark.slow
@given(st.lists(values, max_size=8), st.integers(0, 8))
def test_the_digest_does_not_depend_on_batches(many: list[Any], cut: int) -> None:
    batches = Batches()
    parts = batches.write(many)
    assert digest(parts) == digest(batches.write(many[cut:]), digest(batches.write(many[:cut])))
    assert same(batches.read(batches.join(parts), len(many)), many)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_refused(content: bytes) -> None:
    with suppress(TamperedDataError):
        unpack(content)


@pytest.mark.slow
@given(st.sampled_from([*range(-128, 128)]), values)
def test_extensions_with_other_contents_are_refused(code: int, value: Any) -> None:
    content = msgspec.msgpack.encode(msgspec.msgpack.Ext(code, pack(value)))
    with suppress(TamperedDataError):
        unpack(content)


def nested(code: int, depth: int) -> bytes:
    content = b"\x90"
    for _ in range(depth):
        content = msgspec.msgpack.encode(msgspec.msgpack.Ext(code, content))
    return content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\x91" * 1_000_000,
        b"\x81\xa1a" * 1_000_000,
        nested(0, 5_000),
        nested(3, 2_000),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(20, pack(["O", [1], "C", b"12345678"]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(20, pack(["<f8", [2**40], "C", b"12345678"]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(20, pack(["<f8", [-1], "C", b"12345678"]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(22, pack(["pickle", {}, pickle.dumps(1)]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(22, pack(["joblib", {}, pickle.dumps(1)]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(22, pack(["os", {}, b""]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(22, pack(["feather", {}, b"ARROW1"]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(8, pack([2020, 1, 1, 0, 0, 0, 0, "../../etc/passwd", 0]))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(12, pack("no number"))),
        pack(1) + b"\x00",
        pickle.dumps({"a": 1}),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_hostile_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(TamperedDataError):
        unpack(content)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0, 2**63, 2**64, -(2**64), "\ud800", b"", (), set(), {}])
def test_what_is_odd_comes_back(value: Any) -> None:
    assert same(unpack(pack([value, {"a": value}]))[1]["a"], value)


class Colour(enum.Enum):
    RED = 1


class Shade(enum.IntEnum):
    DARK = 1


class Word(str):
    pass


class Zone(tzinfo):
    pass


@dataclass
class Point:
    x: int


Pair = namedtuple("Pair", "a b")


class Named(NamedTuple):
    a: int
    b: Any = None

    def both(self) -> Any:
        return self.a, self.b


def local_row() -> Any:
    class Local(NamedTuple):
        a: int

        def more(self) -> None: ...

    return Local(1)


loop: list[Any] = []
loop.append(loop)


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED, Shade.DARK, Word("a"), Point(1), local_row(), OrderedDict(a=1), object(), len, lambda: 1, Point,
        range(3), slice(1), memoryview(b"a"), datetime(2020, 1, 1, tzinfo=Zone()), loop,
        pd.Timestamp(0, tz="dateutil/Europe/Berlin"), pd.Period("2024"),
        np.array([object()]), np.ma.masked_array([1], [True]), pl.LazyFrame({"a": [1]}), 1j.__class__,
        pd.DataFrame({"a": [object()]}), Exception("a"), iter([]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_would_not_come_back_is_refused_by_class_and_place(value: Any) -> None:
    with pytest.raises(UnserializableValueError, match=r"value\['a'\]\[3\]") as caught:
        pack({"a": [0, 1, 2, value]})
    if value is not loop:
        assert type(value).__name__ in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("value", [Pair(1, 2), Named(1, {"x": Pair(1, (2,))}), [Named(2), 3]], ids=repr)
def test_named_tuples_come_back_of_their_class(value: Any) -> None:
    assert same(unpack(pack(value)), value)


def test_rows_of_a_table_have_a_class_that_nobody_can_import() -> None:
    (row,) = pd.DataFrame({"a": [1], "not a name": [2.0]}).itertuples()
    back = unpack(pack(row))
    assert (back, back._fields, type(back).__name__) == (row, ("Index", "a", "_2"), "Pandas")
    with pytest.raises(UnserializableValueError, match=r"value\[1\] is of type .*object"):
        pack(Pair(1, object()))


def test_a_named_tuple_with_more_than_fields_is_refused() -> None:
    class More(Pair):  # type: ignore[misc]
        pass

    with pytest.raises(UnserializableValueError, match="not found by its name"):
        pack(More(1, 2))


@pytest.mark.parametrize("parts", [["m", "Row", ["a"], []], ["m", "Row", ["1 a"], [1]], ["m", "Row"], 5])
def test_named_tuples_that_are_none_are_refused(parts: Any) -> None:
    with pytest.raises(TamperedDataError):
        unpack(msgspec.msgpack.encode(msgspec.msgpack.Ext(24, pack(parts))))


def test_no_class_but_of_named_tuples_is_found_by_its_name() -> None:
    for name in ("Point", "UUID", "pd.DataFrame"):
        made = unpack(msgspec.msgpack.encode(msgspec.msgpack.Ext(24, pack([__name__, name, ["x"], [1]]))))
        assert (type(made).__bases__, made.x) == ((tuple,), 1)


PYTZ = [pytz.timezone("Europe/Berlin"), pytz.timezone("America/New_York"), pytz.utc, pytz.timezone("Etc/GMT+3")]


@pytest.mark.parametrize("zone", PYTZ, ids=str)
@pytest.mark.parametrize("hour", [1, 2, 3, 12])
@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2024, 10, 27), date(2024, 11, 3)])
def test_moments_with_zones_of_pytz_come_back(zone: Any, hour: int, day: date) -> None:
    for summer in (False, True):
        moment = zone.localize(datetime(day.year, day.month, day.day, hour, 30), is_dst=summer)
        back = unpack(pack(moment))
        assert (repr(back), back.tzinfo is moment.tzinfo) == (repr(moment), True)
        stamp = pd.Timestamp(moment)
        assert unpack(pack(stamp)) == stamp


def test_zones_of_pytz_that_mean_something_else_are_refused() -> None:
    for value in (datetime(2024, 7, 1, tzinfo=PYTZ[0]), datetime(2024, 7, 1, tzinfo=pytz.FixedOffset(60))):
        with pytest.raises(UnserializableValueError, match="zone"):
            pack(value)


def test_places_are_named_in_keys_and_sets_too() -> None:
    with pytest.raises(UnserializableValueError, match=r"the key <Colour.RED: 1> of value\['a'\] is of type"):
        pack({"a": {Colour.RED: 1}})
    with pytest.raises(UnserializableValueError, match=r"value\[0\]\{…\} is of type"):
        pack(({Colour.RED},))


@pytest.mark.parametrize("dtype", ["?", "i1", ">i4", "u8", "f2", "<f4", "c16", "M8[ns]", "m8[s]"])
def test_arrays_come_back(dtype: str) -> None:
    for shape in ((), (0,), (3,), (2, 3)):
        for order in "CF":
            value = np.zeros(shape, dtype, order=order)
            found = unpack(pack(value))
            assert (type(found), found.dtype, found.shape, found.strides) == (
                np.ndarray, value.dtype, shape, value.strides,
            )  # fmt: skip
            assert np.array_equal(found, value)
            assert found.flags.writeable
    number = np.ones(1, dtype).astype(np.dtype(dtype).newbyteorder("="))[0]
    assert (type(unpack(pack(number))), unpack(pack(number))) == (type(number), number)


def test_arrays_of_texts_and_records_come_back() -> None:
    for value in (np.array(["a", "ü"]), np.array([b"a"]), np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])):
        found = unpack(pack(value))
        assert found.dtype == value.dtype
        assert np.array_equal(found, value)
    assert same(unpack(pack([np.str_("a"), np.bytes_(b"b")])), [np.str_("a"), np.bytes_(b"b")])


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "moment",
    [
        pd.Timestamp("2024-01-01 00:00:00.123456789"),
        pd.Timestamp("2024-01-01").as_unit("s"),
        pd.Timestamp("2024-01-01", tz="UTC"),
        pd.Timestamp("2024-07-01", tz=BERLIN),
        pd.Timestamp(datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN)),
        pd.Timedelta("1 day 3 ns"),
        pd.Timedelta("3 s").as_unit("ms"),
        pd.NaT,
    ],
    ids=repr,
)
def test_moments_of_pandas_come_back(moment: Any) -> None:
    (back,) = unpack(pack([moment]))
    assert type(back) is type(moment)
    if moment is pd.NaT:
        assert back is pd.NaT
        return
    assert back == moment
    assert back.unit == moment.unit
    assert getattr(back, "tz", None) == getattr(moment, "tz", None)
    assert getattr(back, "fold", 0) == getattr(moment, "fold", 0)


def test_tables_come_back() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["x", None]), "b": [1.5, math.nan]}, index=[3, 4])
    pd.testing.assert_frame_equal(unpack(pack({"f": frame}))["f"], frame)
    pd.testing.assert_series_equal(unpack(pack(frame["b"])), frame["b"])
    polars = pl.DataFrame({"a": ["x", None], "b": [1, 2]})
    assert unpack(pack(polars)).equals(polars)
    table = pa.table({"a": [1, None]})
    assert unpack(pack(table)).equals(table)


def test_images_come_back_by_their_format() -> None:
    from PIL import Image

    image = Image.new("RGB", (3, 2), (1, 2, 3))
    found = unpack(pack(image))
    assert (found.size, found.mode, found.tobytes()) == (image.size, image.mode, image.tobytes())


def test_equal_sets_are_equal_bytes() -> None:
    numbers = range(0, 1000, 8)
    one, other = {*numbers}, set[int]()
    for number in reversed(numbers):
        other.add(number)
    assert pack(one) == pack(other) == pack({0, *numbers})


class Pickles(Serializer):
    def serialize(self, value: Any) -> bytes:
        return pickle.dumps(value)

    def deserialize(self, content: bytes) -> Any:
        return pickle.loads(content)


def test_a_serializer_of_ones_own_is_asked() -> None:
    batches = Batches(Pickles())
    many = [Colour.RED, UUID(int=1), date(2020, 1, 1), Point(1)]
    assert batches.read(batches.join(batches.write(many)), 4) == many
    with pytest.raises(UnserializableValueError, match=r"value is of type .*function.* Pickles cannot write it"):
        batches.write([lambda: 1])


def test_a_serializer_has_four_methods() -> None:
    with pytest.raises(TypeError, match="no 'serialize'"):
        Batches(pickle)  # type: ignore[arg-type]
