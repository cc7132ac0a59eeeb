"""Fingerprint values: 256 bits that are the same for the same values, on every machine."""

from __future__ import annotations

import enum
import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Self

from elliptio.naming import shorten

BITS = 256


class UnknownValueError(TypeError):
    """A value of which nobody can tell whether it is the same as another."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A number of 256 bits that stands for a value.

    `empty` stands for something unknown: combined with anything it stays so. `identity` stands for nothing: combined
    with something that stays what it is.

    Parameters
    ----------
    key
        The number; None: nothing is known.

    Examples
    --------
    >>> a, b = Fingerprint.from_string("a"), Fingerprint.from_string("b")
    >>> a.combine(b) == b.combine(a), a.combine(Fingerprint.identity()) == a
    (False, True)

    """

    key: int | None

    def __post_init__(self) -> None:
        if self.key is not None and (
            not isinstance(self.key, int) or isinstance(self.key, bool) or not 0 <= self.key < 2**BITS
        ):
            raise ValueError(f"A fingerprint is a number of {BITS} bits, not {self.key!r}.")

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Fingerprint a text."""
        if not isinstance(text, str):
            raise TypeError(f"from_string takes a text, not a {type(text).__name__}.")
        return cls(int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), 16))

    @classmethod
    def from_int(cls, number: int) -> Self:
        """Take a number of 256 bits as it is; a negative one by its two's complement."""
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"from_int takes a number, not a {type(number).__name__}.")
        if not -(2 ** (BITS - 1)) <= number < 2**BITS:
            raise ValueError(f"{number} has more than {BITS} bits.")
        return cls(number % 2**BITS)

    @classmethod
    def from_hex(cls, digits: str) -> Self:
        """Take a number in hexadecimal digits, such as a sha256."""
        if not isinstance(digits, str) or not re.fullmatch("[0-9a-fA-F]+", digits):
            raise ValueError(f"from_hex takes hexadecimal digits, such as a sha256, not {shorten(repr(digits), 80)}.")
        return cls(int(digits, 16))

    @classmethod
    def of(cls, value: Any) -> Self:
        """Fingerprint any value; see `encode`."""
        return cls(int(hashlib.sha256(encode(value)).hexdigest(), 16))

    @classmethod
    def empty(cls) -> Self:
        """Return the one that stands for something unknown."""
        return cls(None)

    @classmethod
    def identity(cls) -> Self:
        """Return the one that stands for nothing."""
        return cls(0)

    @property
    def is_empty(self) -> bool:
        """True where nothing is known."""
        return self.key is None

    @property
    def is_identity(self) -> bool:
        """True where it stands for nothing."""
        return self.key == 0

    def combine(self, *others: Fingerprint) -> Fingerprint:
        """Combine with others, in this order."""
        every = [self, *others]
        for one in every:
            if not isinstance(one, Fingerprint):
                raise TypeError(f"combine takes fingerprints, not a {type(one).__name__}.")
        if any(one.is_empty for one in every):
            return Fingerprint.empty()
        parts = [one for one in every if not one.is_identity]
        if len(parts) < 2:
            return parts[0] if parts else Fingerprint.identity()
        digest = hashlib.sha256(b"combined")
        for one in parts:
            digest.update((one.key or 0).to_bytes(BITS // 8, "big"))
        return Fingerprint(int(digest.hexdigest(), 16))

    def __str__(self) -> str:
        return "empty" if self.key is None else f"{self.key:064x}"

    def __repr__(self) -> str:
        return f"Fingerprint({str(self)[:12]})"


def encode(value: Any) -> bytes:
    """Write a value in one form: types count, the order of mappings and sets does not.

    Raises
    ------
    UnknownValueError
        If it holds something of which nobody can tell whether it is the same as another.

    """
    kind = type(value)
    plain = _PLAIN.get(kind)
    if plain is not None:
        return plain(value)
    if kind is tuple or kind is list:
        parts = [(_PLAIN.get(type(one)) or encode)(one) for one in value]
        return _tagged(b"list" if kind is list else b"tuple", parts)
    if isinstance(value, enum.Enum):
        return _tagged(b"enum", [_name(kind), encode(value.name), encode(value.value)])
    if isinstance(value, Mapping):
        pairs = sorted((encode(name), encode(one)) for name, one in value.items())
        return _tagged(b"mapping", [part for pair in pairs for part in pair])
    if isinstance(value, set | frozenset):
        return _tagged(b"set", sorted(map(encode, value)))
    if isinstance(value, list | tuple):
        parts = [_name(kind)] if hasattr(value, "_fields") else []
        return _tagged(b"list" if isinstance(value, list) else b"tuple", [*parts, *map(encode, value)])
    if isinstance(value, datetime | date | time):
        return _tagged(b"time", [_name(kind), value.isoformat().encode()])
    if isinstance(value, timedelta | Decimal | PurePath):
        return _tagged(b"text", [_name(kind), str(value).encode()])
    if is_dataclass(value) and not isinstance(value, type):
        parts = [part for one in fields(value) for part in (one.name.encode(), encode(getattr(value, one.name)))]
        return _tagged(b"dataclass", [_name(kind), *parts])
    return _of_library(value)


def _of_library(value: Any) -> bytes:
    """Write a value of NumPy, pandas or the like."""
    module = type(value).__module__.partition(".")[0]
    if module == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject:
        import numpy as np

        array = np.asarray(value)
        parts = [_name(type(value)), str(array.dtype).encode(), str(array.shape).encode()]
        return _tagged(b"array", [*parts, np.ascontiguousarray(array).tobytes()])
    if module == "numpy" and isinstance(getattr(value, "dtype", None), object) and hasattr(value, "tolist"):
        return _tagged(b"objects", [str(value.shape).encode(), encode(value.tolist())])
    if module in ("pandas", "polars", "pyarrow"):
        import io

        from elliptio.errors import ElliptioError
        from elliptio.formats import registry

        file = io.BytesIO()
        try:
            registry.get("parquet").write(value, file)
        except ElliptioError as error:
            raise UnknownValueError(f"of type {type(value).__name__} ({error})") from error
        return _tagged(b"table", [_name(type(value)), file.getvalue()])
    module = type(value).__module__
    prefix = "" if module == "builtins" else f"{module}."
    raise UnknownValueError(f"of type {prefix}{type(value).__qualname__}")


_LENGTH = struct.Struct(">Q").pack


def _tagged(tag: bytes, parts: Iterable[bytes]) -> bytes:
    found = [tag]
    for part in parts:
        found += (_LENGTH(len(part)), part)
    return b"".join(found)


def _name(kind: type) -> bytes:
    return f"{kind.__module__}.{kind.__qualname__}".encode()


_PLAIN: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"none",
    bool: lambda value: b"true" if value else b"false",
    int: lambda value: b"int" + str(value).encode(),
    float: lambda value: b"float" + struct.pack(">d", value),
    complex: lambda value: b"complex" + struct.pack(">dd", value.real, value.imag),
    str: lambda value: b"str" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"bytes" + value,
}
"""Ways to write plain values; subclasses are none."""
