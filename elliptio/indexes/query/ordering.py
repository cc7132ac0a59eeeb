"""Order and sort values as MongoDB does, by bytes that compare the same way.

A key is one byte for the BSON type, then the value. Keys of nested values end in a way that no longer key can
continue, so that they can be concatenated, and inverted bit by bit for descending sorts.
"""

from __future__ import annotations

import heapq
import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from struct import Struct
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from elliptio.errors import QueryError
from elliptio.indexes.query.paths import ARRAYS, OBJECTS, UNDEFINED, Slot, Undefined, descend, index_keys, split
from elliptio.protocols import Document, Sort

# MongoDB's canonical type numbers. The first byte of a key is the number + 2, so that 0 can end an object or array.
MIN_KEY, UNDEFINED_TYPE, NULL, NUMBER, STRING, OBJECT, ARRAY, BINARY = -1, 0, 5, 10, 15, 20, 25, 30
OBJECT_ID, BOOL, DATE, TIMESTAMP, REGEX, CODE, CODE_WITH_SCOPE, MAX_KEY = 35, 40, 45, 47, 50, 60, 65, 127
_SHIFT = 2


def _tag(bracket: int) -> bytes:
    return bytes([bracket + _SHIFT])


_END = b"\0"
_DOUBLE, _BITS, _LENGTH, _PAIR = Struct(">d"), Struct(">Q"), Struct(">I"), Struct(">II")
_ALL_BITS, _SIGN = 2**64 - 1, 2**63
_EXACT = 2**53
_NAN = _tag(NUMBER) + b"\0"
_NEGATIVE = _tag(NUMBER) + b"\1"
_POSITIVE = _tag(NUMBER) + b"\2"
_TRUE, _FALSE = _tag(BOOL) + b"\1", _tag(BOOL) + b"\0"
_NULL, _STRING, _DATE, _OBJECT, _ARRAY = (_tag(bracket) for bracket in (NULL, STRING, DATE, OBJECT, ARRAY))
_EPOCH, _NAIVE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1)  # noqa: DTZ001
_WIDE = Context(prec=16_000, Emax=99_999, Emin=-99_999)
# Stands for -Infinity as a number to measure from: below every finite Decimal128.
_BOTTOM = Decimal((1, (1,), 7_000))


def _number(nearest_below: float, rest: bytes) -> bytes:
    """Encode a double, and by how much the exact value lies above it."""
    packed = _DOUBLE.pack(nearest_below + 0.0)  # -0.0 + 0.0 is 0.0
    if nearest_below >= 0:
        return _POSITIVE + packed + rest
    return _NEGATIVE + _BITS.pack(_BITS.unpack(packed)[0] ^ _ALL_BITS) + rest


def _rest(rest: Decimal) -> bytes:
    if not rest:
        return _END
    digits = "".join(map(str, rest.as_tuple().digits)).rstrip("0")
    return b"\1" + (rest.adjusted() + 20_000).to_bytes(2) + digits.encode() + _END


def _float(value: float) -> bytes:
    return _NAN if value != value else _number(value, _END)


def _int(value: int) -> bytes:
    if 0 <= value <= _EXACT:  # such as the size of a file
        return _POSITIVE + _DOUBLE.pack(value) + _END
    if -_EXACT <= value <= _EXACT:
        return _number(float(value), _END)
    below = float(value)
    if below > value:
        below = math.nextafter(below, -math.inf)
    return _number(below, _rest(Decimal(value - int(below))))


def _decimal128(value: Decimal128) -> bytes:
    exact = value.to_decimal()
    if exact.is_nan():
        return _NAN
    below = float(exact)
    if exact.is_infinite():
        return _number(below, _END)
    if Decimal(below) > exact:
        below = math.nextafter(below, -math.inf)
    return _number(below, _rest(_WIDE.subtract(exact, _BOTTOM if math.isinf(below) else Decimal(below))))


def _text(value: str) -> bytes:
    # The end must be no byte of a text: 0 and 1 take two bytes each, in order.
    return value.encode().replace(b"\1", b"\1\2").replace(b"\0", b"\1\1") + _END


def _date(value: datetime) -> bytes:
    delta = value - (_NAIVE_EPOCH if value.tzinfo is None else _EPOCH)
    return _DATE + _BITS.pack(delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000 + _SIGN)


