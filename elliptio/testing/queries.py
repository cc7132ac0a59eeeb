"""Generate documents, queries and sorts with Hypothesis, to compare what two indexes make of them.

Names and values are few, so that queries hit often: random values would almost never be equal. What is left out
because SecantusDB, the server that the tests run, does not do it as MongoDB documents it, is said where it is left
out; ``tests/query/test_disagreements.py`` has each such case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_NAMES = ("a", "b", "c")
_PATHS = ("a", "b", "c", "a.b", "a.c", "b.a", "a.b.c", "b.c.a")
# Not "a.0.b": SecantusDB takes the field of a scalar at a position for null, where MongoDB finds nothing.
_POSITIONS = ("a.0", "a.1", "a.b.0")
_TEXTS = ("", "a", "ab", "abc", "B", "é", "a\nb", "1", "\U0001f600")
# Not r"\w": it is ASCII in MongoDB, and SecantusDB has "é" match it.
_PATTERNS = ("a", "^a", "b$", "^a.c$", "^$", r"\d", "[^a]", "(a|B)", "^[a-z]+$", "é")
_TYPES = ("null", "bool", "number", "int", "long", "double", "decimal", "string", "array", "object", "date", "binData")


def _opaque(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Return the same strategy with a short repr: those of nested strategies grow to megabytes."""
    from hypothesis import strategies as st

    return st.none().flatmap(lambda _: inner)


@cache
def _stored_scalars() -> SearchStrategy[Any]:
    from bson import Decimal128, Int64, ObjectId
    from hypothesis import strategies as st

    noon = datetime(2024, 2, 29, 12, 0, 0, 1000)  # noqa: DTZ001
    # Not 0.1, which SecantusDB takes for equal to Decimal128("0.1").
    # No integer that no double equals, and no double that no integer equals: SecantusDB divides as doubles for $mod.
    return _opaque(st.sampled_from((
        None, True, False, 0, 1, -1, 2, 3, 1.0, 0.5, -0.0, 2.5, Int64(1), Int64(2), 2**53, 2**53 + 2, float(2**53),
        -(2**63), 1e15, float("inf"), float("-inf"), Decimal128("1"), Decimal128("0.5"), Decimal128("0.1"), *_TEXTS,
        noon, noon.replace(tzinfo=UTC), noon.replace(tzinfo=timezone(timedelta(hours=2))), noon + timedelta(seconds=1),
        ObjectId(b"\0" * 12), ObjectId(b"\1" * 12), b"", b"a", b"\0a",
    )))  # fmt: skip


@cache
def _scalars() -> SearchStrategy[Any]:
    from hypothesis import strategies as st

    return _stored_scalars() | st.sampled_from((2**53 + 1, 2**63 - 1, 1e300, float("nan")))


def _nested(scalars: SearchStrategy[Any]) -> SearchStrategy[Any]:
    from hypothesis import strategies as st

    names = st.sampled_from(_NAMES)
    nested = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )
    return _opaque(nested)


@cache
def documents() -> SearchStrategy[dict[str, Any]]:
    """Generate documents without an ``_id``, whose fields nest, miss, and mix types."""
    from hypothesis import strategies as st

    return st.dictionaries(st.sampled_from(_NAMES), _nested(_stored_scalars()), max_size=3)


@cache
def values() -> SearchStrategy[Any]:
    """Generate values to compare fields with: scalars, and arrays and objects of them."""
    return _nested(_scalars())


@cache
def _patterns() -> SearchStrategy[re.Pattern[str]]:
    from hypothesis import strategies as st

    return st.builds(re.compile, st.sampled_from(_PATTERNS), st.sampled_from((0, re.I, re.M, re.S)))


@cache
def _present_operators() -> SearchStrategy[dict[str, Any]]:
    """Generate operators that no missing field matches."""
    from hypothesis import strategies as st

    some = values().filter(lambda value: value is not None)
    members = some.filter(lambda value: value != []) | _patterns()
    kinds = st.sampled_from(_TYPES)
    options = st.sampled_from(("", "i", "m", "s", "im"))
    present = st.one_of(
        st.builds(lambda name, value: {name: value}, st.sampled_from(("$eq", "$gt", "$gte", "$lt", "$lte")), some),
        st.builds(lambda low, high: {"$gte": low, "$lt": high}, _scalars(), _scalars()),
        # Neither None, which SecantusDB does not have match a missing field here, nor [], which it has match nothing.
        st.builds(lambda operands: {"$all": operands}, st.lists(members, max_size=3)),
        st.builds(lambda kind: {"$type": kind}, kinds | st.lists(kinds, min_size=1, max_size=3)),
        st.builds(lambda size: {"$size": size}, st.integers(0, 3)),
        st.builds(lambda by, rest: {"$mod": [by, rest]}, st.sampled_from((1, 2, 3, -2)), st.integers(-1, 2)),
        st.builds(lambda text, flags: {"$regex": text, "$options": flags}, st.sampled_from(_PATTERNS), options),
        st.just({"$exists": True}),
    )
    return _opaque(present)


