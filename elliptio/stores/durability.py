"""Waiting until the disk has what was written."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# One flush of the whole file system costs about as much as this many flushes of single files. It also waits for what
# other programs have written, so it is not worth while for a few files.
ONE_BY_ONE = 16


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
    import ctypes

    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(ctypes.CDLL(None, use_errno=True).syncfs(fd) == 0)
    except AttributeError:
        return False
    finally:
        os.close(fd)
