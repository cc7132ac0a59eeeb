"""Encode values as plain data: whole, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elliptio.models.types.big import Taken
from elliptio.models.types.describing import label
from elliptio.models.types.encoders import Encoders
from elliptio.models.types.problems import Problem, unfit
from elliptio.models.types.schema import Schema
from elliptio.models.types.taking import Encode, Encoding


def encode(schema: Schema, value: Any) -> tuple[dict[str, Any], Taken]:
    """Encode an instance of the class of a schema.

    Returns
    -------
    tuple
        Its fields in plain JSON, and what they hold beside it.

    Raises
    ------
    UnfitValueError
        If anything does not fit its declared type or has no faithful form: all of it, by path. The error has the list
        as `problems`.

    """
    encoding = Encoding(schema, _encoder_of)
    try:
        fields = _encoder_of(schema)(value, encoding)
    except RecursionError:
        encoding.unfit("it nests deeper than Python allows here")
    if encoding.problems:
        raise unfit(encoding.problems, f"this {type(value).__qualname__}")
    if "$class" in fields:
        raise unfit([Problem("", f"it is a {label(fields['$class'])}, not exactly the class of the schema")], "it")
    return fields, Taken(encoding.classes, encoding.files)


def problems_of(schema: Schema, values: Mapping[str, Any]) -> list[Problem]:
    """List what does not fit among values of some fields of the class of a schema."""
    encoding, encoders = Encoding(schema, _encoder_of), Encoders(schema)
    for name, value in values.items():
        encoding.path[:] = [name]
        encoders.of(schema.classes[schema.root]["fields"][name])(value, encoding)
    return encoding.problems


def _encoder_of(schema: Schema) -> Encode:
    """Give the encoder of the class of a schema, compiled once."""
    if not schema.made:
        schema.made.append(Encoders(schema).of({"class": schema.root}))
    made: Encode = schema.made[0]
    return made
