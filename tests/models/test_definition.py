"""A data model is a frozen dataclass with a version, however it is written down."""

import abc
import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass
from typing import Any, Generic, TypeVar

import pytest

from elliptio.models import DataModel, field, model_field
from elliptio.models.errors import DuplicateModelError, ModelDefinitionError

T = TypeVar("T")


class Plain(DataModel, version=1):
    some_value: int
    another_value: dict[str, str] = field(default_factory=dict)


@dataclass
class Decorated(DataModel, version=1, kw_only=True):
    first: int = 3
    second: int
    third: list[int] = field(default_factory=list)  # noqa: RUF009


@dataclass
class Below(Decorated, version=2):
    fourth: int = 4


@dataclass(frozen=True)
class BelowFrozen(Decorated, version=2):
    fourth: int = 4


class Slotted(DataModel, version=1, slots=True):
    value: int = 1


class Of(DataModel, Generic[T], version=1):
    value: T


def test_constructor_and_defaults() -> None:
    model = Plain(42, {"foo": "bar"})
    assert (model.some_value, model.another_value) == (42, {"foo": "bar"})
    assert Plain(some_value=1).another_value == {}
    assert dataclasses.is_dataclass(Plain)
    assert [one.name for one in dataclasses.fields(Plain)] == ["some_value", "another_value"]


@pytest.mark.parametrize("model", [Plain(1), Decorated(second=1), Below(second=1), BelowFrozen(second=1), Slotted(2)])
def test_it_is_frozen(model: Any) -> None:
    name = dataclasses.fields(model)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(model, name, 5)
    with pytest.raises(FrozenInstanceError):
        delattr(model, name)
    assert type(model).__dataclass_params__.frozen


def test_a_dataclass_on_top_changes_nothing() -> None:
    assert repr(Decorated(second=1)) == "Decorated(first=3, second=1, third=[])"
    with pytest.raises(TypeError):
        Decorated(1)  # type: ignore[misc]
    by_name = {one.name: one for one in dataclasses.fields(Below)}
    assert list(by_name) == ["first", "second", "third", "fourth"]
    assert by_name["third"].default_factory is list
    assert by_name["first"].kw_only
    assert Below(second=1, fourth=5).fourth == 5
    assert hash(BelowFrozen(second=1, third=())) == hash(BelowFrozen(second=1, third=()))  # type: ignore[arg-type]


def test_options_are_those_of_a_dataclass() -> None:
    class Options(DataModel, version=1, repr=False, kw_only=True, order=True, eq=True):
        value: int

    assert repr(Options(value=1)).startswith("<")
    assert Options(value=1) < Options(value=2)
    with pytest.raises(TypeError):
        Options(1)  # type: ignore[misc]

    class ByIdentity(DataModel, version=1, eq=False):
        value: int

    assert ByIdentity(1) != ByIdentity(1)

    class Shown(DataModel, version=1):
        value: int

        def __repr__(self) -> str:
            return "mine"

    assert repr(Shown(1)) == "mine"


def test_slots() -> None:
    assert not hasattr(Slotted(), "__dict__")
    assert pickle.loads(pickle.dumps(Slotted(5))) == Slotted(5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "has no version"),
        ({"version": "1"}, "whole number"),
        ({"version": True}, "whole number"),
        ({"version": -1}, "whole number"),
        ({"version": 1, "frozen": False}, "frozen"),
        ({"version": 1, "name": ""}, "name"),
        ({"version": 1, "aliases": (1,)}, "aliases"),
    ],
)
def test_what_cannot_be_defined(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelDefinitionError, match=says) as caught:
        type(DataModel)(
            "Wrong", (DataModel,), {"__annotations__": {}, "__module__": __name__, "__qualname__": "Wrong"}, **options
        )
    assert isinstance(caught.value, TypeError)


def test_a_subclass_names_its_version_too() -> None:
    with pytest.raises(TypeError, match="Child has no version"):

        class Child(Plain):
            more: int = 0


def test_equality_is_of_all_fields() -> None:
    nan = float("nan")
    assert Of(nan) == Of(float("nan"))
    assert Of([nan, {"a": nan}]) == Of([float("nan"), {"a": float("nan")}])
    assert Of(1) != Of(1.0)
    assert Of(1) != Plain(1)  # type: ignore[comparison-overlap]
    assert {Of(1), Of(1)} == {Of(1)}


def test_copies() -> None:
    model = Plain(1, {"a": "b"})
    for again in (
        copy.copy(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        dataclasses.replace(model),
    ):
        assert again == model
    assert dataclasses.replace(model, some_value=2) == Plain(2, {"a": "b"})
    assert dataclasses.asdict(model) == {"some_value": 1, "another_value": {"a": "b"}}


def test_abstract_models() -> None:
    class Base(DataModel, abc.ABC, version=1):
        @abc.abstractmethod
        def area(self) -> float: ...

    class Square(Base, version=1):
        side: float

        def area(self) -> float:
            return self.side**2

    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]
    assert Square(2.0).area() == 4.0


def test_fields_with_serializer_and_storage() -> None:
    class Configured(DataModel, version=1):
        options: dict[str, int] = model_field(serializer="a serializer", default_factory=dict, metadata={"unit": "m"})

    (only,) = dataclasses.fields(Configured)
    assert only.metadata == {"unit": "m", "elliptio": ("a serializer",)}
    assert Configured().options == {}


def test_one_explicit_name_in_two_modules() -> None:
    body = {"__annotations__": {}, "__qualname__": "Named"}
    metaclass: Any = type(DataModel)
    metaclass("Named", (DataModel,), {**body, "__module__": "somewhere"}, version=1, name="test-one-name")
    metaclass("Named", (DataModel,), {**body, "__module__": "somewhere"}, version=2, name="test-one-name")
    with pytest.raises(DuplicateModelError, match="somewhere:Named") as caught:
        metaclass("Named", (DataModel,), {**body, "__module__": "elsewhere"}, version=1, name="test-one-name")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RuntimeError)
