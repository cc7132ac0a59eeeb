"""Types of every kind with values of them, nested three deep, for hypothesis."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import pathlib
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal, NamedTuple, NewType, NotRequired, TypedDict, Union

import attrs
import numpy as np
import pydantic
from hypothesis import strategies as st

ZONES = ("Europe/Berlin", "America/New_York", "UTC")


class Color(enum.Enum):
    RED = "r"
    BLUE = (1, 2)
    ROUGE = "r"  # noqa: PIE796


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mode(enum.StrEnum):
    FAST = "fast"
    SLOW = "slow"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2
    ALL = 3


class Bits(enum.IntFlag):
    A = 1
    B = 4


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.0


@dataclass(frozen=True)
class Point3(Point):
    z: str = ""


@dataclass(frozen=True)
class Twin:
    """Has the fields of `Point`."""

    x: int
    y: float = 0.0


@dataclass(eq=True)
class Loose:
    a: list[int]
    b: int = field(init=False, default=3)


@dataclass(frozen=True)
class Model:
    name: str
    version: int
    points: list[Point]
    __model_name__ = "Model"
    __model_version__ = 1


class Pair(NamedTuple):
    left: int
    right: str | None = None


class Options(TypedDict):
    depth: int
    name: NotRequired[str]


@attrs.define
class Private:
    _hidden: int
    shown: str = attrs.field(default="x", alias="display")


@attrs.frozen(cache_hash=True)
class Frozen:
    a: int
    b: tuple[str, ...] = ()


class Pydantic(pydantic.BaseModel):
    n: int
    items: list[str] = []
    when: dt.datetime | None = None


UserId = NewType("UserId", int)

text = st.text(st.characters(), max_size=8)
integers = st.integers() | st.integers(-(2**80), 2**80) | st.sampled_from([10**4200, -(10**4200), 2**63, -(2**63) - 1])
zones = st.none() | st.just(dt.UTC) | st.sampled_from(ZONES).map(__import__("zoneinfo").ZoneInfo) | st.builds(
    dt.timezone, st.timedeltas(dt.timedelta(hours=-20), dt.timedelta(hours=20))
) | st.builds(dt.timezone, st.just(dt.timedelta(hours=3)), text)  # fmt: skip
datetimes = st.builds(
    lambda when, zone, fold: when.replace(tzinfo=zone, fold=fold), st.datetimes(), zones, st.sampled_from([0, 1])
)
times = st.builds(
    lambda when, zone, fold: when.replace(tzinfo=zone, fold=fold), st.times(), zones, st.sampled_from([0, 1])
)
decimals = st.decimals() | st.sampled_from(
    [decimal.Decimal(each) for each in ("sNaN12", "-NaN", "-0", "0E+10", "1.10", "-Infinity", "1E-400")]
)
uuids = st.builds(
    lambda n, safe: uuid.UUID(int=n, is_safe=safe), st.integers(0, 2**128 - 1), st.sampled_from(uuid.SafeUUID)
)
path_texts = st.lists(st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=5), max_size=3).map(
    "/".join
)
POINTS = st.builds(Point, integers, st.floats())

LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, integers),
    (float, st.floats() | integers),
    (bool, st.booleans()),
    (str, text),
    (bytes, st.binary(max_size=20)),
    (None, st.none()),
    (complex, st.complex_numbers()),
    (dt.datetime, datetimes),
    (dt.date, st.dates()),
    (dt.time, times),
    (dt.timedelta, st.timedeltas()),
    (decimal.Decimal, decimals),
    (uuid.UUID, uuids),
    (pathlib.Path, path_texts.map(pathlib.Path)),
    (pathlib.PurePath, path_texts.map(pathlib.PurePosixPath) | path_texts.map(pathlib.PureWindowsPath)),
    (pathlib.PurePosixPath, path_texts.map(pathlib.PurePosixPath)),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Mode, st.sampled_from(Mode)),
    (Rights, st.sampled_from([Rights(0), Rights.READ, Rights.WRITE, Rights.ALL])),
    (Bits, st.integers(0, 15).map(Bits)),
    (enum.Enum, st.sampled_from([*Color, *Level])),
    (Literal["a", 1, True, None, b"x", Color.RED], st.sampled_from(["a", 1, True, None, b"x", Color.RED])),
    (UserId, integers),
    (Any, st.none() | integers | text | st.floats() | datetimes | decimals | POINTS
        | st.sampled_from([*Color, *Rights])),
    (Point, POINTS | st.builds(Point3, integers, st.floats(), text)),
    (Pair, st.builds(Pair, integers, st.none() | text)),
    (Frozen, st.builds(Frozen, integers, st.lists(text, max_size=2).map(tuple))),
]  # fmt: skip
"""Types whose values can be hashed, and values of them."""

NUMPY: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (np.float32, st.floats(width=32).map(np.float32)),
    (np.float64, st.floats().map(np.float64)),
    (np.int8, st.integers(-128, 127).map(np.int8)),
    (np.uint64, st.integers(0, 2**64 - 1).map(np.uint64)),
    (np.longlong, st.integers(-9, 9).map(np.longlong)),
    (np.bool_, st.booleans().map(np.bool_)),
    (np.str_, text.map(np.str_)),
    (np.bytes_, st.binary(max_size=5).map(np.bytes_)),
    (np.complex64, st.complex_numbers(width=64).map(np.complex64)),
    (np.complex128, st.complex_numbers().map(np.complex128)),
    (np.datetime64, st.builds(np.datetime64, st.integers(-(2**62), 2**62),
        st.sampled_from(["ns", "s", "D", "25us", "Y"]))),
    (np.timedelta64, st.builds(np.timedelta64, st.integers(-(2**62), 2**62), st.sampled_from(["ns", "s", "D"]))),
    (np.generic, st.integers(0, 9).map(np.int16)),
    (int, st.integers(0, 9).map(np.int64)),
    (float, st.floats(width=16).map(np.float16)),
    (str, text.map(np.str_)),
]  # fmt: skip

OTHERS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Loose, st.builds(Loose, st.lists(integers, max_size=3))),
    (Model, st.builds(Model, text, integers, st.lists(POINTS, max_size=2))),
    (Options, st.fixed_dictionaries({"depth": integers}, optional={"name": text})),
    (Private, st.builds(Private, integers, text)),
    (Pydantic, st.builds(Pydantic, n=integers, items=st.lists(text, max_size=2)) | st.builds(lambda n: Pydantic(n=n),
        integers)),
    (list, st.lists(integers | text | st.floats(), max_size=3)),
    (dict, st.dictionaries(text | integers | decimals.filter(lambda each: not each.is_snan()), integers, max_size=3)),
    (tuple, st.lists(text, max_size=2).map(tuple)),
    (set, st.sets(text | integers, max_size=3)),
    (object, st.lists(st.tuples(text, integers), max_size=2)),
]  # fmt: skip


CLASSES = (Color, Level, Mode, Rights, Bits, Point, Point3, Pair, Frozen, Loose, Model, Private, Pydantic)
_number = itertools.count()


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except (TypeError, ValueError):
        return False
    return True


@st.composite
def typed(draw: Callable[..., Any], depth: int = 3, leaves: Any = (*LEAVES, *NUMPY)) -> tuple[Any, Any]:
    """A type and a value of it."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        hint, values = draw(st.sampled_from([*leaves, *(OTHERS if depth else ())]))
        return hint, draw(values)
    made: Callable[..., Any] = draw(
        st.sampled_from([_list, _dict, _tuple, _set, _union, _dataclass, _named, _attrs, _typed_dict])
    )
    hint, value = made(draw, depth)
    return hint, value


