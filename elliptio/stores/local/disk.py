"""Work on files and folders for a lake in a folder: made, written, removed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Container
from typing import Any

from elliptio.errors import StoreError

READ_ONLY = 0o444
READABLE = 0o555

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR)
NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)


def create_new(path: str) -> int:
    """Make a file that is not there yet, read-only for others, as far as the umask lets them read it at all."""
    # Created read-only: this descriptor may write all the same, and no chmod is needed later.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, READ_ONLY)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def with_parent(path: str, action: Callable[[], Any], made: list[str] | None = None) -> Any:
    """Run what needs the parent of `path`, and make the parent only if it turns out to be missing.

    Repeated, as another process may remove an empty folder in between. Folders that got new children are added to
    `made`: they must be flushed too.
    """
    for _ in range(10):
        try:
            return action()
        except FileNotFoundError:
            parent = os.path.dirname(path)
            existing = parent
            while not os.path.lexists(existing):
                existing = os.path.dirname(existing)
                if made is not None:
                    made.append(existing)
            with contextlib.suppress(FileNotFoundError):
                os.makedirs(parent, exist_ok=True)
    return action()


def prepare(folder: str, read_only: Container[str]) -> tuple[list[str], list[str]]:
    """Make staged files read-only but those that are known to be, and return all of them and their folders."""
    files, folders = [], [folder]
    for path in folders:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                if not entry.is_file(follow_symlinks=False):
                    raise OSError(errno.EINVAL, "only regular files and folders can be published", entry.path)
                if entry.path not in read_only:
                    mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                    if mode & ~READABLE:
                        os.chmod(entry.path, mode & READABLE)
                files.append(entry.path)
    return files, folders


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


def rename_locked(lock: str, temporary: str, path: str) -> bool:
    """Rename unless the name is taken, under a lock that ends with this process: for drives without hard links."""
    import fcntl

    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return False
        with_parent(path, lambda: os.rename(temporary, path))
        return True


def check_inside(path: str, root: str) -> None:
    """Refuse to change what lies outside the root by way of a link.

    Raises
    ------
    StoreError
        If the folder of `path` is led out of the root by links below it.
    """
    folder = parent = os.path.dirname(path)
    # Asking each folder whether it is a link costs much less than resolving two paths, and there hardly ever is one.
    while len(folder) > len(root):
        if os.path.islink(folder):
            real, home = os.path.realpath(parent), os.path.realpath(root)
            if real != home and not real.startswith(home.rstrip("/") + "/"):
                raise StoreError(f"cannot change {path}: {folder} is a link that leads out of {root}, to {real}")
            return
        folder = os.path.dirname(folder)
