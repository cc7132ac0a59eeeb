"""Work on files and folders for a lake in a folder: make, write, flush, lock and remove them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import io
import os
import stat
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from elliptio.errors import StoreError
from elliptio.protocols import StoredFile
from elliptio.system.file_systems import HOLE, MIDDLE, NO_UTF8, UTF8, write_with_holes
from elliptio.system.os_errors import store_error

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

READ_ONLY = 0o444
READABLE = 0o555
"""Permissions of a published file at creation, and those that it may have at most."""

# Created read-only: the descriptor may write all the same, and no chmod is needed later.
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags to make a file that is not there yet; the umask decides how far `READ_ONLY` lets others read it."""

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR)
"""Error numbers that mean: there is no file of this name."""

OPEN_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file without waiting for whoever writes into it."""

PRIVATE = ".elliptio"
STAGING = f"{PRIVATE}/staging"
"""Folders of elliptio itself, and of what is being staged."""

NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)
"""Error numbers that mean: this file system makes no hard link here."""

STEP = 32 << 20
"""Bytes of a file after which the disk begins to write them, while more come."""

# One flush of the whole file system costs less than flushing two files one by one, and as much for thousands of them.
# It also waits for what other programs have written there; a single path is flushed alone.
ONE_BY_ONE = 1
"""Number of paths that are flushed one by one."""


def write_all(fd: int, data: bytes, *, dense: bool = False) -> None:
    """Write all of `data`; unless `dense`, zeros that fill blocks become a hole, as they may have come from one."""
    if not dense and 0 in data[MIDDLE::HOLE]:
        write_with_holes(data, partial(write_all, fd, dense=True), partial(_skip, fd))
        return
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def _skip(fd: int, size: int) -> None:
    os.ftruncate(fd, os.lseek(fd, size, os.SEEK_CUR))


def with_parent(path: str, action: Callable[[*Ts], T], *arguments: *Ts, made: list[str] | None = None) -> T:
    """Run what needs the parent of `path`, and make the parent only if it turns out to be missing.

    Folders that got new children are added to `made`: they must be flushed too.
    """
    # Repeated, as another process may remove an empty folder in between.
    for _ in range(10):
        try:
            return action(*arguments)
        except FileNotFoundError:
            parent = os.path.dirname(path)
            existing = parent
            while not os.path.lexists(existing):
                existing = os.path.dirname(existing)
                if made is not None:
                    made.append(existing)
            # It may exist when it is made, and be gone when that is looked at. What else stands there fails above.
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                os.makedirs(parent, exist_ok=True)
    return action(*arguments)


def rename_locked(lock: str, temporary: str, path: str) -> bool:
    """Rename unless the name is taken, under a lock that ends with this process: for drives without hard links."""
    import fcntl

    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return False
        with_parent(path, os.rename, temporary, path)
        return True


def give_name(temporary: str, path: str, lock: str, changed: list[str]) -> bool:
    """Give a complete file its name, unless the name is taken; folders that got new children are added to `changed`."""
    try:
        with_parent(path, os.link, temporary, path, made=changed)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        if not rename_locked(lock, temporary, path):
            return False
    changed.append(os.path.dirname(path))
    return True


def prepare(folder: str, read_only: Container[str]) -> list[str]:
    """Make staged files read-only but those that are known to be, and return all of them, and then their folders."""
    files, folders = [], [folder]
    for path in folders:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                if not entry.is_file(follow_symlinks=False):
                    raise OSError(errno.EINVAL, "only regular files and folders can be published", entry.path)
                if not UTF8 and not entry.name.isascii():
                    raise OSError(errno.EILSEQ, NO_UTF8, entry.path)
                if entry.path not in read_only:
                    mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                    if mode & ~READABLE:
                        os.chmod(entry.path, mode & READABLE)
                files.append(entry.path)
    return files + folders


# --- flushing ---


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
    """Flush everything at once, where Linux can, and tell whether it was done."""
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
    """Find the function of the C library that flushes a file system; None where there is none."""
    import ctypes

    try:
        function: Callable[[int], int] = ctypes.CDLL(None).syncfs
    except (AttributeError, OSError):
        return None
    return function


def check_inside(path: str, root: str) -> None:
    """Refuse to change what lies outside the root by way of a link.

    Raises
    ------
    StoreError
        If the folder of `path` is led out of the root by links below it.
    """
    end, top = path.rfind("/"), len(root)
    # Asking each folder whether it is a link costs much less than resolving two paths, and there hardly ever is one.
    while end > top:
        if os.path.islink(folder := path[:end]):
            real, home = os.path.realpath(os.path.dirname(path)), os.path.realpath(root)
            if real != home and not real.startswith(home.rstrip("/") + "/"):
                raise StoreError(f"cannot change {path}: {folder} is a link that leads out of {root}, to {real}")
            return
        end = path.rfind("/", 0, end)


class Reader(io.FileIO):
    """Read a file; where the disk fails in the middle of it, that is a failure of the store."""

    path: str

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into a buffer."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise store_error("read", self.path, error) from error

    def readall(self) -> bytes:
        """Read what is left."""
        try:
            return super().readall()
        except OSError as error:
            raise store_error("read", self.path, error) from error


# --- the lock of a staging folder ---

SUFFIX = ".lock"
"""End of the name of the file that is locked in place of the folder beside it."""


def is_lock(name: str) -> bool:
    """Tell whether this is the name of the lock of a staging folder."""
    return name.endswith(SUFFIX) and name != SUFFIX


class StagingLock:
    """Make a new staging folder, and hold its lock from now until it is released or this process ends.

    So the staging folder of a running process is told from one that a crash left: the system takes the lock away from a
    process that is gone, however it went. A network drive only locks what can be written to, which a folder cannot:
    there it is a file beside it, ``<folder>.lock``. Where a file system has no locks at all, there is none.

    Parameters
    ----------
    folder
        Does not exist yet; the folder it lies in does.

    Raises
    ------
    FileExistsError
        If another one made it.

    Examples
    --------
    ::

        lock = StagingLock("/lake/.elliptio/staging/103000_artifact_1")
        with abandoned("/lake/.elliptio/staging/103000_artifact_1") as free:
            assert not free
        lock.release()
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._beside = folder + SUFFIX
        self._has_file = False
        self._held = contextlib.ExitStack()
        os.mkdir(folder)
        try:
            # Who removes what crashes left may have come before the lock.
            while not self._take():
                self._held.close()
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder)
        except BaseException:
            self.release()
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            raise

    def _take(self) -> bool:
        """Lock the folder or the file beside it, and tell whether what was locked is still there."""
        try:
            fd = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            self._held.callback(os.close, fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
            except OSError:
                beside = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                self._held.callback(os.close, beside)
                self._has_file = True
                with contextlib.suppress(OSError):
                    fcntl.flock(beside, fcntl.LOCK_EX)
                if not os.path.samestat(os.stat(self._beside), os.fstat(beside)):
                    return False
            return os.path.samestat(os.stat(self._folder), os.fstat(fd))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove the file, if there is one, then the lock. Idempotent."""
        if self._has_file:
            self._has_file = False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._beside)
        # Not unlocked first: that would unlock it for the process this one was forked from too.
        self._held.close()

    def __del__(self) -> None:
        self._held.close()


@contextlib.contextmanager
def abandoned(folder: str) -> Iterator[bool]:
    """Tell whether nobody who lives holds the lock of a staging folder; nobody gets it meanwhile."""
    with contextlib.ExitStack() as held:
        free = _try(folder, os.O_RDONLY, held)
        if free is None:
            free = _try(folder + SUFFIX, os.O_RDWR, held)
        yield free is not False


def _try(path: str, flags: int, held: contextlib.ExitStack) -> bool | None:
    """Lock a path without waiting; False if another one has the lock, None if it is not there or cannot be locked."""
    try:
        fd = os.open(path, flags | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return False
    held.callback(os.close, fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def stored_files(found: Iterable[tuple[str, os.stat_result]]) -> list[StoredFile]:
    """Describe files by what the system tells of them."""
    stored = []
    for key, one in found:
        try:
            moment = datetime.fromtimestamp(one.st_mtime, UTC)
        except (ValueError, OverflowError, OSError):  # some file systems keep times that no calendar knows
            moment = datetime(9999 if one.st_mtime > 0 else 1, 1, 1, tzinfo=UTC)
        # The second is set by the system alone: whoever writes a file can put the first one back.
        stored.append(StoredFile(key, one.st_size, moment, f"{one.st_mtime_ns}:{one.st_ctime_ns}"))
    return stored
