"""Write values as MessagePack so that what is read is equal to what was written, of the same classes, or refuse them.

MessagePack has no tuples, sets or times: they are extensions here, each with a code. Nothing is imported or run because
bytes say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from elliptio.errors import DocumentNotFoundError, IndexUnavailableError
from elliptio.flows.errors import TamperedDataError, UnserializableValueError
from elliptio.flows.serializing import libraries, rows, scalars
from elliptio.formats.plain import name_of
from elliptio.naming import is_utf8

T = TypeVar("T")

TUPLE, SET, FROZENSET, DICT = 0, 1, 2, 3
"""Codes of collections."""

MAX_DEPTH = 100
"""Levels that a value may nest."""

PLAIN = frozenset({type(None), bool, int, float, str, bytes})
"""Classes that MessagePack has: numbers of 64 bits, and texts that are UTF-8."""

_TEXT = frozenset({str})
_SETS: dict[type, int] = {set: SET, frozenset: FROZENSET}

encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
"""Write what is made of classes of `PLAIN`, and of lists and dicts of them."""


class _Unfit(Exception):
    """Say why a value cannot be written; `path` is where it is, the innermost part first."""

    def __init__(self, value: Any, why: str) -> None:
        super().__init__(why)
        self.value, self.path = value, list[str]()


def pack(value: Any, where: str = "value") -> bytes:
    """Write one value.

    Raises
    ------
    UnserializableValueError
        If it would not come back the same; the message names its class, and where in the value it is.

    """
    try:
        try:
            return encode(value if type(value) in PLAIN else _plain(value, False, 0))
        except (OverflowError, UnicodeEncodeError):
            return encode(_plain(value, True, 0))
    except _Unfit as unfit:
        path = where
        for part in reversed(unfit.path):
            path = part.replace("…", path, 1) if part.startswith("the key ") else path + part
        raise UnserializableValueError(f"{path} is of type {name_of(unfit.value)}, and {unfit}.") from None


def unpack(content: bytes | memoryview, decode: Callable[[Any], Any] | None = None) -> Any:
    """Read what `pack` has written, or a decoder that knows more than what it writes.

    Raises
    ------
    TamperedDataError
        If it is anything else.

    """
    try:
        return (decode or _decode)(content)
    except (TamperedDataError, DocumentNotFoundError, IndexUnavailableError):
        raise
    except Exception as error:  # there are as many ways to be wrong as there are classes
        raise TamperedDataError(f"A value cannot be read: {type(error).__name__}: {str(error)[:200]}") from error


def _plain(value: Any, careful: bool, depth: int) -> Any:
    """Make something of a value that the encoder writes exactly; careful: texts and numbers are looked at too."""
    kind = type(value)
    if kind in PLAIN:
        return _careful(value) if careful else value
    if depth > MAX_DEPTH:
        raise _Unfit(value, f"nests deeper than {MAX_DEPTH} levels (or holds itself)")
    if kind is list:
        return _items(value, careful, depth)
    if kind is dict:
        return _mapping(value, careful, depth)
    if kind is tuple:
        return _extension(TUPLE, _items(value, careful, depth))
    if kind in _SETS:
        # In an order of its own, which is another one in each process: equal sets are equal bytes.
        return msgspec.msgpack.Ext(_SETS[kind], joined(sorted(map(encode, _items(value, careful, depth)))))
    if rows.is_row(value):
        named = _checked(value, lambda: rows.name_of_row(value))
        return _extension(rows.ROW, [*named, _items(list(value), careful, depth)])
    if kind in scalars.WRITE:
        code, parts = scalars.WRITE[kind]
        return _made(value, lambda: (code, parts(value)))
    return _made(value, lambda: libraries.write(value))


def _checked(value: Any, make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise _Unfit(value, str(error).rstrip(".")) from error


def _made(value: Any, make: Callable[[], tuple[int, Any] | None]) -> Any:
    made = _checked(value, make)
    if made is None:
        raise _Unfit(
            value,
            "cannot go through a broker: make plain values of it, register a format of it (`elliptio.formats`), or "
            "give a serializer of your own",
        )
    return _extension(*made)


def _careful(value: Any) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**64:
        return _extension(scalars.BIG, scalars.to_big(value))
    if type(value) is str and not is_utf8(value):
        return _extension(scalars.TEXT, scalars.to_text(value))
    return value


def _items(values: Any, careful: bool, depth: int) -> Any:
    if not careful and {*map(type, values)} <= PLAIN:
        return values
    made = []
    for number, item in enumerate(values):
        try:
            made.append(_plain(item, careful, depth + 1))
        except _Unfit as unfit:
            unfit.path.append(f"[{number}]" if isinstance(values, list | tuple) else "{…}")
            raise
    return made


def _mapping(value: dict[Any, Any], careful: bool, depth: int) -> Any:
    named = {*map(type, value)} <= _TEXT and (not careful or all(map(is_utf8, value)))
    if named and not careful and {*map(type, value.values())} <= PLAIN:
        return value
    made = []
    for key, item in value.items():
        try:
            made.append(key if named else _plain(key, careful, depth + 1))
        except _Unfit as unfit:
            unfit.path.append(f"the key {key!r:.80} of …")
            raise
        try:
            made.append(_plain(item, careful, depth + 1))
        except _Unfit as unfit:
            unfit.path.append(f"[{key!r:.80}]")
            raise
    return dict(zip(made[::2], made[1::2], strict=True)) if named else _extension(DICT, made)


def _extension(code: int, parts: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, encode(parts))


def joined(parts: list[bytes]) -> bytes:
    """Join values that are written to a list of them, also written."""
    size = len(parts)
    head = bytes([0x90 | size]) if size < 16 else b"\xdd" + size.to_bytes(4, "big")
    return head + b"".join(parts)


def _collection(code: int, parts: Any) -> Any:
    if type(parts) is not list:
        raise ValueError("it is no list")
    if code == TUPLE:
        return tuple(parts)
    if code == DICT:
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return set(parts) if code == SET else frozenset(parts)


def extended(code: int, content: memoryview) -> Any:
    """Make a value of an extension: its code, and what it is made of, also written."""
    parts = _decode(content)
    if code <= DICT:
        return _collection(code, parts)
    read = rows.to_row if code == rows.ROW else scalars.READ.get(code) or libraries.READ.get(code)
    if read is None:
        raise ValueError(f"there is no kind {code} of values")
    return read(parts)


_decode: Callable[[Any], Any] = msgspec.msgpack.Decoder(ext_hook=extended).decode
