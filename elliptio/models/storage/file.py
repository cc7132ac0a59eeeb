"""Keep bytes of fields in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Mapping
from typing import Any

from elliptio.errors import MissingKeyError
from elliptio.models.storage.defining import BlockingStorage, Location
from elliptio.stores.local.disk import NEW_FILE, READ_ONLY, flush, with_parent, write_all
from elliptio.stores.local.removing import remove_empty
from elliptio.system.os_errors import explained

_TRIES = 100
"""Tries to write a file: whoever deletes the last of some bytes takes their folder away, perhaps at that moment."""
_LOCATION = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}/[0-9a-f]{32}")
_PART = re.compile(r"\.[0-9a-f]{32}\.part")
_ABANDONED = 24 * 60 * 60
"""Seconds after which nobody writes to a part any more: the process that did was killed."""


class FileSystemStorage(BlockingStorage):
    """Keep bytes in a folder, durably; equal bytes take their room once.

    Each location is a name of its own of a file, in the folder of the SHA-256 of its content: to change or delete one
    leaves the others as they are.

    Parameters
    ----------
    directory
        The folder; it is made when something is written.
    name
        By which it is recorded; otherwise that follows from the folder. One that is registered under this name later,
        such as for a folder that was moved, reads what this one wrote.

    Examples
    --------
    >>> from elliptio.models.storage import FileSystemStorage
    >>> from elliptio.models.storage.calling import run_sync
    >>> storage = FileSystemStorage("frames")
    >>> location = run_sync(storage.create(b"1,2"))
    >>> run_sync(storage.read(location))
    b'1,2'

    """

    kind = "file-system"

    def __init__(self, directory: str | os.PathLike[str], name: str = "") -> None:
        self.directory = os.path.abspath(os.path.expanduser(os.fspath(directory)))
        self.name = name or f"file-system:{self.directory}"
        self._swept = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.directory!r})"

    def spec(self) -> Mapping[str, Any]:
        """Return what one like this is made from."""
        return {"kind": self.kind, "directory": self.directory}

    def create_now(self, data: bytes) -> str:
        """Keep bytes, and return their location."""
        digest = hashlib.sha256(data).hexdigest()
        location = f"{digest[:2]}/{digest}/{uuid.uuid4().hex}"
        path = os.path.join(self.directory, location)
        with explained("write", path):
            for again in reversed(range(_TRIES)):
                made: list[str] = []
                try:
                    if not self._link(digest, path):
                        self._write(path, data, made)
                    flush([os.path.dirname(path), *made])
                    break
                except FileNotFoundError:
                    if not again:
                        raise
        return location

    def _link(self, digest: str, path: str) -> bool:
        """Give a file with this content one more name, if there is one that is whole."""
        folder, seen = os.path.dirname(path), set()
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            known = os.path.join(folder, name)
            # It is gone meanwhile, has as many names as it may, or there are no hard links: then there is a copy.
            with contextlib.suppress(OSError):
                number = os.stat(known).st_ino
                if number not in seen and _hash(known) == digest:
                    os.link(known, path)
                    return True
                seen.add(number)
        return False

    def _sweep(self, now: float) -> None:
        """Remove what processes that were killed left half written; once."""
        if self._swept:
            return
        self._swept = True
        with contextlib.suppress(OSError), os.scandir(self.directory) as entries:
            for entry in entries:
                # Others may sweep at the same time, and one may belong to somebody else.
                with contextlib.suppress(OSError):
                    if _PART.fullmatch(entry.name) and entry.stat().st_mtime < now - _ABANDONED:
                        os.unlink(entry.path)

    def _write(self, path: str, data: bytes, made: list[str]) -> None:
        part = os.path.join(self.directory, f".{uuid.uuid4().hex}.part")
        try:
            fd = with_parent(part, os.open, part, NEW_FILE, READ_ONLY, made=made)
            try:
                write_all(fd, data)
                os.fsync(fd)
                # By the clock of the drive, which wrote the times of the others too.
                self._sweep(os.fstat(fd).st_mtime)
            finally:
                os.close(fd)
            with_parent(path, os.replace, part, path, made=made)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise

    def read_now(self, location: Location) -> bytes:
        """Return the bytes of a location."""
        path = self._path(location)
        try:
            with explained("read", path), open(path, "rb") as file:
                return file.read()
        except OSError as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise self._missing(location) from error
            raise

    def update_now(self, location: Location, data: bytes) -> None:
        """Put other bytes at a location; others with the same content keep theirs."""
        path = self._path(location)
        if not os.path.exists(path):
            raise self._missing(location)
        with explained("write", path):
            made: list[str] = []
            self._write(path, data, made)
            flush([os.path.dirname(path), *made])

    def delete_now(self, location: Location) -> None:
        """Remove a location."""
        with contextlib.suppress(MissingKeyError):
            path = self._path(location)
            with explained("remove", path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                remove_empty(os.path.dirname(path), self.directory)

    def exists_now(self, location: Location) -> bool:
        """Tell whether there are bytes at a location."""
        with contextlib.suppress(MissingKeyError):
            return os.path.isfile(self._path(location))
        return False

    def _path(self, location: Location) -> str:
        if not isinstance(location, str) or not _LOCATION.fullmatch(location):
            raise self._missing(location)
        return os.path.join(self.directory, location)

    def _missing(self, location: Location) -> MissingKeyError:
        return MissingKeyError(f"{self!r} has nothing at {location!r:.200}.")


def _hash(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
