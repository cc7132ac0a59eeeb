"""Write, read and list files of a store in few words, for tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from elliptio.artifacts.hashing import pieces_of
from elliptio.protocols import Content, Staging, Store

T = TypeVar("T")
MIB = 1 << 20
"""Bytes of a mebibyte."""


class Trickle:
    """Yield bytes to whoever reads, in odd sizes, and maybe fail at the end; do something `meanwhile` before that.

    Examples
    --------
    >>> Trickle(b"data").read(2)
    b'da'
    """

    def __init__(self, data: bytes, *, fail: bool = False, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._file = io.BytesIO(data)
        self._fail = fail
        self._meanwhile = meanwhile

    def read(self, size: int = -1, /) -> bytes:
        """Return less than was asked for, but something until the end."""
        found = self._file.read(max(1, min(size, 300_001)) if size >= 0 else size)
        if not found:
            self._meanwhile()
        if self._fail and not found:
            raise ZeroDivisionError("the source failed")
        return found


def published(store: Store, prefix: str, files: dict[str, bytes]) -> Staging:
    """Publish some files."""
    staging = store.begin(prefix)
    for name, data in files.items():
        staging.put(name, io.BytesIO(data))
    staging.publish()
    return staging


def content(store: Store, key: str) -> bytes:
    """Read all bytes of a file."""
    with store.open(key) as file:
        return file.read()


def keys(store: Store, prefix: str = "", **after: str) -> set[str]:
    """List all keys at or below a prefix, and make sure that each is listed once."""
    found = [each.key for each in store.list(prefix, **after)]
    assert len(found) == len(set(found))
    return set(found)


def described(data: bytes | bytearray) -> Content:
    """Describe what a file of these bytes holds."""
    return Content(len(data), tuple(pieces_of(io.BytesIO(data))))


def in_threads(function: Callable[..., T], arguments: Iterable[object]) -> list[T]:
    """Call a function with each argument, eight at once."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, arguments))


def noise(size: int) -> bytes:
    """Make bytes that differ at every position, the same each time."""
    import random

    return random.Random(size).randbytes(size)
