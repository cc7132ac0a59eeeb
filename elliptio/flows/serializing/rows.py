"""Write named tuples, as rows of tables often are: by the names of their fields, and who made their class."""

from __future__ import annotations

import sys
from collections import namedtuple
from functools import lru_cache
from typing import Any

ROW = 24
"""Code of a named tuple."""


def is_row(value: Any) -> bool:
    """Tell whether a value is a named tuple."""
    return isinstance(value, tuple) and isinstance(getattr(value, "_fields", None), tuple)


def name_of_row(value: Any) -> list[Any]:
    """Say which class of named tuples a value is of.

    Raises
    ------
    ValueError
        If it would not come back the same.

    """
    kind = type(value)
    made = class_of(kind.__module__, kind.__qualname__, list(kind._fields))
    more = [name for name in vars(kind) if name not in vars(made) and not name.startswith("__")]
    if made is not kind and (kind.__bases__ != (tuple,) or more):
        raise ValueError("has a class with methods that is not found by its name: define it at the top of a module")
    if getattr(value, "__dict__", None):
        raise ValueError("has more than its fields")
    return [kind.__module__, kind.__qualname__, list(kind._fields)]


def to_row(plain: Any) -> Any:
    """Make the named tuple again."""
    module, name, fields, values = plain
    if len(fields) != len(values):
        raise ValueError("it has another number of values than of fields")
    return tuple.__new__(class_of(module, name, fields), values)


def class_of(module: str, name: str, fields: list[str]) -> type[Any]:
    """Find the class where it is loaded already, else make one of that name: nothing is imported."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, tuple) and getattr(found, "_fields", None) == tuple(fields):
        return found
    return _made(name.rpartition(".")[2], tuple(fields))


@lru_cache(maxsize=100)
def _made(name: str, fields: tuple[str, ...]) -> type[Any]:
    made: type[Any] = namedtuple(name, fields, rename=True)  # type: ignore[misc]
    if made._fields != fields:
        raise ValueError(f"{fields!r} are no names of fields")
    return made
