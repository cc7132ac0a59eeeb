"""Decide whether a document matches a query, as MongoDB documents it.

A query is compiled once into nested functions. An operator is compiled for its place: on a path of a document, or,
inside ``$elemMatch``, on one element of an array.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from elliptio.errors import QueryError
from elliptio.indexes.query.ordering import order_key, regex_options
from elliptio.indexes.query.paths import ARRAYS, MISSING, OBJECTS, Test, on_path
from elliptio.indexes.query.values import TYPE_CODES

Predicate = Callable[[Mapping[str, Any]], bool]
_Place = Callable[[Test, bool], Test]
"""A function that puts a test of one value where it applies; the flag: test an array element by element."""

_COMPARISONS: Final = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}
_LOGICAL: Final = ("$and", "$or", "$nor")
# Values of these exact types equal no value of another of them, but for int and float.
_PLAIN: Final = frozenset({str, int, float, bool, type(None), datetime, dict, list, type(MISSING)})
_NAN_KEY: Final = order_key(math.nan)


def compile_query(query: Mapping[str, Any]) -> Predicate:
    """Compile a query into a function that tells whether a document matches.

    Parameters
    ----------
    query
        A MongoDB query that `elliptio.indexes.query.checking.check_query` accepts.

    Returns
    -------
    Callable
        Takes a document as `bson.decode` returns it. Safe to call from several threads.

    Raises
    ------
    QueryError
        If the query is malformed, or uses what elliptio does not answer.
    """
    return _query(query)


def has_pattern(query: Any) -> bool:
    """Tell whether a query, or a part of it, holds a regular expression."""
    if isinstance(query, Mapping):
        return "$regex" in query or any(map(has_pattern, query.values()))
    return any(map(has_pattern, query)) if isinstance(query, list) else isinstance(query, re.Pattern | Regex)


def _query(query: Mapping[str, Any]) -> Test:
    return _all(_clause(key, operand) for key, operand in query.items() if key != "$comment")


def _clause(key: str, operand: Any) -> Test:
    if key not in _LOGICAL:
        if key.startswith("$"):
            raise QueryError(f"there is no operator {key}")
        return _condition(operand, lambda test, expand: on_path(key, test, expand))
    tests = [_query(each) for each in operand]
    if key == "$and":
        return _all(tests)
    return _any(tests) if key == "$or" else _not(_any(tests))


def _all(tests: Iterable[Test]) -> Test:
    tests = tuple(tests)
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _any(tests: Iterable[Test]) -> Test:
    tests = tuple(tests)
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _not(test: Test) -> Test:
    return lambda value: not test(value)


# --- the operators -------------------------------------------------------------------------------------------------


def _condition(operand: Any, place: _Place) -> Test:
    """Compile what a field shall be: an operator document, a regular expression, or a value it equals."""
    if isinstance(operand, dict) and operand and next(iter(operand)).startswith("$"):
        return _operators(operand, place)
    return place(_literal(operand), True)


def _operators(operators: Mapping[str, Any], place: _Place) -> Test:
    return _all(_operator(name, operators, place) for name in operators if name != "$options")


def _operator(name: str, operators: Mapping[str, Any], place: _Place) -> Test:
    operand = operators[name]
    if name not in _OPERATORS and name not in _COMPARISONS and name != "$regex":
        raise QueryError(f"there is no operator {name}")
    if name in _COMPARISONS:
        return place(_compared(name, operand), True)
    if name == "$regex":
        return place(_matched(*regex_operand(operand, operators.get("$options", ""))), True)
    return _OPERATORS[name](operand, place)


def _all_of(operands: list[Any], place: _Place) -> Test:
    if not operands:
        return lambda value: False
    return _all(_condition(each, place) for each in operands)


def _exists(operand: Any, place: _Place) -> Test:
    present = place(lambda value: value is not MISSING, False)
    return present if operand else _not(present)


def _modulo(operand: list[int], place: _Place) -> Test:
    divisor, remainder = map(int, operand)

    def test(value: Any) -> bool:
        dividend = _truncated(value)
        # The remainder has the sign of the dividend, as in C.
        return dividend is not None and abs(dividend) % abs(divisor) * (-1 if dividend < 0 else 1) == remainder

    return place(test, True)


def _truncated(value: Any) -> int | None:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        if not value.is_finite():
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    whole = int(value)
    return whole if -(2**63) <= whole < 2**63 else None


def _elem_match(operand: dict[str, Any], place: _Place) -> Test:
    first = next(iter(operand), "")
    if first.startswith("$") and first not in _LOGICAL and first != "$comment":
        element = _operators(operand, lambda test, expand: test)
        return place(lambda value: isinstance(value, ARRAYS) and any(map(element, value)), False)
    document = _query(operand)

    def test(value: Any) -> bool:
        if not isinstance(value, ARRAYS):
            return False
        # An array in an array is an object with the fields "0", "1", … here.
        return any(
            document(each) if isinstance(each, OBJECTS) else document({str(at): item for at, item in enumerate(each)})
            for each in value
            if isinstance(each, (*OBJECTS, *ARRAYS))
        )

    return place(test, False)


_OPERATORS: Final[dict[str, Callable[[Any, _Place], Test]]] = {
    "$eq": lambda operand, place: place(_equal(operand), True),
    "$ne": lambda operand, place: _not(place(_equal(operand), True)),
    "$in": lambda operand, place: place(_one_of(operand), True),
    "$nin": lambda operand, place: _not(place(_one_of(operand), True)),
    "$all": _all_of,
    "$not": lambda operand, place: _not(_condition(operand, place)),
    "$exists": _exists,
    "$type": lambda operand, place: place(_typed(operand), True),
    "$size": lambda operand, place: place(lambda value: isinstance(value, ARRAYS) and len(value) == operand, False),
    "$mod": _modulo,
    "$elemMatch": _elem_match,
}


# --- tests of one value --------------------------------------------------------------------------------------------


def _literal(operand: Any) -> Test:
    if isinstance(operand, re.Pattern | Regex):
        return _matched(*regex_operand(operand))
    return _equal(operand)


def _equal(operand: Any) -> Test:
    if operand is None:
        return lambda value: value is None or value is MISSING
    kind = type(operand)
    key = order_key(operand)

    def other(value: Any) -> bool:
        return value is not MISSING and order_key(value) == key

    if kind is str or kind is bool:
        return lambda value: value == operand if type(value) is kind else type(value) not in _PLAIN and other(value)
    if kind is int or (kind is float and operand == operand):
        numbers = (int, float)
        return lambda value: value == operand if type(value) in numbers else type(value) not in _PLAIN and other(value)
    return other


def _one_of(operands: list[Any]) -> Test:
    values = [each for each in operands if not isinstance(each, re.Pattern | Regex)]
    patterns = [_literal(each) for each in operands if isinstance(each, re.Pattern | Regex)]
    keys = {order_key(each) for each in values}
    texts = {str.__str__(each) for each in values if isinstance(each, str) and not isinstance(each, Code)}
    null = None in values

    def test(value: Any) -> bool:
        if type(value) is str:
            return value in texts
        return null if value is MISSING else order_key(value) in keys

    return _any([test, *patterns])


def _compared(name: str, operand: Any) -> Test:
    compare = _COMPARISONS[name]
    kind = type(operand)
    if kind is str:
        # Code points order like their UTF-8 bytes.
        general = _compared_keys(name, operand)
        return lambda value: compare(value, operand) if type(value) is str else general(value)
    if kind is int or kind is float:
        general = _compared_keys(name, operand)
        numbers = (int, float)
        return lambda value: (
            compare(value, operand) if type(value) in numbers and operand == operand else general(value)
        )
    if isinstance(operand, MinKey | MaxKey):
        return _compared_with_end(name, operand)
    return _compared_keys(name, operand)


def _compared_keys(name: str, operand: Any) -> Test:
    compare = _COMPARISONS[name]
    key = order_key(operand)
    bracket = key[0]
    or_equal = name in ("$gte", "$lte")
    null, number = key == order_key(None), bracket == _NAN_KEY[0]

    def test(value: Any) -> bool:
        if value is MISSING:
            return null and or_equal
        other = order_key(value)
        if other[0] != bracket:
            return False
        if number and (other == _NAN_KEY or key == _NAN_KEY):
            # NaN is equal to itself and otherwise compares with nothing.
            return or_equal and other == key
        return bool(compare(other, key))

    return test


def _compared_with_end(name: str, operand: MinKey | MaxKey) -> Test:
    """Compile the comparison with MinKey or MaxKey, which alone compare with values of every type, and with none."""
    outwards = name in (("$lt", "$lte") if isinstance(operand, MaxKey) else ("$gt", "$gte"))
    or_equal = name in ("$gte", "$lte")
    return lambda value: or_equal if isinstance(value, type(operand)) else outwards


def regex_operand(operand: Any, options: str = "") -> tuple[str, str]:
    """Take the pattern and the options, sorted, from a regular expression in a query."""
    if isinstance(operand, str):
        return operand, "".join(sorted(options))
    return operand.pattern, "".join(sorted({*regex_options(int(operand.flags)), *options}))


def _matched(pattern: str, options: str) -> Test:
    from elliptio.indexes.query.patterns import compile_pattern

    search = compile_pattern(pattern, options).searching()

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return not isinstance(value, Code) and search(value)
        return isinstance(value, re.Pattern | Regex) and regex_operand(value) == (pattern, options)

    return test


# --- types ---------------------------------------------------------------------------------------------------------

_TYPES: Final[tuple[tuple[Any, int], ...]] = (
    (bool, 8), (Int64, 18), (float, 1), (Code, 13), (str, 2), (OBJECTS, 3), (ARRAYS, 4), ((Binary, bytes), 5),
    (ObjectId, 7), ((datetime, DatetimeMS), 9), (type(None), 10), ((re.Pattern, Regex), 11), (Timestamp, 17),
    (Decimal128, 19), (MinKey, -1), (MaxKey, 127),
)  # fmt: skip


def type_code(value: Any) -> int:
    """Tell MongoDB's number for the type that a value is stored as; 0 for what is missing."""
    if isinstance(value, int) and not isinstance(value, bool | Int64):
        return 16 if -(2**31) <= value < 2**31 else 18
    for types, code in _TYPES:
        if isinstance(value, types):
            return 15 if code == 13 and value.scope is not None else code
    return 5 if type(value).__name__ == "UUID" else 0


def _typed(operand: Any) -> Test:
    wanted: set[int] = set()
    for each in operand if isinstance(operand, ARRAYS) else [operand]:
        wanted.update(TYPE_CODES[each] if isinstance(each, str) else (int(each),))
    return lambda value: type_code(value) in wanted
