"""Counts what a call does: files opened, flushes, statements and steps of SQLite, questions to the index.

Counts do not depend on how fast or busy a machine is, so a test can hold them exactly.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from elliptio.protocols import Document, Index, Query, Sort
from elliptio.stores.local import disk

CHANGES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.symlink"}
LISTINGS = {"os.listdir", "os.scandir"}


@dataclass
class Counts:
    """What happened while it was counted."""

    opened: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    def opens(self, name: str) -> int:
        """How often files of this name were opened."""
        return sum(Path(path).name == name for path in self.opened)


_counting: list[Counts] = []
_connections: list[sqlite3.Connection] = []
_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "sqlite3.connect/handle":
        _connections.append(arguments[0])
    elif not _counting:
        return
    for counts in _counting:
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            counts.opened.append(os.fsdecode(arguments[0]))
        elif event in CHANGES | LISTINGS | {"subprocess.Popen", "socket.connect"}:
            counts.events[event] += 1


def hook() -> None:
    """Begin to see what the interpreter does; this cannot be taken back."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True


@contextlib.contextmanager
def counted() -> Iterator[Counts]:
    """Count what this process does to the file system."""
    hook()
    counts = Counts()
    _counting.append(counts)
    try:
        yield counts
    finally:
        _counting.remove(counts)


def calls_of(do: Callable[[], object]) -> int:
    """Count the calls of functions that doing something takes, those written in C included.

    What earlier tests left is freed before: it would call whoever waits for that in the middle of the count.
    """
    calls = 0
    gc.collect()

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before, searches = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(note)
    try:
        do()
    finally:
        sys.setprofile(before)
        if searches:
            gc.enable()
    return calls


@contextlib.contextmanager
def sqlite_steps() -> Iterator[Counter[str]]:
    """Count what the SQLite connections that were opened since `hook` do: statements, and steps of its machine."""
    found: Counter[str] = Counter()

    def step() -> int:
        found["steps"] += 1
        return 0

    def statement(_: str) -> None:
        found["statements"] += 1

    watched = []
    for connection in _connections:
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed, or of another thread
            connection.set_progress_handler(step, 1)
            connection.set_trace_callback(statement)
            watched.append(connection)
    try:
        yield found
    finally:
        for connection in watched:
            with contextlib.suppress(sqlite3.ProgrammingError):
                connection.set_progress_handler(None, 1)
                connection.set_trace_callback(None)


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count flushes of files, of folders and of whole file systems."""
    found: Counter[str] = Counter()
    real, syncfs = os.fsync, disk._syncfs()

    def fsync(descriptor: int) -> None:
        found["fsync"] += 1
        real(descriptor)

    def flush_file_system(descriptor: int) -> int:
        found["syncfs"] += 1
        return syncfs(descriptor) if syncfs else 1

    monkeypatch.setattr(os, "fsync", fsync)
    if syncfs:
        monkeypatch.setattr(disk, "_syncfs", lambda: flush_file_system)
    return found


class CountingIndex:
    """Passes everything on to another index, and counts the questions."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.address = index.address
        self.asked: Counter[str] = Counter()

    def insert(self, collection: str, *documents: Mapping[str, Any]) -> int:
        self.asked[f"insert {collection}"] += 1
        return self.index.insert(collection, *documents)

    def replace(self, collection: str, document: Mapping[str, Any]) -> None:
        self.asked[f"replace {collection}"] += 1
        self.index.replace(collection, document)

    def find(self, collection: str, query: Query, *, sort: Sort = (), limit: int = 0) -> Iterator[Document]:
        self.asked[f"find {collection}"] += 1
        return self.index.find(collection, query, sort=sort, limit=limit)

    def count(self, collection: str, query: Query, *, limit: int = 0) -> int:
        self.asked[f"count {collection}"] += 1
        return self.index.count(collection, query, limit=limit)

    def links(
        self, collections: Sequence[str], ids: Sequence[str], *, up: bool, depth: int = 0
    ) -> list[tuple[str, str]]:
        self.asked["links"] += 1
        return self.index.links(collections, ids, up=up, depth=depth)

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        self.asked[f"delete {collection}"] += 1
        self.index.delete(collection, ids)

    def close(self) -> None:
        self.index.close()
