"""Turn what is asked of fields into the form that documents have them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from elliptio.finding.meaning import is_operators
from elliptio.models.types import asked_value

_NO_VALUES = frozenset({"$exists", "$size", "$type", "$regex", "$options", "$mod"})
"""Operators that take no values of the field."""
_ENDS: dict[str, tuple[tuple[str, str], ...]] = {
    "$eq": (("min", "$lte"), ("max", "$gte")),
    "$gt": (("max", "$gt"),),
    "$gte": (("max", "$gte"),),
    "$lt": (("min", "$lt"),),
    "$lte": (("min", "$lte"),),
}
"""Say what the ends of a long list satisfy if one of its elements satisfies a condition."""


def said(description: Any, classes: Mapping[str, Any], operand: Any) -> Any:
    """Turn the values of a condition into the form that is stored for queries, its operators apart."""
    if not is_operators(operand):
        value = asked_value(description, classes, operand)
        # A dict is a value here, and equal to what has exactly these fields.
        return {"$eq": value} if isinstance(value, Mapping) else value
    return {
        name: value if name in _NO_VALUES else _part(name, description, classes, value)
        for name, value in operand.items()
    }


def _part(name: str, description: Any, classes: Mapping[str, Any], value: Any) -> Any:
    if name == "$not" and isinstance(value, Mapping):
        return said(description, classes, value) if is_operators(value) else value
    if name == "$elemMatch" and isinstance(value, Mapping):
        return said(description, classes, value) if _is_of_values(value) else _of_elements(description, classes, value)
    return asked_value(description, classes, value)


def _is_of_values(query: Mapping[str, Any]) -> bool:
    return is_operators(query) and not any(name in ("$and", "$or", "$nor") for name in query)


def _of_elements(description: Any, classes: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the values of a query over the fields of elements."""
    found: dict[str, Any] = {}
    for name, operand in query.items():
        if name in ("$and", "$or", "$nor") and isinstance(operand, list | tuple):
            parts = [part for part in operand if isinstance(part, Mapping)]
            found[name] = [_of_elements(description, classes, part) for part in parts] or operand
        elif isinstance(name, str) and not name.startswith("$"):
            found[name] = said(description_at(description, classes, name.split(".")), classes, operand)
        else:
            found[name] = operand
    return found


def description_at(description: Any, classes: Mapping[str, Any], parts: Sequence[str]) -> Any:
    """Follow a path to the description of what it leads to; where it cannot be followed, the last that is known."""
    for part in parts:
        inner = _inner(classes, description, part)
        if inner is None:
            return description
        description = inner
    return description


def _inner(classes: Mapping[str, Any], description: Any, part: str) -> Any:
    if isinstance(description, Mapping):
        what, of = next(iter(description.items()))
        if what == "class":
            return classes.get(of, {}).get("fields", {}).get(part)
        if what in ("list", "set", "frozenset", "tuple*"):
            return of if part.isdigit() else _inner(classes, of, part)
        if what == "dict":
            return of[1]
        if what in ("union", "tuple"):
            return next((inner for one in of if (inner := _inner(classes, one, part)) is not None), None)
    return None


def within_ends(path: str, rest: str, operand: Any) -> dict[str, Any]:
    """Say what a document whose `path` is a long list satisfies, if one of its elements satisfies a condition.

    Parameters
    ----------
    path
        Of the list.
    rest
        Path in its elements; "" for themselves.
    operand
        The condition.

    """
    operators = operand if is_operators(operand) else {"$eq": operand}
    found: list[dict[str, Any]] = []
    for name, value in operators.items():
        if type(value) not in (int, float, str, datetime) or value != value:
            continue
        for end, operator in _ENDS.get(name, ()):
            at = ".".join([path, end, *([rest] if rest else [])])
            found.append({"$or": [{at: {operator: value}}, {at: {"$exists": False}}]})
    return {"$and": found} if found else {}
