"""Classes whose annotations are hard to resolve, and values that look alike."""

from __future__ import annotations

import json
import sys
import textwrap
import types
from dataclasses import InitVar, dataclass, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NewType, Self, TypeVar, Union

import pytest

from elliptio.models.errors import FieldTypeError, UnfitValueError
from elliptio.models.types import encode, same, schema_of
from tests.models.types.ways import there_and_back

if TYPE_CHECKING:
    from fractions import Fraction
    from uuid import UUID

    import pandas as pd

T = TypeVar("T")
S = TypeVar("S")
UserId = NewType("UserId", int)


@dataclass(frozen=True)
class Cat:
    name: str


@dataclass(frozen=True)
class Dog:
    name: str


@dataclass(frozen=True)
class Puppy(Dog):
    age: int = 0


@dataclass(frozen=True)
class Home:
    pet: Cat | Dog
    pets: list[Cat | Dog | None] = field(default_factory=list)
    dogs: dict[str, Dog] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    id: UUID
    frame: pd.DataFrame | None = None


@dataclass(frozen=True)
class NeverImported:
    id: Fraction


@dataclass(frozen=True)
class Tree:
    value: int
    left: Tree | None = None
    right: Tree | None = None
    me: list[Self] = field(default_factory=list)
    later: list[DefinedLater] = field(default_factory=list)


@dataclass(frozen=True)
class DefinedLater:
    tree: Tree | None


@dataclass(frozen=True)
class Box(Generic[T]):
    content: T
    more: list[T] = field(default_factory=list)


@dataclass(frozen=True)
class Pair(Box[int], Generic[S]):
    other: S | None = None


@dataclass(frozen=True)
class Boxes:
    numbers: Box[int]
    texts: Box[list[Dog]]
    any: Box = Box(1)
    pair: Pair[str] = Pair(1, [2], "x")


Json = Union[dict[str, "Json"], list["Json"], str, int, float, bool, None]  # noqa: UP007


@dataclass(frozen=True)
class Holder:
    data: Json


def test_members_of_a_union_with_equal_fields_stay_what_they_are() -> None:
    home = Home(Dog("a"), [Cat("b"), Dog("c"), None, Puppy("d", 3)])
    assert same(there_and_back(home, Puppy), home)


def test_a_subclass_in_a_field_of_its_base() -> None:
    home = Home(Puppy("a", 1), dogs={"x": Puppy("b", 2), "y": Dog("c")})
    assert same(there_and_back(home, Puppy), home)


def test_imports_under_type_checking_are_found_if_they_are_loaded() -> None:
    import uuid

    import pandas as pd

    checked = Checked(uuid.uuid4(), pd.DataFrame({"a": [1]}))
    assert same(there_and_back(checked), checked)
    assert schema_of(Checked).classes[schema_of(Checked).root]["fields"]["frame"] == {
        "union": [{"file": "pandas.DataFrame"}, "none"]
    }


def test_what_is_not_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fractions", raising=False)
    with pytest.raises(FieldTypeError, match=r"id: fractions\.Fraction is not imported"):
        schema_of(NeverImported)


def test_recursive_classes_and_later_ones() -> None:
    tree = Tree(1, Tree(2), Tree(3, Tree(4)), [Tree(5)], [DefinedLater(Tree(6)), DefinedLater(None)])
    assert same(there_and_back(tree), tree)


def test_generic_classes() -> None:
    boxes = Boxes(Box(1, [2]), Box([Dog("a")], [[Puppy("b", 1)]]), Box({"x"}), Pair(3, [4], "y"))
    assert same(there_and_back(boxes, Puppy), boxes)
    said = r"numbers\.content: it should be of type int.*texts\.more\[1\]: it should be of type list"
    with pytest.raises(UnfitValueError, match=said):
        encode(schema_of(Boxes), Boxes(Box("x"), Box([], [[], 1])))  # type: ignore[arg-type,list-item]


def test_recursive_aliases() -> None:
    holder = Holder({"a": [1, 2.5, None, {"b": [True, "x"]}]})
    assert same(there_and_back(holder), holder)
    with pytest.raises(UnfitValueError, match=r"data\['a'\]\[0\]: it should be of type dict\[str, Json\] \| list"):
        encode(schema_of(Holder), Holder({"a": [{1}]}))  # type: ignore[list-item]


def test_classes_of_a_function() -> None:
    @dataclass(frozen=True)
    class Inner:
        x: int

    @dataclass(frozen=True)
    class Outer:
        inner: Inner
        more: list[Inner | Outer | Later]

    @dataclass(frozen=True)
    class Later:
        outer: Outer | None

    outer = Outer(Inner(1), [Inner(2), Outer(Inner(3), []), Later(None)])
    assert same(there_and_back(outer, localns=locals()), outer)


