"""A document that somebody damaged or forged gives an error of elliptio's, with a path, and does nothing else."""

from __future__ import annotations

import sys
from dataclasses import make_dataclass
from typing import Any

import pytest

from elliptio.models.errors import DamagedModelError
from elliptio.models.types import decode, encode, maker, schema_of
from tests.models.types.kinds_of_values import Color, Point


def read(description: Any, plain: Any, **more: Any) -> Any:
    table = {"root": {"kind": "dataclass", "name": "Root", "class": "os:system", "fields": {"v": description}}, **more}
    return decode(table, "root", {"v": plain}, builders=lambda key, entry: _keep, open_file=_keep)


def _keep(value: Any) -> Any:
    return value


LOOP = {"kind": "alias", "name": "A", "is": {"class": "loop"}}
LAUGHS = {f"l{n}": {"kind": "alias", "name": "L", "is": {"list": {"class": f"l{n + 1}"}}} for n in range(300)}
DEEP: Any = "int"
for _ in range(20_000):
    DEEP = {"list": DEEP}


@pytest.mark.parametrize(
    ("description", "plain", "says"),
    [
        ("int", "x", "v: it should be of type int"), ("int", True, "v: "), ("int", None, "v: "),
        ("int", {"$int": "zz"}, "v: "),
        ("int", {"$str": "YQ=="}, "v: "), ("int", {"$class": "os:system", "fields": {}}, "no class"),
        ("bool", 1, "v: "), ("none", 0, "v: "), ("str", 5, "v: "), ("str", {"$str": "!"}, "v: "), ("float", "1", "v: "),
        ("float", {"$float": "huge"}, "v: "), ("bytes", "?", "v: "), ("datetime", "yesterday", "v: .* is no datetime"),
        ("datetime", ["2026-01-01", {"zone": "../../../etc/passwd"}, 0], "v: "),
        ("datetime", ["2026-01-01", {"zone": "No/Where"}, 0], "v: "), ("datetime", ["2026-01-01", None, 7], "v: "),
        ("datetime", ["2026-01-01", {"offset": 10**30}, 0], "v: "), ("timedelta", [10**20, 0, 0], "v: "),
        ("timedelta", [1, 2], "v: "), ("decimal", "1,5", "v: "), ("decimal", 1.5, "v: "), ("uuid", "x", "v: "),
        ("uuid", ["0" * 32, "sure"], "v: "), ("complex", [1.0], "v: "), ("path", {"$path": ["Popen", "x"]}, "v: "),
        ({"path": "PurePath"}, ["os.system", "x"], "v: "), ({"numpy": "float32"}, "x", "v: "),
        ({"numpy": "object_"}, 1, "v: "), ({"numpy": "int8"}, 1000, "v: "),
        ({"numpy": "datetime64"}, ["M8[os]", 1], "v: "),
        ({"list": "int"}, {}, "v: "), ({"list": "int"}, [1, "x"], r"v\[1\]: "),
        ({"set": "any"}, [[1]], "cannot be in a set"),
        ({"tuple": ["int"]}, [1, 2], "v: "), ({"dict": ["int", "int"]}, [[1, 2], [1, 3]], "there twice"),
        ({"dict": ["any", "int"]}, [[[1], 2]], "cannot be a key"), ({"dict": ["int", "int"]}, [[1]], r"v\[0\]: "),
        ({"dict": "int"}, {}, "v"), ({"tuple": "int"}, [], "v"), ({"union": []}, 1, "v"),
        ({"union": ["int", "str"]}, 1.5, "v: "),
        ({"union": ["int", "str"]}, {"$member": 9, "value": 1}, "no member"), ({"union": "int"}, 1, "v"),
        ({"union": ["int", "str"]}, {"$member": True, "value": 1}, "no member"), ({"literal": ["a"]}, "b", "v: "),
        ({"literal": [1]}, True, "v: "), ({"literal": "a"}, "a", "v"), ({"file": "x"}, "y", "v: "),
        ({"file": "x"}, {"$file": 5}, "v: "), ({"class": "nobody"}, {}, "no class"), ({"class": ["x"]}, {}, "no class"),
        ("os.system", 1, "there is no type"), ({"eval": "1"}, 1, "no kind of type"), (None, 1, "v"), ([], 1, "v"),
        ({}, 1, "v"),
        ("any", {"$eval": "1"}, "marks nothing"), ("any", {"$class": "root"}, "v: "), ("any", {"$tuple": {}}, "v: "),
        ("any", {"$numpy": ["Popen", 1]}, "v: "), ("any", {"$dict": [1]}, "v"), ("any", {"$decimal": []}, "v: "),
        ({"class": "loop"}, 1, "nests too deep"), ({"class": "l0"}, [], "nests too deep|no class"),
        (DEEP, [], "nests too deep"),
        ({"class": "color"}, "GREEN", "member of Color"),
        ({"class": "color"}, {"names": ["X"], "value": 1}, "combination"),
        ({"class": "odd"}, {}, "no kind of class"), ({"class": "bare"}, {}, "no fields"), ({"class": "half"}, {}, "v"),
        ({"class": "root"}, {"w": 1}, "the field 'v' is missing"),
        ({"class": "root"}, {"v": 1, "w": 1}, "no field 'w'"),
        ({"class": "root"}, [1], "v: "), ({"class": "memberless"}, "A", "no members"),
        ({"class": "given"}, {"$set": 1}, "v: "),
    ],
)  # fmt: skip
def test_what_is_not_written_like_this_is_damage(description: Any, plain: Any, says: str) -> None:
    before = set(sys.modules)
    classes = {
        "loop": LOOP, **LAUGHS, "odd": {"kind": "os.system", "fields": {}}, "bare": {"kind": "model"}, "half": 5,
        "color": {"kind": "enum", "name": "Color", "flag": True, "members": {"RED": {"value": 1}}},
        "memberless": {"kind": "enum", "members": 1}, "given": {"kind": "pydantic", "name": "P", "fields": {}},
    }  # fmt: skip
    with pytest.raises(DamagedModelError, match=says):
        read(description, plain, **classes)
    assert not {"antigravity", "this"} & (set(sys.modules) - before)


