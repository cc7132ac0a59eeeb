"""Narrow a query to SQL conditions over the rows of indexed paths.

The conditions only narrow: every document that matches the query satisfies them. Where they say exactly what the
query says, the caller need not look at the documents again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from elliptio.indexes.query.ordering import order_key, type_bracket
from elliptio.protocols import Query


class IndexedPath(NamedTuple):
    """Hold the number of a path in the index (None: no document has it), and whether some have an array there."""

    number: int | None
    multikey: bool | int


Range = tuple[str, Sequence[Any]]
"""SQL in which ``{}`` stands for what is compared, and its parameters."""

WHOLE: list[Range] = [("1", [])]
"""The ranges that hold all values."""

Lookup = Callable[[str], IndexedPath | None]
"""A function that tells how a dotted path is indexed; None: it is not."""


@dataclass
class Condition:
    """Ask for documents with a row of `path` in one of some `ranges`; or, with path None, with such an identifier.

    `times` are ranges for when the document was made: its rows are in that order. `single` if no document has an array
    at the path, and so none has a second row.
    """

    path: int | None
    ranges: list[Range]
    times: list[Range] = field(default_factory=list)
    single: bool = False

    def clause(self, row: str) -> tuple[str, list[Any]]:
        """Write SQL that holds for rows, of a table that `row` names, whose documents satisfy this."""
        members, parameters = self.members()
        if self.is_range:
            # Looking for one document in a range reads the range: do it once, for all of them.
            return f"{row}.document IN ({members})", parameters
        return f"EXISTS ({members} AND time = {row}.time AND document = {row}.document)", parameters

    @property
    def is_range(self) -> bool:
        """Tell whether this asks for more than single values."""
        return bool(self.times) or not all(sql.startswith(("{} = ", "{} IN ")) for sql, _ in self.ranges)

    @property
    def is_one_value(self) -> bool:
        """Tell whether all documents that satisfy this lie next to each other, in the order of their times."""
        return self.path is not None and len(self.ranges) == 1 and self.ranges[0][0] == "{} = ?"

    def members(self) -> tuple[str, list[Any]]:
        """Write SQL that selects the numbers of documents that satisfy this, not by identifier, and its parameters."""
        test, parameters = self.test()
        return f"SELECT document FROM keys WHERE {test}", parameters

    def test(self, row: str = "") -> tuple[str, list[Any]]:
        """Write SQL that holds for the rows that satisfy this, of a table that `row` names with a dot at its end."""
        if self.path is None:
            return either(f"{row}id", self.ranges)
        if self.ranges is WHOLE:
            return f"{row}path = ?", [self.path]
        test, parameters = either(f"{row}value", self.ranges)
        within, bounds = either(f"{row}time", self.times) if self.times else ("1", [])
        return f"{row}path = ? AND {test} AND {within}", [self.path, *parameters, *bounds]


def either(what: str, ranges: Sequence[Range]) -> tuple[str, list[Any]]:
    """Write SQL that holds where `what` lies in one of some ranges, and its parameters."""
    test = " OR ".join(sql.format(what, what) for sql, _ in ranges)
    return f"({test or '0'})", [value for _, values in ranges for value in values]


@dataclass
class Narrowing:
    """Hold conditions that all must hold; `exact` if they say all of the query; `empty` if nothing can match."""

    conditions: list[Condition] = field(default_factory=list)
    exact: bool = True
    empty: bool = False


_MAX_VALUES = 500
"""Values up to which ``$in`` becomes a condition; more are left to the predicate: SQLite limits parameters."""

_MAX_IDS = 20_000
"""The same for identifiers: each is looked up once, while documents that are in no index must all be decoded."""

_FEW_IDS = 1000
"""Identifiers up to which it is quicker to look at their documents than at all rows of a value that is asked besides.

