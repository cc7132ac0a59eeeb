"""Tell whether anything changed below some folders: the kernel is asked to note it (inotify, on Linux)."""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Iterable, Set

# From <sys/inotify.h>.
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_CHANGES = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_ONLY_FOLDERS, _IS_FOLDER = 0x01000000, 0x40000000
_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 16


class Watch:
    """Notes every change in some folders, not in those below them.

    The kernel notes a change before the call that made it returns, so none that is over can be missed. What is written
    through a memory map shows when its file is closed. What other machines do on a network drive is never seen.

    Parameters
    ----------
    folders
        Absolute paths.
    indifferent
        Absolute paths of files that may change.

    Raises
    ------
    OSError
        If they cannot be watched: there is no such folder, or the system's limit is reached.
    """

    def __init__(self, folders: Iterable[bytes], indifferent: Set[bytes] = frozenset()) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        import ctypes

        self._indifferent = indifferent
        self._folders: dict[int, bytes] = {}
        self._changed = False
        self._pid = os.getpid()
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = _checked(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            for folder in folders:
                number = _checked(libc.inotify_add_watch(self._fd, folder, _CHANGES | _ONLY_FOLDERS))
                self._folders[number] = folder
        except BaseException:
            self.close()
            raise

    @property
    def is_quiet(self) -> bool:
        """True while nothing has changed since this was made; False for ever once something has."""
        # A child shares what its parent waits to read.
        if self._changed or self._fd < 0 or self._pid != os.getpid():
            return False
        while not self._changed:
            try:
                self._changed = any(map(self._matters, _events(os.read(self._fd, _BUFFER))))
            except BlockingIOError:
                return True
            except OSError:
                self._changed = True
        return False

    def _matters(self, event: tuple[int, int, bytes]) -> bool:
        number, what, name = event
        folder = self._folders.get(number)  # there is none where more happened than the kernel can note
        if folder is None or not name or what & _IS_FOLDER:
            return True
        return os.path.join(folder, name) not in self._indifferent

    def close(self) -> None:
        """Stop watching."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        # When the interpreter ends, modules may be gone before this is; the system closes it then.
        if getattr(self, "_fd", -1) >= 0 and os is not None:
            self.close()


def _checked(result: int) -> int:
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _events(data: bytes) -> Iterable[tuple[int, int, bytes]]:
    """Yield the number of the folder, what happened, and the name in it."""
    start = 0
    while start < len(data):
        number, mask, _, length = _EVENT.unpack_from(data, start)
        start += _EVENT.size
        yield number, mask, data[start : start + length].rstrip(b"\0")
        start += length
