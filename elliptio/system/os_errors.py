"""Explain failures of the operating system, and what to do about them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from elliptio.errors import ElliptioError, FormatError, StoreError

_ADVICE = {
    errno.EACCES: "Give this user access to it, or choose another place.",
    errno.EPERM: "Give this user access to it, or choose another place.",
    errno.EROFS: "The file system is mounted read-only: choose another place, or have it mounted writable.",
    errno.ENOSPC: "The disk is full: free some space, or choose another place.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another place.",
    errno.EFBIG: "The file is larger than this file system or process may write.",
    errno.ENOTDIR: "A file is where a folder should be: choose another place.",
    errno.ENAMETOOLONG: "The file system does not allow names this long: use a shorter one.",
    errno.EXDEV: "The lake spans several file systems: have the whole root on one.",
    errno.EEXIST: "It exists already, and elliptio never overwrites.",
    errno.ENOTEMPTY: "It exists already, and elliptio never overwrites.",
    errno.EIO: "The disk or the network drive failed: check its health.",
    errno.ESTALE: "The network drive lost it: mount it again.",
}


class explained:
    """Turn what the operating system raises in a block into a `StoreError` that says where, what and what to do."""

    # Not a generator: this is entered several times for each of many files.
    def __init__(self, action: str, path: str) -> None:
        self._action = action
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, ElliptioError):
            raise store_error(self._action, self._path, error) from error


@contextlib.contextmanager
def damage_named(where: str, advice: str) -> Iterator[None]:
    """Turn what fails while a file is taken apart into a `FormatError` that says where, what and what to do."""
    try:
        yield
    except FormatError:
        raise
    except Exception as error:  # a damaged file can fail in as many ways as there are parsers
        raise FormatError(f"{where} is damaged: {type(error).__name__}: {error}. {advice}") from error


def store_error(action: str, path: str, error: OSError) -> StoreError:
    """Say where, what and what to do."""
    where = "" if error.filename in (None, path) else f" ({error.filename})"
    advice = _ADVICE.get(error.errno or 0, "")
    # Copying a folder may fail for each of its files.
    reason = error.strerror or str(error)[:400]
    found = StoreError(f"cannot {action} {path}: {reason}{where}. {advice}".rstrip())
    found.errno = error.errno
    return found