Rows are in the order of times, so whether one document has a value is not seen in them at once.
"""

_MAX_CONDITIONS = 50
_MAX_PARAMETERS = 20_000
"""Bounds beyond which the predicate decides too: SQLite limits the depth of expressions, and parameters to 32,766."""

_SIGNS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

_SCALARS = (str, int, float, bool, datetime)

_TYPED: Mapping[str, Any] = {"number": 0, "string": "", "bool": False}
"""A value of each type that a condition may name and whose values are all in one bracket."""


def narrow(query: Query, lookup: Lookup) -> Narrowing:
    """Turn what an index can serve of `query` into conditions."""
    result = Narrowing()
    for key, operand in query.items():
        if key == "$and":
            for part in operand:
                inner = narrow(part, lookup)
                result.conditions += inner.conditions
                result.exact &= inner.exact
                result.empty |= inner.empty
        elif key == "$comment":
            continue
        elif key.startswith("$"):
            result.exact = False
        else:
            _narrow_path(key, operand, lookup, result)
    if len(result.conditions) > 1:
        _limit(result)
    return result


def _limit(result: Narrowing) -> None:
    """Keep the first conditions, as many as SQLite surely takes; beside few identifiers none."""
    for condition in result.conditions:
        by_identifier = condition.path is None and not condition.is_range
        if by_identifier and sum(len(values) for _, values in condition.ranges) <= _FEW_IDS:
            result.conditions, result.exact = [condition], False
            return
    kept: list[Condition] = []
    parameters = 0
    for condition in result.conditions[:_MAX_CONDITIONS]:
        parameters += 1 + sum(len(values) for _, values in condition.ranges)
        if parameters > _MAX_PARAMETERS:
            break
        kept.append(condition)
    result.exact &= len(kept) == len(result.conditions)
    result.conditions = kept


def _narrow_path(path: str, operand: Any, lookup: Lookup, result: Narrowing) -> None:
    if isinstance(operand, Mapping) and any(str(name).startswith("$") for name in operand):
        operators = dict(operand)
    else:
        operators = {"$eq": operand}
    if path == "_id":
        _narrow_id(operators, result)
        return
    indexed = lookup(path)
    if indexed is None:
        result.exact = False
        return
    bounds = []
    for operator, value in operators.items():
        ranges = _ranges(operator, value)
        if ranges is None:
            result.exact = False
            continue
        # Mongo compares each array element with each bound on its own, so bounds merge only where no array was met.
        bounds.append((operator, value, ranges))
    if indexed.number is None:
        result.empty |= bool(bounds)
        return
    if not indexed.multikey:
        bounds = _merge_bounds(bounds)
    result.conditions += [Condition(indexed.number, ranges, single=not indexed.multikey) for _, _, ranges in bounds]


Bound = tuple[str, Any, list[Range]]


def _merge_bounds(bounds: list[Bound]) -> list[Bound]:
    """Join one lower and one upper bound of the same type into one range."""
    lower = [bound for bound in bounds if bound[0] in ("$gt", "$gte")]
    upper = [bound for bound in bounds if bound[0] in ("$lt", "$lte")]
    if len(lower) != 1 or len(upper) != 1 or type_bracket(lower[0][1]) != type_bracket(upper[0][1]):
        return bounds
    merged = f"{{}} {_SIGNS[lower[0][0]]} ? AND {{}} {_SIGNS[upper[0][0]]} ?"
    keys = [order_key(lower[0][1]), order_key(upper[0][1])]
    rest = [bound for bound in bounds if bound not in (lower[0], upper[0])]
    return [*rest, ("range", None, [(merged, keys)])]


def _ranges(operator: str, value: Any) -> list[Range] | None:
    """Make ranges of keys that say exactly what ``{operator: value}`` says of an indexed path; None where none do."""
    if operator == "$eq" and isinstance(value, _SCALARS):
        return [("{} = ?", [order_key(value)])]
    if operator == "$in" and len(value) <= _MAX_VALUES and all(isinstance(item, _SCALARS) for item in value):
        marks = ", ".join("?" * len(value))
        return [(f"{{}} IN ({marks})", [order_key(item) for item in value])]
    if operator == "$type" and isinstance(value, str) and value in _TYPED:
        first = order_key(_TYPED[value])[:1]
        return [("{} >= ? AND {} < ?", [first, bytes([first[0] + 1])])]
    if operator in ("$gt", "$gte", "$lt", "$lte") and isinstance(value, _SCALARS) and value == value:
        key = order_key(value)
        # The first byte of a key is its type bracket: comparisons stay within it.
        lowest, beyond = key[:1], bytes([key[0] + 1])
        if operator in ("$gt", "$gte"):
            return [(f"{{}} {_SIGNS[operator]} ? AND {{}} < ?", [key, beyond])]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # NaN sorts below all numbers, but is not less than any.
            return [(f"{{}} > ? AND {{}} {_SIGNS[operator]} ?", [order_key(math.nan), key])]
        return [(f"{{}} >= ? AND {{}} {_SIGNS[operator]} ?", [lowest, key])]
    return None


def _narrow_id(operators: Mapping[str, Any], result: Narrowing) -> None:
    for operator, value in operators.items():
        if operator in _SIGNS and isinstance(value, str):
            result.conditions.append(Condition(None, [(f"{{}} {_SIGNS[operator]} ?", [value])]))
        elif operator == "$in" and len(value) <= _MAX_IDS and all(isinstance(item, str) for item in value):
            result.conditions.append(Condition(None, [(f"{{}} IN ({', '.join('?' * len(value))})", list(value))]))
        else:
            result.exact = False