def test_a_constructor_that_fails_is_named_with_its_place() -> None:
    def build(fields: dict[str, Any]) -> Any:
        raise ZeroDivisionError("by zero")

    table = {"a": {"kind": "dataclass", "name": "A", "fields": {"v": {"list": {"class": "b"}}}},
             "b": {"kind": "dataclass", "name": "B", "fields": {}}}  # fmt: skip
    with pytest.raises(DamagedModelError, match=r"v\[0\]: B cannot be made of it: ZeroDivisionError"):
        decode(table, "a", {"v": [{}]}, builders=lambda key, entry: build, open_file=_keep)


def test_deep_data_is_damage_wherever_it_stands() -> None:
    wraps: list[Any] = [
        lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: {"$tuple": [inner]},
        lambda inner: {"$dict": [[1, inner]]}, lambda inner: {"$class": "any", "fields": {"v": inner}},
    ]  # fmt: skip
    table = {"kind": "dataclass", "name": "Any", "fields": {"v": "any"}}
    for wrap in wraps:
        plain: Any = 1
        for _ in range(400):
            plain = wrap(plain)
        with pytest.raises(DamagedModelError, match="nests"):
            read("any", plain, any=table)


def test_the_schema_of_other_classes_makes_none_of_mine() -> None:
    """A class comes from `builders` alone, whatever is stored under its key."""
    schema = schema_of(make_dataclass("Mine", [("p", Point), ("c", Color)]))
    fields, _ = encode(schema, schema.bound[schema.root](Point(1), Color.RED))
    asked: list[str] = []

    def builders(key: str, entry: Any) -> Any:
        asked.append(key)
        return maker(schema.bound[key], entry)

    decode(schema.classes, schema.root, fields, builders=builders, open_file=_keep)
    assert sorted(asked) == sorted(schema.bound)