@cache
def _simple_operators() -> SearchStrategy[dict[str, Any]]:
    from hypothesis import strategies as st

    members = st.lists(values() | _patterns(), max_size=3)
    simple = st.one_of(
        _present_operators(),
        st.builds(lambda name, value: {name: value}, st.sampled_from(("$eq", "$ne", "$gte", "$lte")), values()),
        st.builds(lambda name, operands: {name: operands}, st.sampled_from(("$in", "$nin")), members),
        st.just({"$exists": False}),
    )
    return _opaque(simple)


@cache
def operators() -> SearchStrategy[dict[str, Any]]:
    """Generate conditions on the value of a field: ``{"$gt": 1}``, with ``$not`` and ``$elemMatch``."""
    from hypothesis import strategies as st

    simple = _simple_operators()
    # Only what no missing field matches: SecantusDB does not look for fields of arrays in arrays. And no $or, which
    # SecantusDB does not know inside $elemMatch.
    fields = st.dictionaries(st.sampled_from(_PATHS), _present_operators(), min_size=1, max_size=2)
    matching = st.builds(lambda inner: {"$elemMatch": inner}, simple | fields)
    nested = simple | matching
    every = st.one_of(
        nested,
        st.builds(lambda inner: {"$not": inner}, nested | _patterns()),
        st.builds(lambda inner: {"$all": inner}, st.lists(matching, min_size=1, max_size=2)),
        st.builds(lambda inner: {"$elemMatch": {"$not": inner}}, nested),
        st.builds(lambda inner: {"$elemMatch": inner}, nested),
    )
    return _opaque(every)


@cache
def queries() -> SearchStrategy[dict[str, Any]]:
    """Generate queries that `elliptio.indexes.query.checking.check_query` accepts."""
    from hypothesis import strategies as st

    conditions = st.one_of(values(), _patterns(), operators(), operators())
    # No None: SecantusDB has it match a position beyond the end of an array. No $mod: SecantusDB tests the
    # elements of an array at a position with it.
    some = values().filter(lambda value: value is not None)
    positioned = st.one_of(
        some,
        _patterns(),
        st.builds(
            lambda name, value: {name: value}, st.sampled_from(("$eq", "$ne", "$gt", "$lte", "$in", "$all")), some
        )
        .map(lambda operator: {name: [value] if name in ("$in", "$all") else value for name, value in operator.items()})
        .filter(lambda operator: operator != {"$all": [[]]}),
        st.sampled_from(({"$size": 1}, {"$type": "array"}, {"$type": "int"}, {"$exists": True}, {"$exists": False})),
    )
    fields = _opaque(
        st.builds(
            lambda plain, position: {**plain, **position},
            st.dictionaries(st.sampled_from(_PATHS), conditions, max_size=2),
            st.just({}) | st.dictionaries(st.sampled_from(_POSITIONS), positioned, max_size=1),
        )
    )
    names = st.sampled_from(("$and", "$or", "$nor"))
    joined = st.recursive(
        fields,
        lambda inner: st.builds(
            lambda name, alternatives, beside: {**beside, name: alternatives},
            names,
            st.lists(inner, min_size=1, max_size=3),
            fields,
        ),
        max_leaves=4,
    )
    return _opaque(joined)


@cache
def sorts() -> SearchStrategy[list[tuple[str, int]]]:
    """Generate sorts by up to two paths; see `sorts_alike`."""
    from hypothesis import strategies as st

    # No positions: SecantusDB sorts by an array at a position as by any other, MongoDB does not.
    pairs = st.tuples(st.sampled_from(_PATHS), st.sampled_from((1, -1)))
    return st.lists(pairs, max_size=2, unique_by=lambda pair: pair[0])


def sorts_alike(document: Mapping[str, Any], sort: list[tuple[str, int]]) -> bool:
    """Tell whether SecantusDB sorts this document as MongoDB documents it.

    It does not refuse two arrays, and sorts ``{"a": [{"b": 1}, 2, {}]}`` by ``a.b`` as 1 instead of null.
    """
    from elliptio.errors import QueryError
    from elliptio.indexes.query.ordering import document_sort_key

    try:
        document_sort_key(sort)({"_id": "", **document})
    except QueryError:
        return False
    return all(_null_alike(document, path) for path, _ in sort)


def indexed_alike(document: Mapping[str, Any]) -> bool:
    """Tell whether SecantusDB's indexes hold nulls for this document as MongoDB's do.

    Its index over ``a.b`` holds none for ``{"a": [{"b": 1}, {}]}``, so that ``{"a.b": None}`` does not find it by that.
    """
    return all(_null_alike(document, path) for path in _PATHS)


def asked_alike(query: Any) -> bool:
    """Tell whether SecantusDB answers a query by an index as without one."""
    # It loses patterns that are members of ``$in``.
    if isinstance(query, Mapping):
        members = query.get("$in", ())
        return not any(isinstance(each, re.Pattern) for each in members) and all(map(asked_alike, query.values()))
    return not isinstance(query, list) or all(map(asked_alike, query))


def _null_alike(document: Mapping[str, Any], path: str) -> bool:
    from elliptio.indexes.query.ordering import index_values

    found, _ = index_values(document, path)
    return None not in found or len(found) == 1
