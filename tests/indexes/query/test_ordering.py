"""Keys compare as MongoDB compares the values."""

from __future__ import annotations

import itertools
import math
import random
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from elliptio.errors import QueryError
from elliptio.indexes.query.ordering import (
    UNDEFINED,
    bracket_range,
    closed_key,
    document_sort_key,
    index_values,
    order_key,
    sort_documents,
    type_bracket,
)
from elliptio.indexes.query.predicate import compile_query
from elliptio.testing.queries import documents, values

NOON = datetime(2024, 5, 1, 12)

# Ascending; values that are equal stand together.
ASCENDING: list[list[Any]] = [
    [MinKey()],
    [UNDEFINED],
    [None],
    [math.nan, -math.nan, Decimal128("NaN")],
    [-math.inf, Decimal128("-Infinity")],
    [Decimal128("-1E+6000")],
    [-1.7976931348623157e308],
    [Int64(-(2**63)), float(-(2**63)), Decimal128("-9223372036854775808")],
    [Int64(-(2**63) + 1)],
    [-1.5],
    [-1, -1.0],
    [-5e-324],
    [Decimal128("-1E-6000")],
    [0, 0.0, -0.0, Int64(0), Decimal128("0"), Decimal128("-0"), Decimal128("0E+10")],
    [Decimal128("1E-6000")],
    [5e-324],
    [Decimal128("0.1")],
    [0.1],  # as a double it is a little more than a tenth
    [1, 1.0, Int64(1), Decimal128("1"), Decimal128("1.000")],
    [1.5, Decimal128("1.50")],
    [2**53, float(2**53)],
    [2**53 + 1, Decimal128("9007199254740993")],
    [Decimal128("9007199254740993.5")],
    [2**53 + 2, float(2**53 + 2)],
    [2**63 - 1],
    [float(2**63)],
    [1.7976931348623157e308],
    [Decimal128("1E+6000")],
    [math.inf, Decimal128("Infinity")],
    [""],
    ["\0"],
    ["\0a"],
    ["\1"],
    ["\1a"],
    ["\2"],
    ["B"],
    ["a"],
    ["a\0"],
    ["a\0b"],
    ["ab"],
    ["é"],
    ["\uffff"],
    ["\U0001f600"],
    [{}],
    [{"b": None}],
    [{"a": 1}],
    [{"a": 1, "b": 0}],
    [{"a": 2}],
    [{"ab": 1}],
    [{"b": 1}],
    [{"a": "x"}],  # the type comes before the name
    [{"a": {}}],
    [[]],
    [[None]],
    [[1]],
    [[1, 1]],
    [[1, "a"]],
    [["a"]],
    [["a", "b"]],
    [["a\0"]],
    [["ab"]],
    [b"", Binary(b"")],
    [b"b"],
    [Binary(b"a", 5)],
    [b"aa"],
    [UUID(int=1), Binary(UUID(int=1).bytes, 4)],
    [ObjectId("0" * 24)],
    [ObjectId("f" * 24)],
    [False],
    [True],
    [datetime(1, 1, 1)],
    [datetime(1969, 12, 31, 23, 59, 59)],
    [NOON, NOON.replace(tzinfo=UTC), NOON.replace(hour=14, tzinfo=timezone(timedelta(hours=2))),
     NOON.replace(microsecond=999)],
    [NOON.replace(microsecond=1000)],
    [DatetimeMS(2**50)],
    [Timestamp(1, 2)],
    [Timestamp(2, 1)],
    [Regex("a")],
    [Regex("a", "i"), Regex("a", re.I)],
    [re.compile("a"), Regex("a", re.U)],
    [Regex("b")],
    [Code("x")],
    [Code("x", {})],
    [MaxKey()],
]  # fmt: skip


def test_order_of_all_types() -> None:
    keys = [[order_key(value) for value in equal] for equal in ASCENDING]
    for equal, group in zip(keys, ASCENDING, strict=True):
        assert len(set(equal)) == 1, group
    firsts = [equal[0] for equal in keys]
    for (low, a), (high, b) in itertools.pairwise(zip(firsts, ASCENDING, strict=True)):
        assert low < high, (a, b)


