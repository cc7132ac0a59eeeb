"""Name the stream that a value goes to: `IOVal` for one, `IOVals` for many at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from elliptio.flows.errors import MismatchedIOError

T = TypeVar("T")


class IOVal(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One value for a stream, by keyword.

    Examples
    --------
    >>> from elliptio.flows import IOVal
    >>> IOVal(name="bar", value=8)
    IOVal(name='bar', value=8)

    """

    name: str
    value: T


class IOVals(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Many values for a stream at once, in their order: less work for each of them than one `IOVal` a value.

    Examples
    --------
    >>> from elliptio.flows import IOVals
    >>> IOVals(name="bar", values=[1, 2, 3]).values
    [1, 2, 3]

    """

    name: str
    values: Sequence[T]


Item = IOVal[Any] | IOVals[Any]
"""A value or values for a stream that they name."""


def values_of(item: Item) -> list[Any]:
    """List the values of one.

    Raises
    ------
    MismatchedIOError
        If its ``values`` are none.

    """
    if isinstance(item, IOVal):
        return [item.value]
    if isinstance(item.values, str | bytes) or not isinstance(item.values, Iterable):
        raise MismatchedIOError(
            f"The values of IOVals(name={item.name!r}, …) must be a list, not of type {type(item.values).__name__}. "
            "For one value there is IOVal(name=…, value=…)."
        )
    return list(item.values)


def size_of(value: Any) -> int:
    """Tell about how many bytes of memory a value takes: of a container, without what it holds."""
    size = getattr(value, "nbytes", None)
    return size if isinstance(size, int) else sys.getsizeof(value)
