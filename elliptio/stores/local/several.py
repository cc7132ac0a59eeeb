"""Write several small files, each atomically, and wait for the disk once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Mapping

from elliptio.stores.local.disk import (
    NEW_FILE,
    READ_ONLY,
    STAGING,
    check_inside,
    flush,
    give_name,
    with_parent,
    write_all,
)

AT_ONCE = 100
"""Files that are flushed together; each is held open until then."""


def create_several(files: Mapping[str, bytes], root: str, durable: bool) -> list[bool]:
    """Write those of some files below a root, by their paths, that are not there; tell of each whether it was written.

    Where it is to be `durable`, wait until the disk has them.
    """
    paths, found, staging = list(files), list[bool](), os.path.join(root, STAGING)
    for path in paths:
        check_inside(path, root)
    for start in range(0, len(paths), AT_ONCE):
        some = {path: files[path] for path in paths[start : start + AT_ONCE]}
        with contextlib.ExitStack() as block:
            made = [_made(block, staging, data) for data in some.values()]
            if durable:
                flush(made)
            changed: list[str] = []
            lock = os.path.join(staging, ".lock")
            found += [give_name(one, path, lock, changed) for one, path in zip(made, some, strict=True)]
            if durable and changed:
                flush(list(dict.fromkeys(changed)))
    return found


def _made(block: contextlib.ExitStack, staging: str, data: bytes) -> str:
    """Write a file that has no name yet; it is locked, so that nobody takes it for left behind, and gone at the end."""
    temporary = os.path.join(staging, f"create-{uuid.uuid4().hex}")
    fd = with_parent(temporary, os.open, temporary, NEW_FILE, READ_ONLY)
    block.callback(_remove, temporary)
    block.callback(os.close, fd)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    write_all(fd, data)
    return temporary


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