def test_closed_keys_order_the_same_and_can_be_inverted() -> None:
    keys = [closed_key(equal[0]) for equal in ASCENDING]
    assert keys == sorted(keys)
    inverted = [bytes(255 - byte for byte in key) for key in keys]
    assert inverted == sorted(inverted, reverse=True)


def test_true_is_not_one() -> None:
    assert order_key(True) != order_key(1)
    assert order_key([True]) != order_key([1])


def test_brackets() -> None:
    assert type_bracket(1) == type_bracket(2.5) == type_bracket(Decimal128("1"))
    assert type_bracket(True) != type_bracket(1)
    assert type_bracket(MinKey()) == -1
    assert type_bracket(MaxKey()) == 127
    for equal in ASCENDING:
        low, high = bracket_range(equal[0])
        assert low <= order_key(equal[0]) < high


def test_no_key_for_what_is_no_bson_value() -> None:
    with pytest.raises(QueryError, match="set is not a BSON value"):
        order_key({1})


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20).map(
        lambda number: Decimal128(number.normalize())
    ),
    st.integers(2**53 - 2, 2**53 + 6).flatmap(lambda number: st.sampled_from([number, float(number)])),
)


def _exact(number: Any) -> Fraction:
    return Fraction(number.to_decimal() if isinstance(number, Decimal128) else number)


@pytest.mark.slow
@given(NUMBERS, NUMBERS)
def test_numbers_compare_exactly(a: Any, b: Any) -> None:
    assert (order_key(a) < order_key(b)) == (_exact(a) < _exact(b))
    assert (order_key(a) == order_key(b)) == (_exact(a) == _exact(b))


@pytest.mark.slow
@given(st.text(), st.text())
def test_strings_compare_by_their_bytes(a: str, b: str) -> None:
    assert (order_key(a) < order_key(b)) == (a.encode() < b.encode())
    assert (order_key([a, 1]) < order_key([b, 0])) == ((a.encode(), 1) < (b.encode(), 0))


@pytest.mark.slow
@given(st.lists(values(), min_size=3, max_size=3))
def test_nested_keys_are_no_prefix_of_others(some: list[Any]) -> None:
    a, b, c = some
    assert (order_key([a, c]) == order_key([b, c])) == (order_key(a) == order_key(b))
    if order_key(a) != order_key(b):
        assert (order_key([a, c]) < order_key([b, c])) == (order_key(a) < order_key(b))


# --- what an index holds ---


@pytest.mark.parametrize(
    ("document", "path", "expected", "multikey"),
    [
        ({"a": 1}, "a", [1], False),
        ({}, "a", [None], False),
        ({"a": None}, "a", [None], False),
        ({"a": []}, "a", [UNDEFINED], True),
        ({"a": [1, 2, 1, 1.0]}, "a", [1, 2], True),
        ({"a": [[1], 2]}, "a", [[1], 2], True),
        ({"a": {"b": 1}}, "a.b", [1], False),
        ({"a": {"b": 1}}, ("a", "b"), [1], False),
        ({"a": 5}, "a.b", [None], False),
        ({"a": [{"b": 1}, {"b": [2, 3]}]}, "a.b", [1, 2, 3], True),
        ({"a": [{"b": 1}, {}]}, "a.b", [1, None], True),
        ({"a": [{"b": 1}, 7]}, "a.b", [1, None], True),
        ({"a": []}, "a.b", [None], True),
        ({"a": [{"b": []}]}, "a.b", [UNDEFINED], True),
        ({"a": {"b": [{"c": 1}]}}, "a.b.c", [1], True),
    ],
)
def test_index_values(document: dict[str, Any], path: str, expected: list[Any], multikey: bool) -> None:
    assert index_values(document, path) == (expected, multikey)


