"""Take classes that were written for SQLAlchemy: ``Mapped[int]`` is int, what it says of a column is a default."""

from __future__ import annotations

import dataclasses
import re
import typing
from typing import Any

from elliptio.models.types.hints import own_annotations

_MAPPED = re.compile(r"(?:\w+\.)*Mapped\[(.*)\]", re.DOTALL)


def without_columns(cls: type) -> None:
    """Put plain defaults in the place of the columns of a class: ``mapped_column(default=None)`` becomes None."""
    for name, hint in own_annotations(cls).items():
        unwrapped = _unwrapped(hint)
        if unwrapped is not hint:
            cls.__annotations__[name] = unwrapped
        column = cls.__dict__.get(name)
        if type(column).__module__.partition(".")[0] == "sqlalchemy":
            default = _default_of(column)
            if default is dataclasses.MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, default)


def _unwrapped(hint: Any) -> Any:
    if isinstance(hint, str):
        mapped = _MAPPED.fullmatch(hint.strip())
        return mapped[1] if mapped else hint
    origin = typing.get_origin(hint)
    of_sqlalchemy = getattr(origin, "__name__", "") == "Mapped" and origin.__module__.startswith("sqlalchemy")
    return typing.get_args(hint)[0] if of_sqlalchemy else hint


def _default_of(mapped: Any) -> Any:
    column = getattr(mapped, "column", mapped)
    options = getattr(mapped, "_attribute_options", None)
    of_column = getattr(getattr(column, "default", None), "arg", None)
    for given in (getattr(options, "dataclasses_default", None), of_column):
        if isinstance(given, bool | int | float | str):
            return given
        if callable(given):
            return dataclasses.field(default_factory=_called(given))
    factory = getattr(options, "dataclasses_default_factory", None)
    if callable(factory):
        return dataclasses.field(default_factory=factory)
    return None if getattr(column, "nullable", False) else dataclasses.MISSING


def _called(given: Any) -> Any:
    """Make a factory of what SQLAlchemy calls with a context."""

    def factory() -> Any:
        try:
            return given()
        except TypeError:
            return given(None)

    return factory
