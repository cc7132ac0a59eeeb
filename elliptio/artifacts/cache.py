"""Copies of remote files on this machine, named by the hash of their content; the least recently used go first."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from elliptio.errors import StoreError

log = logging.getLogger(__name__)

SHARE = 0.5
"""The cache takes at most so much of the disk space that would be free without it."""

SPARE = 0.9
"""Part of the cap that is left where something has to go, so that the next file need not remove anything."""

STEP = 64 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = ".part-"
_DIGITS = 20
_CANNOT_CLONE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.ETXTBSY)


class Entry(NamedTuple):
    """One file of the cache: when it was last used, its size, where it is."""

    used: float
    size: int
    path: str


@dataclass(frozen=True)
class Cache:
    """A folder of files named by the sha256 of their content, for all processes of one user.

    Whatever goes wrong in it costs time and nothing else: it is logged, and the file is fetched. Whoever reads an
    entry compares its content with its name.

    Parameters
    ----------
    folder
        Where it lies; made when it is first needed, for this user alone.
    cap
        Bytes that it may take.

    """

    folder: Path
    cap: int

    def path(self, sha256: str) -> Path:
        """Return the path that the file of this content has, or would have."""
        return self._files / sha256[:2] / sha256

    def open(self, sha256: str, size: int) -> BufferedReader | None:
        """Open the file of this content and note that it was used; None if there is none of this size."""
        # The hash comes from a document, which others may have written.
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            self._check_owner()
            file = open(self.path(sha256), "rb")  # noqa: SIM115 - handed on
        except OSError:
            return None
        if os.fstat(file.fileno()).st_size != size:
            file.close()
            self.remove(sha256)
            return None
        with contextlib.suppress(OSError):
            os.utime(file.fileno())
        return file

    def add(self, sha256: str, size: int, fill: Callable[[Path], object]) -> None:
        """Keep a file of this content: `fill` writes it to the path it is given, which does not exist yet."""
        if size > self.cap or not _SHA256.fullmatch(sha256):
            return
        part = self._files / f"{_PART}{secrets.token_hex(8)}"
        try:
            self._prepare()
            if not self._make_room(size):
                return
            try:
                fill(part)
                part.chmod(0o600)
                self.path(sha256).parent.mkdir(mode=0o700, exist_ok=True)
                os.replace(part, self.path(sha256))
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            log.info("%s could not be kept in the cache: %s", sha256, error)

    def remove(self, sha256: str) -> None:
        """Remove the file of this content, if there is one."""
        if not _SHA256.fullmatch(sha256):
            return
        with contextlib.suppress(OSError):
            self.path(sha256).unlink()

    def clear(self) -> tuple[int, int]:
        """Remove all files; tell how many and how many bytes those were.

        Raises
        ------
        StoreError
            If one cannot be removed.

        """
        removed = [0, 0]
        for entry in self.entries():
            try:
                os.unlink(entry.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{entry.path} cannot be removed: {error.strerror}.") from error
            removed[0] += 1
            removed[1] += entry.size
        return removed[0], removed[1]

    def entries(self) -> list[Entry]:
        """List the files, also those that are being written; nothing that is not the cache's own."""
        found = []
        for folder in (str(self._files), *_subfolders(self._files)):
            for entry in _scan(folder):
                if _SHA256.fullmatch(entry.name) or entry.name.startswith(_PART):
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        found.append(Entry(status.st_mtime, status.st_size, entry.path))
        return found

    @property
    def _files(self) -> Path:
        return self.folder / "sha256"

    def _prepare(self) -> None:
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_owner()

    def _check_owner(self) -> None:
        """Refuse a folder that others could read or fill, and systems where that cannot be told."""
        if not hasattr(os, "geteuid"):
            raise PermissionError(errno.EPERM, "there is no cache on this system", str(self._files))
        status = os.stat(self._files)
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "the cache belongs to another user", str(self._files))
        if status.st_mode & 0o077:
            os.chmod(self._files, 0o700)

    def _make_room(self, size: int) -> bool:
        """Count a file in that is about to be added; remove what was not used for longest where it is too much.

        The sum is kept in a file, so that adding a file does not mean to look at all others. A process that dies may
        leave it too large; the next time that something is removed, it is counted anew. What others are about to add at
        that moment is not there to be counted: by so much it may be too small, until it is counted once more.
        """
        with self._locked_sum() as file:
            text = file.read(_DIGITS)
            total = int(text) if text.isdigit() else None
            known = sum(entry.size for entry in self.entries()) if total is None else total
            if known + size > self._limit(known):
                known = self._evict(size)
            fits = known + size <= self._limit(known)
            # Always as many digits: to cut the file would cost more than all the rest.
            file.seek(0)
            file.write(b"%0*d" % (_DIGITS, known + size if fits else known))
        return fits

    def _limit(self, taken: int) -> int:
        free = shutil.disk_usage(self._files).free
        return min(self.cap, int((taken + free) * SHARE))

    def _evict(self, size: int) -> int:
        """Remove the least recently used files until there is room, and return how many bytes are left."""
        entries = sorted(self.entries())
        total = sum(entry.size for entry in entries)
        goal = self._limit(total) * SPARE - size
        for entry in entries:
            if total <= max(goal, 0):
                break
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry.path)
            total -= entry.size
        return total

    @contextlib.contextmanager
    def _locked_sum(self) -> Iterator[FileIO]:
        import fcntl

        descriptor = os.open(self._files / "sum", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield file
            finally:
                # Closing is not enough: a child of a fork may have it open too.
                fcntl.flock(file, fcntl.LOCK_UN)


def _subfolders(folder: Path) -> list[str]:
    return [entry.path for entry in _scan(folder) if re.fullmatch(r"[0-9a-f]{2}", entry.name)]


def _scan(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def clone(source: BinaryIO, target: Path, moved: Callable[[int], object] = lambda size: None) -> None:
    """Copy an open file to a new one: without a copy of the bytes where the file system can share them."""
    with open(target, "xb") as sink:
        try:
            while size := os.copy_file_range(source.fileno(), sink.fileno(), STEP):
                moved(size)
        except OSError as error:
            if error.errno not in _CANNOT_CLONE:
                raise
        except AttributeError:  # not on macOS
            pass
        # What is left, all of it if the system does not do it.
        source.seek(sink.seek(0, os.SEEK_END))
        while data := source.read(1 << 20):
            sink.write(data)
            moved(len(data))
