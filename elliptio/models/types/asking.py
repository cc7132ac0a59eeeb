"""Say values as queries see them: numbers, texts, aware datetimes, lists and sub-documents by field.

| value | asked as |
|---|---|
| bool, int, float, str, None | themselves; an int beyond 64 bits as a float, so that ranges are right |
| Decimal | a number of BSON with all its digits, up to 34; beyond, and for exponents that BSON lacks, a float |
| datetime | if aware, in UTC; if naive, its ISO text, like date and time |
| timedelta | seconds |
| Enum | its name; its value if it is a number or a text by itself (IntEnum, StrEnum, IntFlag) |
| Path, UUID, bytes | text; bytes in base64, up to 64 KB |
| complex | ``{"real", "imag"}`` |
| set, frozenset, tuple | a list |
| dict | a sub-document; where keys are no names of fields, a list of ``{"key", "value"}`` |
| objects | a sub-document by field |
| big values | nothing |
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from elliptio.models.errors import FieldTypeError
from elliptio.models.types import big, kinds, scalars
from elliptio.models.types.schema import Schema, schema_of
from elliptio.models.types.unions import classes_of

LONG = 1_000
"""Elements that a field's lists and dicts may have in all in a document. Where there are more, a list or dict is asked
as ``{"count", "min", "max"}``: of its elements if they are plain, of each plain field if they are objects."""
_DEEP = 40
"""Levels in a document; MongoDB has 100, and what is around it needs some."""
_LEFT_OUT: Any = object()
_LISTS = ("list", "tuple*", "set", "frozenset")


class _TooLongError(Exception):
    pass


def asked(schema: Schema, value: Any, *, most: int = LONG, long: list[str] | None = None) -> dict[str, Any]:
    """Say the fields of an object as queries see them.

    Parameters
    ----------
    schema
        That of its class.
    value
        The object, which `encode` has taken: what does not fit is left out here.
    most
        Elements that a field may have.
    long
        Gets the names of fields that have more.

    """
    found = {}
    for name, description in schema.classes[schema.root]["fields"].items():
        part = _part(value, name)
        if part is _LEFT_OUT:
            continue
        try:
            form = _Asking(schema, most).form(description, part, 0)
        except _TooLongError:
            if long is not None:
                long.append(name)
            form = _Asking(schema, None).form(description, part, 0)
        if form is not _LEFT_OUT:
            found[name] = form
    return found


def _part(value: Any, name: str) -> Any:
    return value.get(name, _LEFT_OUT) if isinstance(value, dict) else getattr(value, name, _LEFT_OUT)


class _Asking:
    """Say the parts of one field; with no limit, long ones are summed up."""

    def __init__(self, schema: Schema, limit: int | None) -> None:
        self.schema, self.limit = schema, limit

    def form(self, description: Any, value: Any, depth: int) -> Any:
        if depth > _DEEP:
            return _LEFT_OUT
        if not isinstance(description, dict):
            return self.any(value, depth)
        if "file" in description:
            return _LEFT_OUT
        what, of = next(iter(description.items()))
        if what == "union":
            return self._union(of, value, depth)
        if what == "class":
            return self._object(self.schema, of, value, depth)
        if what == "dict" and isinstance(value, dict):
            return self._dict(value, of[1], depth)
        if what == "tuple" and isinstance(value, tuple) and len(of) == len(value):
            return self._list(value, of, depth)
        if what in _LISTS and isinstance(value, list | tuple | set | frozenset):
            return self._list(value, of, depth)
        return self.any(value, depth)

    def any(self, value: Any, depth: int) -> Any:
        if depth > _DEEP:
            return _LEFT_OUT
        cls = type(value)
        if cls in scalars.NAMES:
            return scalar_form(value)
        if kinds.kind_of(cls) is not None and not isinstance(value, enum.Enum):
            try:
                schema = schema_of(cls)
            except FieldTypeError:
                return _LEFT_OUT
            return _Asking.under(self, schema)._object(schema, schema.root, value, depth)
        if isinstance(value, dict):
            return self._dict(value, "any", depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._list(value, "any", depth)
        return scalar_form(value)

    def under(self, schema: Schema) -> _Asking:
        """Go on by the schema of another class, with what is left of the limit."""
        other = _Asking(schema, self.limit)
        other.count = self.count  # type: ignore[method-assign]
        return other

    def count(self, number: int) -> None:
        if self.limit is not None:
            self.limit -= number
            if self.limit < 0:
                raise _TooLongError

    def _union(self, of: list[Any], value: Any, depth: int) -> Any:
        for each in of:
            if type(value) in classes_of(each, self.schema):
                return self.form(each, value, depth)
        if any(isinstance(each, dict) and "file" in each for each in of):
            return None if value is None else _LEFT_OUT
        return self.any(value, depth)

    def _object(self, schema: Schema, key: str, value: Any, depth: int) -> Any:
        entry = schema.classes[key]
        if entry["kind"] == "alias":
            return self.form(entry["is"], value, depth)
        cls = schema.bound[key]
        if "fields" not in entry or (type(value) is not cls and entry["kind"] != "typeddict"):
            return self.any(value, depth)
        found = {}
        for name, each in entry["fields"].items():
            part = _part(value, name)
            form = part if part is _LEFT_OUT else self.form(each, part, depth + 1)
            if form is not _LEFT_OUT:
                found[name] = form
        return found

    def _list(self, value: Any, of: Any, depth: int) -> Any:
        if self.limit is None:
            return _summary(value, of, self)
        self.count(len(value))
        each_of = of if isinstance(of, list) else [of] * len(value)
        forms = [self.form(one, each, depth + 1) for one, each in zip(each_of, value, strict=True)]
        forms = [each for each in forms if each is not _LEFT_OUT]
        if value and not forms:
            return _LEFT_OUT
        return sorted(forms, key=repr) if isinstance(value, set | frozenset) else forms

    def _dict(self, value: dict[Any, Any], of: Any, depth: int) -> Any:
        if self.limit is None:
            return _summary(list(value.values()), of, self)
        self.count(len(value))
        pairs = [(key, self.form(of, each, depth + 1)) for key, each in value.items()]
        pairs = [(key, each) for key, each in pairs if each is not _LEFT_OUT]
        if value and not pairs:
            return _LEFT_OUT
        if all(map(_is_name, value)):
            return dict(pairs)
        return [{"key": self.any(key, depth + 1), "value": each} for key, each in pairs]


def _is_name(key: Any) -> bool:
    return type(key) is str and key.isprintable() and bool(key) and "." not in key and not key.startswith("$")


def scalar_form(value: Any) -> Any:
    """Say a scalar as queries see it; what is none is left out."""
    cls = type(value)
    if value is None or cls is bool or cls is float or (cls is str and value.isascii()):
        return value
    if cls is int:
        return _int(value)
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    if scalars.is_numpy(value):
        return (
            scalar_form(value.item()) if value.dtype.kind in "biufcUS" else _LEFT_OUT if value != value else str(value)
        )
    return _LEFT_OUT


def _int(value: int) -> Any:
    if -(2**63) <= value < 2**63:
        return int.__pos__(value)
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: str) -> str:
    # What UTF-8 lacks is shown as it is escaped.
    return str.__str__(value).encode("utf-8", "backslashreplace").decode()


def _enum(value: enum.Enum) -> Any:
    if isinstance(value, int | float | str):
        return scalar_form(value.value)
    return value.name if value.name is not None else str(value.value)


def _decimal(value: Decimal) -> Any:
    import decimal

    from bson import Decimal128
    from bson.decimal128 import create_decimal128_context

    if value.is_nan():
        return float("nan")
    with decimal.localcontext(create_decimal128_context()) as context:
        context.traps[decimal.Inexact] = True
        try:
            return Decimal128(context.create_decimal(value))
        except (decimal.DecimalException, ValueError, TypeError):
            return float(value)


def _datetime(value: datetime) -> Any:
    if value.utcoffset() is None:
        return value.isoformat()
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value.isoformat()


_FORMS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (enum.Enum, _enum),
    (bool, bool),
    (int, _int),
    (float, float),
    (str, _text),
    (datetime, _datetime),
    (date | time, lambda value: value.isoformat()),
    (timedelta, timedelta.total_seconds),
    (Decimal, _decimal),
    (PurePath, lambda value: _text(str(value))),
    (UUID, str),
    (bytes, lambda value: base64.b64encode(value).decode() if len(value) <= big.LARGE else _LEFT_OUT),
    (complex, lambda value: {"real": value.real, "imag": value.imag}),
)


def _summary(items: Iterable[Any], of: Any, at: _Asking) -> dict[str, Any]:
    """Sum up a long list: how many, and from where to where each plain field goes."""
    values = list(items)
    found: dict[str, Any] = {"count": len(values)}
    columns: dict[str, list[Any]] = {}
    fields: dict[type, list[str]] = {}
    for cls in set(map(type, values)):
        fields[cls] = _fields(cls, of, at) if kinds.kind_of(cls) not in (None, "enum") else []
    if any(fields.values()):
        for name in dict.fromkeys(name for names in fields.values() for name in names):
            columns[name] = [getattr(each, name, None) for each in values if name in fields[type(each)]]
        ranges = {name: _range(column) for name, column in columns.items()}
        known = {name: pair for name, pair in ranges.items() if pair is not None}
        if known:
            found["min"] = {name: pair[0] for name, pair in known.items()}
            found["max"] = {name: pair[1] for name, pair in known.items()}
        return found
    pair = _range(values)
    return found if pair is None else {**found, "min": pair[0], "max": pair[1]}


def _fields(cls: type, of: Any, at: _Asking) -> list[str]:
    """Name the fields of objects in a list whose values are plain, as their class declares them."""
    known = [key for key, each in at.schema.bound.items() if each is cls]
    try:
        schema, key = (at.schema, known[0]) if known else ((found := schema_of(cls)), found.root)
    except FieldTypeError:
        return []
    described = schema.classes[key].get("fields", {})
    return [name for name, each in described.items() if not (isinstance(each, dict) and "file" in each)]


def _range(column: list[Any]) -> tuple[Any, Any] | None:
    """Give the least and the greatest of values that can be compared; None where they cannot."""
    types = set(map(type, column)) - {type(None)}
    if not types <= {int, float}:
        column = [scalar_form(each) for each in column]
        types = set(map(type, column)) - {type(None)}
    numbers = types <= {int, float}
    if not types or not (numbers or (len(types) == 1 and types <= {str, datetime})):
        return None
    values = [each for each in column if each is not None and each == each]
    if not values:
        return None
    low, high = min(values), max(values)
    return (scalar_form(low), scalar_form(high)) if numbers else (low, high)


def asked_value(description: Any, classes: Mapping[str, Any], value: Any) -> Any:
    """Say a value of a query as `asked` says those of the field.

    Parameters
    ----------
    description
        That of the field.
    classes
        The table that it belongs to.
    value
        What is compared with it: of the field's type, or in plain form, such as the name or the value of a member.

    """
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        return [asked_value(description, classes, each) for each in value]
    if isinstance(value, str | int | float) and not isinstance(value, enum.Enum):
        for entry in _enums(description, classes, set()):
            found = _member_form(entry, value)
            if found is not _LEFT_OUT:
                return found
    form = _Asking(_NO_SCHEMA, LONG).any(value, 0)
    return value if form is _LEFT_OUT else form


_NO_SCHEMA = Schema("", {}, {}, "", {})


def _member_form(entry: Mapping[str, Any], value: Any) -> Any:
    members: Mapping[str, Any] = entry["members"]
    for name, each in members.items():
        named = type(value) is str and name == value
        if named or ("value" in each and type(each["value"]) is type(value) and each["value"] == value):
            return each["value"] if entry.get("plain") else name
    return _LEFT_OUT


def _enums(description: Any, classes: Mapping[str, Any], seen: set[str]) -> Iterable[Mapping[str, Any]]:
    """Find the Enums that the values of a description may be members of, also in its lists."""
    if isinstance(description, list):
        for each in description:
            yield from _enums(each, classes, seen)
    elif isinstance(description, dict):
        key = description.get("class")
        if isinstance(key, str) and key not in seen and key in classes:
            seen.add(key)
            if classes[key]["kind"] == "enum":
                yield classes[key]
            elif classes[key]["kind"] == "alias":
                yield from _enums(classes[key]["is"], classes, seen)
        for what in ("union", "tuple", "dict", *_LISTS):
            if what in description:
                yield from _enums(description[what], classes, seen)
