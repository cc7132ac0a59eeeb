"""Serialize plain values as JSON."""

from __future__ import annotations

from typing import Any

from elliptio.formats.plain import MAX_DEPTH
from elliptio.models.serializer.packing import FormatSerializer

__all__ = ["json_serializer", "json_sorted_serializer"]

_TYPES = tuple(f"builtins.{name}" for name in ("dict", "list", "tuple", "str", "int", "float", "bool", "NoneType"))


class _Sorted(FormatSerializer):
    """JSON with the keys of each dict in order, so that equal values are equal bytes."""

    def prepare(self, value: Any) -> Any:
        """Return a value with sorted keys."""
        return _sorted(value, 0)


def _sorted(value: Any, depth: int) -> Any:
    kind = type(value)
    if depth > MAX_DEPTH:  # the format refuses it
        return value
    if kind is dict and all(type(key) is str for key in value):
        return {key: _sorted(value[key], depth + 1) for key in sorted(value)}
    if kind is list or kind is tuple:
        return kind(_sorted(item, depth + 1) for item in value)
    return value


json_serializer = FormatSerializer("elliptio-json", "json", _TYPES, indent=None)
"""JSON; tuples, NaN and numbers of numpy come back as well."""

json_sorted_serializer = _Sorted("elliptio-json-sorted", "json", _TYPES, indent=None)
"""JSON whose keys are sorted: what comes back is equal, in this order."""
