"""From a store to this machine: verified, by way of the cache where there is one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from elliptio.artifacts import stamps
from elliptio.artifacts.cache import Cache, clone
from elliptio.artifacts.hashing import CHUNK, VerifyingReader, once_more_if_remote, sha256_of
from elliptio.errors import IntegrityError
from elliptio.protocols import Store
from elliptio.system.file_systems import HOLE, MIDDLE, make_executable, write_with_holes

log = logging.getLogger(__name__)

BUFFER = 128 << 10
"""Bytes that a reader that seeks gets at once: no more than remote stores fetch after a jump."""

LARGEST_HASHED = 256 << 20
"""Copies up to this size are hashed when they are opened: of larger ones a few ranges from the store cost less."""

Moved = Callable[[int], object]
"""Told of each piece of bytes that was moved."""


class Stored(NamedTuple):
    """A published file: where it lies, and what it must be. A linked one has a stamp; not hashed, it has no sha256."""

    store: Store
    key: str
    size: int
    sha256: str
    stamp: str | None = None
    executable: bool = False

    @property
    def url(self) -> str:
        """Place of the file, for messages."""
        return f"{self.store.root}/{self.key}"

    def open(self, *, whole: bool = False) -> VerifyingReader:
        """Open it where it lies; a complete read is verified."""
        if self.stamp is not None:
            self.is_untouched()
            return LinkReader(self, whole=whole)
        return VerifyingReader(self.store.open(self.key, whole=whole), self.size, self.sha256, self.url)

    def is_untouched(self) -> bool:
        """Tell whether a linked file was not written since; any other file is never written again.

        Raises
        ------
        IntegrityError
            If it changed for certain.
        StoreError
            If it is gone, or cannot be looked at.

        """
        if self.stamp is None:
            return True
        return stamps.is_untouched(self.store, self.key, self.size, self.stamp, hashed=bool(self.sha256))

    @property
    def name(self) -> str:
        """Name for a copy of exactly this content."""
        seen = f"{self.url}\0{self.size}\0{self.stamp}"
        return self.sha256 or "stamp-" + hashlib.sha256(seen.encode()).hexdigest()


class LinkReader(VerifyingReader):
    """Reads a linked file; in the end its content, or where it is not hashed its stamp, must be what was linked."""

    def __init__(self, stored: Stored, *, whole: bool = False) -> None:
        source = stored.store.open(stored.key, whole=whole)
        super().__init__(source, stored.size, stored.sha256, stored.url)
        self._stored = stored

    @property
    def sha256(self) -> str:
        """Hexadecimal hash of what was read so far from the start."""
        return self._digest.hexdigest()

    def _check(self) -> None:
        if not self._stored.sha256:
            self._stored.is_untouched()
        elif self.sha256 != self._stored.sha256:
            how = f"its sha256 is {self.sha256} and was {self._stored.sha256}"
            raise stamps.changed(self._stored.url, how)


def _usable(stored: Stored, cache: Cache | None, untouched: bool) -> Cache | None:
    """Cache to ask: for remote files only; of a linked one that was touched its content decides, and no copy."""
    return cache if untouched and stored.sha256 and stored.store.remote else None


def to_path(stored: Stored, target: Path, cache: Cache | None, moved: Moved) -> None:
    """Copy a file to a path, which appears complete and verified, or not at all.

    Raises
    ------
    IntegrityError
        If the bytes are not those that were saved.
    StoreError
        If the store fails.
    OSError
        If the file cannot be written.

    """

    def fetch() -> None:
        part.unlink(missing_ok=True)
        with open(part, "xb") as sink:
            _copy(stored, sink.write, moved, lambda size: sink.truncate(sink.seek(size, os.SEEK_CUR)))

    cache = _usable(stored, cache, stored.is_untouched())
    with replacing(target, executable=stored.executable) as part:
        if cache is not None and _from_cache(stored, part, cache, moved):
            return
        once_more_if_remote(stored.store.remote, fetch)
        if cache is not None:
            with open(part, "rb") as source:
                cache.add(stored.sha256, stored.size, lambda path: clone(source, path))


def to_bytes(stored: Stored, cache: Cache | None) -> bytes:
    """Read a whole file, verified.

    Raises
    ------
    IntegrityError
        If the bytes are not those that were saved.
    StoreError
        If the store fails.

    """

    def fetch() -> bytes:
        sink = io.BytesIO()
        _copy(stored, sink.write, lambda size: None)
        return sink.getvalue()

    cache = _usable(stored, cache, stored.is_untouched())
    copy = _whole_copy(stored, cache) if cache is not None else None
    if copy is not None:
        with contextlib.suppress(OSError, IntegrityError), copy:
            return copy.readall()
    found = once_more_if_remote(stored.store.remote, fetch)
    if cache is not None:
        cache.add(stored.sha256, stored.size, lambda path: path.write_bytes(found))
    return found


def to_read(stored: Stored, cache: Cache | None) -> io.BufferedReader:
    """Open a file for reading: a copy in the cache, if it is whole, else in the store. A complete read is verified.

    Raises
    ------
    StoreError
        If the store fails.

    """
    untouched = stored.is_untouched()
    if not untouched:
        # Whoever seeks gets no check later, so all of it is read now.
        _copy(stored, lambda data: None, lambda size: None)
    cache = _usable(stored, cache, untouched)
    copy = _whole_copy(stored, cache) if cache is not None and stored.size <= LARGEST_HASHED else None
    return io.BufferedReader(stored.open() if copy is None else copy, BUFFER)


@contextlib.contextmanager
def replacing(target: Path, *, executable: bool = False) -> Iterator[Path]:
    """Write to a path that takes the place of `target` in the end; nothing is left of it if that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield part
        if executable:
            make_executable(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _whole_copy(stored: Stored, cache: Cache) -> VerifyingReader | None:
    """Open a copy in the cache if its content is what it must be."""
    cached = cache.open(stored.sha256, stored.size)
    if cached is None:
        return None
    with contextlib.suppress(OSError):
        if hashlib.file_digest(cached, "sha256").hexdigest() == stored.sha256:
            cached.seek(0)
            return VerifyingReader(cached, stored.size, stored.sha256, f"The copy of {stored.url} in the cache")
    cached.close()
    _drop(stored, cache)
    return None


def _from_cache(stored: Stored, part: Path, cache: Cache, moved: Moved) -> bool:
    """Copy a file from the cache and verify the copy; tell whether it is there."""
    cached = cache.open(stored.sha256, stored.size)
    if cached is None:
        return False
    try:
        with cached:
            clone(cached, part, moved)
        if sha256_of(part) == stored.sha256:
            return True
        _drop(stored, cache)
    except OSError as error:
        log.info("The copy of %s in the cache could not be used: %s", stored.url, error)
    part.unlink(missing_ok=True)
    return False


def _drop(stored: Stored, cache: Cache) -> None:
    log.warning("The copy of %s in the cache is damaged; it is fetched again.", stored.url)
    cache.remove(stored.sha256)


def _copy(
    stored: Stored, write: Callable[[bytes], object], moved: Moved, skip: Callable[[int], object] | None = None
) -> None:
    """Read all of a file, verified; `skip` makes a hole of so many bytes where it has zeros, if it is given."""
    with stored.open(whole=True) as source:
        while data := source.read(CHUNK):
            if skip is not None and 0 in data[MIDDLE::HOLE]:
                write_with_holes(data, write, skip)
            else:
                write(data)
            moved(len(data))
