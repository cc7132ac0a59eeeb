"""From a store to this machine, verified."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elliptio.hashing import CHUNK, VerifyingReader, once_more_if_remote
from elliptio.protocols import Store

BUFFER = 128 << 10
"""What a reader that seeks gets at once: no more than what remote stores fetch after a jump."""

Moved = Callable[[int], object]
"""Told of each piece of bytes that was moved."""


@dataclass(frozen=True)
class Downloads:
    """How the files of a lake come to this machine.

    Parameters
    ----------
    progress
        Whether long downloads show a bar.

    """

    progress: bool = True


PLAIN = Downloads()


class Stored(NamedTuple):
    """A published file: where it lies, and what it must be."""

    store: Store
    key: str
    size: int
    sha256: str

    @property
    def url(self) -> str:
        """Where it lies, for messages."""
        return f"{self.store.root}/{self.key}"

    def open(self, *, whole: bool = False) -> VerifyingReader:
        """Open it where it lies; a complete read is verified."""
        return VerifyingReader(self.store.open(self.key, whole=whole), self.size, self.sha256, self.url)


def to_path(stored: Stored, target: Path, moved: Moved) -> None:
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
            _copy(stored, sink.write, moved)

    with replacing(target) as part:
        once_more_if_remote(stored.store.scheme, fetch)


def to_bytes(stored: Stored) -> bytes:
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

    return once_more_if_remote(stored.store.scheme, fetch)


def to_read(stored: Stored) -> io.BufferedReader:
    """Open a file for reading. A complete read is verified.

    Raises
    ------
    StoreError
        If the store fails.

    """
    return io.BufferedReader(stored.open(), BUFFER)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write to a path that takes the place of `target` in the end; nothing is left of it if that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _copy(stored: Stored, write: Callable[[bytes], object], moved: Moved) -> None:
    with stored.open(whole=True) as source:
        while data := source.read(CHUNK):
            write(data)
            moved(len(data))