def _object(value: Mapping[str, Any]) -> bytes:
    fields = []
    for name, item in value.items():
        key = closed_key(item)
        fields.append(key[:1] + _text(name) + key[1:])
    return _OBJECT + b"".join(fields) + _END


def _array(value: Iterable[Any]) -> bytes:
    return _ARRAY + b"".join(map(closed_key, value)) + _END


def _binary(value: bytes) -> bytes:
    subtype = value.subtype if isinstance(value, Binary) else 0
    return _tag(BINARY) + _LENGTH.pack(len(value)) + bytes([subtype]) + value


def _regex(value: re.Pattern[str] | Regex[Any]) -> bytes:
    pattern = value.pattern if isinstance(value.pattern, str) else value.pattern.decode("utf-8", "surrogateescape")
    return _tag(REGEX) + _text(pattern) + _text(regex_options(int(value.flags)))


def regex_options(flags: int) -> str:
    """Translate Python's `re` flags into BSON's option letters, in BSON's order."""
    return "".join(letter for letter, flag in zip("ilmsux", _FLAGS, strict=True) if flags & flag)


_FLAGS = (re.IGNORECASE, re.LOCALE, re.MULTILINE, re.DOTALL, re.UNICODE, re.VERBOSE)


def _code(value: Code) -> bytes:
    if value.scope is None:
        return _tag(CODE) + _text(str.__str__(value))
    return _tag(CODE_WITH_SCOPE) + _text(str.__str__(value)) + _object(value.scope)


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    str: lambda value: _STRING + value.encode(),
    int: _int,
    bool: lambda value: _TRUE if value else _FALSE,
    type(None): lambda value: _NULL,
    datetime: _date,
    float: _float,
    dict: _object,
    list: _array,
    tuple: _array,
    Int64: _int,
    Decimal128: _decimal128,
    ObjectId: lambda value: _tag(OBJECT_ID) + value.binary,
    Binary: _binary,
    bytes: _binary,
    uuid.UUID: lambda value: _binary(Binary.from_uuid(value)),
    DatetimeMS: lambda value: _DATE + _BITS.pack(int(value) + _SIGN),
    Timestamp: lambda value: _tag(TIMESTAMP) + _PAIR.pack(value.time, value.inc),
    Regex: _regex,
    re.Pattern: _regex,
    Code: _code,
    MinKey: lambda value: _tag(MIN_KEY),
    MaxKey: lambda value: _tag(MAX_KEY),
    Undefined: lambda value: _tag(UNDEFINED_TYPE),
}
# A subclass of several of these is what pymongo would encode it as.
_BASES: tuple[type, ...] = (Code, Binary, str, int, float, bytes, datetime, list, tuple)


def _encoder(kind: type) -> Callable[[Any], bytes]:
    if issubclass(kind, Mapping):
        return _object
    for base in _BASES:
        if issubclass(kind, base):
            return _ENCODERS[base]
    raise QueryError(f"a {kind.__module__}.{kind.__qualname__} is not a BSON value: it cannot be compared")


def order_key(value: object) -> bytes:
    """Encode a BSON value so that keys compare as MongoDB compares the values.

    Equal keys mean equal values: ``1``, ``1.0`` and ``Decimal128("1")`` share a key, ``True`` has another.

    Parameters
    ----------
    value
        Anything pymongo can encode. Naive datetimes are taken as UTC.

    Returns
    -------
    bytes
        Of the same type bracket if and only if the first bytes are equal.

    Raises
    ------
    QueryError
        If the value is not a BSON value.
    """
    kind = type(value)
    encode = _ENCODERS.get(kind)
    return encode(value) if encode is not None else _encoder(kind)(value)


def closed_key(value: object) -> bytes:
    """Encode like `order_key`, but never as the beginning of another key: can be concatenated and inverted."""
    key = order_key(value)
    return _STRING + _text(key[1:].decode()) if key[:1] == _STRING else key


def type_bracket(value: object) -> int:
    """Tell MongoDB's canonical type of a value: comparison operators only match inside one type.

    Numbers of all types are in one bracket.
    """
    return order_key(value)[0] - _SHIFT


def bracket_range(value: object) -> tuple[bytes, bytes]:
    """Give the bounds between which the keys of all values of one type bracket lie: ``low < key < high``."""
    first = order_key(value)[0]
    return bytes([first]), bytes([first + 1])


