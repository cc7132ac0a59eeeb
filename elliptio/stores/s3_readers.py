"""Reading objects of S3 as files, in streams and ranges."""

# The methods are those of `io.RawIOBase`.
# ruff: noqa: D102

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from elliptio.errors import StoreError
from elliptio.stores.s3_movers import Mover
from elliptio.stores.s3_writers import STEP

if TYPE_CHECKING:
    from elliptio.stores.s3 import S3Store

T = TypeVar("T")
WIDEST = 16 << 20
BUFFER = 128 << 10


class Reader(io.RawIOBase):
    """Reads an object: on from the start as one stream, and after a jump in ranges that grow while reading goes on."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store = store
        self._key = key
        self._full = store._full(key)
        self._size, self._stream = self._attempt(lambda mover: mover.read(self._full))
        self._streamed = 0
        self._chunk = memoryview(b"")
        self._start = 0
        self._position = 0
        self._width = BUFFER

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._position >= self._size or not len(buffer):
            return 0
        offset = self._position - self._start
        if not 0 <= offset < len(self._chunk):
            self._fetch(len(buffer))
            offset = self._position - self._start
        part = self._chunk[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def readall(self) -> bytes:
        parts = []
        while part := self.read(STEP):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self._stream = iter(())
        self._chunk = memoryview(b"")
        super().close()

    def _fetch(self, wanted: int) -> None:
        """Get the bytes at the current position into the chunk."""
        start = self._position
        if start == self._streamed:
            # A stream can end early: the connection is idle while the caller works. Ranges take over then.
            with contextlib.suppress(Exception):
                chunk = next(self._stream, b"")
                if len(chunk):
                    self._chunk, self._start, self._streamed = memoryview(chunk), start, start + len(chunk)
                    return
        self._stream, self._streamed = iter(()), -1
        on = start == self._start + len(self._chunk)
        self._width = min(WIDEST, self._width * 2) if on else BUFFER
        stop = min(self._size, start + max(wanted, self._width))
        found = self._attempt(lambda mover: mover.read_range(self._full, start, stop))
        if not len(found):
            raise StoreError(f"cannot read {self._store.root}/{self._key}: it ends at {start} of {self._size} bytes")
        self._chunk, self._start = memoryview(found), start

    def _attempt(self, do: Callable[[Mover], T]) -> T:
        return self._store.attempt("read from", do, self._key)