def test_classes_that_bring_their_locals() -> None:
    @dataclass(frozen=True)
    class Inner:
        x: int

    @dataclass(frozen=True)
    class Outer:
        inner: Inner

    Outer.__model_locals__ = locals()  # type: ignore[attr-defined]
    assert same(there_and_back(Outer(Inner(1))), Outer(Inner(1)))


def test_a_name_that_is_not_defined_is_named_and_may_come_later() -> None:
    module = types.ModuleType("of_this_test")
    sys.modules["of_this_test"] = module
    exec("from dataclasses import dataclass\n@dataclass\nclass A:\n  b: 'B | None' = None\n", vars(module))
    try:
        with pytest.raises(FieldTypeError, match=r"b: the name 'B' of its annotation is not defined in of_this_test"):
            schema_of(module.A)
        exec("@dataclass\nclass B:\n  x: int = 1\n", vars(module))
        assert same(there_and_back(module.A(module.B())), module.A(module.B()))
    finally:
        del sys.modules["of_this_test"]


def test_a_default_does_not_hide_the_class_of_its_annotation() -> None:
    import datetime
    from datetime import date

    @dataclass(frozen=True)
    class Day:
        date: date | None = None
        int: Annotated[int, "unit"] | None = None

    day = Day(datetime.date(2026, 1, 2), 3)
    assert same(there_and_back(day, localns={"date": date}), day)


@dataclass
class Odd:
    kept: int
    of_class: ClassVar[int] = 1
    computed: int = field(init=False, default=5)
    user: UserId = UserId(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slotted:
    a: int
    b: float = field(init=False, repr=False, compare=False)
    calls: ClassVar[int] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "b", self.a / 2)


def test_fields_that_are_no_parameters() -> None:
    odd = Odd(1)
    odd.computed = 7
    assert same(there_and_back(odd), odd)
    assert schema_of(Odd).classes[schema_of(Odd).root]["fields"].keys() == {"kept", "computed", "user"}


def test_slots_and_what_is_computed() -> None:
    slotted = Slotted(a=3)
    object.__setattr__(slotted, "b", 9.0)
    assert same(there_and_back(slotted), slotted)


def test_init_vars_are_refused() -> None:
    with pytest.raises(FieldTypeError, match=r"seed: an InitVar is not kept"):
        schema_of(make_dataclass("WithSeed", [("a", int), ("seed", InitVar[int])]))


def test_a_type_without_a_form_is_refused_with_all_others() -> None:
    cls = make_dataclass("Wrong", [("a", list[type]), ("b", "Missing"), ("c", int), ("d", dict[str, memoryview])])
    with pytest.raises(FieldTypeError) as caught:
        schema_of(cls)
    assert [each.path for each in caught.value.problems] == ["a", "b", "d"]  # type: ignore[attr-defined]


def test_the_hash_stays_when_a_class_is_moved_and_changes_with_its_fields() -> None:
    first = make_dataclass("A", [("x", int), ("y", list[Dog])])
    moved = make_dataclass("B", [("x", int), ("y", list[Cat])])
    moved.__module__, moved.__qualname__ = "elsewhere", "Other.B"
    other = make_dataclass("A", [("x", int), ("y", tuple[Dog, ...])])
    assert schema_of(first).hash == schema_of(moved).hash != schema_of(other).hash
    assert json.loads(json.dumps(schema_of(first).classes)) == schema_of(first).classes


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is newer")
def test_type_parameters_and_aliases_of_their_own_syntax() -> None:
    module = types.ModuleType("of_this_test_too")
    sys.modules["of_this_test_too"] = module
    source = """
        from __future__ import annotations
        from dataclasses import dataclass
        type Tree[T] = T | list[Tree[T]]
        type Number = int | float
        @dataclass(frozen=True)
        class Box[T]:
            content: T
        @dataclass(frozen=True)
        class Held:
            box: Box[Number]
            tree: Tree[str]
    """
    try:
        exec(textwrap.dedent(source), vars(module))
        held = module.Held(module.Box(1.5), ["a", ["b", []]])
        assert same(there_and_back(held), held)
    finally:
        del sys.modules["of_this_test_too"]


def test_any_holds_all_that_is_known() -> None:
    @dataclass(frozen=True)
    class Anything:
        value: Any

    value = {"a": (1, {2}), 3: Puppy("x", 1), "$b": [frozenset({None}), b"x", 2**70, float("nan"), 1j]}
    assert same(there_and_back(Anything(value), Puppy), Anything(value))
