"""Remove files and folders of a lake in a folder, but nothing that a running process is staging."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import Any

from elliptio.stores.local.disk import SUFFIX, abandoned


def remove_tree(path: str) -> None:
    """Remove a file, a link or a tree; what is gone already does not matter."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (IsADirectoryError, PermissionError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
        shutil.rmtree(path, onerror=_retry_writable)


def _retry_writable(function: Callable[..., Any], path: str, info: Any) -> None:
    """Remove what a missing right to write kept, after taking the right; for `shutil.rmtree`."""
    error = info[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    for each in (os.path.dirname(path), path):
        if stat.S_ISDIR(os.lstat(each).st_mode):
            os.chmod(each, 0o700)
    if function in (os.unlink, os.rmdir):
        function(path)
    else:
        shutil.rmtree(path)


def remove_empty(folder: str, root: str) -> None:
    """Remove a folder and those around it, as far as they are empty, but not the root."""
    while len(folder) > len(root):
        try:
            os.rmdir(folder)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                break
        folder = os.path.dirname(folder)


def remove_staged(folder: str, path: str) -> None:
    """Remove what lies in a staging folder, or all of it with its lock, unless its owner still runs."""
    with abandoned(folder) as free:
        if free and path in (folder, folder + SUFFIX):
            remove_tree(folder)
            remove_tree(folder + SUFFIX)
        elif free:
            remove_tree(path)


def left_empty(staging: str) -> Iterator[tuple[str, os.stat_result]]:
    """Find the staging folders without files, and the locks without folders, that a crash left."""
    try:
        names = {name.removesuffix(SUFFIX) for name in os.listdir(staging)}
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(names - {""}):
        folder = os.path.join(staging, name)
        below = (os.path.join(current, file) for current, _, files in os.walk(folder) for file in files)
        with contextlib.suppress(FileNotFoundError):  # somebody else may be removing
            if os.path.isfile(folder) or any(stat.S_ISREG(os.lstat(path).st_mode) for path in below):
                continue
            with abandoned(folder) as free:
                if free:
                    yield name, os.stat(folder if os.path.isdir(folder) else folder + SUFFIX)
