"""Tells the staging folder of a running process from one that a crash left.

A file beside the folder, ``<folder>.lock``, is locked for as long as its owner lives: the system takes the lock away
from a process that is gone, however it went. Where a file system has no such locks, do without.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

SUFFIX = ".lock"


class StagingLock:
    """The lock of one staging folder, held from now until it is released or this process ends.

    Parameters
    ----------
    folder
        The staging folder, which need not exist; the folder it lies in must.

    Raises
    ------
    FileExistsError
        If another one has the lock, or left its file behind.
    """

    def __init__(self, folder: str) -> None:
        self.path = folder + SUFFIX
        self._fd: int | None = None
        while not self._take():
            pass

    def _take(self) -> bool:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        _lock(fd, wait=True)
        # Who removes what crashes left may have come before the lock.
        try:
            taken = os.stat(self.path).st_ino == os.fstat(fd).st_ino
        except FileNotFoundError:
            taken = False
        if taken:
            self._fd = fd
        else:
            os.close(fd)
        return taken

    def release(self) -> None:
        """Remove the file, then the lock. Idempotent."""
        if self._fd is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            # Not unlocked first: that would unlock it for the process this one was forked from too.
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", None) is not None:
            self._close()


@contextlib.contextmanager
def abandoned(folder: str) -> Iterator[bool]:
    """Tell whether nobody who lives holds the lock of a staging folder; nobody gets it meanwhile."""
    cloexec = getattr(os, "O_CLOEXEC", 0)
    try:
        try:
            fd = os.open(folder + SUFFIX, os.O_RDWR | cloexec)
        except PermissionError:
            fd = os.open(folder + SUFFIX, os.O_RDONLY | cloexec)
    except (FileNotFoundError, NotADirectoryError):
        yield True
        return
    except PermissionError:
        yield False
        return
    try:
        yield _lock(fd, wait=False)
    finally:
        os.close(fd)


def _lock(fd: int, *, wait: bool) -> bool:
    """Lock an open file; False if another one has the lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        # A file system without such locks; but network drives want to write where they lock.
        return error.errno != errno.EBADF
    return True
