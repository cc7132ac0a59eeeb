"""Tell the staging folder of a running process from one that a crash left.

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
"""End of the name of the file that is locked in place of the folder beside it."""


class StagingLock:
    """Make a new staging folder, and hold its lock from now until it is released or this process ends.

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