def index_values(document: Mapping[str, Any], path: str | tuple[str, ...]) -> tuple[list[Any], bool]:
    """List what a MongoDB index over a dotted path holds for a document.

    Every document that matches ``{path: …}`` with a scalar operand of ``$eq $gt $gte $lt $lte $in $regex`` (other than
    MinKey and MaxKey, which are compared with values of all types) has a value here that matches.

    Parameters
    ----------
    document
        The document.
    path
        The dotted path, or its components.

    Returns
    -------
    list
        The distinct values: [None] where the path is missing or null, the elements of an array, `UNDEFINED` for an
        empty one.
    bool
        Whether an array was met on the way (the entry is multikey). Otherwise there is exactly one value, and
        it is what the document sorts by.
    """
    entries, multikey = index_entries(document, path)
    return list(entries.values()), multikey


def index_entries(document: Mapping[str, Any], path: str | tuple[str, ...]) -> tuple[dict[bytes, Any], bool]:
    """Return what `index_values` does, by key."""
    parts = split(path) if isinstance(path, str) else path
    value, rest = descend(document, parts)
    if not isinstance(value, ARRAYS):
        return {order_key(value): value}, False
    numbered = any(part.isdigit() for part in parts)
    values: Iterable[Any] | None
    if rest:
        values = _fields(value, rest[0]) if len(rest) == 1 and not numbered else None
        if values is None:
            values = [key for (key,) in index_keys(document, [Slot(parts)])]
        if numbered:
            # Queries also look for a field of that name inside the elements, which MongoDB's indexes do not.
            values = [*values, None, *_all_leaves(value)]
    else:
        values = value or (UNDEFINED,)
    return {order_key(each): each for each in values}, True


def _fields(array: Any, name: str) -> list[Any] | None:
    """List one field of many documents, such as the hashes of all files; None where there are others among them."""
    if not array or not all(type(each) is dict for each in array):
        return None
    found = [each.get(name) for each in array]
    return None if any(isinstance(each, ARRAYS) for each in found) else found


def _all_leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, OBJECTS):
        for item in value.values():
            yield from _all_leaves(item)
    elif isinstance(value, ARRAYS):
        for item in value:
            yield from _all_leaves(item)
    else:
        yield value


_INVERTED = bytes(range(255, -1, -1))


def document_sort_key(sort: Sort) -> Callable[[Mapping[str, Any]], tuple[bytes, ...]]:
    """Make the key function that sorts documents as MongoDB does, ties broken by ``_id`` in the last direction.

    An array sorts by its smallest element ascending, by its largest descending; an empty one before null; what is
    missing as null. Paths through one array are taken from the same element.

    Parameters
    ----------
    sort
        (dotted path, 1 or -1) pairs, most significant first.

    Returns
    -------
    Callable
        For ``sorted(documents, key=…)``. It raises `QueryError` for a document with arrays in two independent paths,
        as MongoDB does.
    """
    complete = [*sort, ("_id", sort[-1][1] if sort else 1)]
    paths = [split(path) for path, _ in complete]
    descending = [direction < 0 for _, direction in complete]

    def encode(values: Iterable[Any]) -> tuple[bytes, ...]:
        keys = map(closed_key, values)
        return tuple(key.translate(_INVERTED) if down else key for key, down in zip(keys, descending, strict=True))

    def sort_key(document: Mapping[str, Any]) -> tuple[bytes, ...]:
        values = []
        for path in paths:
            value, _ = descend(document, path)
            if isinstance(value, ARRAYS):
                return min(map(encode, index_keys(document, [Slot(each) for each in paths])))
            values.append(value)
        return encode(values)

    return sort_key


def sort_documents(documents: Iterable[Document], sort: Sort, limit: int = 0) -> list[Document]:
    """Sort documents as MongoDB does, ties broken by ``_id``.

    Parameters
    ----------
    documents
        Read once.
    sort
        (dotted path, 1 or -1) pairs, most significant first.
    limit
        How many to return; 0 means all. No more than these are held in memory.

    Returns
    -------
    list
        The first documents.
    """
    key = document_sort_key(sort)
    return heapq.nsmallest(limit, documents, key=key) if limit else sorted(documents, key=key)
