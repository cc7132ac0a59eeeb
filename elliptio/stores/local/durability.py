"""Waiting until the disk has what was written."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence

# One flush of the whole file system costs less than flushing two files one by one, and as much for thousands of them.
# It also waits for what other programs have written there; a single path is flushed alone.
ONE_BY_ONE = 1


STEP = 32 << 20
"""Bytes of a file after which the disk begins to write them, while more come."""


def begin_flush(fd: int, start: int, size: int) -> None:
    """Have the disk begin to write a part of a file, where it can be told to; nobody waits for it."""
    if hasattr(os, "posix_fadvise"):
        # Linux starts to write what it is told not to keep, and keeps it in memory until that is done.
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, start, size, os.POSIX_FADV_DONTNEED)


def flush(paths: Sequence[str]) -> None:
    """Wait until the disk has these files and folders, which lie on one file system."""
    if len(paths) > ONE_BY_ONE and _flush_file_system(paths[-1]):
        return
    for path in paths:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _flush_file_system(path: str) -> bool:
    """Flush everything at once, where Linux can."""
    if not sys.platform.startswith("linux"):
        return False
    syncfs = _syncfs()
    if syncfs is None:
        return False
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(syncfs(fd) == 0)
    finally:
        os.close(fd)


@functools.cache
def _syncfs() -> Callable[[int], int] | None:
    import ctypes

    try:
        function: Callable[[int], int] = ctypes.CDLL(None).syncfs
    except (AttributeError, OSError):
        return None
    return function
