"""What is generated of every type comes back the same, or is refused before anything is written."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import make_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elliptio.errors import ElliptioError
from elliptio.models.errors import UnfitValueError
from elliptio.models.types import asked, decode, encode, same, schema_of
from tests.models.types.kinds_of_values import CLASSES, typed
from tests.models.types.ways import builders_of, there_and_back

EXAMPLES = 150
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
    | st.sampled_from(["$class", "$file", "$member", "value", "fields", "kind", "model", "any", "str", "class",
        "union"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["$class", "$file", "$member", "$dict", "$numpy", "value", "fields", "kind", "class", "list",
            "a"]),
        inner, max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


def holder(hint: Any, value: Any) -> Any:
    cls = make_dataclass("Holder", [("v", hint)], frozen=True)
    return cls(value)


@pytest.mark.slow
@many
@given(typed())
def test_a_value_of_a_type_comes_back_the_same(pair: tuple[Any, Any]) -> None:
    held = holder(*pair)
    back = there_and_back(held, *CLASSES)
    assert same(back, held)
    assert same(held, back)


@pytest.mark.slow
@many
@given(typed(), typed())
def test_a_value_of_another_type_is_refused_or_comes_back_the_same(
    mine: tuple[Any, Any], other: tuple[Any, Any]
) -> None:
    held = holder(mine[0], other[1])
    classes = {type(each) for each in (mine[1], other[1]) if hasattr(type(each), "__mro__")}
    try:
        back = there_and_back(held, *_with_schemas(classes), *CLASSES)
    except UnfitValueError as error:
        refused: Any = error
    else:
        assert same(back, held)
        return
    assert [each.path.partition(".")[0][0] for each in refused.problems] == ["v"] * len(refused.problems) != []


def _with_schemas(classes: set[type]) -> list[type]:
    found = []
    for cls in classes:
        try:
            schema_of(cls)
        except ElliptioError:
            continue
        found.append(cls)
    return found


@pytest.mark.slow
@many
@given(typed())
def test_what_is_asked_is_bson(pair: tuple[Any, Any]) -> None:
    import bson

    held = holder(*pair)
    bson.encode(asked(schema_of(type(held)), held))


@pytest.mark.slow
@many
@given(typed(depth=2), st.data())
def test_damage_is_an_error_of_its_own(pair: tuple[Any, Any], data: Any) -> None:
    held = holder(*pair)
    schema = schema_of(type(held))
    fields, taken = encode(schema, held)
    assert not taken.files
    stored = json.loads(json.dumps({"classes": {**schema.classes, **taken.classes}, "fields": fields}))
    for _ in range(data.draw(st.integers(1, 3))):
        _damage(stored, data)
    with contextlib.suppress(ElliptioError):
        decode(
            stored["classes"], schema.root, stored["fields"],
            builders=builders_of(schema, *map(schema_of, CLASSES)), open_file=lambda relpath: b"",
        )  # fmt: skip


def _damage(stored: Any, data: Any) -> None:
    at = stored
    while True:
        places = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not places:
            return
        place = data.draw(st.sampled_from(places))
        inner = at[place]
        if isinstance(inner, dict | list) and inner and data.draw(st.integers(0, 3)):
            at = inner
            continue
        if at is stored:
            return
        if data.draw(st.booleans()) or not isinstance(at, dict):
            at[place] = copy.deepcopy(data.draw(junk))
        else:
            del at[place]
        return
