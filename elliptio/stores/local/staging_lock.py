"""Tells the staging folder of a running process from one that a crash left.

The folder is locked for as long as its owner lives: the system takes the lock away from a process that is gone, however
it went. A network drive only locks what can be written to, which a folder cannot: there it is a file beside it,
``<folder>.lock``. Where a file system has no locks at all, do without.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

SUFFIX = ".lock"


class StagingLock:
    """A new staging folder, and its lock, held from now until it is released or this process ends.

    Parameters
    ----------
    folder
        Does not exist yet; the folder it lies in does.

    Raises
    ------
    FileExistsError
        If another one made it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._beside = folder + SUFFIX
        self._fds: list[int] = []
        self._has_file = False
        os.mkdir(folder)
        try:
            # Who removes what crashes left may have come before the lock.
            while not self._take():
                self._close()
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder)
        except BaseException:
            self.release()
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            raise

    def _take(self) -> bool:
        try:
            self._fds.append(os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC))
            if _lock(self._fds[-1], wait=True) is None:
                self._fds.append(os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
                self._has_file = True
                _lock(self._fds[-1], wait=True)
                if not os.path.samestat(os.stat(self._beside), os.fstat(self._fds[-1])):
                    return False
            return os.path.samestat(os.stat(self._folder), os.fstat(self._fds[0]))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove the file, if there is one, then the lock. Idempotent."""
        if self._has_file:
            self._has_file = False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._beside)
        self._close()

    def _close(self) -> None:
        # Not unlocked first: that would unlock it for the process this one was forked from too.
        while self._fds:
            os.close(self._fds.pop())

    def __del__(self) -> None:
        self._close()


@contextlib.contextmanager
def abandoned(folder: str) -> Iterator[bool]:
    """Tell whether nobody who lives holds the lock of a staging folder; nobody gets it meanwhile."""
    with contextlib.ExitStack() as held:
        free = _try(folder, os.O_RDONLY, held)
        if free is None:
            free = _try(folder + SUFFIX, os.O_RDWR, held)
        yield free is not False


def _try(path: str, flags: int, held: contextlib.ExitStack) -> bool | None:
    try:
        fd = os.open(path, flags | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return False
    held.callback(os.close, fd)
    return _lock(fd, wait=False)


def _lock(fd: int, *, wait: bool) -> bool | None:
    """Lock what is open; False if another one has the lock, None if it cannot be locked."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
