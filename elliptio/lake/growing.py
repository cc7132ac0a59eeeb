"""Find and read the files that grow as long as a run goes on; a lake that has no folder has none.

Such a file lies beside those of its run, ``.elliptio/runs/<run_id>/<name>.part``, and is removed when a file that stays
says the same.
"""

from __future__ import annotations

import os

from elliptio.lake import run_records
from elliptio.lake.lake import Lake


def path_of(lake: Lake, run_id: str, name: str) -> str | None:
    """Return the path of such a file, if the lake lies in a folder."""
    folder = lake.store.folder
    return None if folder is None else os.path.join(folder, *run_records.key(run_id, name).split("/"))


def read_end(path: str, most: int) -> bytes:
    """Read at most so many bytes of a file, from its end; its first line may have lost its beginning.

    Raises
    ------
    OSError
        If it cannot be read.

    """
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read()
