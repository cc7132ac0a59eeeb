"""Read a file in ranges, within a budget of bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

BINARY = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b\x08")
"""Bytes that no text has."""


class UnfitError(ValueError):
    """A file that is not what its name says, is damaged, or takes reading too much."""


@dataclass(frozen=True)
class Source:
    """A file to be shown: its name, its size, and how a range of it is read, ``read(offset, length)``."""

    relpath: str
    size: int
    read: Callable[[int, int], bytes]

    @property
    def suffix(self) -> str:
        """The ending of its name, in small letters and with the dot; empty if it has none."""
        name = self.relpath.rpartition("/")[2]
        stem, dot, ending = name.rpartition(".")
        return f".{ending.lower()}" if dot and stem else ""


class Ranged:
    """A reader of a source that counts what it has read.

    Attributes
    ----------
    source
        The file.
    left
        Bytes that may still be read.
    failure
        The error that the store raised, if one did: that says nothing about the file.

    """

    def __init__(self, source: Source, budget: int) -> None:
        self.source = source
        self.left = budget
        self.failure: Exception | None = None
        self._head = b""

    def read(self, offset: int, length: int) -> bytes:
        """Read a range, less where the file ends.

        Raises
        ------
        UnfitError
            If that is more than may be read.

        """
        length = max(0, min(length, self.source.size - offset))
        if length <= 0 or offset < 0:
            return b""
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        if length > self.left:
            raise UnfitError("more of it would have to be read than a preview may")
        self.left -= length
        try:
            data = bytes(self.source.read(offset, length))
        except Exception as error:
            self.failure = error
            raise
        return data[:length]

    def within(self, most: int) -> int:
        """Tell how much of the beginning can be had, up to a limit."""
        return min(most, len(self._head) + self.left)

    def head(self, length: int) -> bytes:
        """Read the beginning; what was read once is kept."""
        if len(self._head) < min(length, self.source.size):
            known = len(self._head)
            self._head += self.read(known, min(length, self.source.size) - known)
        return self._head[:length]


class RangedFile(io.RawIOBase):
    """A file object over ranges, for libraries that take one."""

    def __init__(self, ranged: Ranged) -> None:
        self._ranged = ranged
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Tell from where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ranged.source.size}[whence]
        if base + offset < 0:
            raise ValueError("There is nothing before the beginning.")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read so many bytes, or all that is left."""
        length = self._ranged.source.size - self._at if size is None or size < 0 else size
        data = self._ranged.read(self._at, length)
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        """Read all that is left."""
        return self.read()

    def readinto(self, buffer: object) -> int:
        """Read into a buffer."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def decoded(data: bytes, *, whole: bool) -> tuple[str, str | None]:
    """Read bytes as text, and say how where that is not UTF-8; a letter cut off at the end is left out.

    Raises
    ------
    UnfitError
        If they are no text.

    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            text = data.removeprefix(mark).decode(encoding, "replace")
            return text, None if encoding == "utf-8" else "read as UTF-16"
    if not BINARY.isdisjoint(data):
        raise UnfitError("it holds bytes that no text has")
    try:
        return data.decode(), None
    except UnicodeDecodeError as error:
        if not whole and error.end >= len(data) - 3 and error.reason == "unexpected end of data":
            return data[: error.start].decode(), None
    return data.decode("cp1252", "replace"), "not UTF-8: read as Windows-1252"
