"""Values that are easily changed on the way through JSON, or that have no way through it."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import json
import numbers
import pathlib
import sys
import threading
import typing
from collections import Counter, OrderedDict, defaultdict, namedtuple
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Final, Literal, TypedDict
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd
import pydantic
import pytest

from elliptio.models.errors import DamagedModelError, FieldTypeError, UnfitValueError
from elliptio.models.types import LONG, Lazy, asked, asked_value, decode, encode, maker, same, schema_of
from tests.models.types.kinds_of_values import Bits, Color, Level, Mode, Model, Pair, Point, Point3, Pydantic, Rights
from tests.models.types.ways import builders_of, there_and_back


def holder(hint: Any, value: Any) -> Any:
    return make_dataclass("Holder", [("v", hint)])(value)


def problems_of(hint: Any, value: Any) -> list[tuple[str, str]]:
    held = holder(hint, value)
    with pytest.raises(UnfitValueError) as caught:
        encode(schema_of(type(held)), held)
    assert isinstance(caught.value, TypeError)
    return [(each.path, each.says) for each in caught.value.problems]  # type: ignore[attr-defined]


class Hint(TypedDict):
    x: int


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "changed"


class Number(int):
    def __int__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (str, Text("a"), "a"),
        (int, Number(5), 5),
        (float, Number(5), 5),
        (Any, Text("a"), "a"),
        (dict[str, int], OrderedDict(a=1), {"a": 1}),
        (dict[str, int], Counter("aab"), {"a": 2, "b": 1}),
        (dict, defaultdict(list, {1: [2]}), {1: [2]}),
        (Any, defaultdict(list, {1: [2]}), {1: [2]}),
        (bytes, type("Raw", (bytes,), {})(b"x"), b"x"),
        (list, type("Items", (list,), {})([1]), [1]),
    ],
)
def test_builtin_subclasses_come_back_as_the_builtin(hint: Any, value: Any, expected: Any) -> None:
    assert same(there_and_back(holder(hint, value)).v, expected)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, True), (bool, 1), (bool, np.int64(1)), (int, 1.0), (int, np.float64(1)), (float, True), (float, "1"),
        (float, decimal.Decimal(1)), (str, 1), (str, b"x"), (bytes, "x"), (bytes, bytearray(b"x")), (None, 0),
        (dt.datetime, pd.Timestamp("2026-01-01")), (dt.datetime, pd.NaT), (dt.datetime, dt.date(2026, 1, 1)),
        (dt.date, dt.datetime(2026, 1, 1)), (dt.date, pd.Timestamp("2026-01-01")), (dt.timedelta, pd.Timedelta(1)),
        (dt.datetime, np.datetime64("2026")), (pathlib.Path, "x"), (pathlib.Path, pathlib.PureWindowsPath("x")),
        (complex, 1.0), (np.float64, 1.0), (np.float32, np.float64(1)), (np.generic, np.longdouble(1)), (Color, "r"),
        (Color, Level.LOW), (Level, 1), (Literal[1], True), (Literal["a"], "b"), (Literal["a"], ["a"]),
        (Point, {"x": 1}),
        (list[int], (1,)), (tuple[int, ...], [1]), (set[int], frozenset([1])), (list, Pair(1)), (dict, []),
        (Any, object()), (Any, memoryview(b"x")), (Any, lambda: None), (Any, int), (Any, pd.NA), (Any, bytearray(b"x")),
        (int | str, 1.5), (Any, dt.datetime(2026, 1, 1, tzinfo=type("Zone", (dt.tzinfo,),
            {"utcoffset": lambda *a: None})())),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)  # fmt: skip
def test_what_does_not_fit_is_refused(hint: Any, value: Any) -> None:
    [(path, says)] = problems_of(hint, value)
    assert path == "v"
    assert says


def test_all_problems_are_named_at_once() -> None:
    @dataclass
    class Layer:
        weights: list[float]
        sizes: tuple[int, str]

    @dataclass
    class Net:
        layers: list[Layer]
        table: dict[str, int]
        by: dict[tuple[int, str], set[int]]
        pick: Layer | Point | None

    net = Net(
        [Layer([1.0], (1, "x")), Layer([1.0, "x"], (1, 2))],  # type: ignore[list-item,arg-type]
        {"k": "v", "a.b": None},  # type: ignore[dict-item]
        {(1, "a"): {1, "y"}},  # type: ignore[arg-type]
        Point(1, "y"),  # type: ignore[arg-type]
    )
    with pytest.raises(UnfitValueError) as caught:
        encode(schema_of(Net, localns=locals()), net)
    assert [each.path for each in caught.value.problems] == [  # type: ignore[attr-defined]
        "layers[1].weights[1]", "layers[1].sizes[1]", "table['k']", "table['a.b']", "by[(1, 'a')]['y']", "pick.y",
    ]  # fmt: skip


def test_values_that_hold_themselves_are_problems() -> None:
    looped: list[Any] = []
    looped += [looped, looped]
    assert problems_of(Any, {"a": looped}) == [
        ("v['a'][0]", "it holds itself, which has no end in a file"),
        ("v['a'][1]", "it holds itself, which has no end in a file"),
    ]
    table: dict[str, Any] = {}
    table["me"] = (table,)
    assert "holds itself" in problems_of(dict, table)[0][1]

    @dataclass
    class Node:
        next: Node | None = None

    node = Node()
    node.next = Node(node)
    with pytest.raises(UnfitValueError, match="it holds itself"):
        encode(schema_of(Node, localns=locals()), node)


def test_subclasses_that_hold_themselves_are_problems_too() -> None:
    class Items(list):  # type: ignore[type-arg]
        pass

    class Table(dict):  # type: ignore[type-arg]
        pass

    items, table = Items(), Table()
    items += [items, items]
    table["a"] = table["b"] = [table]
    for hint, value in ((Any, items), (list, items), (list[list], [items]), (Any, table), (dict[str, Any], table)):
        assert all("holds itself" in says for _, says in problems_of(hint, value))


def test_attributes_that_are_no_fields_are_refused() -> None:
    class Tagged(Point):
        @functools.cached_property
        def norm(self) -> float:
            return abs(self.y)

    tagged = Tagged(1, -2.0)
    assert tagged.norm == 2.0
    object.__setattr__(tagged, "_cache", 1)
    assert same(there_and_back(holder(Point, tagged), Tagged).v, tagged)
    object.__setattr__(tagged, "tag", "x")
    assert problems_of(Point, tagged) == [("v", "its attribute 'tag' is no field, and would be lost: declare it")]


def test_arrays_are_of_the_numbers_that_are_declared() -> None:
    held = holder(npt.NDArray[np.float32], np.zeros(2, "f4"))
    assert same(there_and_back(held), held)
    assert same(there_and_back(holder(npt.NDArray[np.floating], np.zeros(2))).v, np.zeros(2))
    assert same(there_and_back(holder(npt.NDArray[Any], np.zeros(2))).v, np.zeros(2))
    assert "array of float32, and is one of int64" in problems_of(npt.NDArray[np.float32], np.zeros(2, "i8"))[0][1]


def test_scalars_of_numpy_are_plain_and_arrays_of_any_class_are_files() -> None:
    for hint, value in (
        (np.float32, np.float32(1)),
        (Any, np.int8(1)),
        (float, np.float64(1)),
        (np.generic, np.int8(1)),
    ):
        schema = schema_of(make_dataclass("Holder", [("v", hint)]))
        assert not encode(schema, schema.bound[schema.root](value))[1].files
    schema = schema_of(make_dataclass("Holder", [("v", Any)]))
    _, taken = encode(
        schema, schema.bound[schema.root]([np.zeros(1), np.ma.zeros(1), np.zeros((2, 2)).view(np.matrix)])
    )
    assert list(taken.files) == ["v/0", "v/1", "v/2"]


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Sequence[int], [1]), (Sequence[int], (1,)), (Mapping[str, Set[int]], {"a": frozenset([1])}),
        (Iterable[str], {"a"}),
        (tuple[()], ()), (tuple, (1, "x")), (typing.List[int], [1]), (typing.Dict[str, int], {}), (typing.Tuple, (1,)),  # noqa: UP006
        (numbers.Number, 1.5), (numbers.Number, decimal.Decimal(1)), (Literal[1, "a"] | None, None), (Final[int], 1),
        (Hint | None, {"x": 1}), (type[int] | None, None),
    ],
    ids=str,
)  # fmt: skip
def test_other_ways_to_write_types(hint: Any, value: Any) -> None:
    if hint == type[int] | None:
        with pytest.raises(FieldTypeError):
            schema_of(make_dataclass("Holder", [("v", hint)]))
    else:
        assert same(there_and_back(holder(hint, value)).v, value)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_too_deep_is_a_problem_of_the_value_and_damage_of_a_file() -> None:
    assert same(there_and_back(holder(Any, nested(100))).v, nested(100))
    for levels in (200, 900, 100_000):
        assert "nests deeper" in problems_of(Any, nested(levels))[0][1]
    schema = schema_of(make_dataclass("Deep", [("v", Any)]))
    with pytest.raises(DamagedModelError, match="nests"):
        decode(schema.classes, schema.root, {"v": nested(900)}, builders=builders_of(schema), open_file=print)


def deep(levels: int, work: Any) -> Any:
    return work() if levels == 0 else deep(levels - 1, work)


def test_little_room_on_the_stack_is_no_recursion_error() -> None:
    room = sys.getrecursionlimit() - 140
    failed = []

    def work() -> None:
        try:
            deep(room, lambda: problems_of(Any, nested(140)))
        except RecursionError:
            failed.append("while the test itself did")
        except BaseException as error:
            failed.append(repr(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed or "RecursionError" not in failed[0]


@pytest.mark.parametrize(
    ("value", "same_kind"),
    [
        (dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
            lambda zone: zone.key == "Europe/Berlin"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), lambda zone: zone is dt.UTC),
        (dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")), lambda zone: type(zone) is ZoneInfo),
        (dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            lambda zone: zone.tzname(None) == "UTC+02:00"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=1), "X")),
            lambda zone: zone.tzname(None) == "X"),
        (dt.datetime(2026, 1, 1, fold=1), lambda zone: zone is None),
        (dt.time(1, 2, 3, 4, tzinfo=ZoneInfo("Asia/Tokyo"), fold=1), lambda zone: zone.key == "Asia/Tokyo"),
    ],
)  # fmt: skip
def test_time_zones_are_kept(value: Any, same_kind: Any) -> None:
    for hint in (type(value), Any):
        back = there_and_back(holder(hint, value)).v
        assert same(back, value)
        assert back.fold == value.fold
        assert same_kind(back.tzinfo)


def test_a_foreign_path_comes_back_as_the_pure_one() -> None:
    held = holder(pathlib.Path, pathlib.Path("a"))
    schema = schema_of(type(held))
    back = decode(
        schema.classes, schema.root, {"v": {"$path": ["WindowsPath", "c:\\x"]}},
        builders=builders_of(schema), open_file=print,
    )  # fmt: skip
    assert back.v == pathlib.PureWindowsPath("c:\\x")


def test_surrogates_that_would_join_are_kept_apart() -> None:
    for text in ("\ud83d\ude00", "\udcff", "é\ud800"):
        assert same(
            there_and_back(holder(dict[str, Any], {text: [text, pathlib.Path(text)]})).v,
            {text: [text, pathlib.Path(text)]},
        )


def test_sets_are_stored_in_one_order() -> None:
    cls = make_dataclass("Tags", [("v", set[str])])
    texts = [encode(schema_of(cls), cls(set(order)))[0]["v"] for order in (["b", "a", "c"], ["c", "b", "a"])]
    assert texts == [["a", "b", "c"]] * 2


def test_pydantic_keeps_what_was_given_and_refuses_what_would_be_lost() -> None:
    class Secretive(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        n: int = 1
        _seen: list[int] = pydantic.PrivateAttr(default_factory=list)

    back = there_and_back(holder(Pydantic, Pydantic(n=1, when=None))).v
    assert back == Pydantic(n=1, when=None)
    assert back.model_fields_set == {"n", "when"}
    assert there_and_back(holder(Secretive, Secretive())).v == Secretive()
    assert "extra fields more" in problems_of(Secretive, Secretive(more=1))[0][1]
    seen = Secretive()
    seen._seen.append(1)
    assert "private attributes _seen" in problems_of(Secretive, seen)[0][1]


def test_attrs_that_compute_and_hash() -> None:
    @attrs.frozen(cache_hash=True)
    class Total:
        _parts: tuple[int, ...] = attrs.field(converter=tuple)
        total: int = attrs.field(init=False)

        def __attrs_post_init__(self) -> None:
            object.__setattr__(self, "total", sum(self._parts))

    total = Total([1, 2])
    back = there_and_back(holder(Total, total)).v
    assert same(back, total)
    assert hash(back) == hash(total)


def test_what_a_constructor_adds_is_there_again() -> None:
    @dataclass
    class Cached:
        a: int
        b: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            self.cache = {self.a: 1}
            self.b = self.a + 1

    cached = Cached(1)
    cached.b = 7
    back = there_and_back(holder(Cached, cached)).v
    assert (back.a, back.b, back.cache) == (1, 7, {1: 1})


def test_named_tuples_without_types_and_with_a_new_of_their_own() -> None:
    bare = namedtuple("Bare", "a b")
    assert same(there_and_back(holder(bare, bare(1, "x"))).v, bare(1, "x"))
    assert same(there_and_back(holder(tuple[Any, ...], Pair(1)), Pair).v, Pair(1))


def test_members_of_enums_by_their_names() -> None:
    schema = schema_of(make_dataclass("Kept", [("v", list[Color | Rights | Bits])]))
    cls = schema.bound[schema.root]
    fields, _ = encode(schema, cls([Color.ROUGE, Rights(0), Rights.ALL, Bits(13)]))
    assert [each["value"] for each in fields["v"]] == [
        "RED", {"names": [], "value": 0}, "ALL", {"names": ["A", "B"], "value": 13, "rest": 8},
    ]  # fmt: skip


def test_members_without_their_class_are_what_they_were() -> None:
    schema = schema_of(make_dataclass("Gone", [("v", list[Color | Level])]))
    cls = schema.bound[schema.root]
    fields, _ = encode(schema, cls([Color.RED, Color.BLUE, Level.HIGH]))

    def builders(key: str, entry: Any) -> Any:
        return maker(None, entry) if entry["kind"] == "enum" else dict

    back = decode(schema.classes, schema.root, fields, builders=builders, open_file=print)
    assert back == {"v": ["r", "BLUE", 2]}


def test_a_member_that_is_gone_is_named() -> None:
    schema = schema_of(make_dataclass("Old", [("v", Color)]))
    fields, _ = encode(schema, schema.bound[schema.root](Color.BLUE))
    less = enum.Enum("Color", {"RED": "r"})

    def builders(key: str, entry: Any) -> Any:
        return maker(less if entry["kind"] == "enum" else schema.bound[key], entry)

    with pytest.raises(DamagedModelError, match=r"v: Color cannot be made of it: KeyError: 'BLUE'"):
        decode(schema.classes, schema.root, fields, builders=builders, open_file=print)


class Csv:
    name, types = "csv-of-mine", (dict,)

    def serialize(self, value: Any) -> bytes:
        return b""

    def deserialize(self, data: bytes) -> Any:
        return {}


class Shelf:
    name = "shelf"

    def create(self, data: bytes) -> Any:
        return ""

    def read(self, location: Any) -> bytes:
        return b""


class Weird:
    pass


def test_big_values_are_files_named_after_their_place() -> None:
    csv, shelf = Csv(), Shelf()

    @dataclass
    class Layer:
        weights: np.ndarray

    @dataclass
    class Net:
        frame: pd.DataFrame | None
        layers: list[Layer]
        by_name: dict[str, pd.Series]
        blob: bytes
        plain: Annotated[dict[str, int], "note", shelf, csv]
        stored: Annotated[list[np.ndarray], shelf]
        weird: Annotated[Weird | None, csv]
        anything: Any
        model: Annotated[int, csv]

    frame, array = pd.DataFrame({"a": [1]}), np.arange(3)
    net = Net(
        frame, [Layer(array), Layer(array)], {"a b": frame["a"], "A_B": frame["a"]}, b"x" * 65_537, {"k": 1}, [array],
        Weird(), {"deep": (array,)}, 3,
    )  # fmt: skip
    schema = schema_of(Net, localns={**locals(), "Layer": Layer})
    fields, taken = encode(schema, net)
    assert list(taken.files) == [
        "frame", "layers/0/weights", "layers/1/weights", "by_name/a_b", "by_name/A_B-2", "blob", "plain", "stored/0",
            "weird",
        "anything/deep/0", "model-2",
    ]  # fmt: skip
    assert taken.files["plain"].serializer is csv
    assert taken.files["plain"].storage is shelf
    assert taken.files["stored/0"].storage is shelf
    assert taken.files["stored/0"].serializer is None
    assert taken.files["frame"].value is frame
    assert fields["frame"] == {"$member": 0, "value": {"$file": "frame"}} or fields["frame"] == {"$file": "frame"}
    assert same(there_and_back(net), net)
    assert asked(schema, net) == {"layers": [{}, {}]}
    with pytest.raises(UnfitValueError, match=r"plain\['k'\]: it should be of type int"):
        encode(schema, Net(frame, [], {}, b"", {"k": "x"}, [], None, 0, 1))  # type: ignore[dict-item]


def test_fields_of_a_model_with_big_values_are_decoded_later() -> None:
    cls = make_dataclass(
        "Big", [("n", int), ("frames", list[pd.DataFrame]), ("any", Any), ("none", pd.DataFrame | None)]
    )
    cls.__model_name__, cls.__model_version__ = "Big", 1  # type: ignore[attr-defined]
    frame = pd.DataFrame({"a": [1]})
    schema = schema_of(cls)
    fields, taken = encode(schema, cls(1, [frame], [{}], None))
    opened = []

    def open_file(relpath: str) -> Any:
        opened.append(relpath)
        return taken.files[relpath].value

    back = decode(schema.classes, schema.root, fields, builders=lambda key, entry: dict, open_file=open_file)
    assert not opened
    assert {name: type(value) for name, value in back.items()} == {
        "n": int, "frames": Lazy, "any": list, "none": type(None),
    }  # fmt: skip
    assert same(back["frames"].get(), [frame])
    assert opened == ["frames/0"]


def test_a_subclass_with_a_big_value_is_decoded_later() -> None:
    @dataclass(frozen=True)
    class Wide(Point):
        frame: Any = None

    cls = make_dataclass("Wider", [("points", list[Point])])
    cls.__model_name__, cls.__model_version__ = "Wider", 1  # type: ignore[attr-defined]
    schema = schema_of(cls)
    fields, taken = encode(schema, cls([Wide(1, frame=np.arange(2))]))
    table = {**schema.classes, **taken.classes}
    back = decode(table, schema.root, fields, builders=lambda key, entry: dict, open_file=lambda path: 5)
    assert back["points"].get() == [{"x": 1, "y": 0.0, "frame": 5}]


def test_what_is_asked() -> None:
    @dataclass
    class Everything:
        n: int
        wide: int
        price: decimal.Decimal
        when: dt.datetime
        naive: dt.datetime
        day: dt.date
        took: dt.timedelta
        color: Color
        level: Level
        mode: Mode
        path: pathlib.PurePath
        tags: set[str]
        points: list[Point]
        table: dict[str, int]
        odd: dict[str, int]
        scalar: Any

    berlin = dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    value = Everything(
        1, 2**70, decimal.Decimal("1.10"), berlin, dt.datetime(2026, 1, 1), dt.date(2026, 1, 1),
            dt.timedelta(minutes=1),
        Color.RED, Level.HIGH, Mode.FAST, pathlib.PurePosixPath("a/b"), {"b", "a"}, [Point(1),
            Point3(2, z="x")], {"a": 1},
        {"a.b": 1}, np.float32(0.5),
    )  # fmt: skip
    from bson import Decimal128

    assert asked(schema_of(Everything), value) == {
        "n": 1, "wide": float(2**70), "price": Decimal128("1.10"), "when": dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC),
        "naive": "2026-01-01T00:00:00", "day": "2026-01-01", "took": 60.0, "color": "RED", "level": 2, "mode": "fast",
        "path": "a/b", "tags": ["a", "b"], "points": [{"x": 1, "y": 0.0}, {"x": 2, "y": 0.0, "z": "x"}],
            "table": {"a": 1},
        "odd": [{"key": "a.b", "value": 1}], "scalar": 0.5,
    }  # fmt: skip


def test_long_lists_are_summed_up() -> None:
    cls = make_dataclass("Long", [("points", list[Point]), ("numbers", dict[str, float]), ("short", list[int])])
    value = cls([Point(n, n / 2) for n in range(LONG + 1)], {str(n): n / 4 for n in range(2000)}, [1])
    assert asked(schema_of(cls), value) == {
        "points": {"count": 1001, "min": {"x": 0, "y": 0.0}, "max": {"x": 1000, "y": 500.0}},
        "numbers": {"count": 2000, "min": 0.0, "max": 499.75},
        "short": [1],
    }


def test_values_of_queries_are_said_as_those_of_fields() -> None:
    cls = make_dataclass(
        "Asked", [("color", Color | None), ("levels", list[Level]), ("when", dt.datetime), ("p", pathlib.Path)]
    )
    schema = schema_of(cls)
    described = schema.classes[schema.root]["fields"]

    def said(name: str, value: Any) -> Any:
        return asked_value(described[name], schema.classes, value)

    assert [said("color", each) for each in (Color.RED, "RED", "r", "ROUGE", "other", None)] == [
        "RED",
        "RED",
        "RED",
        "ROUGE",
        "other",
        None,
    ]
    assert [said("levels", each) for each in (Level.LOW, "LOW", 1, 7)] == [1, 1, 1, 7]
    assert said("levels", [Level.LOW, "HIGH"]) == [1, 2]
    assert said("when", dt.datetime(2026, 1, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))) == dt.datetime(
        2026, 1, 1, tzinfo=dt.UTC
    )
    assert said("p", pathlib.Path("a")) == said("p", "a") == "a"


def test_nothing_heavy_is_imported() -> None:
    import subprocess

    code = (
        "import sys, elliptio.models.types as t\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n  x: int\n"
        "s = t.schema_of(A); t.encode(s, A(1)); t.asked(s, A(1)); t.same(A(1), A(2))\n"
        "print([m for m in ('numpy', 'pandas', 'bson', 'pydantic', 'attrs', 'hypothesis') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_types_without_a_form() -> None:
    for hint in (OrderedDict, Weird, range, type, "list[Nowhere]"):
        with pytest.raises(FieldTypeError, match="v: "):
            schema_of(make_dataclass("Without", [("v", hint)]))
    with pytest.raises(FieldTypeError):
        schema_of(int)
    assert json.dumps(schema_of(Model).classes)
