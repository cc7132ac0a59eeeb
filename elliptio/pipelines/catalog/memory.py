"""Remember what a project last put or took at each window, in a folder of its own that git leaves out.

It is only a memory: without it windows are compared by their content.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elliptio.pipelines.project.own_folder import own_folder

log = logging.getLogger(__name__)

_FILE = "windows.db"
_NO_WINDOW = ""
_TABLE = """CREATE TABLE IF NOT EXISTS windows (
    lake TEXT NOT NULL, address TEXT NOT NULL, artifact_id TEXT NOT NULL, sha256 TEXT NOT NULL, stamp TEXT NOT NULL,
    PRIMARY KEY (lake, address)) WITHOUT ROWID"""


class Remembered(NamedTuple):
    """Content that was last put or taken at a window, with its version, and the stamp of the file since."""

    artifact_id: str
    sha256: str
    stamp: str


class Memory:
    """Memory of the windows of a project on one lake.

    Parameters
    ----------
    root
        Root of the project; None: remember as long as the process lives.
    lake_id
        The lake.

    """

    def __init__(self, root: Path | None, lake_id: str) -> None:
        self._root = root
        self._lake_id = lake_id
        self._known: dict[str, Remembered] | None = None
        self._dirty: dict[str, Remembered | None] = {}

    def get(self, address: str) -> Remembered | None:
        """Tell what was last put or taken there."""
        if self._known is None:
            self._known = dict(self._read())
        return self._known.get(address)

    def address_of(self, artifact_id: str) -> str | None:
        """Tell where a version lay when this began; None if nowhere."""
        return self._began.get(artifact_id)

    @functools.cached_property
    def _began(self) -> dict[str, str]:
        return {one.artifact_id: address for address, one in self._read()}

    def set(self, address: str, artifact_id: str, sha256: str, stamp: str) -> None:
        """Remember what was put or taken."""
        self._keep(address, Remembered(artifact_id, sha256, stamp))

    def is_verified(self, path: str, sha256: str, stamp: str) -> bool:
        """Tell whether a file of the lake was read, and was whole, when it had this stamp."""
        return self.get(path) == Remembered(_NO_WINDOW, sha256, stamp)

    def verified(self, path: str, sha256: str, stamp: str) -> None:
        """Remember that a file of the lake was read, and was whole."""
        self._keep(path, Remembered(_NO_WINDOW, sha256, stamp))

    def drop(self, address: str) -> None:
        """Forget what was there."""
        self._keep(address, None)

    def _keep(self, address: str, what: Remembered | None) -> None:
        if self._known is None:
            self._known = dict(self._read())
        if what is None:
            self._known.pop(address, None)
        else:
            self._known[address] = what
        self._dirty[address] = what

    def write(self) -> None:
        """Write what changed since; where that fails, it is remembered no longer than the process lives."""
        changed, self._dirty = self._dirty, {}
        if not changed:
            return
        with self._connected() as connection:
            if connection is None:
                return
            gone = [(self._lake_id, address) for address, one in changed.items() if one is None]
            kept = [(self._lake_id, address, *one) for address, one in changed.items() if one is not None]
            connection.executemany("DELETE FROM windows WHERE lake = ? AND address = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?)", kept)

    def _read(self) -> list[tuple[str, Remembered]]:
        with self._connected() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT address, artifact_id, sha256, stamp FROM windows WHERE lake = ?", (self._lake_id,)
            )
            return [(row[0], Remembered(*row[1:])) for row in rows.fetchall()]
        return []

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection | None]:
        folder = None if self._root is None else own_folder(self._root)
        if folder is None:
            yield None
            return
        connection = None
        try:
            connection = sqlite3.connect(folder / _FILE, timeout=30)
            with connection:
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute(_TABLE)
                yield connection
        except sqlite3.Error as error:
            log.warning("%s cannot be used, so windows are compared by their content: %s", folder / _FILE, error)
        finally:
            if connection is not None:
                connection.close()
