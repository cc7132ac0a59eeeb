"""Write the files of an artifact inside a ``with h.new(...)`` block."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import IO, Any

from elliptio.errors import SourceError, StoreError
from elliptio.system.file_systems import NO_UTF8, UTF8
from elliptio.system.os_errors import explained

log = logging.getLogger(__name__)


class Block:
    """The ``with h.new(...)`` block in which the files of an artifact are written.

    Attributes
    ----------
    folder
        Where they are written.
    in_place
        Whether that is in the lake itself, so that they can be written by their `remote_url`.
    ended
        Whether it is over.
    failure
        Why a file that was left open could not be closed, so that its end is missing.

    """

    def __init__(self, folder: Path, *, in_place: bool) -> None:
        self.folder = folder
        self.in_place = in_place
        self.failure: StoreError | None = None
        self.ended = False
        self._opened: weakref.WeakSet[IO[Any]] = weakref.WeakSet()

    def path(self, relpath: str) -> Path:
        """Return the path to write a file to; the folder for it is made."""
        if self.ended:
            raise StoreError(f"{relpath!r} cannot be written any more: its block has ended without publishing it.")
        if not UTF8 and not relpath.isascii():
            raise SourceError(f"{relpath!r} cannot be written: {NO_UTF8}.")
        path = self.folder / relpath
        with explained("make", str(path.parent)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise SourceError(f"{relpath!r} needs {error.filename} to be a folder, but a file is there.") from error
        return path

    def opened(self, file: IO[Any]) -> IO[Any]:
        """Remember a file that was opened for writing."""
        self._opened.add(file)
        return file

    def end(self) -> None:
        """Close what was left open: what is still buffered would be missing from the artifact."""
        self.ended = True
        for file in list(self._opened):
            if not file.closed:
                log.warning("%s was still open at the end of its block; it was closed, so that nothing is lost.", file)
                try:
                    with explained("write", str(file.name)):
                        file.close()
                except StoreError as error:
                    self.failure = error
