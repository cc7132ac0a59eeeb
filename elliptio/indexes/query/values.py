"""Make the values of a query plain, so that every index can encode them, and refuse those that none can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any, Final, NoReturn
from uuid import UUID

from elliptio.errors import QueryError
from elliptio.naming import shorten

MAX_DEPTH: Final = 100
TYPE_CODES: Final[dict[str, tuple[int, ...]]] = {
    "double": (1,), "string": (2,), "object": (3,), "array": (4,), "binData": (5,), "undefined": (6,),
    "objectId": (7,), "bool": (8,), "date": (9,), "null": (10,), "regex": (11,), "dbPointer": (12,),
    "javascript": (13,), "symbol": (14,), "javascriptWithScope": (15,), "int": (16,), "timestamp": (17,),
    "long": (18,), "decimal": (19,), "minKey": (-1,), "maxKey": (127,), "number": (1, 16, 18, 19),
}  # fmt: skip
"""MongoDB's names of types, as $type takes them, and their numbers."""
# What bson encodes by itself, by the names of its types: asking for the types would import it.
_BSON: Final = frozenset(
    {"ObjectId", "Decimal128", "Int64", "Binary", "Regex", "Timestamp", "MinKey", "MaxKey", "Code", "DatetimeMS"}
)


def check_depth(depth: int) -> None:
    """Refuse what is nested deeper than `MAX_DEPTH`."""
    if depth > MAX_DEPTH:
        raise QueryError(f"the query is nested more than {MAX_DEPTH} levels deep: flatten it")


def check_text(text: str, where: str) -> str:
    """Refuse a string that UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError(f"{where}: {text!r} holds half of a surrogate pair, which is no valid text") from None
    return text


def guess(name: str, known: list[str]) -> str:
    """Word the end of a message about an unknown name."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def short(value: Any) -> str:
    """Shorten a value for a message."""
    return shorten(repr(value), 60)


def check_path(path: str) -> str:
    """Check the dotted path to a field, and return it.

    Raises
    ------
    QueryError
        If it is malformed.
    """
    path = check_text(str.__str__(path), "a path")
    for part in path.split("."):
        if not part:
            raise QueryError(
                f"the path {path!r} has an empty part: fields are joined by single dots, like 'git.commit'"
            )
        if part.startswith("$"):
            raise QueryError(f"the path {path!r} has the part {part!r}: field names do not start with '$'")
        if "\0" in part:
            raise QueryError(f"the path {path!r} contains a NUL character")
    return path


def plain_value(value: Any, where: str, depth: int = 0) -> Any:
    """Copy a value of a query, in plain types.

    Tuples become lists, numpy's and pandas' values Python's, paths strings, UUIDs binaries, datetimes aware and UTC,
    in milliseconds as they are stored.

    Parameters
    ----------
    value
        A value that fields are compared with.
    where
        Where it stands in the query, for the message of an error.
    depth
        How deep it is nested in the query.

    Raises
    ------
    QueryError
        If BSON has no such value.
    """
    check_depth(depth)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str | int | float | bytes | datetime):
        return _scalar(value, where)
    if isinstance(value, Mapping):
        return _document(value, where, depth)
    if isinstance(value, list | tuple):
        return [plain_value(each, where, depth + 1) for each in value]
    if isinstance(value, re.Pattern) or _is_bson(value):
        return value
    return _converted(value, where, depth)


def _is_bson(value: Any) -> bool:
    kind = type(value)
    return kind.__module__.partition(".")[0] == "bson" and kind.__name__ in _BSON


def _scalar(value: Any, where: str) -> Any:
    if _is_bson(value):
        return value
    if isinstance(value, str):
        return check_text(str.__str__(value), where)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime):
        return _utc(value, where)
    if not -(2**63) <= value < 2**63:
        raise QueryError(f"{where}: {value} does not fit into 64 bits; use a float")
    return int(value)


def _utc(value: datetime, where: str) -> datetime:
    if value != value:
        _refuse_nat(where)
    try:
        aware = value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)
    except OverflowError:
        raise QueryError(f"{where}: {value} is out of range in UTC") from None
    # Spelled out, for a pandas Timestamp is a datetime with nanoseconds.
    return datetime(
        aware.year, aware.month, aware.day, aware.hour, aware.minute, aware.second,
        aware.microsecond // 1000 * 1000, tzinfo=UTC,
    )  # fmt: skip


def _document(value: Mapping[Any, Any], where: str, depth: int) -> dict[str, Any]:
    plain = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise QueryError(f"{where}: the field name {name!r} is not a string")
        if name.startswith("$"):
            raise QueryError(
                f"{where}: the operator {name} stands inside a value, where it would be compared literally; "
                f"ask for the field by its dotted path instead, like {{'{where}.field': {{'{name}': …}}}}"
            )
        if "\0" in name:
            raise QueryError(f"{where}: the field name {name!r} contains a NUL character")
        plain[check_text(str.__str__(name), where)] = plain_value(item, where, depth + 1)
    return plain


def _converted(value: Any, where: str, depth: int) -> Any:
    module = type(value).__module__.partition(".")[0]
    if isinstance(value, PurePath):
        return check_text(str(value), where)
    if isinstance(value, UUID):
        from bson import Binary

        return Binary.from_uuid(value)
    if module == "numpy" and type(value).__name__ == "datetime64":
        plain = value.astype("datetime64[us]").item()
        return _utc(plain, where) if isinstance(plain, datetime) else _refuse_nat(where)
    if module in ("numpy", "pandas") and hasattr(value, "tolist"):
        plain = value.tolist()
        if type(plain) is not type(value):
            return plain_value(plain, where, depth)
    _refuse(value, where)


def _refuse_nat(where: str) -> NoReturn:
    raise QueryError(f"{where}: NaT is no point in time; use None for a missing one")


def _refuse(value: Any, where: str) -> NoReturn:
    kind = type(value)
    hints = {
        "set": "use a list",
        "frozenset": "use a list",
        "generator": "use a list",
        "range": "use a list",
        "date": "use a datetime, and $gte and $lt for a whole day",
        "Decimal": "use bson.Decimal128",
        "timedelta": "use a number of seconds",
        "DBRef": "use its id",
        "complex": "use its parts",
    }
    hint = hints.get(kind.__name__, "use a str, int, float, bool, None, datetime, bytes, list or dict")
    shown = kind.__name__ if isinstance(value, date) else f"{kind.__module__}.{kind.__qualname__}"
    raise QueryError(f"{where}: a {shown.removeprefix('builtins.')} cannot be stored, so nothing equals it; {hint}")
