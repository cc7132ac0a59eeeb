"""Name the stream that a value goes to: `IOVal` for one, `IOVals` for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

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
