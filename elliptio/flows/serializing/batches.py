"""Write values one by one, join them, and keep a digest over them that does not depend on how they were joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b, sha256
from typing import Any

import msgspec

from elliptio.errors import ElliptioError
from elliptio.flows.errors import TamperedDataError, UnserializableValueError
from elliptio.flows.serializing.exact import PLAIN, encode, extended, joined, pack, unpack
from elliptio.flows.serializing.serializer import Serializer
from elliptio.flows.serializing.signing import LONG
from elliptio.formats.plain import name_of

NOTHING = bytes(16)
"""Digest of no values."""

_HOOKS = ("serialize", "deserialize", "compress", "decompress")
_REFERENCE = 25
"""Code of what lies in a lake, and is written by its name: only here, where what is read was signed."""

_raw = msgspec.msgpack.Decoder(list[bytes]).decode


def _extended(code: int, content: memoryview) -> Any:
    if code != _REFERENCE:
        return extended(code, content)
    from elliptio.flows.serializing.references import in_lake

    return in_lake(unpack(content))


_decode = msgspec.msgpack.Decoder(ext_hook=_extended).decode


class Batches:
    """Write and read values by a serializer."""

    def __init__(self, serializer: Serializer | None = None) -> None:
        for name in _HOOKS:
            if serializer is not None and not callable(getattr(serializer, name, None)):
                raise TypeError(f"{serializer!r} is no serializer: it has no {name!r}. Subclass `Serializer`.")
        kind = type(serializer)
        own = serializer is not None and any(
            getattr(kind, name, None) is not getattr(Serializer, name) for name in _HOOKS
        )
        self._other = serializer if own else None

    def write(self, values: Sequence[Any]) -> list[bytes]:
        """Write each value.

        Raises
        ------
        UnserializableValueError
            If one cannot be written.

        """
        if self._other is not None:
            return [self._written(value) for value in values]
        if {*map(type, values)} <= PLAIN:
            try:
                return list(map(encode, values))
            except (OverflowError, UnicodeEncodeError):
                pass
        return [self._named(value) or pack(value) for value in values]

    @staticmethod
    def _named(value: Any) -> bytes | None:
        """Write what lies in a lake by its name."""
        if not type(value).__module__.startswith("elliptio"):
            return None
        from elliptio.flows.serializing.references import name_in_lake

        name = name_in_lake(value)
        return None if name is None else encode(msgspec.msgpack.Ext(_REFERENCE, encode(name)))

    def _written(self, value: Any) -> bytes:
        assert self._other is not None
        try:
            return encode(bytes(self._other.compress(self._other.serialize(value))))
        except ElliptioError:
            raise
        except Exception as error:  # as many ways as there are serializers
            raise UnserializableValueError(
                f"value is of type {name_of(value)}, and {type(self._other).__qualname__} cannot write it: "
                f"{type(error).__name__}: {error}"
            ) from error

    def read(self, content: bytes, count: int) -> list[Any]:
        """Read values that were joined.

        Raises
        ------
        TamperedDataError
            If it is not what was written.

        """
        if self._other is None:
            found = unpack(content, _decode)
        else:
            try:
                parts = _raw(content)
            except msgspec.MsgspecError as error:
                raise TamperedDataError(f"Values cannot be read: {error}") from error
            found = [self._other.deserialize(self._other.decompress(part)) for part in parts]
        if type(found) is not list or len(found) != count:
            raise TamperedDataError(f"There should be {count:,} values, and are others.")
        return found

    def join(self, parts: list[bytes]) -> bytes:
        """Join values that were written."""
        return joined(parts)


def digest(parts: Iterable[bytes], before: bytes = NOTHING) -> bytes:
    """Tell values apart by 16 bytes, from the digest of those before them."""
    made = blake2b  # of each value by itself, 100,000 of them a second: names outside are slow to find
    for part in parts:
        if len(part) <= LONG:
            before = made(before + part, digest_size=16).digest()
        else:
            before = made(before + sha256(part).digest(), digest_size=16, person=b"long").digest()
    return before
