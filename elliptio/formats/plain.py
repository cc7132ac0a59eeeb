"""Check plain values: what JSON says by itself, and whether two are the same to the last type."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from elliptio.errors import ValueRefusedError

MAX_DEPTH = 200
"""Levels that a value may nest: parsers give up at about 1,000, and a value that holds itself has no end."""


def check_json(value: Any, where: str = "value") -> None:
    """Refuse what JSON would change, or cannot say.

    Raises
    ------
    ValueRefusedError
        If there is anything but dicts with keys of text, lists, texts, numbers, booleans and None.

    """
    for place, item, depth in _walk(value, where, 0):
        _check_one(item, place, depth)


def _check_one(item: Any, place: str, depth: int) -> None:
    kind = type(item)
    if depth > MAX_DEPTH:
        raise ValueRefusedError(f"{place[:80]}… nests deeper than {MAX_DEPTH} levels (or holds itself).")
    if kind is float:
        if not math.isfinite(item):
            raise ValueRefusedError(f"{place} is {item}, which JSON cannot say: use None, or save it as .yaml.")
    elif kind is str:
        check_text(item, place)
    elif kind is dict:
        for key in item:
            if type(key) is not str:
                raise ValueRefusedError(
                    f"{place} has the key {key!r} of type {name_of(key)}, and JSON would make a text of it: "
                    "use str(key), or save it as .yaml."
                )
            check_text(key, f"the key {key!r} of {place}")
    elif kind is not list and kind is not bool and kind is not int and item is not None:
        raise ValueRefusedError(f"{place} is of type {name_of(item)}, which JSON would change: {_instead(item)}.")


def check_text(text: str, where: str) -> None:
    """Refuse a text that has no UTF-8.

    Raises
    ------
    ValueRefusedError
        If it holds a lone surrogate.

    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueRefusedError(f"{where} holds a lone surrogate, which is not valid UTF-8: encode it.") from None


def name_of(value: Any) -> str:
    """Name the class of a value as users import it, wherever the library keeps it in this version."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    package = kind.__module__.partition(".")[0]
    if getattr(sys.modules.get(package), kind.__qualname__, None) is kind:
        return f"{package}.{kind.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _instead(item: Any) -> str:
    """Say what to do with a value that JSON does not have."""
    if type(item).__module__ == "numpy":
        return "use .item() of a number, .tolist() of an array, or save an array as .npy"
    for kinds, says in (
        ((tuple,), "use a list"),
        ((set, frozenset), "use sorted(…)"),
        (str | int | float, "use the plain type"),
        ((bytes, bytearray), "save it as .yaml, or as a file .bin"),
        ((dict,), "use dict(…)"),
    ):
        if isinstance(item, kinds):
            return says
    return "save it as .yaml if it is a date, as a text, or with format='pickle'"


def _walk(value: Any, where: str, depth: int) -> Iterator[tuple[str, Any, int]]:
    yield where, value, depth
    if type(value) is dict:
        for key, item in value.items():
            yield from _walk(item, f"{where}[{key!r}]", depth + 1)
    elif type(value) is list:
        for number, item in enumerate(value):
            # Long lists of plain numbers are common: each is looked at here, without a generator of its own.
            if type(item) is int or type(item) is bool or item is None:
                continue
            yield from _walk(item, f"{where}[{number}]", depth + 1)


def difference(value: Any, other: Any, where: str = "value", depth: int = 0) -> str | None:
    """Say where two plain values differ, in value or type; None where they are the same."""
    if depth > MAX_DEPTH:
        return f"{where[:80]}… nests deeper than {MAX_DEPTH} levels (or holds itself)"
    if type(value) is not type(other):
        return f"{where} is of type {name_of(value)}, and would come back as {name_of(other)}"
    if isinstance(value, dict):
        return _difference_of_dicts(value, other, where, depth)
    if isinstance(value, list | tuple):
        if len(value) != len(other):
            return f"{where} would come back with {len(other):,} items instead of {len(value):,}"
        pairs = zip(value, other, strict=True)
        parts = (difference(a, b, f"{where}[{number}]", depth + 1) for number, (a, b) in enumerate(pairs))
        return next(filter(None, parts), None)
    if isinstance(value, set | frozenset):
        return None if _typed(value) == _typed(other) else f"{where} would come back as another set"
    return None if same_scalar(value, other) else f"{where} is {value!r}, and would come back as {other!r}"


def _difference_of_dicts(value: dict[Any, Any], other: dict[Any, Any], where: str, depth: int) -> str | None:
    if len(value) != len(other):
        return f"{where} would come back with {len(other):,} keys instead of {len(value):,}"
    for (key, item), (other_key, other_item) in zip(value.items(), other.items(), strict=True):
        # The order counts too: whoever goes through it sees it.
        found = difference(key, other_key, f"the key {key!r} of {where}", depth + 1)
        found = found or difference(item, other_item, f"{where}[{key!r}]", depth + 1)
        if found:
            return found
    return None


def same_scalar(value: Any, other: Any) -> bool:
    """Tell whether two values of one type are the same: NaN is NaN, -0.0 is not 0.0, and a time keeps its zone."""
    if value is other:
        return True
    # A number that is a text to the last digit, and a time its zone.
    exact = isinstance(value, float | Decimal) or hasattr(value, "tzinfo") or hasattr(value, "dtype")
    return repr(value) == repr(other) if exact else bool(value == other)


def _typed(values: Collection[Any]) -> set[tuple[type, Any]]:
    return {(type(value), value) for value in values}