def _list(draw: Any, depth: int) -> Any:
    hint, value = draw(typed(depth - 1))
    kind = draw(st.sampled_from([list, tuple]))
    number = draw(st.integers(0, 2))
    return (list[hint], [value] * number) if kind is list else (tuple[hint, ...], (value,) * number)


def _key(draw: Any) -> Any:
    hint, values = draw(st.sampled_from(LEAVES + NUMPY))
    return hint, draw(values.filter(_hashable))


def _dict(draw: Any, depth: int) -> Any:
    (key, k), (hint, value) = _key(draw), draw(typed(depth - 1))
    return dict[key, hint], {k: value}


def _tuple(draw: Any, depth: int) -> Any:
    parts = [draw(typed(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    return tuple[tuple(hint for hint, _ in parts)], tuple(value for _, value in parts)  # type: ignore[misc]


def _set(draw: Any, depth: int) -> Any:
    hint, value = _key(draw)
    kind = draw(st.sampled_from([set, frozenset]))
    return kind[hint], kind([value])


def _union(draw: Any, depth: int) -> Any:
    parts = [draw(typed(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    hint = Union[tuple(hint for hint, _ in parts)]  # type: ignore[valid-type]  # noqa: UP007
    value = draw(st.sampled_from([value for _, value in parts]))
    return (hint | None, draw(st.sampled_from([None, value]))) if draw(st.booleans()) else (hint, value)


def _dataclass(draw: Any, depth: int) -> Any:
    parts = [draw(typed(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    cls = make_dataclass(
        f"Made{next(_number)}",
        [(f"f{n}", hint) for n, (hint, _) in enumerate(parts)],
        slots=draw(st.booleans()),
        frozen=draw(st.booleans()),
    )
    return cls, cls(*[value for _, value in parts])


def _named(draw: Any, depth: int) -> Any:
    hint, value = draw(typed(depth - 1))
    cls = typing.NamedTuple(f"Named{next(_number)}", [("a", hint)])  # type: ignore[misc]  # noqa: UP014
    return cls, cls(value)


def _attrs(draw: Any, depth: int) -> Any:
    hint, value = draw(typed(depth - 1))
    cls = attrs.make_class(f"Attrs{next(_number)}", {"_a": attrs.field(type=hint)}, slots=draw(st.booleans()))
    return cls, cls(value)


def _typed_dict(draw: Any, depth: int) -> Any:
    hint, value = draw(typed(depth - 1))
    cls = TypedDict(f"Typed{next(_number)}", {"a b": hint}, total=False)  # type: ignore[misc]
    return cls, draw(st.sampled_from([{}, {"a b": value}]))