@pytest.mark.slow
@given(documents(), st.sampled_from(["a", "a.b", "b.c.a", "a.0", "a.0.b", "a.b.1"]), values())
def test_whatever_matches_has_a_value_in_the_index(document: dict[str, Any], path: str, operand: Any) -> None:
    if isinstance(operand, dict | list):
        return
    found, _ = index_values(document, path)
    for condition in (operand, {"$gt": operand}, {"$lte": operand}, {"$in": [operand, "a"]}, {"$regex": "a"}):
        if compile_query({path: condition})(document):
            assert any(compile_query({"v": condition})({"v": value}) for value in found), (condition, found)


# --- sorting ---


def _ids(documents: list[dict[str, Any]]) -> str:
    return "".join(document["_id"] for document in documents)


SORTS: list[tuple[str, list[tuple[str, int]], list[Any], str]] = [
    ("ascending", [("v", 1)], [3, 1, 2], "bca"),
    ("descending", [("v", -1)], [3, 1, 2], "acb"),
    ("types", [("v", 1)], ["1", None, 1, True, NOON, {}, []], "gbcafde"),
    ("an array sorts by its smallest ascending", [("v", 1)], [[5, 1], 2, [3]], "abc"),
    ("and by its largest descending", [("v", -1)], [[5, 1], 6, [3]], "bac"),
    ("an empty array comes before null", [("v", 1)], [None, []], "ba"),
    ("the smallest may be an array", [("v", 1)], [[[1]], ["x"]], "ba"),
    ("fields of elements", [("v.x", 1)], [[{"x": 3}, {"x": 1}], {"x": 2}], "ab"),
    ("an element without the field is null", [("v.x", 1)], [[{"x": 3}, {}], {"x": 2}], "ab"),
    ("an element that is no object, too", [("v.x", 1)], [{"x": 2}, [{"x": 3}, 7]], "ba"),
    ("a position", [("v.1", 1)], [[0, 9], [5, 1]], "ba"),
    ("an array at a position is one value", [("v.0", 1)], [[[9, 1]], [[2, 3]]], "ba"),
    ("both paths of one element", [("v.x", 1), ("v.y", -1)],
     [[{"x": 1, "y": 0}, {"x": 2, "y": 9}], {"x": 1, "y": 5}], "ba"),
    ("ties by _id", [("w", 1)], [1, 2, 3], "abc"),
    ("in the last direction", [("w", -1)], [1, 2, 3], "cba"),
    ("no sort is by _id", [], [3, 1, 2], "abc"),
    ("strings with NUL descending", [("v", -1)], ["a", "a\0", "a\0b", "ab"], "dcba"),
]  # fmt: skip


@pytest.mark.parametrize(("sort", "some", "expected"), [case[1:] for case in SORTS], ids=[case[0] for case in SORTS])
def test_sort(sort: list[tuple[str, int]], some: list[Any], expected: str) -> None:
    docs = [{"_id": "abcdefghij"[number], "v": value} for number, value in enumerate(some)]
    random.Random(0).shuffle(docs)
    assert _ids(sort_documents(iter(docs), sort, 0)) == expected
    assert _ids(sort_documents(iter(docs), sort, 2)) == expected[:2]


def test_missing_sorts_as_null() -> None:
    docs = [{"_id": "b"}, {"_id": "a", "v": None}, {"_id": "c", "v": -1}]
    assert _ids(sort_documents(docs, [("v", 1)], 0)) == "abc"


def test_two_arrays_cannot_be_sorted_by() -> None:
    with pytest.raises(QueryError, match="two lists"):
        sort_documents([{"_id": "a", "v": [1], "w": [2]}], [("v", 1), ("w", 1)], 0)


def test_limit_bounds_the_memory() -> None:
    alive = 0

    class Counted(dict[str, Any]):
        def __init__(self, number: int) -> None:
            nonlocal alive
            alive += 1
            super().__init__(_id=f"{number:06}", v=-number)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    most = 0

    def generate() -> Any:
        nonlocal most
        for number in range(2000):
            most = max(most, alive)
            yield Counted(number)

    assert len(sort_documents(generate(), [("v", 1)], 5)) == 5
    assert most < 20


def test_sort_key_is_one_function_for_many_documents() -> None:
    key = document_sort_key([("v", 1)])
    assert key({"_id": "a", "v": 1}) < key({"_id": "a", "v": Decimal128(Decimal("1.5"))})
