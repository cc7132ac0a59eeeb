"""Moves files into a store: copied and hashed in one pass, several at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import BinaryIO, Protocol, TypeVar, cast

from elliptio.artifacts.downloading import LinkReader, Stored
from elliptio.artifacts.hashing import CHUNK, HashingReader, pieces_of
from elliptio.artifacts.stamps import changed
from elliptio.errors import SourceError, StoreError
from elliptio.metadata import FileRecord
from elliptio.protocols import Content, Staging
from elliptio.saving.sources import Source
from elliptio.system.file_systems import make_executable
from elliptio.system.parallel import each
from elliptio.system.progress import SMALL, Progress

_S = TypeVar("_S", Source, Stored)
_R = TypeVar("_R")

_SMALL = 256 << 10
"""Bytes below which a file of this machine is rather moved without threads."""

_SLOW = 1e-3
"""Seconds a small file may take before threads are worth while, on the average of at least so many files:"""

_FEW = 8

LARGE = 1 << 20
"""Of files of at least so many bytes no second copy is kept; smaller ones are not worth looking for."""

LARGE_REMOTE = 16 << 20
"""The same, where a store has to copy the file: that takes a few requests more than to send it."""

SAMPLE = 64 << 10

Twins = Callable[[int], Iterable["Twin"]]
"""Finds published files of a size."""


class Twin(Protocol):
    """A published file that may hold the same bytes as one that is to be saved."""

    @property
    def key(self) -> str:
        """Its key in the store."""

    @property
    def sha256(self) -> str:
        """Its hash, as it was recorded."""

    @property
    def executable(self) -> bool:
        """True where it may be executed."""

    def open(self) -> BinaryIO:
        """Open it for reading."""


def no_twins(size: int) -> Iterable[Twin]:
    """Nothing was saved before."""
    return ()


def save(
    sources: Sequence[Source],
    staging: Staging,
    folder: str,
    *,
    concurrency: int,
    progress: bool = True,
    twins: Twins = no_twins,
) -> list[FileRecord]:
    """Copy files into a staged artifact, below `folder`, and return their records in the same order.

    A large file that one of its `twins` equals is linked to it on this machine, and copied by the store elsewhere.

    Raises
    ------
    SourceError
        If a file cannot be read.
    StoreError
        If the store fails.

    """
    move = partial(_save_one, staging=staging, folder=folder, twins=twins)
    return _each(sources, move, concurrency, progress, here=staging.in_place)


def hash_in_place(sources: Sequence[Source], *, concurrency: int, progress: bool = True) -> list[FileRecord]:
    """Hash files that already lie where they are published from, and return their records in the same order."""
    return _each(sources, _hash_one, concurrency, progress, here=True)


def hash_linked(files: Sequence[Stored], *, progress: bool = True) -> list[str]:
    """Hash files where they lie, and return their sha256 in the same order.

    Raises
    ------
    IntegrityError
        If one is not what it was when it was linked.
    StoreError
        If one is gone, or cannot be read.

    """
    if not files:
        return []
    store = files[0].store
    return _each(files, _hash_one_linked, store.concurrency, progress, here=not store.remote, what="Hashing")


def _each(
    sources: Sequence[_S],
    move: Callable[[_S, Progress | None], _R],
    concurrency: int,
    progress: bool,
    *,
    here: bool,
    what: str = "Saving",
) -> list[_R]:
    total = sum(source.size for source in sources)
    done: list[_R] = []
    stopped = threading.Event()
    # What is small is moved before a bar would show, and before it could be stopped.
    with Progress(total, what, enabled=progress, stopped=stopped) if total > SMALL else nullcontext() as bar:
        # Threads that have little to wait for keep each other from working: a thousand small files take twice as long.
        # So they are moved one by one, until one is large, or they take long (a network drive).
        start = time.perf_counter()
        for number, source in enumerate(sources if here else ()):
            if source.size >= _SMALL or (number > _FEW and time.perf_counter() - start > number * _SLOW):
                break
            done.append(move(source, bar))
        left = sources[len(done) :]
        if left:
            records: dict[int, _R] = {}

            def move_one(number: int) -> None:
                records[number] = move(left[number], bar)

            workers = min(concurrency, len(left))
            each(move_one, range(len(left)), workers=workers, name="elliptio-transfer", stopped=stopped)
            done += [records[number] for number in range(len(left))]
    return done


def _save_one(source: Source, bar: Progress | None, *, staging: Staging, folder: str, twins: Twins) -> FileRecord:
    if source.size >= (LARGE if staging.in_place else LARGE_REMOTE):
        link = _link_one if staging.in_place else _copy_one
        # What is linked is one file with one set of permissions.
        wanted = (twin for twin in twins(source.size) if twin.executable == source.executable or not staging.in_place)
        found = next(filter(None, (link(source, twin, staging, folder) for twin in wanted)), None)
        if found is not None:
            if bar is not None:
                bar.advance(found.size)
            return found
    with _open(source) as file:
        before = os.fstat(file.fileno())
        reader = _CountingReader(file, source, bar)
        staging.put(f"{folder}/{source.relpath}", cast("BinaryIO", reader))
        if source.executable and staging.in_place:
            make_executable(staging.folder / folder / source.relpath)
        return _record(source, reader, before, os.fstat(file.fileno()))


def _link_one(source: Source, twin: Twin, staging: Staging, folder: str) -> FileRecord | None:
    """Link to a published file if it holds what the source does; None if it does not, or cannot be linked to.

    Their bytes are compared, not only their hashes: what is stored may have been damaged since.
    """
    with _open(source) as file:
        before = os.fstat(file.fileno())
        reader = _CountingReader(file, source)
        try:
            with twin.open() as other:
                while (chunk := reader.read(CHUNK)) == other.read(CHUNK):
                    if not chunk:
                        break
                else:
                    return None
        except StoreError:
            return None
        record = _record(source, reader, before, os.fstat(file.fileno()))
    linked = record.sha256 == twin.sha256 and staging.link(f"{folder}/{source.relpath}", twin.key)
    return record if linked else None


def _copy_one(source: Source, twin: Twin, staging: Staging, folder: str) -> FileRecord | None:
    """Have the store copy a published file that holds what the source does; None if it does not, or cannot be copied.

    It is tried where a few bytes of both are the same. The store compares each piece that it copied with the hash of
    that piece here: what is stored may have been damaged since.
    """
    with _open(source) as file:
        if not _alike(file, twin, source.size):
            return None
        file.seek(0)
        before = os.fstat(file.fileno())
        reader = _CountingReader(file, source)
        content = Content(source.size, pieces_of(cast("BinaryIO", reader)))
        if not staging.link(f"{folder}/{source.relpath}", twin.key, content):
            return None
        return _record(source, reader, before, os.fstat(file.fileno()))


def _alike(file: BinaryIO, twin: Twin, size: int) -> bool:
    try:
        with twin.open() as other:
            for place in (0, size // 2, max(0, size - SAMPLE)):
                file.seek(place)
                other.seek(place)
                if file.read(SAMPLE) != other.read(SAMPLE):
                    return False
    except (StoreError, OSError):
        return False
    return True


def _hash_one(source: Source, bar: Progress | None) -> FileRecord:
    with _open(source) as file:
        before = os.fstat(file.fileno())
        reader = _CountingReader(file, source, bar)
        while reader.read(CHUNK):
            pass
        return _record(source, reader, before, os.fstat(file.fileno()))


def _hash_one_linked(stored: Stored, bar: Progress | None) -> str:
    left = stored.size
    # Without a look at it before: it was found a moment ago, and in the end it is looked at once more.
    with LinkReader(stored, whole=True) as reader:
        while data := reader.read(min(CHUNK, left) or 1):
            if bar is not None:
                bar.advance(len(data))
            left -= len(data)
            if left <= 0:
                break
        if left:
            stored.is_untouched()
            raise changed(stored.url, f"it ends {left:,} bytes early" if left > 0 else "it is longer than it says")
        return reader.sha256


def _record(source: Source, reader: HashingReader, before: os.stat_result, after: os.stat_result) -> FileRecord:
    """Describe what was copied, unless the file changed meanwhile: a mix of before and after is nobody's file."""
    seen = {(source.size, source.modified), *((status.st_size, status.st_mtime_ns) for status in (before, after))}
    if len(seen) > 1 or reader.size != after.st_size:
        raise _changed(source.path)
    return FileRecord(source.relpath, reader.size, reader.sha256, executable=source.executable)


def _open(source: Source) -> BinaryIO:
    try:
        # Without O_NONBLOCK a pipe that took the file's place since it was looked at would hang.
        descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        return cast("BinaryIO", open(descriptor, "rb", buffering=0))
    except OSError as error:
        raise _unreadable(source.path, error) from error


class _CountingReader(HashingReader):
    """Tells the progress bar what passes, and whose fault it is where nothing does; ends where the file has grown."""

    def __init__(self, file: BinaryIO, source: Source, bar: Progress | None = None) -> None:
        super().__init__(file)
        self._path = source.path
        self._most = source.size
        self._bar = bar

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._source.read(size)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._digest.update(data)
        self.size += len(data)
        # What grows as fast as it is copied would be followed to the end of the disk.
        if self.size > self._most:
            raise _changed(self._path)
        if self._bar is not None:
            self._bar.advance(len(data))
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            found = super().readinto(buffer)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if self.size > self._most:
            raise _changed(self._path)
        if self._bar is not None:
            self._bar.advance(found)
        return found


def _changed(path: str) -> SourceError:
    return SourceError(
        f"{path} changed while it was being saved, so nothing was published. Save it again when nothing writes to it."
    )


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(f"{path} cannot be read: {error.strerror or error}.")
