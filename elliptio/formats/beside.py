"""Describe what plain files have no place for, to keep it beside them: tuples, NaN, infinities, numpy's numbers.

The description is as small as the value is regular: items of a list that are all described alike are described once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from elliptio.errors import ValueRefusedError
from elliptio.formats.plain import MAX_DEPTH

MOST = 100_000
"""Characters of a description: it is recorded in the artifact's document."""

_PLAIN, _FLOAT, _MAYBE = "", "float", "float?"
"""Descriptions of what JSON says by itself, of a float that it cannot say, and of one that may stand among such."""

_NUMPY = frozenset({"bool", "str", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))}) | {
    "float16", "float32", "float64",
}  # fmt: skip

Types = Any
"""A description: None, the name of a type, or a dict with ``tuple``, ``each``, ``items`` or ``keys``."""


class _Items(list[Any]):
    """Descriptions of the items of a list, one by one."""


class _Each:
    """One description of all items of a list."""

    def __init__(self, of: Any) -> None:
        self.of = of


class _Tuple:
    """The description of a list that is a tuple."""

    def __init__(self, items: Any) -> None:
        self.items = items


def describe(value: Any, *, nan: bool = False) -> tuple[Any, Types]:
    """Turn a value into a plain one, and describe what `restore` needs to make it again.

    NaN becomes null, as other programs write it, infinities the texts ``Infinity`` and ``-Infinity``, unless the file
    can say `nan`. What is of yet another class stays what it is, for others to refuse.

    Raises
    ------
    ValueRefusedError
        If it nests too deep, or there is too much to describe.

    """
    plain, found = _taken_apart(value, 0, nan)
    types = _shown(found)
    if types is not None and len(json.dumps(types)) > MOST:
        raise ValueRefusedError(
            "value holds tuples, NaN or numbers of numpy in too many places of too many kinds: use lists and .item(), "
            "save arrays as .npy, tables as .parquet, or save it with format='pickle'."
        )
    return plain, types


def restore(plain: Any, types: Types) -> Any:
    """Make a value again from a plain one and its description."""
    if types is None:
        return plain
    if isinstance(types, str):
        return _scalar(plain, types)
    if "keys" in types:
        known = dict(types["keys"])
        return {key: restore(item, known.get(key)) for key, item in plain.items()}
    each, of = types.get("each"), dict(types.get("items", ()))
    items = [restore(item, of.get(place, each)) for place, item in enumerate(plain)]
    return tuple(items) if types.get("tuple") else items


def _scalar(plain: Any, name: str) -> Any:
    number = math.nan if plain is None else plain
    if name == _FLOAT:
        return float(number)
    import numpy as np

    if name not in _NUMPY:
        raise ValueError(f"{name!r} is no type of a number")
    return np.str_(number) if name == "str" else np.dtype(name).type(number)


def _taken_apart(value: Any, depth: int, nan: bool) -> tuple[Any, Any]:
    """Return a plain value, and its description with what is plain in it."""
    kind = type(value)
    if depth > MAX_DEPTH:
        raise ValueRefusedError(f"value nests deeper than {MAX_DEPTH} levels (or holds itself).")
    if kind is float:
        return (value, _MAYBE) if nan or math.isfinite(value) else (_odd(value), _FLOAT)
    if kind is dict:
        parts = {key: _taken_apart(item, depth + 1, nan) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, {key: found for key, (_, found) in parts.items()}
    if kind is list or kind is tuple:
        pairs = [_taken_apart(item, depth + 1, nan) for item in value]
        items = _alike([found for _, found in pairs])
        return [part for part, _ in pairs], _Tuple(items) if kind is tuple else items
    if kind.__module__ == "numpy" and kind.__name__ != "ndarray" and hasattr(value, "dtype"):
        name = "str" if isinstance(value, str) else value.dtype.name
        if name in _NUMPY:
            item = value.item()
            return item if nan or not isinstance(item, float) or math.isfinite(item) else _odd(item), name
    return value, _PLAIN


def _odd(number: float) -> str | None:
    return None if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _alike(found: Sequence[Any]) -> _Each | _Items:
    merged = found[0] if found else _PLAIN
    try:
        for one in found[1:]:
            merged = _merged(merged, one)
    except ValueError:
        return _Items(found)
    return _Each(merged)


def _merged(one: Any, other: Any) -> Any:
    """Describe two values by one description; a ValueError where there is none."""
    if isinstance(one, dict) and isinstance(other, dict):
        # What only one of them holds cannot contradict the other.
        return {**one, **other, **{key: _merged(one[key], other[key]) for key in one.keys() & other.keys()}}
    if isinstance(one, _Tuple) and isinstance(other, _Tuple):
        return _Tuple(_merged(one.items, other.items))
    if isinstance(one, _Items) and isinstance(other, _Items):
        return _Items(_merged(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, _Each) and isinstance(other, _Each):
        return _Each(_merged(one.of, other.of))
    if isinstance(one, str) and isinstance(other, str):
        if one == other:
            return one
        if {one, other} == {_FLOAT, _MAYBE}:
            return _FLOAT
    raise ValueError


def _shown(found: Any) -> Types:
    """Leave out what is plain."""
    if isinstance(found, str):
        return None if found in (_PLAIN, _MAYBE) else found
    if isinstance(found, dict):
        # Only a text can be recorded: what hangs on another key would come back changed, and is refused then.
        return _if_any(
            "keys",
            [[key, types] for key, one in found.items() if type(key) is str and (types := _shown(one)) is not None],
        )
    if isinstance(found, _Tuple):
        return {"tuple": True, **(_shown(found.items) or {})}
    if isinstance(found, _Each):
        return _if_any("each", _shown(found.of))
    return _if_any("items", [[place, types] for place, one in enumerate(found) if (types := _shown(one)) is not None])


def _if_any(name: str, types: Any) -> Types:
    return {name: types} if types else None
