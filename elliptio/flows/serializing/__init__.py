"""Turn values into bytes that other processes turn back into the same values, and sign them."""

from __future__ import annotations

from typing import Any

from elliptio.flows.errors import UnserializableValueError
from elliptio.flows.serializing.exact import pack
from elliptio.flows.serializing.serializer import Serializer

__all__ = ["Serializer", "same"]


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same: by their bytes, or where they have none, by themselves."""
    try:
        return pack(one) == pack(other)
    except UnserializableValueError:
        return one is other or bool(one == other)
