"""MongoDB's documented meaning of queries, case by case."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions

from elliptio.errors import QueryError
from elliptio.indexes.query.checking import check_query, normalize_query
from elliptio.indexes.query.predicate import compile_query, has_pattern

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
UNZONED = NOON.replace(tzinfo=None)
ABSENT: dict[str, Any] = {}
NAN, BIG = math.nan, 2**53

Case = tuple[dict[str, Any], dict[str, Any], bool]


def field(condition: Any, *matching: Any, others: tuple[Any, ...] = (), absent: bool) -> list[Case]:
    """Cases of a condition on the field "a": values that match, values that do not, and what a missing one does."""
    return [
        *(({"a": condition}, {"a": value}, True) for value in matching),
        *(({"a": condition}, {"a": value}, False) for value in others),
        ({"a": condition}, ABSENT, absent),
    ]


EQUALITY = [
    *field(1, 1, 1.0, Int64(1), Decimal128("1"), [1], [0, 1], others=(True, "1", 2, [[1]], None, {}, []), absent=False),
    *field(True, True, [True], others=(1, 1.0, "true", False), absent=False),
    *field("x", "x", ["x"], ["y", "x"], others=("X", "xx", None, Code("x"), b"x"), absent=False),
    *field(None, None, [None], [1, None], others=(0, False, "", [], {}, [[None]]), absent=True),
    *field({"$eq": None}, None, others=(0,), absent=True),
    *field(NAN, NAN, Decimal128("NaN"), [NAN], others=(0, None), absent=False),
    *field(-0.0, 0, 0.0, others=(False,), absent=False),
    *field(BIG + 1, BIG + 1, others=(BIG, float(BIG), BIG + 2), absent=False),
    *field(0.1, 0.1, others=(Decimal128("0.1"),), absent=False),
    *field([1, 2], [1, 2], [[1, 2], 3], [1.0, 2], others=([2, 1], [1], [1, 2, 3], 1), absent=False),
    *field([], [], [[]], others=(None, [1], {}), absent=False),
    *field({}, {}, [{}], others=(None, [], {"x": 1}), absent=False),
    *field({"x": 1, "y": 2}, {"x": 1, "y": 2}, {"x": 1.0, "y": 2}, [{"x": 1, "y": 2}],
           others=({"y": 2, "x": 1}, {"x": 1}, {"x": 1, "y": 2, "z": 3}), absent=False),
    *field({"x": [True]}, {"x": [True]}, others=({"x": [1]}, {"x": True}), absent=False),
    *field(UNZONED, NOON, UNZONED, NOON.astimezone(timezone(timedelta(hours=5))), UNZONED.replace(microsecond=999),
           others=(UNZONED.replace(microsecond=1000), Timestamp(1, 1), "2024-05-01"), absent=False),
    *field(b"x", b"x", Binary(b"x"), others=("x", Binary(b"x", 5), b"xy"), absent=False),
    *field(UUID(int=1), Binary.from_uuid(UUID(int=1)), others=(UUID(int=1).bytes,), absent=False),
    *field(ObjectId("0" * 24), ObjectId("0" * 24), others=("0" * 24,), absent=False),
    *field({"$ne": 1}, 2, None, True, "1", [], [2], others=(1, 1.0, [2, 1]), absent=True),
    *field({"$ne": None}, 1, [], others=(None, [1, None]), absent=False),
    *field({"$eq": re.compile("x")}, re.compile("x"), [re.compile("x")], others=("x", re.compile("y")), absent=False),
]  # fmt: skip

COMPARISON = [
    *field(
        {"$gt": 1}, 2, 1.5, Decimal128("1.1"), math.inf, [0, 2], others=(1, 0, True, "2", None, [], NAN), absent=False
    ),
    *field({"$lt": 1}, 0, -math.inf, [0, 9], others=(1, NAN, False, None, ""), absent=False),
    *field({"$gt": float(BIG)}, BIG + 1, others=(BIG,), absent=False),
    *field({"$gte": 0, "$lt": 5}, 0, 4, [9, 3], [9, -1], others=(5, [9]), absent=False),  # not of one element
    *field({"$gte": "b"}, "b", "c", "é", ["a", "b"], others=("a", "B", 1, None), absent=False),
    *field({"$gt": None}, others=(None, 1, []), absent=False),
    *field({"$gte": None}, None, [None], others=(1, [], False), absent=True),
    *field({"$lte": None}, None, others=(1,), absent=True),
    *field({"$lt": None}, others=(None, 1), absent=False),
    *field({"$lte": NAN}, NAN, others=(1, -math.inf), absent=False),
    *field({"$gte": NAN}, NAN, others=(1,), absent=False),
    *field({"$lt": NAN}, others=(NAN, 1), absent=False),
    *field({"$gt": False}, True, others=(False, 1), absent=False),
    *field({"$gt": NOON}, NOON + timedelta(seconds=1), others=(NOON, 10**15, "z"), absent=False),
    *field({"$gt": [1]}, [2], [1, 0], [[2], 0], others=([1], [], [0, 5], 2), absent=False),
    *field({"$lt": {"x": 2}}, {}, {"x": 1}, {"w": 9}, others=({"x": 2}, {"y": 0}, 1, {"x": "0"}), absent=False),
    *field({"$gt": MinKey()}, None, 1, MaxKey(), others=(MinKey(),), absent=True),
    *field({"$lte": MaxKey()}, None, 1, MaxKey(), absent=True),
    *field({"$lt": MinKey()}, others=(None, MinKey()), absent=False),
    *field({"$gt": b"b"}, b"c", b"aa", others=(b"b", "c"), absent=False),
    *field({"$not": {"$gt": 1}}, 1, "x", None, [], others=(2, [0, 2]), absent=True),
]

MEMBERS = [
    *field({"$in": [1, "x"]}, 1, 1.0, "x", [5, "x"], others=(True, "y", None), absent=False),
    *field({"$in": [None]}, None, [None], others=(0, []), absent=True),
    *field({"$in": []}, others=(None, 1, []), absent=False),
    *field({"$in": [[1, 2]]}, [1, 2], [[1, 2]], others=(1, [2, 1]), absent=False),
    *field({"$in": [re.compile("^x"), 1]}, "xy", 1, ["a", "xy"], re.compile("^x"), others=("yx",), absent=False),
    *field({"$nin": [1, None]}, 2, [], others=(1, None, [2, 1]), absent=False),
    *field({"$nin": []}, 1, None, absent=True),
    *field({"$nin": [re.compile("^x")]}, "y", 1, others=("xy", ["xy"]), absent=True),
    *field({"$all": [1, 2]}, [1, 2], [3, 2, 1.0], others=([1], 1, [[1, 2]]), absent=False),
    *field({"$all": [1]}, 1, [1], others=(2,), absent=False),
    *field({"$all": []}, others=([], 1, None), absent=False),
    *field({"$all": [None]}, None, [None], others=([], 1), absent=True),
    *field({"$all": [["x"]]}, ["x"], [["x"]], others=("x", []), absent=False),
    *field({"$all": [re.compile("a"), "b"]}, ["xa", "b"], others=(["b"], "a"), absent=False),
    *field({"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"x": 2}}]}, [{"x": 1}, {"x": 2}],
           others=([{"x": 1}], {"x": 1}), absent=False),
    *field({"$size": 2}, [1, 2], [[], []], others=([], [1], {"x": 1, "y": 2}, "ab", [[1, 2]]), absent=False),
    *field({"$size": 0}, [], others=(None, [None]), absent=False),
    *field({"$elemMatch": {"$gte": 1, "$lt": 3}}, [0, 2], [[], 1], others=([0, 3], 2, [[2]], []), absent=False),
    *field({"$elemMatch": {"x": 1, "y": {"$gt": 1}}}, [{"x": 1, "y": 2}],
           others=([{"x": 1}, {"x": 2, "y": 2}], {"x": 1, "y": 2}), absent=False),
    *field({"$elemMatch": {"x": None}}, [{}], [{"x": None}], [[1]], others=([], [1], [{"x": 1}]), absent=False),
    *field({"$elemMatch": {"0": 1}}, [[1, 2]], [{"0": 1}], others=([1], [[2, 1]]), absent=False),
    *field({"$elemMatch": {}}, [{}], [[]], others=([], [1]), absent=False),
    *field({"$elemMatch": {"$or": [{"x": 1}, {"y": 1}]}}, [{"y": 1}], others=([{"z": 1}], [1]), absent=False),
    *field({"$elemMatch": {"$elemMatch": {"$gt": 1}}}, [[2]], others=([2], [[1]]), absent=False),
    *field({"$elemMatch": {"$not": {"$gt": 1}}}, [2, 1], ["x"], others=([2], []), absent=False),
    *field({"$elemMatch": {"$in": [1, re.compile("x")]}}, [1], ["ax"], others=([[1]],), absent=False),
    *field({"$elemMatch": {"$ne": 1}}, [1, 2], others=([1], 2, []), absent=False),
    *field({"$elemMatch": {"$nin": [1]}}, [1, 2], others=([1], []), absent=False),
    *field({"$elemMatch": {"$exists": True}}, [None], others=([], 1), absent=False),
    *field({"$not": {"$elemMatch": {"x": 1}}}, [{"x": 2}], [], 1, others=([{"x": 1}],), absent=True),
    *field({"$not": {"$size": 1}}, [], 1, others=([1],), absent=True),
]  # fmt: skip

KINDS = [
    *field({"$exists": True}, None, 0, [], {}, absent=False),
    *field({"$exists": False}, others=(None, 0, []), absent=True),
    *field({"$exists": 1}, None, absent=False),
    *field({"$type": "int"}, 1, 2**31 - 1, [1], others=(2**31, 1.0, Int64(1), True), absent=False),
    *field({"$type": "long"}, 2**31, Int64(1), others=(1, 1.0), absent=False),
    *field({"$type": "number"}, 1, 1.0, Int64(1), Decimal128("1"), NAN, others=(True, "1"), absent=False),
    *field({"$type": 1}, 1.0, others=(1,), absent=False),
    *field({"$type": "array"}, [], [1], [[]], others=({}, None), absent=False),
    *field({"$type": "object"}, {}, [{}], others=([], None), absent=False),
    *field({"$type": "null"}, None, [None], others=([],), absent=False),
    *field({"$type": ["string", "bool"]}, "x", True, ["x"], others=(1, None), absent=False),
    *field({"$type": "date"}, NOON, others=(Timestamp(1, 1),), absent=False),
    *field({"$type": [17, -1, 127]}, Timestamp(1, 1), MinKey(), MaxKey(), others=(NOON,), absent=False),
    *field({"$type": "binData"}, b"x", Binary(b"x", 5), others=("x",), absent=False),
    *field({"$type": "regex"}, Regex("x"), others=("x",), absent=False),
    *field({"$type": "javascript"}, Code("x"), others=("x", Code("x", {})), absent=False),
    *field({"$type": "javascriptWithScope"}, Code("x", {}), others=(Code("x"),), absent=False),
    *field({"$not": {"$type": "string"}}, 1, [], others=("x", [1, "x"]), absent=True),
    *field({"$mod": [4, 1]}, 5, 5.9, -7.0 + 8, Decimal128("9.5"), [2, 1], Int64(BIG + 1),
           others=(4, -5, "5", True, NAN, math.inf, 1e300, None), absent=False),
    *field({"$mod": [4, -1]}, -5, -5.5, others=(3, 5), absent=False),
    *field({"$mod": [-4, 1]}, 5, others=(-5,), absent=False),
    *field({"$mod": [4.9, 0.9]}, 4, 8, others=(5,), absent=False),
]  # fmt: skip

PATTERNS = [
    *field(
        re.compile("b"),
        "abc",
        ["x", "b"],
        re.compile("b"),
        others=("B", 1, None, re.compile("c"), Code("b")),
        absent=False,
    ),
    *field(Regex("b", "i"), "aB", others=("a",), absent=False),
    *field({"$regex": "^b"}, "bc", others=("ab", "a\nb"), absent=False),
    *field({"$regex": "^b", "$options": "m"}, "a\nb", others=("ab",), absent=False),
    *field({"$options": "im", "$regex": "^B"}, "a\nb", others=("ab",), absent=False),
    *field({"$regex": "a.b", "$options": "s"}, "a\nb", absent=False),
    *field({"$regex": "a b", "$options": "x"}, "ab", others=("a b",), absent=False),
    *field({"$regex": "a", "$options": "u"}, "a", absent=False),
    *field({"$regex": re.compile("a", re.IGNORECASE)}, "A", absent=False),
    *field({"$regex": ""}, "", "x", others=(1, None), absent=False),
    *field({"$not": re.compile("b")}, "a", 1, None, [], others=("b", ["a", "b"]), absent=True),
    *field({"$not": {"$regex": "b", "$options": "i"}}, "a", others=("B",), absent=True),
    *field({"$regex": "a", "$ne": "ab"}, "a", others=("ab",), absent=False),
    # Classes are ASCII in MongoDB, letters and their case are Unicode.
    *field({"$regex": r"^\w+$"}, "a_1", others=("é", "٣"), absent=False),
    *field({"$regex": r"^\d$"}, "3", others=("٣",), absent=False),
    *field({"$regex": r"^[\w.]+$"}, "a.b", others=("é",), absent=False),
    *field({"$regex": r"^[^\d]$"}, "x", "\n", "٣", others=("3",), absent=False),
    *field({"$regex": r"^[^\da]$"}, "x", others=("3", "a"), absent=False),
    *field({"$regex": r"\bcaf\b"}, "café", others=("cafe",), absent=False),
    *field({"$regex": "É", "$options": "i"}, "é", absent=False),
    *field(
        {"$regex": "^(i|[h-j]x)$", "$options": "i"}, "I", "IX", others=("\u0130", "\u0131", "\u0131x"), absent=False
    ),
    *field({"$regex": "(?i)^[^i]$"}, "x", "\u0130", others=("i", "I"), absent=False),
    *field({"$regex": "^\u0131(?i:i)$"}, "\u0131I", absent=False),
    *field({"$regex": "^.$"}, "\U0001f600", others=("\n",), absent=False),
    # PCRE's ends of text.
    *field({"$regex": r"a\Z"}, "a", "a\n", others=("ab", "a\n\n"), absent=False),
    *field({"$regex": r"a\z"}, "a", others=("a\n",), absent=False),
    *field({"$regex": "a$"}, "a", "a\n", others=("a\nb",), absent=False),
    *field({"$regex": "^$", "$options": "m"}, "", "a\n\nb", others=("a\n",), absent=False),
    *field({"$regex": r"^(?<q>['\x22])x\1$"}, "'x'", '"x"', others=("'x\"",), absent=False),
    *field({"$regex": r"^\x{1F600}[]\-a]$"}, "\U0001f600]", "\U0001f600-", others=("\U0001f600b",), absent=False),
    *field({"$regex": r"^a{2}(?:b|c)*+d?$"}, "aabcd", others=("ab",), absent=False),
    *field({"$regex": "(?i)AB"}, "xab", absent=False),
    *field({"$regex": "a{x"}, "a{x", absent=False),
]

PATHS: list[Case] = [
    ({"a.b": 1}, {"a": {"b": 1}}, True),
    ({"a.b": 1}, {"a": {"b": [2, 1]}}, True),
    ({"a.b": 1}, {"a": [{"b": 2}, {"b": 1}]}, True),
    ({"a.b": 1}, {"a": [{"b": [1]}]}, True),
    ({"a.b": 1}, {"a": [[{"b": 1}]]}, False),
    ({"a.b": 1}, {"a.b": 1}, False),
    ({"a.b.c": 1}, {"a": [{"b": [{"c": 1}]}]}, True),
    ({"a.b": {"$ne": 1}}, {"a": [{"b": 2}, {"b": 1}]}, False),
    ({"a.b": {"$ne": 1}}, {"a": [{"b": 2}, {}]}, True),
    ({"a.b": {"$gt": 1, "$lt": 3}}, {"a": [{"b": 0}, {"b": 5}]}, True),  # by different elements
    ({"a.b": {"$size": 2}}, {"a": [{"b": [1, 2]}]}, True),
    ({"a.b": {"$elemMatch": {"$gt": 1}}}, {"a": [{"b": [1, 2]}]}, True),
    ({"a.b": {"$all": [1, 2]}}, {"a": [{"b": 1}, {"b": 2}]}, True),
    # null and missing
    ({"a.b": None}, {}, True),
    ({"a.b": None}, {"a": None}, True),
    ({"a.b": None}, {"a": 5}, True),
    ({"a.b": None}, {"a": {}}, True),
    ({"a.b": None}, {"a": []}, False),
    ({"a.b": None}, {"a": [5]}, False),
    ({"a.b": None}, {"a": [{}]}, True),
    ({"a.b": None}, {"a": [{"b": 1}, {}]}, True),
    ({"a.b": None}, {"a": [{"b": 1}]}, False),
    ({"a.b.c": None}, {"a": [{"b": 5}]}, True),
    ({"a.b": {"$exists": False}}, {"a": [5]}, True),
    ({"a.b": {"$exists": False}}, {"a": [{"b": 1}, {}]}, False),
    ({"a.b": {"$exists": True}}, {"a": [{"b": None}, {}]}, True),
    ({"a.b": {"$in": [None, 7]}}, {"a": 5}, True),
    # positions
    ({"a.0": 1}, {"a": [1, 2]}, True),
    ({"a.0": 2}, {"a": [1, 2]}, False),
    ({"a.0": 1}, {"a": {"0": 1}}, True),
    ({"a.0": 1}, {"a": [{"0": 1}]}, True),
    ({"a.00": 1}, {"a": [1]}, False),
    ({"a.0.b": 1}, {"a": [{"b": 1}]}, True),
    ({"a.1.b": 1}, {"a": [{"b": 1}]}, False),
    ({"a.b.1": 2}, {"a": {"b": [1, 2]}}, True),
    ({"a.0.1": 2}, {"a": [[1, 2]]}, True),
    ({"a.0.b": 1}, {"a": [[{"b": 1}]]}, True),
    ({"a.0": 1}, {"a": [[1]]}, False),  # an array at a position is not looked into
    ({"a.0": [1]}, {"a": [[1]]}, True),
    ({"a.0": {"$size": 1}}, {"a": [[1]]}, True),
    ({"a.0": {"$type": "array"}}, {"a": [[1]]}, True),
    ({"a.5": {"$exists": False}}, {"a": [1]}, True),
    ({"a.5": None}, {"a": [1]}, False),
    ({"a.0": None}, {"a": []}, False),
    ({"a.0": None}, {"a": [{"b": 1}]}, True),  # for the object has no field "0"
    ({"a.0.b": None}, {"a": [5]}, False),
]

LOGIC: list[Case] = [
    ({}, {}, True),
    ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
    ({"a": 1, "b": 2}, {"a": 1}, False),
    ({"$and": [{"a": 1}, {"b": 2}]}, {"a": 1, "b": 2}, True),
    ({"$and": [{"a": 1}, {"a": 2}]}, {"a": [1, 2]}, True),
    ({"$or": [{"a": 1}, {"b": 2}]}, {"b": 2}, True),
    ({"$or": [{"a": 1}, {"b": 2}]}, {}, False),
    ({"$or": [{"a": 1}, {"b": 2}], "c": 3}, {"b": 2}, False),
    ({"$nor": [{"a": 1}, {"b": 2}]}, {"a": 2}, True),
    ({"$nor": [{"a": 1}, {"b": 2}]}, {"b": 2}, False),
    ({"$or": [{"$and": [{"a": 1}]}, {"$nor": [{"b": 1}]}]}, {"b": 1}, False),
    ({"$comment": "why", "a": 1}, {"a": 1}, True),
    ({"$comment": "why"}, {}, True),
    ({"a": {"$not": {"$gt": 1, "$lt": 3}}}, {"a": 2}, False),
    ({"a": {"$not": {"$gt": 1, "$lt": 3}}}, {"a": 4}, True),
    ({"a": {"$not": {"$not": {"$gt": 1}}}}, {"a": 2}, True),
]

CASES = [*EQUALITY, *COMPARISON, *MEMBERS, *KINDS, *PATTERNS, *PATHS, *LOGIC]


BY_QUERY: dict[str, tuple[dict[str, Any], list[tuple[dict[str, Any], bool]]]] = {}
for query, document, expected in CASES:
    BY_QUERY.setdefault(repr(query), (query, []))[1].append((document, expected))


@pytest.mark.parametrize(("query", "cases"), BY_QUERY.values(), ids=BY_QUERY)
def test_meaning(query: dict[str, Any], cases: list[tuple[dict[str, Any], bool]]) -> None:
    check_query(query)
    raw, normalized = compile_query(query), compile_query(normalize_query(query))
    for document, expected in cases:
        stored = bson.decode(bson.encode(document), CodecOptions(tz_aware=True))
        assert raw(document) is expected, document
        assert normalized(document) is expected, document
        assert normalized(stored) is expected, document


def test_unknown_operators_do_not_pass_unnoticed() -> None:
    for query in ({"a": {"$foo": 1}}, {"$where": "1"}):
        with pytest.raises(QueryError, match="no operator"):
            compile_query(query)


def test_one_predicate_for_many_documents() -> None:
    matches = compile_query({"labels.ticket": {"$in": ["A-1", "A-2"]}})
    assert [matches({"labels": {"ticket": ticket}}) for ticket in ("A-1", "A-3", "A-2", 1)] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"a": {"$regex": "x"}}, True),
        ({"$or": [{"b": 1}, {"a": {"$not": re.compile("x")}}]}, True),
        ({"a": {"$in": ["x", Regex("y")]}}, True),
        ({"a": "x", "b": {"$in": [1, None]}, "c": {"d": ["x"]}}, False),
        ({}, False),
    ],
)
def test_what_holds_a_regular_expression(query: dict[str, Any], expected: bool) -> None:
    assert has_pattern(query) is expected
