"""Sha256 of what passes: while it is written, and checked while it is read."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import BinaryIO, TypeVar

from elliptio.errors import IntegrityError
from elliptio.protocols import PIECE
from elliptio.system.ending import Pool

T = TypeVar("T")

log = logging.getLogger(__name__)

CHUNK = 1 << 20
"""Bytes read at once."""


_AHEAD = 4
"""Chunks that may wait to be hashed; a file of no more than that is hashed where it is read."""


class Sha256:
    """Sha256 of a stream; that of a large one is computed in a thread of its own, while its reader reads on."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._thread: Pool | None = None
        self._waiting: deque[Future[None]] = deque()

    def update(self, data: bytes) -> None:
        """Add the next bytes of the stream."""
        self._hashed += len(data)
        if self._thread is None:
            if self._hashed <= _AHEAD * CHUNK:
                self._digest.update(data)
                return
            self._thread = Pool(1, "elliptio-sha256")
        self._waiting.append(self._thread.submit(self._digest.update, data))
        if len(self._waiting) > _AHEAD:
            self._waiting.popleft().result()

    def update_at_once(self, data: memoryview) -> None:
        """Add the next bytes, which may change as soon as this returns."""
        self._catch_up()
        self._hashed += len(data)
        self._digest.update(data)

    def hexdigest(self) -> str:
        """Hash of what was added so far."""
        if self._waiting:
            self._catch_up()
        return self._digest.hexdigest()

    def _catch_up(self) -> None:
        while self._waiting:
            self._waiting.popleft().result()


class HashingReader(io.RawIOBase):
    """Reads another file and hashes exactly the bytes that it hands on.

    Attributes
    ----------
    size
        Bytes handed on so far.

    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = Sha256()
        self.size = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes (all for -1)."""
        data = self._source.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer, which is the caller's: it is hashed before this returns."""
        found: int = self._source.readinto(buffer)  # type: ignore[attr-defined]
        self._digest.update_at_once(buffer[:found])
        self.size += found
        return found

    @property
    def sha256(self) -> str:
        """Hexadecimal hash of the bytes handed on so far."""
        return self._digest.hexdigest()


class HashingWriter(io.RawIOBase):
    """Writes to another file, and hashes what is written on its way.

    Who seeks, or writes by the descriptor, is let to: the file is read again then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(buffering=0) as file:
    ...     writer = HashingWriter(file.file)
    ...     _ = writer.write(b"hello")
    ...     writer.written()
    (5, '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')

    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._digest = Sha256()
        self._hashed = 0
        self._in_order = True

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self._file.name)

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be written to at any place."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        self._in_order = False  # whoever has it may write by it, at any place
        return self._file.fileno()

    def write(self, data: memoryview, /) -> int:  # type: ignore[override]
        """Write as much as goes at once."""
        # A copy, as the bytes are the caller's: those of a large file are hashed while it writes on.
        part = bytes(data[:CHUNK])
        written = self._file.write(part)
        self._digest.update(part if written == len(part) else part[:written])
        self._hashed += written
        return written

    def seek(self, place: int, whence: int = 0, /) -> int:
        """Go to a place."""
        found = self._file.seek(place, whence)
        self._in_order &= found == self._hashed
        return found

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file off."""
        self._in_order = False
        return self._file.truncate(size)

    def written(self) -> tuple[int, str]:
        """Size and hexadecimal hash of the file as it is now."""
        size = os.fstat(self._file.fileno()).st_size
        if self._in_order and size == self._hashed:
            return size, self._digest.hexdigest()
        with open(self._file.name, "rb") as file:
            return size, hashlib.file_digest(file, "sha256").hexdigest()


def pieces_of(source: BinaryIO) -> Iterator[str]:
    """Yield the sha256 of each `PIECE` of what a source still yields, beside which it is read on."""
    digest, left = Sha256(), PIECE
    while data := source.read(min(CHUNK, left)):
        digest.update(data)
        left -= len(data)
        if not left:
            yield digest.hexdigest()
            digest, left = Sha256(), PIECE
    if left < PIECE:
        yield digest.hexdigest()


class VerifyingReader(io.RawIOBase):
    """Reads a stored file and checks its hash once `size` bytes are read, as long as the reading was sequential."""

    def __init__(self, source: BinaryIO, size: int, sha256: str, where: str) -> None:
        self._source = source
        self._size = size
        self._expected = sha256
        self._where = where
        self._digest = Sha256()
        self._position: int | None = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can seek."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes (all for -1); at the end, compare the hashes."""
        if size < 0:
            return self.readall()
        data = self._source.read(size)
        if self._position is not None and size:
            self._digest.update(data)
            self._position += len(data)
            if not data or self._position == self._size:
                self._check()
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer, as `read`."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read what is left."""
        return b"".join(iter(lambda: self.read(CHUNK), b""))

    def _check(self) -> None:
        found = self._digest.hexdigest()
        if found != self._expected:
            raise IntegrityError(f"{self._where} is damaged: its sha256 is {found}, but {self._expected} was saved.")

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; moving anywhere but to the same place or the start ends the check."""
        position = self._source.seek(offset, whence)
        if position == 0:
            self._digest, self._position = Sha256(), 0
        elif position != self._position:
            self._position = None
        return position

    def tell(self) -> int:
        """Position in bytes."""
        return self._source.tell()

    def close(self) -> None:
        """Close the stored file as well."""
        if not self.closed:
            self._source.close()
        super().close()


def once_more_if_remote(remote: bool, read: Callable[[], T]) -> T:
    """Read, and once more where the bytes came changed: on the way from a remote store that may happen once.

    Raises
    ------
    IntegrityError
        If they come changed again, or from a disk of this machine.

    """
    try:
        return read()
    except IntegrityError as error:
        if not remote:
            raise
        log.warning("%s It is read once more.", error)
        return read()


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hexadecimal sha256 of a local file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
